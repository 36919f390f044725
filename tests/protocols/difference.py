"""Where two judges differ on a trace, and the shortest trace on which they still do."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from tests.protocols.judge import Judge, Standing
from tests.protocols.trace import Seen, Step, see, told, told_all

MakeAny = Callable[[], Judge]


class Difference(NamedTuple):
    """The first step after which two judges do not show the same."""

    place: int
    expected: Seen
    found: Seen


def first_difference(judge: Judge, steps: Sequence[Step], expected: Sequence[Seen]) -> Difference | None:
    """Let a trace happen to a judge, up to the first step where it does not show what is expected."""
    for place, (step, wanted) in enumerate(zip(steps, expected, strict=True)):
        found = see(judge, step)
        if found != wanted:
            return Difference(place, wanted, found)
    return None


def difference(reference: Judge, judge: Judge, steps: Sequence[Step]) -> Difference | None:
    """Let a trace happen to two judges, up to the first step after which they do not show the same."""
    for place, step in enumerate(steps):
        wanted, found = see(reference, step), see(judge, step)
        if found != wanted:
            return Difference(place, wanted, found)
    return None


def shrunk(make_reference: MakeAny, make_judge: MakeAny, steps: Sequence[Step]) -> list[Step]:
    """Drop what the difference does not need: first in large pieces, then step by step.

    Raises:
        ValueError: The judges agree on the whole trace.
    """
    found = difference(make_reference(), make_judge(), steps)
    if found is None:
        raise ValueError("the judges agree; give a trace on which they differ")
    kept = list(steps[: found.place + 1])
    size = len(kept) // 2
    while size > 0:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            found = difference(make_reference(), make_judge(), fewer)
            if found is None:
                start += size
            else:
                kept = fewer[: found.place + 1]
        size //= 2
    return kept


def report(make_reference: MakeAny, make_judge: MakeAny, steps: Sequence[Step]) -> str:
    """Tell what is needed to see two judges differ, and how they do."""
    kept = shrunk(make_reference, make_judge, steps)
    found = difference(make_reference(), make_judge(), kept)
    assert found is not None
    standings: list[tuple[Standing | None, Standing | None]] = [
        (wanted, shown)
        for wanted, shown in zip(found.expected.standings, found.found.standings, strict=True)
        if wanted != shown
    ]
    lines = [
        f"they differ after step {found.place + 1} of these:",
        told_all(kept),
        f"at: {told(kept[found.place].event)}",
    ]
    if found.expected.verdict != found.found.verdict:
        lines += [f"  expected {found.expected.verdict}", f"  found    {found.found.verdict}"]
    for wanted, shown in islice(standings, 3):
        lines += [f"  expected {wanted}", f"  found    {shown}"]
    return "\n".join(lines)
