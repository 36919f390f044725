"""Token buckets against the textbook's formula in exact numbers, budgets against a plain sum."""

import math
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("limiter_door")

NS = 1_000_000_000


def test_a_full_bucket_gives_its_burst_at_once_and_then_one_token_an_interval() -> None:
    bucket = door.BucketDoor(10.0, 3)
    now = 5 * NS
    assert [bucket.take(now) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_ns(now) == NS // 10
    assert not bucket.take(now + NS // 10 - 1)
    assert bucket.take(now + NS // 10)
    assert not bucket.take(now + NS // 10)


def test_an_idle_bucket_holds_no_more_than_its_burst() -> None:
    bucket = door.BucketDoor(1000.0, 5)
    assert bucket.take(1)
    assert sum(bucket.take(3600 * NS) for _ in range(20)) == 5


@pytest.mark.parametrize("per_second", [0.0, -1.0, math.nan])
def test_a_rate_not_above_zero_is_no_limit(per_second: float) -> None:
    bucket = door.BucketDoor(per_second, 1)
    assert bucket.interval_ns() == 0
    assert all(bucket.take(7) for _ in range(1000))
    assert bucket.wait_ns(7) == 0


def test_a_burst_of_zero_counts_as_one() -> None:
    bucket = door.BucketDoor(1.0, 0)
    assert [bucket.take(NS), bucket.take(NS), bucket.take(2 * NS)] == [True, False, True]


@pytest.mark.parametrize("per_second", [5e-324, 1e-30, 1e-9, 1e8, 1e9, 1e15, 1e308, math.inf])
@pytest.mark.parametrize("burst", [1, 2, 2**32 - 1])
def test_extreme_rates_neither_overflow_nor_turn_the_limit_off(per_second: float, burst: int) -> None:
    bucket = door.BucketDoor(per_second, burst)
    assert bucket.interval_ns() >= 1
    assert bucket.interval_ns() * burst == bucket.burst_ns() <= 2**62
    for now in (0, 1, 2**61, 2**62):
        wait = bucket.wait_ns(now)
        assert bucket.take(now) == (wait == 0)
        assert wait <= bucket.burst_ns()


class GCRA:
    """The generic cell rate algorithm with unbounded integers (ITU-T I.371, virtual scheduling)."""

    def __init__(self, interval: int, burst: int) -> None:
        self.interval = interval
        self.tolerance = interval * (burst - 1)
        self.arrival = 0

    def take(self, now: int) -> bool:
        if now < self.arrival - self.tolerance:
            return False
        self.arrival = max(now, self.arrival) + self.interval
        return True


@settings(deadline=None)
@given(
    interval=st.integers(1, 10**9),
    burst=st.integers(1, 50),
    steps=st.lists(st.integers(-(10**9), 3 * 10**9), min_size=1, max_size=200),
)
def test_the_bucket_agrees_with_the_exact_algorithm(interval: int, burst: int, steps: list[int]) -> None:
    bucket = door.BucketDoor(NS / interval, burst)
    model = GCRA(bucket.interval_ns(), burst)
    assert abs(bucket.interval_ns() - interval) <= 1
    now = 10**12
    for step in steps:
        now += step  # also back: another thread's reading may be older
        wait = bucket.wait_ns(now)
        assert wait == max(0, model.arrival - model.tolerance - now)
        if wait:
            assert not bucket.take(now + wait - 1)
        assert bucket.take(now) == model.take(now)


def test_a_budget_gives_what_is_left_and_refuses_without_a_trace() -> None:
    budget = door.BudgetDoor(10)
    assert budget.reserve(7)
    assert not budget.reserve(4)
    assert budget.used() == 7
    assert budget.reserve(3)
    budget.release(5)
    assert budget.used() == 5


def test_a_budget_without_a_limit_still_counts_and_does_not_overflow() -> None:
    budget = door.BudgetDoor(0)
    assert budget.reserve(2**64 - 2)
    assert not budget.reserve(2)
    assert budget.reserve(1)
    assert budget.used() == 2**64 - 1


def test_an_amount_near_the_word_size_does_not_slip_through_a_limit() -> None:
    budget = door.BudgetDoor(100)
    assert budget.reserve(60)
    assert not budget.reserve(2**64 - 50)
    assert budget.used() == 60


def test_releasing_more_than_was_reserved_aborts_with_a_message() -> None:
    code = (
        "from tests import core_doors; budget = core_doors.load('limiter_door').BudgetDoor(10)\n"
        "budget.reserve(3); budget.release(4)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=core_doors.ROOT,
        env=os.environ | {"PYTHONPATH": str(core_doors.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGABRT
    assert "4 released from a budget that holds 3" in done.stderr


@settings(deadline=None)
@given(limit=st.integers(1, 100), moves=st.lists(st.tuples(st.booleans(), st.integers(0, 120)), max_size=100))
def test_a_budget_agrees_with_a_plain_sum(limit: int, moves: list[tuple[bool, int]]) -> None:
    budget = door.BudgetDoor(limit)
    used = 0
    for give, amount in moves:
        if give:
            back = min(amount, used)
            budget.release(back)
            used -= back
        else:
            assert budget.reserve(amount) == (used + amount <= limit)
            used += amount if used + amount <= limit else 0
        assert budget.used() == used


@pytest.mark.sanitize
def test_threads_never_take_more_tokens_than_came_in() -> None:
    stress.token_bucket()


@pytest.mark.sanitize
def test_threads_never_hold_more_than_the_limit() -> None:
    stress.budget()
