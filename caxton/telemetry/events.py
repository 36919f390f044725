"""The newest events of the server, each with a cursor.

Whoever sees something happen records it; whoever wants to know reads after a cursor, or subscribes. The
ring is bounded: a reader that is too slow misses the oldest and can tell by the gap in the cursors.
"""

import asyncio
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from typing import Final, final

import msgspec

from caxton.domain.timestamp import format_timestamp

EVENTS_MAX: Final = 10_000
_BATCH_EVENTS: Final = 256

Types = tuple[str, ...]
"""Patterns of event types, such as `agent.*`; none means all."""


@final
class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event and its place. `type` is dotted (`agent.started`); `data` can be written as JSON."""

    cursor: int
    type: str
    timestamp: str
    agent_id: str | None
    data: dict[str, object]


@final
class EventRing:
    """A bounded ring of events. For the thread of the event loop."""

    def __init__(self, events_max: int = EVENTS_MAX) -> None:
        self._events_max = events_max
        self._events: list[RecordedEvent] = []
        self._last_cursor = 0
        self._bell: asyncio.Event | None = None

    def record(self, type: str, wall_ns: int, agent_id: int | None, data: dict[str, object]) -> None:  # noqa: A002 - the API's word
        """Add an event; the oldest gives way when the ring is full."""
        self._last_cursor += 1
        event = RecordedEvent(
            cursor=self._last_cursor,
            type=type,
            timestamp=format_timestamp(wall_ns),
            agent_id=None if agent_id is None else str(agent_id),
            data=data,
        )
        if len(self._events) < self._events_max:
            self._events.append(event)
        else:
            self._events[(self._last_cursor - 1) % self._events_max] = event
        if self._bell is not None:
            self._bell.set()

    @property
    def last_cursor(self) -> int:
        """The cursor of the newest event, 0 before the first."""
        return self._last_cursor

    def since(self, cursor: int, *, types: Types = (), limit: int = 100) -> list[RecordedEvent]:
        """Return up to `limit` events after a cursor, the oldest first."""
        found: list[RecordedEvent] = []
        oldest = self._last_cursor - len(self._events) + 1
        for place in range(max(cursor + 1, oldest), self._last_cursor + 1):
            event = self._events[(place - 1) % self._events_max]
            if matches(event.type, types):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    async def subscribe(self, *, types: Types = (), since: int | None = None) -> AsyncIterator[RecordedEvent]:
        """Yield events as they come, after a cursor or from now on."""
        cursor = self._last_cursor if since is None else since
        while True:
            newest = self._last_cursor
            found = self.since(cursor, types=types, limit=_BATCH_EVENTS)
            # Events of other types up to the newest need not be looked at again.
            cursor = found[-1].cursor if len(found) == _BATCH_EVENTS else newest
            for event in found:
                yield event
            if cursor < self._last_cursor:
                continue
            if self._bell is None:
                self._bell = asyncio.Event()
            self._bell.clear()
            await self._bell.wait()


def matches(event_type: str, types: Types) -> bool:
    """Tell whether an event's type is among the wanted ones."""
    return not types or any(fnmatchcase(event_type, pattern) for pattern in types)
