"""Figures from a scrape are what the scrape says, and no more."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.demo.exposition import Histogram, Scrape

TEXT = """\
# HELP caxton_messages_processed_total Messages by what became of them.
# TYPE caxton_messages_processed_total counter
caxton_messages_processed_total{performative="inform",status="success"} 10
caxton_messages_processed_total{performative="request",status="success"} 5
caxton_messages_processed_total{performative="inform",status="failed"} 2
# HELP caxton_message_processing_duration_seconds From acceptance to the handler's return.
# TYPE caxton_message_processing_duration_seconds histogram
caxton_message_processing_duration_seconds_bucket{performative="inform",le="1e-06"} 4
caxton_message_processing_duration_seconds_bucket{performative="inform",le="2e-06"} 9
caxton_message_processing_duration_seconds_bucket{performative="inform",le="+Inf"} 10
caxton_message_processing_duration_seconds_sum{performative="inform"} 0.1
caxton_message_processing_duration_seconds_count{performative="inform"} 10
caxton_message_processing_duration_seconds_bucket{performative="request",le="1e-06"} 1
caxton_message_processing_duration_seconds_bucket{performative="request",le="2e-06"} 1
caxton_message_processing_duration_seconds_bucket{performative="request",le="+Inf"} 1
caxton_message_processing_duration_seconds_sum{performative="request"} 0.1
caxton_message_processing_duration_seconds_count{performative="request"} 1
"""
DURATION = "caxton_message_processing_duration_seconds"


def test_a_counter_is_summed_over_the_series_that_carry_the_labels() -> None:
    scrape = Scrape(TEXT)
    assert scrape.total("caxton_messages_processed_total") == 17
    assert scrape.total("caxton_messages_processed_total", status="success") == 15
    assert scrape.total("caxton_nothing_total") == 0


def test_a_missing_counter_is_told_apart_from_one_at_zero() -> None:
    assert Scrape(TEXT).has("caxton_messages_processed_total")
    assert not Scrape(TEXT).has("caxton_nothing_total")


def test_a_histogram_is_summed_over_its_labels() -> None:
    histogram = Scrape(TEXT).histogram(DURATION)
    assert histogram.bounds_s == (1e-06, 2e-06, math.inf)
    assert histogram.counts == (5, 10, 11)


def test_a_quantile_is_interpolated_within_its_bucket() -> None:
    histogram = Histogram(bounds_s=(1.0, 2.0, math.inf), counts=(50, 100, 100))
    half = histogram.quantile(0.75)
    assert half is not None
    assert (half.above_s, half.at_most_s, half.estimate_s) == (1.0, 2.0, 1.5)


def test_a_quantile_above_every_bound_claims_nothing_but_the_greatest_bound() -> None:
    histogram = Histogram(bounds_s=(1.0, math.inf), counts=(0, 7))
    p99 = histogram.quantile(0.99)
    assert p99 is not None
    assert (p99.estimate_s, p99.above_s, p99.at_most_s) == (1.0, 1.0, math.inf)


def test_an_empty_histogram_has_no_quantiles() -> None:
    assert Histogram(bounds_s=(1.0, math.inf), counts=(0, 0)).quantile(0.5) is None
    assert Scrape("").histogram(DURATION).quantile(0.5) is None


def test_only_what_came_after_the_earlier_scrape_counts() -> None:
    earlier = Histogram(bounds_s=(1.0, 2.0, math.inf), counts=(90, 90, 90))
    later = Histogram(bounds_s=(1.0, 2.0, math.inf), counts=(90, 100, 100))
    median = later.since(earlier).quantile(0.5)
    assert median is not None
    assert median.above_s == 1.0


def test_scrapes_with_other_buckets_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different buckets"):
        Histogram(bounds_s=(1.0,), counts=(1,)).since(Histogram(bounds_s=(2.0,), counts=(1,)))


def test_counts_that_descend_are_no_histogram() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Histogram(bounds_s=(1.0, 2.0), counts=(2, 1))


@given(
    values=st.lists(st.floats(min_value=1e-7, max_value=9.0), min_size=1, max_size=200),
    share=st.floats(min_value=0.0, max_value=1.0),
)
def test_the_true_quantile_lies_in_the_bucket_that_is_named(values: list[float], share: float) -> None:
    bounds = (1e-06, 1e-05, 1e-04, 1e-03, 1e-02, 0.1, 1.0, 10.0, math.inf)
    counts = tuple(float(sum(value <= bound for value in values)) for bound in bounds)
    found = Histogram(bounds_s=bounds, counts=counts).quantile(share)
    assert found is not None
    rank = max(1, math.ceil(share * len(values) - 1e-9))
    true = sorted(values)[rank - 1]
    assert found.above_s <= true <= found.at_most_s
    assert found.above_s <= found.estimate_s <= found.at_most_s
