"""What a scrape of `/metrics` says: counters summed, histograms with their buckets.

A decider: text in, numbers out. The server's histograms count from its start, so what happened within
a span of time is the difference of two scrapes.
"""

import math
from collections.abc import Mapping
from typing import Final, final

import msgspec
from prometheus_client.parser import text_string_to_metric_families

_LAST_BUCKET: Final = "+Inf"


@final
class Quantile(msgspec.Struct, frozen=True, kw_only=True):
    """Where a quantile lies: within a bucket, and estimated inside of it by a straight line.

    All in seconds. `above` is the bucket's lower bound, `at_most` its upper bound, infinite for the last.
    """

    estimate_s: float
    above_s: float
    at_most_s: float


@final
class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Cumulative counts by upper bound in seconds, ascending; the last bound is infinite."""

    bounds_s: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.bounds_s) != len(self.counts):
            raise ValueError("a histogram has one count for each bound")
        if list(self.bounds_s) != sorted(set(self.bounds_s)) or list(self.counts) != sorted(self.counts):
            raise ValueError("a histogram's bounds and cumulative counts ascend")

    @property
    def total(self) -> float:
        """How many values were counted."""
        return self.counts[-1] if self.counts else 0.0

    def since(self, earlier: "Histogram") -> "Histogram":
        """Return what was counted after an earlier scrape of the same histogram.

        Raises: ValueError when the bounds differ.
        """
        if not earlier.bounds_s:
            return self
        if earlier.bounds_s != self.bounds_s:
            raise ValueError("the two scrapes have different buckets")
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return Histogram(bounds_s=self.bounds_s, counts=counts)

    def quantile(self, share: float) -> Quantile | None:
        """Return the quantile at a share from 0 to 1, or None where nothing was counted."""
        assert 0.0 <= share <= 1.0, share
        if self.total == 0:
            return None
        wanted = share * self.total
        index = next(i for i, count in enumerate(self.counts) if count >= wanted and count > 0)
        lower = self.bounds_s[index - 1] if index else 0.0
        upper = self.bounds_s[index]
        before = self.counts[index - 1] if index else 0.0
        inside = self.counts[index] - before
        # Above the greatest finite bound nothing is known but that bound.
        estimate = lower if math.isinf(upper) else lower + (upper - lower) * (wanted - before) / inside
        return Quantile(estimate_s=estimate, above_s=lower, at_most_s=upper)


@final
class Scrape:
    """One scrape, at one moment."""

    def __init__(self, text: str) -> None:
        self._samples: Final = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all series of a name that carry the given labels; 0 when there is none."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and _carries(sample.labels, labels)
        )

    def has(self, name: str) -> bool:
        """Tell whether any series has this name."""
        return any(sample.name == name for sample in self._samples)

    def histogram(self, name: str) -> Histogram:
        """Return a histogram, summed over its labels; empty when there is none."""
        counts: dict[float, float] = {}
        for sample in self._samples:
            if sample.name == f"{name}_bucket":
                bound = math.inf if sample.labels["le"] == _LAST_BUCKET else float(sample.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + sample.value
        bounds = tuple(sorted(counts))
        return Histogram(bounds_s=bounds, counts=tuple(counts[bound] for bound in bounds))


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
