"""One hop with one message in flight, beside the bare loop's.

Method: two guests pass one message of 200 bytes there and back. The sender writes the moment before its `send`
into the message, the receiver's first step counts the delay, so a hop is: envelope read and written, limits,
mailbox, run queue, room asked from the guest, copy, call. The bare loop counts from before it makes a message
to before it calls the handler. Both look at the clock twice for each message; agents 2, workers 1.
"""

from typing import Final

from benchmarks import clocked
from benchmarks.figure import Figure, median
from benchmarks.load import guest, opened, rest, spawn_all
from benchmarks.spread import Spread
from tests import core_doors

ROUNDS: Final = 5
BARE_MESSAGES: Final = 400_000


def measure(effort: float) -> list[Figure]:
    """Measure for about 10 seconds times `effort`."""
    bare_loop = core_doors.load("bare_door").BareLoop(guest(2, sends=False), 2, 1, 200, 400)
    bare: list[Spread] = []
    core: list[Spread] = []
    for _ in range(max(3, round(ROUNDS * effort))):
        bare.append(Spread.of_words(bare_loop.run_timed(BARE_MESSAGES)))
        core.append(_hops(0.7))
    return [
        _figure("p50", 0.5, 1_000, core, bare),
        _figure("p99", 0.99, 5_000, core, bare),
        _figure("p99.9", 0.999, None, core, bare),
    ]


def _hops(seconds: float) -> Spread:
    with opened(2) as core:
        spawn_all(core, clocked.guest(2, passes_on=True), 2)
        clocked.set_going(core, 2, 1)
        rest(0.2)
        clocked.collect(core, range(2))
        rest(seconds)
        return clocked.collect(core, range(2))


def _figure(word: str, share: float, aim_ns: float | None, core: list[Spread], bare: list[Spread]) -> Figure:
    return Figure(
        name=f"one hop, one in flight, {word}",
        claim="p50 below 1 us, p99 below 5 us inside the core",
        measured=median([spread.quantile_ns(share) for spread in core]),
        unit="ns",
        aim=aim_ns,
        beside=median([spread.quantile_ns(share) for spread in bare]),
        beside_name="bare C loop",
        gated=word == "p50",
        method=f"counted by the guests, {sum(map(len, core)):,} hops; median of rounds",
    )
