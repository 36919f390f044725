"""Hostile texts: one kind of error comes out, and the work grows with the text and not faster."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import caxton.fipa
from caxton.domain.errors import InvalidMessageFormat
from caxton.fipa.printer import print_message
from tests.fipa.reading import import_body, parsed
from tests.fipa.strategies import ACL_MESSAGES
from tests.fipa.test_acl_messages import EXAMPLES
from tests.fipa.test_parser import AS_JADE_WRITES

if TYPE_CHECKING:
    from _typeshed import TraceFunction

ROOM: Final = str(Path(caxton.fipa.__file__).parent)
PIECES: Final = [
    *(b"(", b")", b'"', b"\\", b"#", b":", b" ", b"\n", b"\x00", b"\xff", b"\xc3\xa9", b"+", b"-", b"Z"),
    *(
        b'#3"',
        b'#999999999"',
        b"(set ",
        b"(agent-identifier :name ",
        b"(sequence ",
        b":sender ",
        b":content ",
    ),
    *(
        b":X-caxton-id ",
        b":X-caxton-content ",
        b":X-JADE-Encoding Base64 ",
        b":language json ",
        b":reply-by ",
    ),
    *(b"20261123T091500000Z", b"+99999999T999999999", b"inform", b"12f", b'"eyJ9"', b'"{"', b":X-caxton-"),
]
GOOD: Final = [example.text.encode() for example in EXAMPLES] + [AS_JADE_WRITES.encode()]
TEXTS: Final = st.sampled_from(GOOD) | ACL_MESSAGES.map(print_message)


def takes_or_refuses(text: bytes) -> None:
    """Read the text by both doors; anything but the one error fails the test."""
    for read in (parsed, import_body):
        error = refusal_of(read, text)
        if error is not None:
            assert 0 <= error.offset_bytes <= len(text)
            assert error.document()


def refusal_of(read: Callable[[bytes], object], text: bytes) -> InvalidMessageFormat | None:
    try:
        read(text)
    except InvalidMessageFormat as error:
        return error
    return None


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    text = bytearray(draw(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        piece = draw(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=3))
        removed = draw(st.sampled_from([0, 0, 1, 2, len(piece), len(text)]))
        text[place : place + removed] = piece
    return bytes(text)


@given(text=mutated())
def test_a_mutated_message_is_read_or_refused(text: bytes) -> None:
    takes_or_refuses(text)


@given(text=st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_pieces_of_the_grammar_in_any_order_are_read_or_refused(text: bytes) -> None:
    takes_or_refuses(text)
    takes_or_refuses(b"(inform " + text)


@given(text=st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    takes_or_refuses(text)
    takes_or_refuses(b'(inform :content "' + text + b'" :language json)')


@pytest.mark.parametrize("text", GOOD)
def test_a_truncated_message_is_read_or_refused(text: bytes) -> None:
    for length in range(len(text)):
        takes_or_refuses(text[:length])


@pytest.mark.parametrize("text", GOOD)
def test_each_byte_may_be_another_one(text: bytes) -> None:
    for place in range(len(text)):
        for other in b'\x00\\"()#:\xff ':
            takes_or_refuses(text[:place] + bytes([other]) + text[place + 1 :])


def steps_count(read: Callable[[bytes], object], text: bytes) -> int:
    """Return how many lines of the room run for a text, each read or refused."""
    count = 0

    def step(frame: FrameType, event: str, _: object) -> "TraceFunction | None":
        nonlocal count
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        count += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        refusal_of(read, text)
    finally:
        sys.settrace(before)
    return count


HOSTILE: Final[dict[str, Callable[[int], bytes]]] = {
    "open": lambda size: b"(" * size,
    "close": lambda size: b"(inform :X-a (" + b")" * size,
    "nested": lambda size: b"(inform :X-a " + b"(" * size,
    "pairs": lambda size: b"(inform :X-a (" + b"()" * (size // 2) + b"))",
    "words": lambda size: b"(inform :X-a (" + b"a " * (size // 2) + b"))",
    "strings": lambda size: b"(inform :X-a (" + b'""' * (size // 2) + b"))",
    "unclosed": lambda size: b'(inform :X-a "' + b'\\"' * (size // 2),
    "unclosed strings": lambda size: b'(inform :content "' + b'" "' * (size // 3),
    "backslashes": lambda size: b'(inform :content "' + b"\\" * size + b'"))',
    "counted": lambda size: b"(inform :X-a (" + b'#1"a' * (size // 4) + b"))",
    "parameters": lambda size: b"(inform " + b"".join(b":X-%d a " % n for n in range(size // 10)) + b")",
    "agents": lambda size: b"(inform :receiver (set " + b"(agent-identifier :name a)" * (size // 26) + b"))",
    "lines": lambda size: b"(inform " + b"\n" * size + b"x)",
    "one word": lambda size: b"(inform :X-a 1" + b"1" * size + b"e)",
    "unknown name": lambda size: b"(inform :X-caxton-" + b"a" * size + b" b)",
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_steps_grow_with_the_text_and_not_faster(make: Callable[[int], bytes]) -> None:
    sizes = (1_000, 4_000, 16_000)
    small, middle, large = (steps_count(import_body, make(size)) for size in sizes)
    assert middle <= 4 * small + 100
    assert large <= 4 * middle + 100
    # Whatever the text, a byte costs a small number of steps.
    assert large <= 60 * sizes[-1]


def test_the_steps_are_counted() -> None:
    """The count sees a reader that looks at the whole text again for each of its pieces."""

    def twice(text: bytes) -> None:
        for start in range(0, len(text), 500):
            parsed(b"(inform :X-a (" + b"a " * (start // 2) + b"))")

    small, large = (steps_count(twice, b"x" * size) for size in (4_000, 16_000))
    assert large > 8 * small


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_text_of_two_mebibytes_is_refused_or_read(make: Callable[[int], bytes]) -> None:
    takes_or_refuses(make(2 * 1024 * 1024))
