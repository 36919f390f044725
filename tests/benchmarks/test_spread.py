"""The histogram of the benchmarks: fine, and true to what was counted."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import BUCKETS, Spread, bucket_of, upper_ns

DURATIONS = st.integers(min_value=0, max_value=60 * 10**9)


@given(DURATIONS)
def test_a_duration_lies_below_the_end_of_its_bucket_and_not_below_that_of_the_one_before(
    duration: int,
) -> None:
    bucket = bucket_of(duration)
    assert duration < upper_ns(bucket)
    assert bucket == 0 or duration >= upper_ns(bucket - 1)


@given(DURATIONS)
def test_a_bucket_is_not_wider_than_a_thirtieth_of_what_it_holds(duration: int) -> None:
    assert upper_ns(bucket_of(duration)) - duration <= max(1, duration / 30)


def test_what_is_longer_than_the_last_bucket_counts_in_it() -> None:
    assert bucket_of(1 << 62) == BUCKETS - 1


@pytest.mark.parametrize(("share", "exact"), [(0.5, 500_000), (0.99, 990_000), (1.0, 1_000_000)])
def test_a_quantile_is_that_of_the_durations(share: float, exact: int) -> None:
    spread = Spread.of_ns(range(1, 1_000_001, 100))
    assert spread.quantile_ns(share) == pytest.approx(exact, rel=0.04)


def test_words_that_a_guest_logged_are_added_up() -> None:
    counts = array("I", bytes(4 * BUCKETS))
    counts[bucket_of(5)], counts[bucket_of(7_000)] = 3, 1
    whole = Spread.of_words(counts.tobytes())
    whole.add(Spread.of_words(counts.tobytes()[:40]))
    assert len(whole) == 7
    assert whole.quantile_ns(0.5) == 6
    assert whole.quantile_ns(1.0) == pytest.approx(7_000, rel=0.04)
