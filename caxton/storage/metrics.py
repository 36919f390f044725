"""The store's numbers for the metrics: read from the writer's counts when somebody scrapes."""

from collections.abc import Iterator
from itertools import accumulate
from typing import final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from caxton.storage.store import Store
from caxton.storage.writer import BATCH_ROWS_BUCKETS, COMMIT_S_BUCKETS, Histogram


@final
class StoreCollector(Collector):
    """`caxton_store_*`. Read while the writer counts: one count may be ahead of another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        totals = self._store.writer_totals
        yield _histogram(
            "caxton_store_commit_duration_seconds",
            "Time of a commit, its confirmation by the disk included.",
            COMMIT_S_BUCKETS,
            totals.commit_s,
        )
        yield _histogram(
            "caxton_store_batch_rows", "Rows that shared a commit.", BATCH_ROWS_BUCKETS, totals.batch_rows
        )
        failed = CounterMetricFamily("caxton_store_commits_failed_total", "Commits that the disk refused.")
        failed.add_metric([], totals.commits_failed)
        yield failed
        waiting = GaugeMetricFamily("caxton_store_rows_waiting", "Rows that wait for their commit.")
        waiting.add_metric([], self._store.rows_waiting)
        yield waiting


def _histogram(name: str, words: str, bounds: tuple[float, ...], counts: Histogram) -> Metric:
    sums = list(accumulate(counts.counts))
    labels = [*(str(bound) for bound in bounds), "+Inf"]
    family = HistogramMetricFamily(name, words)
    family.add_metric([], buckets=list(zip(labels, sums, strict=True)), sum_value=counts.sum)
    return family
