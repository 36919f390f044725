"""Amounts with a unit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.errors import InvalidPercentage, InvalidRatio, ParseError, ParseKind
from caxton.domain.quantities import (
    BYTE_SIZE_MAX,
    ByteSize,
    Percentage,
    duration_as_s,
    duration_from_ms,
    duration_from_s,
    format_byte_size,
    parse_byte_size,
    parse_duration,
    parse_version,
)


@given(st.floats(0, 1))
def test_a_ratio_survives_the_way_through_a_percentage(ratio: float) -> None:
    assert Percentage.from_ratio(ratio).as_ratio() == pytest.approx(ratio)


@given(st.floats(0, 100))
def test_a_percentage_is_what_it_was_made_of(percent: float) -> None:
    assert Percentage(percent).as_percentage() == percent


@pytest.mark.parametrize("value", [-0.001, 100.001, math.nan, math.inf, -math.inf])
def test_what_is_no_percentage_is_refused_with_the_value(value: float) -> None:
    with pytest.raises(InvalidPercentage) as caught:
        Percentage(value)
    assert repr(caught.value.value) == repr(value)


@pytest.mark.parametrize("ratio", [-0.001, 1.001, math.nan, math.inf])
def test_what_is_no_ratio_is_refused_with_the_value(ratio: float) -> None:
    with pytest.raises(InvalidRatio) as caught:
        Percentage.from_ratio(ratio)
    assert repr(caught.value.ratio) == repr(ratio)


def test_percentages_are_ordered() -> None:
    assert Percentage(5) < Percentage(25)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("16 MiB", 16 * 2**20),
        ("16MiB", 16 * 2**20),
        ("1MB", 10**6),
        ("1.5 GB", 1_500_000_000),
        ("1.5 KiB", 1536),
        (" 2 kb ", 2000),
        ("0", 0),
        ("7 B", 7),
    ],
)
def test_a_byte_size_is_a_number_or_a_number_with_a_unit(text: str | int, size: int) -> None:
    assert parse_byte_size(text) == size


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ParseKind.INVALID_FORMAT),
        ("MiB", ParseKind.INVALID_FORMAT),
        ("-1", ParseKind.INVALID_FORMAT),
        ("1,5 MB", ParseKind.INVALID_FORMAT),
        ("0.3 B", ParseKind.INVALID_FORMAT),
        ("16 M", ParseKind.UNKNOWN),
        ("16 Mib.", ParseKind.INVALID_FORMAT),
        ("99999999 TiB", ParseKind.OUT_OF_RANGE),
        (-1, ParseKind.OUT_OF_RANGE),
        (BYTE_SIZE_MAX + 1, ParseKind.OUT_OF_RANGE),
    ],
)
def test_a_bad_byte_size_is_refused_with_the_reason(text: str | int, kind: ParseKind) -> None:
    with pytest.raises(ParseError) as caught:
        parse_byte_size(text)
    assert caught.value.kind is kind


@given(st.integers(0, BYTE_SIZE_MAX))
def test_a_byte_size_survives_the_way_through_text(size: int) -> None:
    assert parse_byte_size(format_byte_size(ByteSize(size))) == size


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("30s", 30 * 10**9),
        ("5m", 300 * 10**9),
        ("250 ms", 250 * 10**6),
        ("1.5h", 5400 * 10**9),
        ("0.1s", 10**8),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, duration_ns: int) -> None:
    assert parse_duration(text) == duration_ns


@pytest.mark.parametrize("text", ["", "5", "5 M", "5 weeks", "-1s", "1e3s", "0.1ns", "9999999999 d"])
def test_a_bad_duration_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_duration(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 1e300])
def test_a_number_that_is_no_span_of_time_is_refused(value: float) -> None:
    with pytest.raises(ParseError):
        duration_from_s(value)
    with pytest.raises(ParseError):
        duration_from_ms(value)


def test_seconds_and_milliseconds_become_nanoseconds() -> None:
    assert duration_from_s(0.1) == 100_000_000
    assert duration_from_ms(2.5) == 2_500_000
    assert duration_as_s(duration_from_s(30)) == 30.0


@pytest.mark.parametrize("text", ["1", "1.0.0", "2026-03-01", "v1.2_rc+3", "a" * 64])
def test_a_version_is_a_short_plain_word(text: str) -> None:
    assert parse_version(text) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ParseKind.EMPTY),
        ("a" * 65, ParseKind.TOO_LONG),
        ("1 0", ParseKind.INVALID_CHARACTER),
        (".1", ParseKind.INVALID_CHARACTER),
        ("1/0", ParseKind.INVALID_CHARACTER),
    ],
)
def test_a_bad_version_is_refused_with_the_reason(text: str, kind: ParseKind) -> None:
    with pytest.raises(ParseError) as caught:
        parse_version(text)
    assert caught.value.kind is kind
