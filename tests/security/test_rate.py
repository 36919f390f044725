"""The rate of a token's calls."""

import pytest

from caxton.domain.errors import RateLimited
from caxton.security.rate import CallRate
from caxton.security.roles import Principal, Role

ME = Principal("me", "me", Role.VIEWER)
OTHER = Principal("other", "other", Role.VIEWER)


class Clock:
    def __init__(self) -> None:
        self.now_ns = 5

    def __call__(self) -> int:
        return self.now_ns


def test_a_second_of_calls_passes_at_once_and_then_as_many_as_the_rate_says() -> None:
    clock = Clock()
    rate = CallRate(10, clock)
    for _ in range(10):
        rate.take(ME)
    with pytest.raises(RateLimited) as refused:
        rate.take(ME)
    assert refused.value.retry_after_s == pytest.approx(0.1)
    rate.take(OTHER)
    clock.now_ns += 100_000_000
    rate.take(ME)
    with pytest.raises(RateLimited):
        rate.take(ME)


def test_a_refused_call_takes_nothing() -> None:
    clock = Clock()
    rate = CallRate(1, clock)
    rate.take(ME)
    for _ in range(100):
        with pytest.raises(RateLimited):
            rate.take(ME)
    clock.now_ns += 1_000_000_000
    rate.take(ME)


def test_a_rate_below_one_lets_single_calls_through() -> None:
    clock = Clock()
    rate = CallRate(0.5, clock)
    rate.take(ME)
    with pytest.raises(RateLimited) as refused:
        rate.take(ME)
    assert refused.value.retry_after_s == pytest.approx(2.0)


def test_buckets_of_callers_that_went_away_are_dropped() -> None:
    clock = Clock()
    rate = CallRate(1000, clock)
    for number in range(20_000):
        rate.take(Principal(str(number), "x", Role.VIEWER))
    clock.now_ns += 2_000_000_000
    rate.take(ME)
    assert len(vars(rate)["_buckets"]) == 1
