"""Guest to guest through the whole path, beside the bare C loop; the second worker; the metrics' share.

Method: rounds of bare loop, one worker, two workers, one after the other in one process, medians over the
rounds. Processor time is that of the core's threads; a neighbour on the machine disturbs it less than the
wall clock. Agents 1,000, messages 200 bytes, 64 in flight for each worker, random receivers.
"""

import threading
import time
from typing import Final, NamedTuple

from benchmarks.figure import Figure, median
from benchmarks.load import Figures, Load, guest, load
from tests import core_doors

AGENTS: Final = 1000
IN_FLIGHT: Final = 64
BARE_MESSAGES: Final = 400_000
ROUNDS: Final = 7
DELIVERED_BYTES: Final = 400
SCRAPE_EVERY_S: Final = 0.1


class _Round(NamedTuple):
    bare_wall_ns: float
    bare_cpu_ns: float
    one: Figures
    scraped: Figures
    two: Figures


def measure(effort: float) -> list[Figure]:
    """Measure for about 25 seconds times `effort`."""
    bare = core_doors.load("bare_door").BareLoop(
        guest(AGENTS, sends=False), AGENTS, IN_FLIGHT, 200, DELIVERED_BYTES
    )
    bare.run(BARE_MESSAGES)
    rounds: list[_Round] = []
    for _ in range(max(3, round(ROUNDS * effort))):
        cpu = time.thread_time_ns()
        wall_ns = bare.run(BARE_MESSAGES)
        cpu = time.thread_time_ns() - cpu
        with load(AGENTS, IN_FLIGHT) as running:
            running.run(0.2)
            one = running.run(0.8)
            scraped = _scraped(running, 0.5)
        with load(AGENTS, 2 * IN_FLIGHT, workers=2) as running:
            running.run(0.2)
            two = running.run(0.8)
        rounds.append(_Round(wall_ns / BARE_MESSAGES, cpu / BARE_MESSAGES, one, scraped, two))
    return _figures(rounds)


def _figures(rounds: list[_Round]) -> list[Figure]:
    return [*_one_worker(rounds), *_two_workers(rounds)]


def _one_worker(rounds: list[_Round]) -> list[Figure]:
    one = median([r.one.per_second() for r in rounds])
    bare = median([1e9 / r.bare_wall_ns for r in rounds])
    # A thread that waits for a processor gets none: what counts is the rate that its processor time allows.
    one_cpu = median([r.one.cpu_ns() for r in rounds])
    bare_cpu = median([r.bare_cpu_ns for r in rounds])
    size = "1,000 agents, 200 B, one worker"
    return [
        Figure(
            name=f"guest to guest, {size}",
            better="more",
            aim=2e6,
            measured=one,
            unit="msg/s",
            beside=bare,
            beside_name="bare C loop",
            claim="2,000,000/s on one core, 1,000,000/s at least",
            method="median of rounds by the wall clock: neighbours on the machine count",
        ),
        Figure(
            name="the same in processor time",
            better="more",
            aim=2e6,
            measured=1e9 / one_cpu,
            unit="msg/s",
            beside=1e9 / bare_cpu,
            beside_name="bare C loop",
            gated=True,
            claim="60 % of a bare C loop that does only queue, call and copies",
            method="messages a second of processor time of the core's threads; median of rounds",
        ),
        Figure(
            name="processor time of a message",
            measured=one_cpu,
            unit="ns",
            beside=bare_cpu,
            beside_name="bare C loop",
            aim=bare_cpu / 0.6,
            claim="the bare loop's time by 0.6 at most",
            method="as above",
        ),
    ]


def _two_workers(rounds: list[_Round]) -> list[Figure]:
    one_cpu = median([r.one.cpu_ns() for r in rounds])
    two_cpu = median([r.two.cpu_ns() for r in rounds])
    scraped_cpu = median([r.scraped.cpu_ns() for r in rounds])
    return [
        Figure(
            name="second worker",
            better="more",
            aim=1.7,
            unit="times",
            beside=1.0,
            beside_name="one worker",
            measured=median([r.two.per_second() / r.one.per_second() for r in rounds]),
            claim="1.7 times the messages of one",
            method="wall clock of two workers by that of one, random receivers; needs two idle cores",
        ),
        Figure(
            name="second worker, processor time",
            better="more",
            aim=1.7,
            unit="times",
            beside=1.0,
            beside_name="one worker",
            measured=2 * one_cpu / two_cpu,
            gated=True,
            claim="1.7 times the messages of one",
            method="twice the processor time of a message with one worker by that with two",
        ),
        Figure(
            name="scraping ten times a second",
            aim=2.0,
            measured=max(0.0, (scraped_cpu / one_cpu - 1) * 100),
            unit="%",
            claim="metrics cost less than 2 %",
            method="processor time of a message with and without scrapes of all counters",
        ),
    ]


def _scraped(running: Load, seconds: float) -> Figures:
    """Measure while another thread reads the counters."""
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_EVERY_S):
            running.core.telemetry()

    reader = threading.Thread(target=scrape)
    reader.start()
    figures = running.run(seconds)
    over.set()
    reader.join()
    return figures
