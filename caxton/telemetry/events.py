"""The newest events of the server, each with a cursor.

Whoever sees something happen records it; whoever wants to know reads after a cursor, or subscribes. The
ring is bounded: a reader that is too slow misses the oldest and can tell by the gap in the cursors.
Cursors go on rising over restarts, since the first one is made from the time of the start.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, final

from caxton.clock import WallNs
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.events import EVERY_EVENT, Event, EventCursor, EventData, EventFilter, EventType
from caxton.domain.ids import AgentId

EVENTS_MAX: Final = 10_000
_BATCH_EVENTS: Final = 256
# Fewer events than one a microsecond happen, so that a later run's cursors are above an earlier one's.
_NS_PER_CURSOR: Final = 1000


@final
class EventRing:
    """A bounded ring of events. For the thread of the event loop."""

    def __init__(self, started_ns: WallNs, events_max: int = EVENTS_MAX) -> None:
        self._events_max = events_max
        self._events: list[Event] = []
        self._recorded_count = 0
        self._before_first = started_ns // _NS_PER_CURSOR
        self._bell: asyncio.Event | None = None

    def record(self, type: EventType, data: EventData, at_ns: WallNs, agent_id: AgentId | None) -> None:  # noqa: A002 - the API's word
        """Add an event; the oldest gives way when the ring is full."""
        self._recorded_count += 1
        event = Event(cursor=self.last_cursor, type=type, at_ns=at_ns, data=data, agent_id=agent_id)
        if len(self._events) < self._events_max:
            self._events.append(event)
        else:
            self._events[(self._recorded_count - 1) % self._events_max] = event
        if self._bell is not None:
            self._bell.set()

    @property
    def last_cursor(self) -> EventCursor:
        """The cursor of the newest event, or the one before the first."""
        return EventCursor(self._before_first + self._recorded_count)

    def since(
        self, cursor: EventCursor, *, wanted: EventFilter = EVERY_EVENT, limit: int = 100
    ) -> list[Event]:
        """Return up to `limit` wanted events after a cursor, the oldest first.

        Raises:
            CursorUnknown: the cursor is ahead of the newest event.
        """
        if cursor > self.last_cursor:
            raise CursorUnknown(str(cursor))
        found: list[Event] = []
        oldest = self._recorded_count - len(self._events)
        for place in range(max(cursor - self._before_first, oldest), self._recorded_count):
            event = self._events[place % self._events_max]
            if wanted.admits(event):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    async def subscribe(
        self, *, wanted: EventFilter = EVERY_EVENT, since: EventCursor | None = None
    ) -> AsyncIterator[Event]:
        """Yield wanted events as they come, after a cursor or from now on. Raises: CursorUnknown."""
        cursor = self.last_cursor if since is None else since
        while True:
            newest = self.last_cursor
            found = self.since(cursor, wanted=wanted, limit=_BATCH_EVENTS)
            # Unwanted events up to the newest need not be looked at again.
            cursor = found[-1].cursor if len(found) == _BATCH_EVENTS else newest
            for event in found:
                yield event
            if cursor < self.last_cursor:
                continue
            # Nothing is awaited between the look above and the wait below, so no event is missed.
            if self._bell is None:
                self._bell = asyncio.Event()
            self._bell.clear()
            await self._bell.wait()
