"""The envelope in and out, and the metrics of a message, each as loops inside the core.

Method: rounds of 10,000 messages without the GIL behind the test doors: a bid of 200 bytes is read and the
delivered text of 390 bytes written. Floor: one look at each byte, one copy of the delivered ones. The
metrics' share is what a message counts (two histograms, seven counters) in a loop, beside a message's whole
time.
"""

import time
from typing import Final

from benchmarks import load
from benchmarks.bench_envelope import HOST, MESSAGES
from benchmarks.figure import Figure, median
from tests import core_doors

ROUNDS: Final = 25
MESSAGES_A_ROUND: Final = 10_000
STEPS: Final = 32_000
# Two histograms of three adds each, and a fuel, a handled and a status counter, with the agent's two: half of
# another histogram's adds each.
HISTOGRAMS_A_MESSAGE: Final = 2 + 5 / 3


def measure(effort: float) -> list[Figure]:
    """Measure for about 5 seconds times `effort`."""
    door = core_doors.load("envelope_door")
    bench = door.Bench(MESSAGES["200-byte bid"], door.Host(**HOST))
    both: list[float] = []
    floor: list[float] = []
    for _ in range(max(9, round(ROUNDS * effort))):
        both.append(_thread_ns(lambda: bench.parse_and_splice(MESSAGES_A_ROUND)) / MESSAGES_A_ROUND)
        floor.append(_thread_ns(lambda: bench.floor(MESSAGES_A_ROUND)) / MESSAGES_A_ROUND)
    telemetry = core_doors.load("telemetry_door").TelemetryDoor()
    observed = median([telemetry.time_observe(STEPS) / STEPS for _ in range(max(9, round(ROUNDS * effort)))])
    with load.load(1000, 64) as running:
        running.run(0.2)
        message_ns = running.run(max(0.5, effort)).cpu_ns()
    return [
        Figure(
            name="JSON envelope in and out, 200 B",
            unit="ns",
            measured=median(both),
            aim=150.0,
            gated=True,
            beside=median(floor),
            beside_name="a look at each byte, a copy",
            claim="less than 150 ns",
            method=f"read 200 B, write 390 B, {MESSAGES_A_ROUND:,} a round, medians of {len(both)} rounds",
        ),
        Figure(
            name="metrics of a message",
            unit="%",
            aim=2.0,
            claim="metrics cost less than 2 %",
            measured=observed * HISTOGRAMS_A_MESSAGE / message_ns * 100,
            method=f"{observed:.1f} ns a histogram in a loop, of {message_ns:.0f} ns a message",
        ),
    ]


def _thread_ns(act: "load.Act") -> int:
    begun = time.thread_time_ns()
    act()
    return time.thread_time_ns() - begun
