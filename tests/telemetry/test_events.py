"""Events are kept in bounded numbers, read after a cursor, and followed."""

import asyncio

import anyio
import pytest

from caxton.clock import WallNs
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.events import (
    Event,
    EventCursor,
    EventType,
    LifecycleData,
    parse_event_filter,
)
from caxton.telemetry.events import EventRing

pytestmark = pytest.mark.anyio

START = EventCursor(0)


def _record(ring: EventRing, number: int) -> None:
    kind = EventType.AGENT_STARTED if number % 2 else EventType.AGENT_STOPPED
    ring.record(kind, LifecycleData(old_state=None, new_state=None, reason=str(number)), WallNs(number), None)


def _filled(count: int, events_max: int = 100, started_ns: int = 0) -> EventRing:
    ring = EventRing(WallNs(started_ns), events_max)
    for number in range(1, count + 1):
        _record(ring, number)
    return ring


def _numbers(events: list[Event]) -> list[int]:
    return [int(event.data.reason or "") for event in events if isinstance(event.data, LifecycleData)]


async def test_events_are_read_after_a_cursor_the_oldest_first() -> None:
    ring = _filled(10)
    assert _numbers(ring.since(EventCursor(7))) == [8, 9, 10]
    assert _numbers(ring.since(START, limit=2)) == [1, 2]
    assert ring.since(ring.last_cursor) == []


async def test_types_are_chosen_by_filter() -> None:
    ring = _filled(6)
    assert _numbers(ring.since(START, wanted=parse_event_filter("agent.started"))) == [1, 3, 5]
    assert _numbers(ring.since(START, wanted=parse_event_filter("message.*"))) == []


async def test_the_oldest_event_gives_way_and_the_gap_shows() -> None:
    ring = _filled(25, events_max=10)
    assert [event.cursor for event in ring.since(EventCursor(3))] == list(range(16, 26))


async def test_a_cursor_of_the_future_is_refused() -> None:
    with pytest.raises(CursorUnknown):
        _filled(3).since(EventCursor(4))


async def test_a_cursor_of_an_earlier_run_finds_all_that_is_there() -> None:
    earlier = _filled(1000, started_ns=5_000_000)
    later = _filled(3, started_ns=6_000_000)
    assert _numbers(later.since(earlier.last_cursor)) == [1, 2, 3]


async def test_a_subscriber_gets_what_was_and_what_comes() -> None:
    ring = _filled(4)
    seen: list[Event] = []

    async def follow() -> None:
        async for event in ring.subscribe(wanted=parse_event_filter("agent.started"), since=START):
            seen.append(event)
            if len(seen) == 4:
                return

    following = asyncio.create_task(follow())
    await anyio.lowlevel.checkpoint()
    for number in range(5, 9):
        _record(ring, number)
    await following
    assert _numbers(seen) == [1, 3, 5, 7]


async def test_a_subscriber_without_a_cursor_begins_with_the_next_event() -> None:
    ring = _filled(4)
    events = aiter(ring.subscribe())
    first = asyncio.ensure_future(anext(events))
    await anyio.lowlevel.checkpoint()
    _record(ring, 5)
    assert _numbers([await first]) == [5]


async def test_a_subscriber_that_lags_goes_on_with_what_is_left() -> None:
    ring = _filled(3, events_max=10)
    events = aiter(ring.subscribe(since=START))
    assert _numbers([await anext(events)]) == [1]
    for number in range(4, 1000):
        _record(ring, number)
    rest = [await anext(events) for _ in range(12)]
    assert _numbers(rest) == [2, 3, *range(990, 1000)]
