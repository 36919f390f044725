"""Counts and durations of requests, kept as plain integers and read when somebody scrapes.

Written by the event loop's thread only; a scrape in another thread reads copies.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BUCKETS_S: Final = (
    0.0002,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
    30.0,
)
NO_ROUTE: Final = "none"
"""The route label of requests that found none: a label must not repeat what callers send."""


@final
class _Durations:
    """One histogram: how many requests per bucket, and their sum in seconds."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0


@final
class RequestMetrics(Collector):
    """`caxton_http_requests_total` and `caxton_http_request_duration_seconds`."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._durations: dict[str, _Durations] = {}

    def count(self, route: str, method: str, status: int) -> None:
        """Count one finished request whose duration says nothing: a connection that stayed open."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1

    def refused(self, status: int) -> None:
        """Count a request that was refused before its route was known, or its method."""
        self.count(NO_ROUTE, "-", status)

    def observe(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count one finished request; status 0 stands for a caller that left before its answer."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        durations = self._durations.get(route)
        if durations is None:
            durations = self._durations[route] = _Durations()
        durations.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        durations.sum_s += duration_s

    def total(self) -> int:
        """Return how many requests were counted."""
        return sum(self._counts.copy().values())

    def collect(self) -> Iterator[Metric]:
        """Yield both families; called by the scrape."""
        requests = CounterMetricFamily(
            "caxton_http_requests",
            "Requests answered by the management API.",
            labels=("route", "method", "status"),
        )
        for (route, method, status), count in self._counts.copy().items():
            requests.add_metric((route, method, str(status)), count)
        yield requests
        seconds = HistogramMetricFamily(
            "caxton_http_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            labels=("route",),
        )
        for route, durations in self._durations.copy().items():
            running = 0
            buckets: list[tuple[str, float]] = []
            for bound_s, count in zip((*map(str, BUCKETS_S), "+Inf"), list(durations.counts), strict=True):
                running += count
                buckets.append((bound_s, running))
            seconds.add_metric((route,), buckets, durations.sum_s)
        yield seconds
