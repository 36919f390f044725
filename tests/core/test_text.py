"""The core's text forms of numbers, identities and times, held against Python's own."""

import uuid
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import core_doors
from tests.core import envelope_model as model

pytestmark = pytest.mark.sanitize
door = core_doors.load("text_door")

BOUNDED = settings(max_examples=300, deadline=None)
U64 = (
    st.integers(0, 2**64 - 1)
    | st.integers(0, 64).map(lambda bits: (1 << bits) - 1)
    | st.integers(0, 19).map(lambda n: 10**n)
)


@BOUNDED
@given(U64)
@example(0)
@example(99_999_999)
@example(10**8)
@example(10**16 - 1)
@example(10**16)
@example(2**64 - 1)
def test_a_number_is_written_and_read_in_decimal(value: int) -> None:
    text = str(value).encode()
    assert door.write_u64(value) == text
    assert door.read_u64(text) == value
    assert door.read_u64(text.rjust(20, b"0")) == value


def test_every_count_of_digits_is_written_right() -> None:
    for digits in range(1, 21):
        for value in (10 ** (digits - 1), 10**digits - 1):
            if value < 2**64:
                assert door.write_u64(value) == str(value).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"18446744073709551616",
        b"18446744073709551620",
        b"99999999999999999999",
        b"0" * 21,
        b"+1",
        b"-1",
        b" 1",
        b"1 ",
        b"1a",
    ],
)
def test_what_is_no_64_bit_number_is_refused(text: bytes) -> None:
    assert door.read_u64(text) is None


def test_any_byte_but_a_digit_is_refused_at_any_place() -> None:
    for place in range(19):
        for byte in range(256):
            text = bytearray(b"1234567890123456789")
            text[place] = byte
            wanted = int(text) if 48 <= byte <= 57 else None
            assert door.read_u64(bytes(text)) == wanted


@BOUNDED
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_an_identity_is_written_and_read_as_a_uuid(high: int, low: int) -> None:
    text = str(uuid.UUID(int=high << 64 | low)).encode()
    assert door.write_uuid(high, low) == text
    assert door.read_uuid(text) == door.read_uuid(text.upper()) == (high, low)
    assert door.write_hex(low) == f"{low:016x}".encode()
    assert door.read_hex(f"{low:x}".encode()) == door.read_hex(f"{low:016X}".encode()) == low


@pytest.mark.parametrize("text", [b"", b"0" * 17, b"g", b"0x1", b"1 ", b"/", b":", b"@", b"`", b"G"])
def test_what_is_not_hexadecimal_is_refused(text: bytes) -> None:
    assert door.read_hex(text) is None


@BOUNDED
@given(st.integers(model.YEAR_0000_MS, model.YEAR_9999_END_MS))
@example(model.YEAR_0000_MS)
@example(model.YEAR_9999_END_MS)
@example(-1)
@example(0)
def test_a_time_is_written_and_read_back(unix_ms: int) -> None:
    text = door.write_timestamp(unix_ms)
    assert len(text) == 24
    assert model.timestamp_ms(text.decode()) == unix_ms
    assert door.read_timestamp(text) == unix_ms


def test_every_day_of_a_cycle_of_the_calendar_has_its_date() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for number in range(146_097):
        day = epoch + timedelta(days=number, milliseconds=number * 577)
        text = f"{day.isoformat(timespec='milliseconds')[:-6]}Z".encode()
        unix_ms = number * (86_400_000 + 577)
        assert door.write_timestamp(unix_ms) == text
        assert door.read_timestamp(text) == unix_ms


def test_times_out_of_range_are_held_at_its_ends() -> None:
    assert door.write_timestamp(-(2**63)) == b"0000-01-01T00:00:00.000Z"
    assert door.write_timestamp(2**63 - 1) == b"9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (b"2026-11-23T10:15:00+01:00", b"2026-11-23T09:15:00.000Z"),
        (b"2026-11-23T00:15:00.5+23:59", b"2026-11-22T00:16:00.500Z"),
        (b"2026-11-22T23:15:00-00:45", b"2026-11-23T00:00:00.000Z"),
        (b"2026-11-23t09:15:00z", b"2026-11-23T09:15:00.000Z"),
        (b"2026-11-23T09:15:00.1239999Z", b"2026-11-23T09:15:00.123Z"),
        (b"2026-11-23T09:15:00.123456789Z", b"2026-11-23T09:15:00.123Z"),
        (b"2016-12-31T23:59:60Z", b"2017-01-01T00:00:00.000Z"),
        (b"2017-01-01T00:59:60.25+01:00", b"2017-01-01T00:00:00.250Z"),
        (b"2024-02-29T00:00:00Z", b"2024-02-29T00:00:00.000Z"),
        (b"2000-02-29T00:00:00Z", b"2000-02-29T00:00:00.000Z"),
        (b"0000-01-01T00:00:00-00:01", b"0000-01-01T00:01:00.000Z"),
    ],
)
def test_a_time_may_be_written_in_several_ways(text: bytes, same: bytes) -> None:
    assert door.write_timestamp(door.read_timestamp(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"2026-11-23",
        b"2026-11-23T09:15:00",
        b"2026-11-23 09:15:00Z",
        b"2026-11-23T09:15Z",
        b"2026-11-23T09:15:00ZZ",
        b"2026-13-01T00:00:00Z",
        b"2026-00-01T00:00:00Z",
        b"2026-11-31T00:00:00Z",
        b"2026-11-00T00:00:00Z",
        b"2025-02-29T00:00:00Z",
        b"1900-02-29T00:00:00Z",
        b"2026-11-23T24:00:00Z",
        b"2026-11-23T09:60:00Z",
        b"2026-11-23T09:15:60Z",
        b"2026-11-23T09:15:61Z",
        b"2026-11-23T23:59:60+01:00",
        b"2026-11-23T09:15:00.Z",
        b"2026-11-23T09:15:00.1234567890Z",
        b"2026-11-23T09:15:00+1:00",
        b"2026-11-23T09:15:00+0100",
        b"2026-11-23T09:15:00+24:00",
        b"2026-11-23T09:15:00+01:60",
        b"2026-11-23T09:15:00+01:00Z",
        b"2026-11-23T09:15:00,5Z",
        b"0000-01-01T00:00:00+00:01",
        b"9999-12-31T23:59:59-00:01",
        b"9999-12-31T23:59:60Z",
        b"02026-11-23T09:15:00Z",
        b"2026-1a-23T09:15:00Z",
        b"2026-11-23T0/:15:00Z",
        b"2026-11-23T09:15:0:Z",
        b"+026-11-23T09:15:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: bytes) -> None:
    assert door.read_timestamp(text) is None
    assert model.timestamp_ms(text.decode()) is None


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        (b"1", 1000),
        (b"0.001", 1),
        (b"0.0001", 1),
        (b"1.0001", 1001),
        (b"1.5e0", 1500),
        (b"15e-1", 1500),
        (b"1E2", 100_000),
        (b"1e-300", 1),
        (b"1e-99999999999999999999", 1),
        (b"0.00000000000000000000000000000000000000000000000001e50", 1000),
        (b"100000000000000000000000000000000000000000000000000e-50", 1000),
        (b"1.00000000000000000000000000000000000001", 1001),
        (b"3155760000", 3_155_760_000_000),
        (b"3155759999.9999", 3_155_760_000_000),
        (b"1.000", 1000),
        (b"30", 30_000),
        (b"0.1", 100),
        (b"0.123456789012345678901234567890", 124),
    ],
)
def test_seconds_are_read_exactly_and_rounded_up(text: bytes, ms: int) -> None:
    assert door.read_seconds(text) == ms


@pytest.mark.parametrize(
    "text", [b"0", b"0.0", b"0e5", b"-1", b"-0", b"3155760000.001", b"1e10", b"1e99999999999999999999"]
)
def test_seconds_must_lie_above_zero_and_within_a_century(text: bytes) -> None:
    assert door.read_seconds(text) is None


@BOUNDED
@given(st.from_regex(r"\A(0|[1-9][0-9]{0,24})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z"))
def test_seconds_are_those_of_exact_arithmetic(text: str) -> None:
    assert door.read_seconds(text.encode()) == model.seconds_ms(text)


@BOUNDED
@given(st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
def test_any_bytes_become_a_canonical_string(raw: bytes) -> None:
    interior = door.encode(raw)
    text = orjson.loads(b'"' + interior + b'"')
    assert door.encode(text.encode()) == interior
    try:
        assert text == raw.decode()
        assert b'"' + interior + b'"' == orjson.dumps(text)
    except UnicodeDecodeError:
        assert "\ufffd" in text


@BOUNDED
@given(st.text("abcdefghijklmnopqrstuvwxyz-_ ABC", max_size=18))
def test_only_the_words_are_performatives(text: str) -> None:
    word = text.lower().replace("_", "-").replace(" ", "-")
    assert door.find_performative(text.encode()) == (
        model.PERFORMATIVES.index(word) if word in model.PERFORMATIVES else -1
    )
