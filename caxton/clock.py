"""Time as the server sees it, so that whoever needs the time is handed a clock.

Wall-clock time is for people and records; it may jump. Monotonic time is for waiting and measuring;
its zero means nothing. Both are in nanoseconds. Points in time travel as text in the form of
RFC 3339, in UTC.
"""

import time
from typing import NewType, Protocol, final

from caxton.domain.timestamp import WallNs, format_timestamp, parse_timestamp

__all__ = ["Clock", "MonotonicNs", "SystemClock", "WallNs", "format_timestamp", "parse_timestamp"]

MonotonicNs = NewType("MonotonicNs", int)
"""Nanoseconds since a moment that is fixed for the life of the process."""


class Clock(Protocol):
    """Something that knows the time."""

    def wall_ns(self) -> WallNs:
        """Return nanoseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic_ns(self) -> MonotonicNs:
        """Return nanoseconds that never go back."""
        ...


@final
class SystemClock:
    """The clock of the machine."""

    def wall_ns(self) -> WallNs:
        """Return nanoseconds since 1970-01-01T00:00:00Z."""
        return WallNs(time.time_ns())

    def monotonic_ns(self) -> MonotonicNs:
        """Return nanoseconds that never go back."""
        return MonotonicNs(time.monotonic_ns())
