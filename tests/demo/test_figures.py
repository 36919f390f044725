"""Figures are told in words that fit them."""

import math

import pytest

from caxton.demo.exposition import Histogram
from caxton.demo.figures import bounds_told, quantiles_told, time_told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (1.5e-6, "1.5 µs"), (2.6e-7, "260 ns"), (0.0, "0 ns")],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds: float, told: str) -> None:
    assert time_told(seconds) == told


def test_quantiles_are_told_with_the_bounds_between_which_they_surely_are() -> None:
    histogram = Histogram(bounds_s=(1e-6, 2e-6, 4e-6, math.inf), counts=(0, 60, 100, 100))
    assert quantiles_told(histogram) == "p50 1.83 µs, p99 3.95 µs"
    assert bounds_told(histogram) == "p50 in 1 µs to 2 µs, p99 in 2 µs to 4 µs"


def test_nothing_counted_is_told_as_unknown() -> None:
    assert quantiles_told(Histogram(bounds_s=(1.0,), counts=(0,))) == "p50 unknown, p99 unknown"
