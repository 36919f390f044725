"""Times as FIPA writes them (SC00070, DateTimeToken): `20260301T120000000Z`, or from now on `+0000...`.

Without a sign a token is a time of the calendar: in UTC with a `Z`, else in local time. With a sign
it is a distance from now; there a year is 365 days and a month 30, since nobody says which ones.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, final

import msgspec

from caxton.domain.diagnosis import SECONDS_MAX
from caxton.domain.timestamp import WallNs

TOKEN: Final = re.compile(rb"[+-]?[0-9]{8}[Tt][0-9]{9}[A-Za-z]?")

DISTANCE_MS_MAX: Final = SECONDS_MAX * 1000

_PARTS: Final = re.compile(
    r"([+-]?)(\d{4})(\d{2})(\d{2})[Tt](\d{2})(\d{2})(\d{2})(\d{3})([A-Za-z]?)", re.ASCII
)
_MS_PER_S: Final = 1000
_MS_PER_DAY: Final = 86_400 * _MS_PER_S
_DAYS_PER_YEAR: Final = 365
_DAYS_PER_MONTH: Final = 30
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@final
class CalendarTime(msgspec.Struct, frozen=True, tag="calendar"):
    """A date and a time of day, exact to the millisecond; `wall` has no zone of its own."""

    wall: datetime
    is_utc: bool


@final
class Distance(msgspec.Struct, frozen=True, tag="distance"):
    """So many milliseconds from now; below zero it lies in the past."""

    milliseconds: int


DateTime = CalendarTime | Distance


def parse_date_time(text: str) -> DateTime:
    """Return the time that a token spells.

    Raises:
        ValueError: it is no such token, or the time does not exist; says which.
    """
    found = _PARTS.fullmatch(text)
    if found is None:
        raise ValueError("it is not written as FIPA wants it")
    sign, *digits, zone = found.groups()
    if zone not in {"", "Z", "z"}:
        raise ValueError(f"the zone `{zone}` is not known")
    year, month, day, hour, minute, second, millisecond = map(int, digits)
    if sign:
        days = year * _DAYS_PER_YEAR + month * _DAYS_PER_MONTH + day
        seconds = (hour * 60 + minute) * 60 + second
        distance_ms = days * _MS_PER_DAY + seconds * _MS_PER_S + millisecond
        if distance_ms > DISTANCE_MS_MAX:
            raise ValueError("it is more than a century away")
        return Distance(-distance_ms if sign == "-" else distance_ms)
    # A leap second is the first second of the next minute: no clock here counts it.
    leap = second == 60 and minute == 59
    clock = (hour, minute, second - leap, millisecond * 1000)
    try:
        wall = datetime(year, month, day, *clock)  # noqa: DTZ001 - `is_utc` tells its zone
        return CalendarTime(wall + timedelta(seconds=leap), bool(zone))
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def format_date_time(time: DateTime) -> str:
    """Return the token of a time."""
    match time:
        case CalendarTime(wall=wall, is_utc=is_utc):
            date = f"{wall.year:04d}{wall.month:02d}{wall.day:02d}"
            clock = f"{wall.hour:02d}{wall.minute:02d}{wall.second:02d}{wall.microsecond // 1000:03d}"
            return f"{date}T{clock}{'Z' if is_utc else ''}"
        case Distance(milliseconds=distance_ms):
            days, rest_ms = divmod(abs(distance_ms), _MS_PER_DAY)
            year, days = divmod(days, _DAYS_PER_YEAR)
            month, day = divmod(days, _DAYS_PER_MONTH)
            seconds, millisecond = divmod(rest_ms, _MS_PER_S)
            minutes, second = divmod(seconds, 60)
            hour, minute = divmod(minutes, 60)
            clock = f"{hour:02d}{minute:02d}{second:02d}{millisecond:03d}"
            return f"{'-' if distance_ms < 0 else '+'}{year:04d}{month:02d}{day:02d}T{clock}"


def wall_time(time: DateTime, now_ns: WallNs, zone: tzinfo | None) -> WallNs:
    """Return the point in time; `zone` is what local means, None the zone of this machine.

    Raises:
        ValueError: it lies outside of the years 1 to 9999.
    """
    try:
        match time:
            case CalendarTime(wall=wall, is_utc=True):
                moment = wall.replace(tzinfo=UTC)
            case CalendarTime(wall=wall):
                moment = (wall if zone is None else wall.replace(tzinfo=zone)).astimezone(UTC)
            case Distance(milliseconds=distance_ms):
                moment = _EPOCH + timedelta(milliseconds=now_ns // 1_000_000 + distance_ms)
    except (ValueError, OverflowError, OSError):
        raise ValueError("it lies outside of the years 1 to 9999") from None
    return WallNs((moment - _EPOCH) // timedelta(milliseconds=1) * 1_000_000)


def calendar_time(wall_ns: WallNs) -> CalendarTime:
    """Return a point in time as UTC, cut off to the millisecond."""
    moment = _EPOCH + timedelta(milliseconds=wall_ns // 1_000_000)
    return CalendarTime(moment.replace(tzinfo=None), is_utc=True)
