"""Points in time as nanoseconds since 1970 in UTC, and their text form of RFC 3339."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NewType

from caxton.domain.errors.request import ParseError, ParseKind

WallNs = NewType("WallNs", int)
"""Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted."""

_NS_PER_S: Final = 1_000_000_000
_S_PER_DAY: Final = 86_400
_RFC_3339: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_FIX: Final = "write it like 2026-03-01T12:00:00.000Z"


def parse_timestamp(text: str) -> WallNs:
    """Return the point in time that `text` names; a leap second is the first second of the next day.

    Raises:
        ParseError: `InvalidFormat` for another form, `OutOfRange` for a date or time that does not exist.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        problem = "the time is not in the form of RFC 3339 with a zone"
        raise ParseError("time", text, ParseKind.INVALID_FORMAT, problem, _FIX)
    date, time, fraction, zone = found.groups()
    # No clock here counts leap seconds, and UTC inserts them in the last minute of a day only.
    leap = time.endswith(":60")
    try:
        zoned = f"{date}T{time[:6]}{'59' if leap else time[6:]}{'+00:00' if zone in 'Zz' else zone}"
        whole_s = int((datetime.fromisoformat(zoned) - _EPOCH).total_seconds()) + leap
    except (ValueError, OverflowError):
        raise _no_such_time(text) from None
    if leap and whole_s % _S_PER_DAY:
        raise _no_such_time(text)
    return WallNs(whole_s * _NS_PER_S + int((fraction or "0").ljust(9, "0")))


def format_timestamp(wall_ns: int, precision: Literal["ms", "ns"] = "ms") -> str:
    """Return the time as RFC 3339 in UTC with milliseconds or nanoseconds, cut off, not rounded."""
    whole_s, rest_ns = divmod(wall_ns, _NS_PER_S)
    moment = (_EPOCH + timedelta(seconds=whole_s)).replace(tzinfo=None).isoformat()
    if precision == "ms":
        return f"{moment}.{rest_ns // 1_000_000:03d}Z"
    return f"{moment}.{rest_ns:09d}Z"


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _no_such_time(text: str) -> ParseError:
    return ParseError("time", text, ParseKind.OUT_OF_RANGE, f"the time `{text}` does not exist", _FIX)
