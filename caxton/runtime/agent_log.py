"""What guests logged: the newest lines of each agent, bounded for each and for all together.

Lines enter from the core, already limited in rate and length there. The oldest line of an agent gives
way when that agent's share is full; the oldest line of all gives way when everything together is.
A follower that is slower than its agent misses lines and can tell by the gap in the cursors.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, final

import msgspec

from caxton.domain.timestamp import format_timestamp

LINES_PER_AGENT_MAX: Final = 1000
BYTES_PER_AGENT_MAX: Final = 512 * 1024
BYTES_TOTAL_MAX: Final = 64 * 1024 * 1024

# What a line costs beside its text: the struct, its timestamp and its places in two queues.
_LINE_OVERHEAD_BYTES: Final = 256
_LEVELS: Final = ("trace", "debug", "info", "warn", "error")
_FOLLOW_LINES_MAX: Final = 256


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `timestamp` is RFC 3339; `level` one of trace, debug, info, warn, error."""

    cursor: int
    timestamp: str
    level: str
    message: str


def level_name(level: int) -> str:
    """Return the word for a guest's level; numbers beyond the ends count as the ends."""
    return _LEVELS[min(max(level, 0), len(_LEVELS) - 1)]


@final
class AgentLog:
    """The newest lines of one agent. Made by `LogShelf.open`."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._last_cursor = 0
        self.held_bytes = 0
        self._bell: asyncio.Event | None = None
        self._closed = False

    def tail(self, limit: int) -> list[LogLine]:
        """Return up to `limit` of the newest lines, the newest last."""
        return self.after(max(self._last_cursor - limit, 0), limit)

    def after(self, cursor: int, limit: int) -> list[LogLine]:
        """Return up to `limit` lines that came after `cursor`, the oldest first."""
        if not self._lines or limit <= 0:
            return []
        skipped = max(cursor + 1 - self._lines[0].cursor, 0)
        return [self._lines[index] for index in range(skipped, min(skipped + limit, len(self._lines)))]

    @property
    def last_cursor(self) -> int:
        """The cursor of the newest line, 0 before the first."""
        return self._last_cursor

    async def follow(self, after: int | None = None) -> AsyncIterator[LogLine]:
        """Yield lines as they come, beginning after a cursor (or with the next line). Ends with the agent."""
        cursor = self._last_cursor if after is None else after
        while True:
            for line in self.after(cursor, _FOLLOW_LINES_MAX):
                cursor = line.cursor
                yield line
            if cursor < self._last_cursor and self._lines:
                continue
            if self._closed:
                return
            # Nothing is awaited between the look above and the wait below, so no line is missed.
            if self._bell is None:
                self._bell = asyncio.Event()
            self._bell.clear()
            await self._bell.wait()

    def add(self, level: int, text: str, wall_ns: int) -> LogLine:
        """Add a line. For the shelf alone, which accounts for it."""
        self._last_cursor += 1
        line = LogLine(
            cursor=self._last_cursor,
            timestamp=format_timestamp(wall_ns),
            level=level_name(level),
            message=text,
        )
        self._lines.append(line)
        self.held_bytes += line_cost_bytes(line)
        self._ring()
        return line

    def give_way(self) -> int:
        """Drop the oldest line and return the bytes that it took. For the shelf alone."""
        freed = line_cost_bytes(self._lines.popleft())
        self.held_bytes -= freed
        return freed

    def end(self) -> None:
        """Let followers end. For the shelf alone."""
        self._closed = True
        self._ring()

    def holds(self, cursor: int) -> bool:
        """Tell whether the line with this cursor is still here."""
        return bool(self._lines) and self._lines[0].cursor <= cursor

    def __len__(self) -> int:
        return len(self._lines)

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.set()


@final
class LogShelf:
    """The logs of all agents, under one bound."""

    def __init__(self, bytes_total_max: int = BYTES_TOTAL_MAX) -> None:
        self._bytes_total_max = bytes_total_max
        # Every line in order of arrival, as (log, cursor), beside places of lines that gave way already.
        self._order: deque[tuple[AgentLog, int]] = deque()
        self._lines_held = 0
        self.total_bytes = 0

    def open(self) -> AgentLog:
        """Return a log for a new agent."""
        return AgentLog()

    def append(self, log: AgentLog, level: int, text: str, wall_ns: int) -> LogLine:
        """Add a line to an agent's log, and let the oldest ones go where room is short."""
        line = log.add(level, text, wall_ns)
        self.total_bytes += line_cost_bytes(line)
        self._lines_held += 1
        self._order.append((log, line.cursor))
        while len(log) > LINES_PER_AGENT_MAX or log.held_bytes > BYTES_PER_AGENT_MAX:
            self._give_way(log)
        while self.total_bytes > self._bytes_total_max:
            oldest, cursor = self._order.popleft()
            if oldest.holds(cursor):
                self._give_way(oldest)
        if len(self._order) > 2 * self._lines_held + LINES_PER_AGENT_MAX:
            self._order = deque(place for place in self._order if place[0].holds(place[1]))
        return line

    def close(self, log: AgentLog) -> None:
        """Forget an agent's lines and end its followers."""
        while len(log):
            self._give_way(log)
        log.end()

    def _give_way(self, log: AgentLog) -> None:
        self.total_bytes -= log.give_way()
        self._lines_held -= 1


def line_cost_bytes(line: LogLine) -> int:
    """Return what a line takes in memory, by a rule that does not depend on the interpreter."""
    return len(line.message) * 2 + _LINE_OVERHEAD_BYTES
