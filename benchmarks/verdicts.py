"""Verdicts, timers and the flight recorder by themselves, with 50,000 live conversations.

Method: subscriptions in the core's own table, behind a test door and on one thread. Informs of random conversations
are judged one by one, each between two looks at the clock, an empty measurement subtracted; the best of several runs
counts, since neighbours on the machine take the caches away. For the timers virtual seconds pass in ticks of a
millisecond, each with what is due looked at, while a tenth of the conversations says something each second.
"""

from typing import Final

from benchmarks.figure import Figure
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols
from tests import core_doors

LIVE: Final = 50_000
VERDICTS: Final = 100_000
ROUNDS: Final = 20
WARM: Final = 5
WHEEL_S: Final = 20
TAPE_BYTES: Final = 32 << 20
TEXT_BYTES: Final = 450
RECORDS: Final = 200_000


def measure(effort: float) -> list[Figure]:
    """Measure for about 10 seconds times `effort`."""
    image = compile_protocols(PROTOCOLS)
    door = core_doors.load("pace_door").PaceDoor(image, LIVE)
    few = core_doors.load("pace_door").PaceDoor(image, 100)
    runs: list[tuple[float, float, float]] = []
    cached: list[tuple[float, float, float]] = []
    for number in range(WARM + max(5, round(ROUNDS * effort))):
        runs.append(door.time_verdicts(VERDICTS, number + 1))
        cached.append(few.time_verdicts(VERDICTS, number + 1))
    del runs[:WARM]
    tape = core_doors.load("tape_door").TapeDoor(TAPE_BYTES)
    writes = min(tape.time_write(RECORDS, TEXT_BYTES) for _ in range(5)) / RECORDS
    search = min(tape.time_search() for _ in range(5)) / 1e6
    share = door.time_wheel(WHEEL_S) / (WHEEL_S * 1e9) * 100
    size = f"{LIVE:,} live conversations"
    return [
        Figure(
            name=f"verdict, {size}, p50",
            measured=min(run[0] for run in runs),
            unit="ns",
            aim=200,
            beside=min(run[0] for run in cached),
            beside_name="100 conversations",
            claim="below 200 ns",
            method=f"{VERDICTS:,} informs of random subscriptions a run, ids of 36 characters; best of runs",
        ),
        Figure(
            name=f"verdict, {size}, p99",
            measured=min(run[1] for run in runs),
            unit="ns",
            beside=min(run[1] for run in cached),
            beside_name="100 conversations",
            claim="no aim of its own",
            method="as above",
        ),
        Figure(
            name=f"timers of {size}",
            measured=share,
            unit="% of a core",
            aim=2.0,
            claim="below 2 % of one core",
            method=f"{WHEEL_S} virtual seconds in ticks of 1 ms, a tenth of the conversations speaks each second",
        ),
        Figure(
            name=f"record of a message of {TEXT_BYTES} B",
            measured=writes,
            unit="ns",
            claim="no aim of its own; it stands in the figures of the streams",
            method=f"a tape of {TAPE_BYTES >> 20} MiB that is full; best of runs",
        ),
        Figure(
            name=f"search through {TAPE_BYTES >> 20} MiB",
            measured=search,
            unit="ms",
            claim="no aim of its own; never on the loop, and without the GIL",
            method="a full tape, nothing found; best of runs",
        ),
    ]
