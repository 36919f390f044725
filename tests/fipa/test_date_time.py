"""Times in FIPA's spelling."""

from datetime import UTC, timedelta, timezone, tzinfo

import pytest
from hypothesis import given

from caxton.domain.timestamp import format_timestamp, parse_timestamp
from caxton.fipa.date_time import (
    CalendarTime,
    DateTime,
    Distance,
    calendar_time,
    format_date_time,
    parse_date_time,
    wall_time,
)
from tests.fipa.reading import NOW_NS
from tests.fipa.strategies import TIMES

EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("token", "zone", "meant"),
    [
        ("20261123T091500123Z", EAST, "2026-11-23T09:15:00.123Z"),
        ("20261123t091500123z", EAST, "2026-11-23T09:15:00.123Z"),
        ("20261123T091500123", EAST, "2026-11-23T07:15:00.123Z"),
        ("20261123T091500123", UTC, "2026-11-23T09:15:00.123Z"),
        ("20161231T235960000Z", UTC, "2017-01-01T00:00:00.000Z"),
        ("+00000000T000030001", EAST, "2026-11-23T09:00:30.001Z"),
        ("-00000000T000030000", EAST, "2026-11-23T08:59:30.000Z"),
        ("+00010101T010101001Z", UTC, "2027-12-24T10:01:01.001Z"),
        ("+00000000T000090000", UTC, "2026-11-23T09:01:30.000Z"),
        ("00010101T000000000Z", UTC, "0001-01-01T00:00:00.000Z"),
        ("99991231T235959999Z", UTC, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_token_means_a_point_in_time(token: str, zone: tzinfo, meant: str) -> None:
    assert format_timestamp(wall_time(parse_date_time(token), NOW_NS, zone)) == meant


def test_local_time_without_a_zone_is_that_of_this_machine() -> None:
    time = parse_date_time("20261123T091500000")
    assert isinstance(time, CalendarTime)
    assert wall_time(time, NOW_NS, None) == int(time.wall.timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    "token",
    [
        *(
            "",
            "20261123",
            "20261123T0915",
            "2026-11-23T09:15:00Z",
            "20261123 091500000Z",
            "20261123T09150000Z",
        ),
        *("20261123T0915000000Z", "20261123T091500000ZZ", "20261123T091500000A", "20260230T000000000Z"),
        *("20261123T240000000Z", "20261123T091560000Z", "20261123T091561000Z", "00000101T000000000Z"),
        *("99991231T235960000Z", "+01010000T000000000", "\u0662\u0660261123T091500000Z"),
    ],
)
def test_what_is_no_time_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"it|there|the zone"):
        parse_date_time(token)


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        (parse_date_time("00010101T000000000"), EAST),
        (parse_date_time("99991231T235959999"), timezone(timedelta(hours=-2))),
    ],
)
def test_a_time_beyond_the_calendar_is_refused(time: DateTime, zone: tzinfo) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        wall_time(time, NOW_NS, zone)


def test_a_distance_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        wall_time(Distance(86_400_000), parse_timestamp("9999-12-31T12:00:00Z"), UTC)


@given(time=TIMES)
def test_a_time_survives_its_token(time: DateTime) -> None:
    assert parse_date_time(format_date_time(time)) == time


def test_a_point_in_time_is_written_in_utc_and_cut_off() -> None:
    time = calendar_time(parse_timestamp("2026-11-23T09:15:00.123999999Z"))
    assert format_date_time(time) == "20261123T091500123Z"
