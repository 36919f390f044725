"""The delay of messages that come at 100,000 a second, whether or not the server keeps up.

Method: a thread sends a message of 200 bytes to a random one of 1,000 agents each 10 us through the core's
`post`, on a processor of its own. Each carries the moment at which it was *due*, so a late sender counts as
well as a late worker; its handler counts the delay. Beside it, in the same rounds, the same thread wakes
another one that spins, sleeps and looks at the clock as a worker does, and does nothing else: what the kernel
and the machine's other users take is in both.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from benchmarks import clocked
from benchmarks.figure import Figure, median
from benchmarks.load import Core, opened, own_processors, post, rest, spawn_all
from benchmarks.spread import Spread
from tests import core_doors

AGENTS: Final = 1000
EVERY_NS: Final = 10_000
ROUNDS: Final = 7
SECONDS: Final = 1.0
WORKERS: Final = 1


def measure(effort: float) -> list[Figure]:
    """Measure for about 25 seconds times `effort`."""
    delays: list[Spread] = []
    floors: list[Spread] = []
    for _ in range(max(3, round(ROUNDS * effort))):
        with opened(AGENTS, workers=WORKERS) as core:
            spawn_all(core, clocked.guest(AGENTS, passes_on=False), AGENTS)
            with own_processors():
                send(core, AGENTS, 0.3)
                clocked.collect(core, range(AGENTS))
                send(core, AGENTS, SECONDS)
                rest(0.05)
                delays.append(clocked.collect(core, range(AGENTS)))
        floors.append(_wake_ups(SECONDS))
    return [
        _figure("p50", 0.5, None, delays, floors),
        _figure("p99", 0.99, 50.0, delays, floors),
        _figure("p99.9", 0.999, 1000.0, delays, floors),
    ]


def send(core: Core, agents: int, seconds: float, every_ns: int = EVERY_NS) -> int:
    """Send at a fixed rate for so long, catching up when late; returns how many."""
    return _keep_dates(
        seconds,
        every_ns,
        lambda number, due: clocked.stamped(number * 7919 % agents, due),
        lambda body: post(core, body),
    )


def _keep_dates(
    seconds: float, every_ns: int, make: Callable[[int, int], bytes], act: Callable[[bytes], None]
) -> int:
    begun = time.monotonic_ns()
    count = int(seconds * 1e9) // every_ns
    for number in range(count):
        due = begun + number * every_ns
        body = make(number, due)
        while time.monotonic_ns() < due:
            pass
        act(body)
    return count


def _wake_ups(seconds: float) -> Spread:
    """Count how long after each date a thread that does nothing else has been woken."""
    sleeper = core_doors.load("wake_door").Sleeper()
    thread = threading.Thread(target=sleeper.run)
    thread.start()
    with own_processors():
        _keep_dates(
            seconds,
            EVERY_NS,
            lambda number, due: clocked.stamped(number * 7919 % AGENTS, due),
            lambda body: sleeper.call(int(body[-18:-2], 16)),
        )
    words = sleeper.stop()
    thread.join()
    return Spread.of_words(words)


def _figure(
    word: str, share: float, aim_us: float | None, delays: list[Spread], floors: list[Spread]
) -> Figure:
    return Figure(
        name=f"open loop at 100,000/s, {word}",
        claim="p99 below 50 us, p99.9 below 1 ms, from the moment a message is due to its handler",
        measured=median([spread.quantile_ns(share) for spread in delays]) / 1000,
        unit="us",
        aim=aim_us,
        beside=median([spread.quantile_ns(share) for spread in floors]) / 1000,
        beside_name="a bare thread woken",
        method=f"{sum(map(len, delays)):,} messages of 200 B, 1,000 agents, {WORKERS} worker, medians",
    )
