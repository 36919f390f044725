"""The gate: which ratios are worse than those that are kept, whichever way is better."""

import pytest

from benchmarks.figure import Figure, table
from benchmarks.gate import Kept, worse_by


@pytest.mark.parametrize(
    ("better", "kept", "now", "worse"),
    [
        ("less", 2.0, 2.5, 0.25),
        ("less", 2.0, 1.6, -0.2),
        ("more", 0.5, 0.4, 0.25),
        ("more", 0.5, 0.625, -0.2),
    ],
)
def test_worse_is_what_costs_more_or_reaches_less(better: str, kept: float, now: float, worse: float) -> None:
    side = "more" if better == "more" else "less"
    assert worse_by(Kept(kept, side, "floor"), now) == pytest.approx(worse)


def test_the_table_shows_measured_aim_floor_and_ratio() -> None:
    figure = Figure(
        name="a hop",
        claim="",
        measured=300.0,
        unit="ns",
        method="",
        aim=1000.0,
        beside=60.0,
        beside_name="floor",
    )
    row = table([figure]).splitlines()[-1]
    assert row == "| a hop | 300 ns | ≤ 1,000 | yes | 60.0 ns (floor) | 5.00 |"
