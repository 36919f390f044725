"""What happened, and who wants to hear of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.errors import CursorUnknown, ParseError
from caxton.domain.events import (
    CURSOR_MAX,
    EVERY_EVENT,
    CommunicationData,
    ConversationData,
    DeploymentData,
    Event,
    EventCursor,
    EventData,
    EventType,
    LifecycleData,
    PerformanceData,
    SecurityData,
    family_of,
    parse_event_cursor,
    parse_event_filter,
)
from caxton.domain.ids import (
    AgentId,
    new_conversation_id,
    new_deployment_id,
    new_message_id,
    new_span_id,
    new_trace_id,
)
from caxton.domain.performative import Performative
from caxton.domain.quantities import ByteSize
from caxton.domain.timestamp import WallNs

DATA: dict[str, EventData] = {
    "agent": LifecycleData(old_state="running", new_state="failed", reason="trap"),
    "message": CommunicationData(
        message_id=new_message_id(),
        conversation_id=new_conversation_id(),
        performative=Performative.CFP,
        direction="inbound",
    ),
    "conversation": ConversationData(
        conversation_id=new_conversation_id(),
        protocol="fipa-request",
        state="Completed",
        messages=3,
        outcome="done",
        agent=AgentId(2**64 - 1),
    ),
    "performance": PerformanceData(
        cpu_ratio=0.5, memory_bytes=ByteSize(65536), queue_messages=3, conversations_active=1
    ),
    "deployment": DeploymentData(deployment_id=new_deployment_id(), state="running", stage=1),
    "security": SecurityData(subject="token-1", action="agent:deploy", reason="viewer"),
}


def event(kind: EventType) -> Event:
    return Event(
        cursor=EventCursor(1),
        type=kind,
        at_ns=WallNs(1),
        data=DATA[kind.partition(".")[0]],
        agent_id=AgentId(7),
        trace_id=new_trace_id(),
        span_id=new_span_id(),
    )


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_has_data_of_its_family_and_survives_being_written_down(kind: EventType) -> None:
    happened = event(kind)
    assert family_of(happened.data) == kind.partition(".")[0]
    assert msgspec.json.decode(msgspec.json.encode(happened), type=Event) == happened


def test_data_of_another_family_does_not_go_with_a_type() -> None:
    with pytest.raises(AssertionError):
        Event(cursor=EventCursor(1), type=EventType.AGENT_FAILED, at_ns=WallNs(1), data=DATA["security"])


def test_an_empty_filter_wants_everything() -> None:
    assert parse_event_filter("") == parse_event_filter(" , ") == parse_event_filter("*") == EVERY_EVENT
    assert all(EVERY_EVENT.admits(event(kind)) for kind in EventType)


def test_a_filter_takes_families_and_single_types() -> None:
    wanted = parse_event_filter("agent.*, message.rejected")
    admitted = {kind for kind in EventType if wanted.admits(event(kind))}
    assert admitted == {kind for kind in EventType if kind.startswith("agent.")} | {
        EventType.MESSAGE_REJECTED
    }


@pytest.mark.parametrize("text", ["agents.*", "agent", "message.reject", "*.failed", ".*", "agent.*x"])
def test_a_pattern_that_nothing_fits_is_refused_with_a_proposal(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_event_filter(text)
    assert caught.value.hint


def test_a_filter_is_bounded() -> None:
    with pytest.raises(ParseError):
        parse_event_filter(",".join(["agent.*"] * 65))


@given(st.integers(0, CURSOR_MAX))
def test_a_cursor_survives_the_way_through_text(number: int) -> None:
    assert parse_event_cursor(str(number)) == number


@pytest.mark.parametrize("text", ["", "x", "-1", str(CURSOR_MAX + 1), "9" * 100, "1.0", "\u0661"])
def test_another_text_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorUnknown):
        parse_event_cursor(text)
