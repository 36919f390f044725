"""How long things took, as a histogram that is fine enough for quantiles: 3 % at any size.

The buckets are those that the clocked guests and the bare loop fill: one a nanosecond below 64, then 32 to
each power of two. 1,024 words of 32 bits: what a guest may log in one line.
"""

import operator
from array import array
from collections.abc import Iterable
from typing import Final, final

BUCKETS: Final = 1024
_LINEAR: Final = 64
_STEPS: Final = 32
_FIRST_EXPONENT: Final = 6


def bucket_of(nanoseconds: int) -> int:
    """Return the bucket that a duration falls into."""
    if nanoseconds < _LINEAR:
        return max(nanoseconds, 0)
    exponent = nanoseconds.bit_length() - 1
    fraction = (nanoseconds >> (exponent - 5)) & (_STEPS - 1)
    return min(_LINEAR + (exponent - _FIRST_EXPONENT) * _STEPS + fraction, BUCKETS - 1)


def upper_ns(bucket: int) -> int:
    """Return the first duration that lies above a bucket."""
    if bucket < _LINEAR:
        return bucket + 1
    exponent, fraction = divmod(bucket - _LINEAR, _STEPS)
    return (_STEPS + fraction + 1) << (exponent + _FIRST_EXPONENT - 5)


@final
class Spread:
    """Durations, counted by bucket."""

    def __init__(self, counts: Iterable[int] = ()) -> None:
        self._counts = array("Q", counts) or array("Q", bytes(8 * BUCKETS))

    @classmethod
    def of_words(cls, words: bytes) -> "Spread":
        """Read what a guest logged: little-endian words of 32 bits, the last ones left out where zero."""
        counts = array("I", words.ljust(4 * BUCKETS, b"\0"))
        return cls(counts)

    @classmethod
    def of_ns(cls, durations_ns: Iterable[int]) -> "Spread":
        """Count durations that are at hand."""
        spread = cls()
        for duration in durations_ns:
            spread._counts[bucket_of(duration)] += 1
        return spread

    def add(self, other: "Spread") -> None:
        """Take in what another one counted."""
        self._counts = array("Q", map(operator.add, self._counts, other._counts))

    def __len__(self) -> int:
        return sum(self._counts)

    def quantile_ns(self, share: float) -> int:
        """Return the upper end of the bucket below which `share` of the durations lie; 0 without any."""
        wanted, seen = share * len(self), 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return upper_ns(place)
        return 0
