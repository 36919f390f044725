"""Points in time and their text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.errors import ParseError
from caxton.domain.timestamp import format_timestamp, parse_timestamp

YEAR_1_NS = -62_135_596_800 * 10**9
YEAR_9999_NS = 253_402_300_799 * 10**9


@given(st.integers(YEAR_1_NS, YEAR_9999_NS))
def test_a_time_survives_the_way_through_text_with_nanoseconds(wall_ns: int) -> None:
    assert parse_timestamp(format_timestamp(wall_ns, "ns")) == wall_ns


@given(st.integers(YEAR_1_NS, YEAR_9999_NS))
def test_milliseconds_are_cut_off_and_not_rounded(wall_ns: int) -> None:
    assert parse_timestamp(format_timestamp(wall_ns)) == wall_ns // 10**6 * 10**6


def test_the_text_is_rfc_3339_in_utc() -> None:
    moment_ns = int(datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC).timestamp()) * 10**9 + 123_456_789
    assert format_timestamp(moment_ns) == "2026-03-01T12:00:05.123Z"
    assert format_timestamp(moment_ns, "ns") == "2026-03-01T12:00:05.123456789Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01t12:00:00z",
        "2026-03-01T13:30:00+01:30",
        "2026-03-01T07:00:00.000-05:00",
        "2026-03-01T12:00:00.000000000Z",
    ],
)
def test_one_moment_has_several_texts(text: str) -> None:
    assert format_timestamp(parse_timestamp(text)) == "2026-03-01T12:00:00.000Z"


def test_a_leap_second_is_the_first_second_of_the_next_day() -> None:
    assert parse_timestamp("2016-12-31T23:59:60Z") == parse_timestamp("2017-01-01T00:00:00Z")
    assert parse_timestamp("2017-01-01T00:59:60+01:00") == parse_timestamp("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:00:60Z",
        "2026-03-01T12:00:61Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00.1234567890Z",
        "2026-03-01T12:00:00+25:00",
        "0001-01-01T00:00:00+01:00x",
        "\u0662026-03-01T12:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_timestamp(text)
