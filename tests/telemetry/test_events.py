"""Events are kept in bounded numbers, read after a cursor, and followed."""

import asyncio

import anyio
import pytest

from caxton.telemetry.events import EventRing, RecordedEvent, matches

pytestmark = pytest.mark.anyio


def _filled(count: int, events_max: int = 100) -> EventRing:
    ring = EventRing(events_max)
    for number in range(1, count + 1):
        ring.record("agent.started" if number % 2 else "message.rejected", number, number, {"n": number})
    return ring


def _numbers(events: list[RecordedEvent]) -> list[object]:
    return [event.data["n"] for event in events]


async def test_events_are_read_after_a_cursor_the_oldest_first() -> None:
    ring = _filled(10)
    assert _numbers(ring.since(7)) == [8, 9, 10]
    assert _numbers(ring.since(0, limit=2)) == [1, 2]
    assert ring.since(10) == []


async def test_types_are_chosen_by_pattern() -> None:
    ring = _filled(6)
    assert _numbers(ring.since(0, types=("agent.*",))) == [1, 3, 5]
    assert _numbers(ring.since(0, types=("message.rejected", "nothing"))) == [2, 4, 6]
    assert matches("anything", ())


async def test_the_oldest_event_gives_way_and_the_gap_shows() -> None:
    ring = _filled(25, events_max=10)
    found = ring.since(3)
    assert [event.cursor for event in found] == list(range(16, 26))
    assert ring.last_cursor == 25


async def test_a_subscriber_gets_what_was_and_what_comes() -> None:
    ring = _filled(4)
    seen: list[object] = []

    async def follow() -> None:
        async for event in ring.subscribe(types=("agent.*",), since=0):
            seen.append(event.data["n"])
            if len(seen) == 4:
                return

    following = asyncio.create_task(follow())
    await anyio.lowlevel.checkpoint()
    for number in range(5, 9):
        ring.record("agent.started" if number % 2 else "other", number, None, {"n": number})
    await following
    assert seen == [1, 3, 5, 7]


async def test_a_subscriber_without_a_cursor_begins_with_the_next_event() -> None:
    ring = _filled(4)
    events = aiter(ring.subscribe())
    first = asyncio.ensure_future(anext(events))
    await anyio.lowlevel.checkpoint()
    ring.record("agent.stopped", 5, 1, {"n": 5})
    assert (await first).data == {"n": 5}
