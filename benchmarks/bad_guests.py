"""A thousand agents under load keep their p99 while one beside them misbehaves in each way that we know.

Method: for each guest of tests/guests/run, stretches with and without it take turns on one running crowd (see
`benchmarks.crowd`); the figure is the p99 of the others' hops beside it, and beside that the p99 without it.
A ratio near 1 is the aim; one of two workers is busy with the troublemaker, so where it burns all its fuel
(100 ms a message) the others have half of the machine.
"""

from typing import Final

from benchmarks.crowd import Crowd, Trouble, crowd
from benchmarks.figure import Figure, median
from benchmarks.spread import Spread
from tests.guests.corpus import GROUPS, HERE, guest

ROUNDS: Final = 3
SECONDS: Final = 0.4
RATIO_MAX: Final = 2.0
_RUN: Final = "run"


def measure(effort: float) -> list[Figure]:
    """Measure for about three minutes times `effort`."""
    assert _RUN in GROUPS, "the corpus has a group of guests that misbehave at run time"
    names = sorted(path.stem for path in (HERE / _RUN).glob("*.wat"))
    with crowd() as made:
        return [_beside(made, name, max(2, round(ROUNDS * effort))) for name in names]


def _beside(made: Crowd, name: str, rounds: int) -> Figure:
    before: list[Spread] = []
    during: list[Spread] = []
    troubles: list[Trouble] = []
    made.bring(guest(name))
    for _ in range(rounds):
        before.append(made.hops(SECONDS))
        spread, trouble = made.hops_beside(SECONDS)
        during.append(spread)
        troubles.append(trouble)
    made.remove()
    asked, answered = sum(t.asked for t in troubles), sum(t.answered for t in troubles)
    alone = median([spread.quantile_ns(0.99) for spread in before]) / 1000
    return Figure(
        name=f"1,000 agents' p99 beside `{name}`",
        claim="1,000 other agents under load keep their p99",
        measured=median([spread.quantile_ns(0.99) for spread in during]) / 1000,
        unit="us",
        aim=alone * RATIO_MAX,
        beside=alone,
        beside_name="without it",
        method=f"asked {asked} times, answered {answered}; {sum(map(len, during)):,} hops, {rounds} rounds",
    )
