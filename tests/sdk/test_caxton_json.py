"""The C kit's JSON reader and writer agree with a real parser, and never leave the text or the room given."""

import datetime as dt
import json

import pytest
import wasmtime
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.sdk.built import SOURCES, built


class Reader:
    """The kit's functions inside a sandbox. A text lies at the memory's end: reading past it traps."""

    def __init__(self) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        instance = wasmtime.Instance(self.store, wasmtime.Module(engine, built(SOURCES / "reader.c")), [])
        self.exports = instance.exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self.memory = memory
        memory.grow(self.store, 1)
        self.end = memory.data_len(self.store)

    def call(self, name: str, *arguments: int) -> int:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        value = function(self.store, *arguments)
        assert isinstance(value, int)
        return value

    def place(self, text: bytes) -> tuple[int, int]:
        at = self.end - len(text)
        if text:
            self.memory.write(self.store, text, at)
        return at, len(text)

    def name(self, key: str) -> None:
        self.memory.write(self.store, key.encode() + b"\0", self.call("key"))

    def answer(self, length: int) -> bytes:
        at = self.call("answer")
        return bytes(self.memory.read(self.store, at, at + length))

    def field(self, text: bytes, key: str) -> bytes | None:
        self.name(key)
        packed = self.call("field", *self.place(text))
        if packed == 0:
            return None
        at = packed >> 32 & 0xFFFFFFFF
        return bytes(self.memory.read(self.store, at, at + (packed & 0xFFFFFFFF)))

    def text(self, text: bytes, key: str) -> str | None:
        self.name(key)
        length = self.call("text", *self.place(text))
        return None if length < 0 else self.answer(length).decode()

    def integer(self, text: bytes) -> int | None:
        found = self.call("integer", *self.place(text))
        return int.from_bytes(self.answer(8), "little", signed=True) if found else None


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(
    value=st.dictionaries(KEYS, JSON, max_size=5),
    missing=KEYS,
    ascii_only=st.booleans(),
    indent=st.booleans(),
)
def test_a_field_is_found_where_a_real_parser_finds_it(
    reader: Reader, value: dict[str, object], missing: str, ascii_only: bool, indent: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2 if indent else None).encode()
    for key, expected in value.items():
        found = reader.field(text, key)
        assert found is not None
        assert json.loads(found) == expected
        if isinstance(expected, str) and "\0" not in expected:
            assert reader.text(text, key) == expected
    if missing not in value:
        assert reader.field(text, missing) is None
    assert reader.call("count", *reader.place(text)) == len(value)


@QUICK
@given(
    text=st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()), cut=st.integers(0, 80)
)
@example(text=b'{"k":"\\', cut=0)
@example(text=b'{"k":"\\u12', cut=0)
@example(text=b'{"k":"\\ud800\\u"}', cut=0)
@example(text=b'{"k"', cut=0)
@example(text=b"[" * 80, cut=0)
@example(text=b"", cut=0)
@example(text=b'"', cut=0)
@example(text=b"-", cut=0)
def test_no_text_makes_the_reader_leave_it(reader: Reader, text: bytes, cut: int) -> None:
    # The text ends where the memory ends: a read beyond it would trap, and the trap would fail this test.
    piece = text[: len(text) - cut] if cut < len(text) else text
    reader.field(piece, "k")
    reader.name("k")
    reader.call("text", *reader.place(piece))
    reader.call("is", *reader.place(piece))
    reader.call("integer", *reader.place(piece))
    reader.call("count", *reader.place(piece))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0", 0),
        (b"-0", 0),
        (b" 42 ", 42),
        (b"-17", -17),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775807", -(2**63) + 1),
        (b"9223372036854775808", None),
        (b"99999999999999999999", None),
        (b"1.5", None),
        (b"1e3", None),
        (b"-", None),
        (b'"1"', None),
        (b"", None),
        (b"null", None),
    ],
)
def test_a_whole_number_is_read_exactly_or_not_at_all(
    reader: Reader, text: bytes, expected: int | None
) -> None:
    assert reader.integer(text) == expected


@QUICK
@given(word=KEYS, other=KEYS, ascii_only=st.booleans())
def test_a_string_equals_a_text_exactly_if_it_decodes_to_it(
    reader: Reader, word: str, other: str, ascii_only: bool
) -> None:
    text = json.dumps(word, ensure_ascii=ascii_only).encode()
    reader.name(word)
    assert reader.call("is", *reader.place(text)) == 1
    reader.name(other)
    assert reader.call("is", *reader.place(text)) == (word == other)


@pytest.mark.parametrize("text", [b'{"k":"\\ud800"}', b'{"k":"\\udc00"}', b'{"k":"\\x"}', b'{"k":"\\u00g0"}'])
def test_a_string_with_a_bad_escape_is_none(reader: Reader, text: bytes) -> None:
    assert reader.text(text, "k") is None


def test_a_string_that_does_not_fit_is_none_and_not_cut_off(reader: Reader) -> None:
    assert reader.text(b'{"k":"%s"}' % (b"x" * 4095), "k") == "x" * 4095
    assert reader.text(b'{"k":"%s"}' % (b"x" * 4096), "k") is None


def test_a_text_nested_too_deeply_holds_no_value(reader: Reader) -> None:
    deep = b'{"k":%s}'
    assert reader.field(deep % (b"[" * 60 + b"]" * 60), "k") is not None
    assert reader.field(deep % (b"[" * 70 + b"]" * 70), "k") is None


def written(reader: Reader, text: str, number: int, room: int) -> dict[str, object] | None:
    at, _ = reader.place(text.encode() + b"\0")
    length = reader.call("write", at, number, room)
    return None if length < 0 else json.loads(reader.answer(length))


@QUICK
@given(text=KEYS, number=st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_reads_back(reader: Reader, text: str, number: int) -> None:
    # Times beyond the year 9999 have more digits than RFC 3339 has room for.
    moment = number if 0 <= number < 253402300800000 else 0
    found = written(reader, text, number, 4096)
    assert found is not None
    assert (found["t"], found["n"], found["l"]) == (text, number, [number, {}])
    if moment == number:
        stamp = str(found["at"])
        assert dt.datetime.fromisoformat(stamp) == dt.datetime.fromtimestamp(
            moment // 1000, dt.UTC
        ) + dt.timedelta(milliseconds=moment % 1000)


@QUICK
@given(number=st.integers(0, 253402300799999))
@example(number=951782400000)
@example(number=951868799999)
@example(number=4107542400000)
@example(number=0)
def test_a_time_is_written_as_the_calendar_has_it(reader: Reader, number: int) -> None:
    found = written(reader, "", number, 4096)
    assert found is not None
    expected = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=number)
    assert found["at"] == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@QUICK
@given(room=st.integers(0, 80))
def test_a_text_that_does_not_fit_fails_as_a_whole_and_leaves_what_lies_behind_alone(
    reader: Reader, room: int
) -> None:
    at = reader.call("answer")
    reader.memory.write(reader.store, b"\xee" * 200, at)
    found = written(reader, "some text", 7, room)
    complete = written(reader, "some text", 7, 4096)
    assert complete is not None
    size = len('{"t":"some text","n":7,"l":[7,{}],"at":"1970-01-01T00:00:00.007Z"}')
    reader.memory.write(reader.store, b"\xee" * 200, at)
    assert (written(reader, "some text", 7, room) is None) == (room < size)
    assert found == (None if room < size else complete)
    assert reader.answer(200)[room:] == b"\xee" * (200 - room)


def test_a_writer_that_is_nested_too_deeply_fails(reader: Reader) -> None:
    assert reader.call("write_deep") == 0
