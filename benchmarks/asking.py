"""From Python on the event loop to a guest and back.

Method: `Runtime.ask` on uvloop to a guest that answers with the message it got (200 bytes), first one ask at
a time, then 500 under way. Floor: a turn of the same loop that an eventfd wakes. Foil: wasmtime's Python
package with asyncio queues (`benchmarks.twin`), which answers in the same thread, on the same uvloop. Agents
1, workers 1; rounds one after the other, medians.
"""

import asyncio
import os
import time
from typing import Final, NamedTuple

from benchmarks import house, load, twin
from benchmarks.figure import Figure, median
from benchmarks.spread import Spread
from caxton.runtime.runtime import Runtime
from caxton.server import spare_collections
from tests.guests.corpus import guest

ROUNDS: Final = 5
ALONE: Final = 3_000
PIPELINED: Final = 30_000
UNDER_WAY: Final = 500
TWIN_ASKS: Final = 3_000
TWIN_AGENTS: Final = 1000
_PAD: Final = "about two hundred bytes of a message, as a program sends it to an agent that answers " * 2
BODY: Final = f'{{"performative":"request","receiver":"echo","content":{{"ask":"{_PAD[:140]}"}}}}'.encode()


class _Round(NamedTuple):
    alone: Spread
    turns: Spread
    twin: Spread
    pipelined_wall: float
    pipelined_cpu: float
    twin_cpu: float


def measure(effort: float) -> list[Figure]:
    """Measure for about 20 seconds times `effort`."""
    spare_collections()
    return house.run(lambda: _measure(effort))


async def _measure(effort: float) -> list[Figure]:
    async with house.housed() as runtime:
        await house.deploy(runtime, "echo", guest("echo"))
        await _alone(runtime, ALONE)
        rounds = [await _round(runtime) for _ in range(max(3, round(ROUNDS * effort)))]
    plain = twin.pass_messages(load.guest(TWIN_AGENTS), load.FIRST_ID, TWIN_AGENTS, 64, 2.0)
    return [*_figures(rounds), _twin_figure(await plain)]


async def _round(runtime: Runtime) -> _Round:
    alone = await _alone(runtime, ALONE)
    turns = await _turns(ALONE)
    other = twin.Twin(guest("echo"), 1, 1)
    other.start()
    plain: list[int] = []
    cpu = time.thread_time()
    for _ in range(TWIN_ASKS):
        begun = time.perf_counter_ns()
        await twin.ask(other, BODY.replace(b'"echo"', b'"1"'))
        plain.append(time.perf_counter_ns() - begun)
    twin_cpu = (time.thread_time() - cpu) / TWIN_ASKS
    await other.stop()
    wall, cpu = await _pipelined(runtime, PIPELINED)
    return _Round(alone, turns, Spread.of_ns(plain), PIPELINED / wall, PIPELINED / cpu, 1 / twin_cpu)


async def _alone(runtime: Runtime, count: int) -> Spread:
    sender = runtime.external_for(house.CALLER)
    taken: list[int] = []
    for _ in range(count):
        begun = time.perf_counter_ns()
        await runtime.ask(BODY, sender, house.nobody_else, 10.0)
        taken.append(time.perf_counter_ns() - begun)
    return Spread.of_ns(taken)


async def _turns(count: int) -> Spread:
    """Time a wake-up of the loop by an eventfd, as the core's completions wake it."""
    loop, bell = asyncio.get_running_loop(), os.eventfd(0, os.EFD_NONBLOCK)
    waiting: asyncio.Future[None] = loop.create_future()

    def answer() -> None:
        os.eventfd_read(bell)
        waiting.set_result(None)

    loop.add_reader(bell, answer)
    taken: list[int] = []
    for _ in range(count):
        waiting = loop.create_future()
        begun = time.perf_counter_ns()
        os.eventfd_write(bell, 1)
        await waiting
        taken.append(time.perf_counter_ns() - begun)
    loop.remove_reader(bell)
    os.close(bell)
    return Spread.of_ns(taken)


async def _pipelined(runtime: Runtime, count: int) -> tuple[float, float]:
    """Return the seconds that so many asks took, by the wall and of this thread's processor."""
    sender = runtime.external_for(house.CALLER)

    async def ask_in_a_row(times: int) -> None:
        for _ in range(times):
            await runtime.ask(BODY, sender, house.nobody_else, 10.0)

    wall, cpu = time.perf_counter(), time.thread_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(UNDER_WAY):
            group.create_task(ask_in_a_row(count // UNDER_WAY))
    return time.perf_counter() - wall, time.thread_time() - cpu


def _figures(rounds: list[_Round]) -> list[Figure]:
    count = f"{len(rounds)} rounds"
    return [
        Figure(
            name="Python to guest and back, alone, p50",
            unit="us",
            aim=60.0,
            beside_name="a loop turn by eventfd",
            measured=median([r.alone.quantile_ns(0.5) for r in rounds]) / 1000,
            beside=median([r.turns.quantile_ns(0.5) for r in rounds]) / 1000,
            gated=True,
            claim="p50 below 60 us",
            method=f"Runtime.ask, one at a time, {ALONE} a round, {count}",
        ),
        Figure(
            name="Python to guest and back, alone, p99",
            unit="us",
            beside_name="the same by the twin",
            measured=median([r.alone.quantile_ns(0.99) for r in rounds]) / 1000,
            beside=median([r.twin.quantile_ns(0.99) for r in rounds]) / 1000,
            claim="no aim of its own",
            method="as above; the twin has no thread to wake",
        ),
        Figure(
            name="Python to guest and back, pipelined",
            better="more",
            unit="asks/s",
            aim=100_000.0,
            measured=median([r.pipelined_wall for r in rounds]),
            beside_name="the twin, alone",
            beside=median([r.twin_cpu for r in rounds]),
            claim="more than 100,000 a second",
            method=f"{UNDER_WAY} under way, wall clock, {PIPELINED} a round, {count}",
        ),
        Figure(
            name="the same in processor time of the loop",
            better="more",
            unit="asks/s",
            aim=100_000.0,
            measured=median([r.pipelined_cpu for r in rounds]),
            beside_name="the twin, alone",
            gated=True,
            beside=median([r.twin_cpu for r in rounds]),
            claim="more than 100,000 a second",
            method="asks by the processor seconds of the loop's thread",
        ),
    ]


def _twin_figure(plain: float) -> Figure:
    with load.load(TWIN_AGENTS, 64) as running:
        running.run(0.2)
        core = 1e9 / running.run(1.5).cpu_ns()
    return Figure(
        name="guest to guest, beside the plain way",
        better="more",
        unit="msg/s",
        measured=core,
        beside=plain,
        beside_name="wasmtime-py and asyncio",
        claim="no aim of its own",
        method="1,000 agents, 200 B, 64 in flight, messages by processor seconds, the same guests in both",
    )
