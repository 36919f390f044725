"""The judgement of the refusal: it must be able to say no."""

import msgspec
import pytest

from caxton.demo.violation import Refusal, Standing, violation_faults

REFUSAL = Refusal(
    sender="clerk",
    receiver="you",
    performative="agree",
    code="PROTOCOL_VIOLATION",
    reason="duplicate_response",
    state="InProgress",
    hint="wait",
)
BEFORE = Standing("InProgress", None, 2, 0)
AFTER = Standing("InProgress", None, 2, 1)
END = Standing("Completed", "done", 3, 1)


def test_a_refusal_without_effect_has_no_faults() -> None:
    assert violation_faults([REFUSAL], BEFORE, AFTER, END) == []


def test_a_message_that_was_not_refused_is_named() -> None:
    assert violation_faults([], BEFORE, AFTER, END) == ["a second agree was accepted"]


@pytest.mark.parametrize("changes", [{"code": "INVALID_MESSAGE"}, {"reason": "late"}])
def test_another_reason_is_named(changes: dict[str, str]) -> None:
    (fault,) = violation_faults([msgspec.structs.replace(REFUSAL, **changes)], BEFORE, AFTER, END)
    assert fault.endswith("it should be duplicate_response")


@pytest.mark.parametrize(
    "after",
    [
        Standing("Completed", "done", 2, 1),
        Standing("InProgress", None, 3, 1),
        Standing("InProgress", None, 2, 0),
    ],
)
def test_a_refused_message_that_changed_something_is_named(after: Standing) -> None:
    (fault,) = violation_faults([REFUSAL], BEFORE, after, END)
    assert "changed the conversation" in fault


def test_a_conversation_that_ended_otherwise_is_named() -> None:
    end = Standing("Failed", "failure", 3, 1)
    assert violation_faults([REFUSAL], BEFORE, AFTER, end) == ["the conversation ended as Failed (failure)"]
