"""Counters and histograms against counting by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("telemetry_door")

BUCKETS = 32


def bucket_of(duration_ns: int) -> int:
    return next((b for b in range(BUCKETS - 1) if duration_ns <= 64 << b), BUCKETS - 1)


@pytest.mark.parametrize("bound", range(BUCKETS))
def test_a_bucket_ends_at_its_bound_and_the_next_begins_above_it(bound: int) -> None:
    for duration_ns in ((64 << bound) - 1, 64 << bound, (64 << bound) + 1):
        telemetry = door.TelemetryDoor()
        telemetry.observe(0, duration_ns)
        buckets = telemetry.total(1)["queue_wait"]["buckets"]
        assert buckets.index(1) == bucket_of(duration_ns)
        assert sum(buckets) == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**58), max_size=50))
def test_a_histogram_agrees_with_counting_by_hand(durations: list[int]) -> None:
    telemetry = door.TelemetryDoor()
    for duration_ns in durations:
        telemetry.observe(0, duration_ns)
    view = telemetry.total(1)["queue_wait"]
    assert view["count"] == len(durations)
    assert view["sum_ns"] == sum(durations)
    assert view["buckets"] == [sum(bucket_of(d) == b for d in durations) for b in range(BUCKETS)]


def test_zero_and_the_largest_duration_have_a_bucket() -> None:
    telemetry = door.TelemetryDoor()
    telemetry.observe(0, 0)
    telemetry.observe(0, 2**64 - 1)
    buckets = telemetry.total(1)["queue_wait"]["buckets"]
    assert (buckets[0], buckets[-1]) == (1, 1)


def test_a_total_is_the_sum_of_all_sets_down_to_the_last_word() -> None:
    telemetry = door.TelemetryDoor()
    for number in range(3):
        telemetry.count(number, number, 1, 10 + number)
        telemetry.count(number, 21, 4, 1)
        telemetry.observe_last(number, 100)
    total = telemetry.total(3)
    assert [total["processed"][p][1] for p in range(3)] == [10, 11, 12]
    assert total["processed"][21][4] == 3
    assert total["fuel"] == 300
    assert telemetry.total(2)["fuel"] == 200
    assert telemetry.total(0)["fuel"] == 0


@pytest.mark.sanitize
def test_a_scraper_sees_sums_that_only_rise() -> None:
    stress.telemetry()
