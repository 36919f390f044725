"""What is wrong with a message, all of it at once."""

import json
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.diagnosis import (
    JSON_DEPTH_MAX,
    MESSAGE_FIELDS,
    PROBLEMS_MAX,
    RECEIVERS_MAX,
    SECONDS_MAX,
    explain_message,
)
from caxton.domain.performative import PERFORMATIVES
from caxton.domain.problem import Problem

MIB = 1024 * 1024
GOOD: dict[str, object] = {"performative": "request", "receiver": "bidder", "content": {"task": 1}}


def explain(message: object, message_bytes_max: int = MIB) -> tuple[Problem, ...]:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return explain_message(body, message_bytes_max=message_bytes_max)


def found(message: object) -> set[tuple[str, str]]:
    return {(problem.field, str(problem.kind)) for problem in explain(message)}


def test_a_message_with_every_field_is_without_problems() -> None:
    message = GOOD | {
        "id": "de30fdc5-874b-4c76-8f12-aed3514a2af1",
        "sender": "12",
        "conversation_id": "c\u00e4",
        "protocol": "fipa-request",
        "reply_with": "r",
        "in_reply_to": "q",
        "reply_by": "2026-03-01T12:00:00Z",
        "reply_to": 12,
        "content_kind": "done",
        "encoding": "base64",
        "ontology": "o",
        "language": "l",
        "delivery": "exactly_once",
        "priority": 9,
        "conversation_ttl_s": 0.5,
        "max_awards": 2,
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "timestamp": "2026-03-01T12:00:00Z",
    }
    assert set(message) | {"reply_by_s"} == set(MESSAGE_FIELDS)
    assert explain(message) == ()


@pytest.mark.parametrize("receiver", ["bidder", "12", 12, ["a", "12", 13], {"capability": "bid for \u00e4"}])
def test_a_receiver_is_an_agent_a_list_or_a_capability(receiver: object) -> None:
    assert explain(GOOD | {"receiver": receiver}) == ()


@pytest.mark.parametrize("field", sorted(set(MESSAGE_FIELDS) - {"performative", "receiver"}))
def test_a_field_that_is_null_counts_as_left_out(field: str) -> None:
    assert explain(GOOD | {field: None}) == ()


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("performative", "query", "invalid_value"),
        ("performative", "", "out_of_bounds"),
        ("performative", 5, "wrong_type"),
        ("receiver", "", "out_of_bounds"),
        ("receiver", "a b", "invalid_value"),
        ("receiver", 0, "out_of_bounds"),
        ("receiver", -1, "invalid_value"),
        ("receiver", 1.5, "wrong_type"),
        ("receiver", True, "wrong_type"),
        ("receiver", [], "out_of_bounds"),
        ("receiver", ["a"] * (RECEIVERS_MAX + 1), "out_of_bounds"),
        ("receiver", {}, "missing"),
        ("sender", {"capability": "x"}, "wrong_type"),
        ("sender", "0", "out_of_bounds"),
        ("id", "x", "invalid_value"),
        ("id", "00000000-0000-0000-0000-000000000000", "out_of_bounds"),
        ("conversation_id", "", "out_of_bounds"),
        ("conversation_id", "a\nb", "invalid_value"),
        ("conversation_id", "\u00e4" * 128, "out_of_bounds"),
        ("protocol", 7, "wrong_type"),
        ("reply_by", "tomorrow", "invalid_value"),
        ("reply_by", "2026-02-30T00:00:00Z", "out_of_bounds"),
        ("reply_by_s", 0, "out_of_bounds"),
        ("reply_by_s", SECONDS_MAX + 1, "out_of_bounds"),
        ("reply_by_s", "5", "wrong_type"),
        ("conversation_ttl_s", -1, "out_of_bounds"),
        ("max_awards", 0, "out_of_bounds"),
        ("max_awards", 1.0, "out_of_bounds"),
        ("max_awards", 2**32, "out_of_bounds"),
        ("priority", 10, "out_of_bounds"),
        ("priority", True, "wrong_type"),
        ("delivery", "twice", "invalid_value"),
        ("delivery", [], "wrong_type"),
        ("trace_id", "0" * 32, "out_of_bounds"),
        ("span_id", "xyz", "invalid_value"),
        ("timestamp", "12:00", "invalid_value"),
    ],
)
def test_a_bad_value_is_found_where_it_stands(field: str, value: object, kind: str) -> None:
    assert found(GOOD | {field: value}) == {(field, kind)}


def test_problems_inside_of_a_receiver_have_their_own_place() -> None:
    assert found(GOOD | {"receiver": ["a", "b c", 0]}) == {
        ("receiver[1]", "invalid_value"),
        ("receiver[2]", "out_of_bounds"),
    }
    assert found(GOOD | {"receiver": {"capabiliti": "x"}}) == {
        ("receiver.capabiliti", "unknown_field"),
        ("receiver", "missing"),
    }
    assert found(GOOD | {"receiver": {"capability": ""}}) == {("receiver.capability", "out_of_bounds")}


def test_all_problems_are_told_at_once() -> None:
    assert found(
        {"receivr": "a", "priority": 11, "id": 5, "reply_by": "2026-03-01T12:00:00Z", "reply_by_s": 5}
    ) == {
        ("performative", "missing"),
        ("receiver", "missing"),
        ("receivr", "unknown_field"),
        ("priority", "out_of_bounds"),
        ("id", "wrong_type"),
        ("reply_by_s", "contradiction"),
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [("receivr", "receiver"), ("to", "receiver"), ("in-reply-to", "in_reply_to"), (":content", "content")],
)
def test_an_unknown_field_gets_the_field_that_was_meant(written: str, meant: str) -> None:
    (problem,) = explain(GOOD | {written: "x"})
    assert f"`{meant}`" in problem.fix


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "syntax"),
        (b"{", "syntax"),
        (b'{"a":}', "syntax"),
        (b'{"content": NaN}', "syntax"),
        (b'{"content": -Infinity}', "syntax"),
        (b'{"content": 1e999}', "syntax"),
        (b'{"content": ' + b"9" * 5000 + b"}", "syntax"),
        (b'{"content": "\\ud800"}', "syntax"),
        (b"{} {}", "syntax"),
        (b"\xef\xbb\xbf{}", "syntax"),
        (b'{"content": "\xff"}', "encoding"),
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (b'"performative"', "wrong_type"),
    ],
)
def test_what_is_no_json_object_is_one_problem(body: bytes, kind: str) -> None:
    (problem,) = explain(body)
    assert (problem.field, str(problem.kind)) == ("", kind)


def test_a_syntax_error_is_told_with_its_line_and_column() -> None:
    (problem,) = explain(b'{\n "performative": request}')
    assert "line 2, column 18" in problem.problem


def test_a_field_that_stands_there_twice_is_refused() -> None:
    body = b'{"performative":"inform","receiver":"a","content":1,"content":2,"content":3}'
    assert found(body) == {("content", "contradiction")}


def test_the_content_may_hold_what_it_likes() -> None:
    content = {"a": [None, True, -1.5e3, "\U0001f600", {"a": 1}], "receivr": "x"}
    assert explain(GOOD | {"content": content}) == ()
    assert explain(b'{"performative":"inform","receiver":"a","content":{"x":1,"x":2}}') == ()


@pytest.mark.parametrize("depth", [JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 5000, 400_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_ends_at_64_levels_the_message_itself_included(
    depth: int, brackets: tuple[bytes, bytes]
) -> None:
    opening, closing = brackets
    inside = depth - 1
    body = (
        b'{"performative":"inform","receiver":"a","content":'
        + opening * inside
        + b"1"
        + closing * inside
        + b"}"
    )
    kinds = {str(problem.kind) for problem in explain_message(body, message_bytes_max=10 * MIB)}
    assert kinds == (set() if depth <= JSON_DEPTH_MAX else {"too_deep"})


def test_brackets_in_strings_are_no_nesting() -> None:
    assert explain(GOOD | {"content": "[" * 1000 + '\\"{' * 1000}) == ()


def test_wide_content_is_no_deep_content() -> None:
    assert explain(GOOD | {"content": json.loads("[[[]]]") * 1000}) == ()


def test_a_message_above_the_limit_is_not_read_at_all() -> None:
    (problem,) = explain(b"\xff" * 101, message_bytes_max=100)
    assert str(problem.kind) == "too_large"
    assert "101" in problem.problem
    assert "100" in problem.problem


def test_a_flood_of_problems_is_counted_but_not_described() -> None:
    message = GOOD | {f"field{number}": number for number in range(5000)}
    problems = explain(message)
    assert len(problems) == PROBLEMS_MAX + 1
    assert "4950" in problems[-1].problem


@given(st.binary(max_size=200))
def test_any_bytes_are_explained(body: bytes) -> None:
    assert all(problem.problem for problem in explain(body))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(MESSAGE_FIELDS) | st.text(max_size=6), JSON_VALUES, max_size=6))
def test_any_object_is_explained_field_by_field(message: dict[str, object]) -> None:
    problems = explain(message)
    unknown = {name[:64] for name in message if name not in MESSAGE_FIELDS}
    assert unknown == {
        problem.field
        for problem in problems
        if problem.kind == "unknown_field" and not problem.field.startswith("receiver.")
    }
    assert all(problem.fix for problem in problems)
    msgspec.json.encode(problems)


def test_every_performative_is_taken_in_any_spelling() -> None:
    rng = random.Random(7)
    for performative in PERFORMATIVES:
        word = performative.replace("-", rng.choice("-_ ")).upper()
        assert explain(GOOD | {"performative": word}) == ()
