"""What guests log is kept, bounded, and followed."""

import asyncio

import anyio
import pytest

from caxton.runtime.agent_log import (
    BYTES_PER_AGENT_MAX,
    LINES_PER_AGENT_MAX,
    AgentLog,
    LogShelf,
    level_name,
    line_cost_bytes,
)
from tests.runtime.rig import Rig, until

pytestmark = pytest.mark.anyio


def _filled(shelf: LogShelf, count: int, text: str = "line") -> AgentLog:
    log = shelf.open()
    for number in range(count):
        shelf.append(log, 2, f"{text} {number}", number)
    return log


async def test_the_tail_is_the_newest_with_the_newest_last() -> None:
    log = _filled(LogShelf(), 10)
    assert [line.message for line in log.tail(3)] == ["line 7", "line 8", "line 9"]
    assert len(log.tail(1000)) == 10
    assert log.tail(0) == []


async def test_an_agent_has_so_many_lines_and_no_more() -> None:
    shelf = LogShelf()
    log = _filled(shelf, LINES_PER_AGENT_MAX + 5)
    lines = log.tail(LINES_PER_AGENT_MAX * 2)
    assert (len(lines), lines[0].message) == (LINES_PER_AGENT_MAX, "line 5")
    assert shelf.total_bytes == sum(map(line_cost_bytes, lines)) == log.held_bytes


async def test_an_agent_has_so_many_bytes_and_no_more() -> None:
    log = _filled(LogShelf(), 200, "x" * 4000)
    assert 0 < log.held_bytes <= BYTES_PER_AGENT_MAX
    assert log.tail(1)[0].message.endswith("199")


async def test_all_agents_together_have_so_many_bytes_and_the_oldest_line_of_all_gives_way() -> None:
    shelf = LogShelf(bytes_total_max=10_000)
    old = _filled(shelf, 10)
    new = _filled(shelf, 30)
    assert shelf.total_bytes <= 10_000
    assert len(old) < 10
    assert len(new) == 30
    shelf.close(new)
    assert shelf.total_bytes == old.held_bytes


async def test_the_books_balance_over_many_agents_and_lines() -> None:
    shelf = LogShelf(bytes_total_max=50_000)
    logs = [shelf.open() for _ in range(20)]
    for number in range(20_000):
        shelf.append(logs[number * 7 % 20], 2, "x" * (number % 50), number)
    assert shelf.total_bytes == sum(log.held_bytes for log in logs) <= 50_000
    for log in logs:
        shelf.close(log)
    assert shelf.total_bytes == 0


async def test_a_follower_gets_lines_as_they_come_and_ends_with_the_agent() -> None:
    shelf = LogShelf()
    log = _filled(shelf, 3)
    seen: list[str] = []

    async def follow() -> None:
        async for line in log.follow(after=1):
            seen.append(line.message)  # noqa: PERF401 - seen while the iteration goes on

    following = asyncio.create_task(follow())
    await until(lambda: len(seen) == 2, "what is there comes first")
    shelf.append(log, 2, "new", 0)
    await until(lambda: len(seen) == 3, "then what comes")
    shelf.close(log)
    await following
    assert seen == ["line 1", "line 2", "new"]


async def test_a_slow_follower_sees_a_gap_in_the_cursors() -> None:
    shelf = LogShelf()
    log = _filled(shelf, 1)
    lines = aiter(log.follow(after=0))
    assert (await anext(lines)).cursor == 1
    for number in range(LINES_PER_AGENT_MAX * 2):
        shelf.append(log, 2, str(number), number)
    assert (await anext(lines)).cursor == LINES_PER_AGENT_MAX + 2


def test_levels_beyond_the_ends_count_as_the_ends() -> None:
    assert [level_name(level) for level in (-5, 0, 1, 2, 3, 4, 99)] == [
        "trace",
        "trace",
        "debug",
        "info",
        "warn",
        "error",
        "error",
    ]


async def test_a_guest_logs_at_every_level_with_the_time_of_the_wall_clock(rig: Rig) -> None:
    await rig.deploy("logger")
    before = rig.runtime.get("logger").created_at
    rig.post("logger")
    await until(lambda: len(rig.runtime.logs("logger")) == 5, "it logged")
    lines = rig.runtime.logs("logger").tail(10)
    assert [line.level for line in lines] == ["trace", "debug", "info", "warn", "error"]
    assert lines[-1].message == "an error line: ü is two bytes"
    assert all(before[:11] == line.timestamp[:11] for line in lines)


async def test_followers_of_a_deleted_agent_end(rig: Rig) -> None:
    await rig.deploy("logger")
    log = rig.runtime.logs("logger")

    async def follow() -> int:
        return len([line async for line in log.follow()])

    following = asyncio.create_task(follow())
    await anyio.lowlevel.checkpoint()
    rig.post("logger")
    await until(lambda: len(log) == 5, "it logged")
    await rig.runtime.delete("logger")
    assert await following == 5
