"""The explanation of a message and the core's own reading of it agree on what is a message.

The core decides, the explanation only explains: a message that the core refuses must have a problem
to show, and one that it takes must have none, but for the receiver, whose absence the core leaves to
the routing.
"""

import json
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caxton.domain.diagnosis import MESSAGE_FIELDS, explain_message
from caxton.domain.performative import PERFORMATIVES
from tests import core_doors

MIB = 1024 * 1024
NO_RECEIVER = "the message does not say who gets it"


@pytest.fixture(scope="module")
def door() -> ModuleType:
    return core_doors.load("envelope_door")


def core_takes(door: ModuleType, body: bytes) -> bool:
    return isinstance(door.parse(body), dict)


def explanation_takes(body: bytes) -> bool:
    problems = explain_message(body, message_bytes_max=MIB)
    return all(problem.problem == NO_RECEIVER for problem in problems)


NUMBERS = (
    st.integers(-5, 5)
    | st.integers()
    | st.floats()
    | st.sampled_from([2**32, 2**64, 2**64 - 1, 3155760000, 9, 10])
)
TEXTS = (
    st.text(max_size=20)
    | st.text("\u00e4", min_size=120, max_size=130)
    | st.text("a", min_size=250, max_size=260)
    | st.sampled_from(
        [
            *PERFORMATIVES,
            "query",
            "CFP",
            "Accept_Proposal",
            "inform ",
            "12",
            "0",
            "012",
            "a b",
            "-1",
            "x",
            "a" * 32,
            "A" * 16,
            "0" * 16,
            "0" * 32,
            "de30fdc5-874b-4c76-8f12-aed3514a2af1",
            "DE30FDC5-874B-4C76-8F12-AED3514A2AF1",
            "00000000-0000-0000-0000-000000000000",
            "at_most_once",
            "exactly_once",
            "exactly-once",
            "2026-03-01T12:00:00Z",
            "2026-03-01t12:00:00.123456789z",
            "2026-03-01 12:00:00Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T12:59:60Z",
            "2026-02-29T00:00:00Z",
            "2026-03-01T12:00:00+23:59",
            "2026-03-01T12:00:00+24:00",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-00:01",
            "2026-03-01T24:00:00Z",
            str(2**64),
            str(2**64 - 1),
        ]
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["capability", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
MEMBERS = st.lists(st.tuples(st.sampled_from(MESSAGE_FIELDS) | st.text(max_size=8), VALUES), max_size=5)


def written(members: list[tuple[str, object]], *, ascii_only: bool) -> bytes:
    """Write an object with its members as they come, twice where they come twice."""
    rows = ", ".join(
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in members
    )
    return f"{{{rows}}}".encode("utf-8", "surrogatepass")


@settings(max_examples=500)
@given(MEMBERS, st.booleans())
@example([("receiver", -1)], True)
@example([("reply_by_s", 1e-300)], True)
@example([("id", "de30fdc5-874b-4c76-8f12-aed3514a2af1"), ("id", None)], True)
@example([("reply_by", "2026-03-01T12:00:00Z"), ("reply_by_s", None)], True)
@example([("sender", 12.0)], True)
@example([("receiver", [None])], True)
@example([("receiver", {"capability": None})], True)
@example([("priority", -0.0)], True)
def test_the_same_objects_are_messages(
    door: ModuleType, members: list[tuple[str, object]], ascii_only: bool
) -> None:
    body = written([("performative", "inform"), *members], ascii_only=ascii_only)
    assert explanation_takes(body) is core_takes(door, body)


@settings(max_examples=500)
@given(
    st.binary(max_size=60)
    | st.text('{}[]":,0123456789.eE+-\\ntrufalsu \t', max_size=40).map(
        lambda text: f'{{"performative":"inform","content":{text}}}'.encode()
    )
    | st.text('\\udDcCfF0189aAbB"/nt', max_size=30).map(
        lambda text: f'{{"performative":"inform","content":"{text}"}}'.encode()
    )
)
@example(b'{"performative":"inform","content":"\\ud83d\\ude00"}')
@example(b'{"performative":"inform","content":"\\ude00\\ud83d"}')
@example(b'{"performative":"inform","content":1e308}')
@example(b'{"performative":"inform","content":1.7976931348623159e308}')
@example(b'{"performative":"inform","content":"\x7f"}')
@example(b'{"performative":"inform","content":"\x1f"}')
@example(b'{"performative":"inform","reply_with":"\\u007f"}')
@example(b'{"performative":"inform","reply_with":"\xc2\x80"}')
@example(b'{"\\u0070erformative":"inf\\u006frm"}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"performative":"inform"}\x00')
def test_the_same_texts_are_messages(door: ModuleType, body: bytes) -> None:
    assert explanation_takes(body) is core_takes(door, body)


@pytest.mark.parametrize("depth", range(60, 70))
def test_the_same_depth_is_too_deep(door: ModuleType, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        body = b'{"performative":"inform","content":' + opening * depth + b"1" + closing * depth + b"}"
        assert explanation_takes(body) is core_takes(door, body)
