"""How many calls a token may make: a token bucket for each, one second deep."""

from collections.abc import Callable
from typing import Final, final

from caxton.domain.errors.resource import RateLimited
from caxton.security.roles import Principal

_NS_PER_S: Final = 1_000_000_000
# Buckets that are full again tell nothing and are dropped when there are this many.
_BUCKETS_MAX: Final = 20_000


@final
class CallRate:
    """The buckets of all callers. For the thread of the event loop."""

    def __init__(self, calls_per_s_max: float, now_ns: Callable[[], int]) -> None:
        """`now_ns` is a monotonic clock in nanoseconds; a rate below 1 still lets single calls through."""
        assert calls_per_s_max > 0, "a rate of 0 means that there is no limit, hence no buckets"
        self._calls_per_s_max = calls_per_s_max
        self._depth = max(1.0, calls_per_s_max)
        self._now_ns = now_ns
        # By identity: what is left in the bucket, and when that was known, in nanoseconds.
        self._buckets: dict[str, tuple[float, int]] = {}

    def take(self, principal: Principal) -> None:
        """Count one call.

        Raises:
            RateLimited: the bucket is empty; says when there is something in it again. Nothing is taken.
        """
        now_ns = self._now_ns()
        left, then_ns = self._buckets.get(principal.identity, (self._depth, now_ns))
        left = min(self._depth, left + (now_ns - then_ns) / _NS_PER_S * self._calls_per_s_max)
        if left < 1.0:
            wait_s = (1.0 - left) / self._calls_per_s_max
            raise RateLimited(f"the token {principal.name}", self._calls_per_s_max, retry_after_s=wait_s)
        if len(self._buckets) >= _BUCKETS_MAX and principal.identity not in self._buckets:
            self._drop_full(now_ns)
        self._buckets[principal.identity] = (left - 1.0, now_ns)

    def _drop_full(self, now_ns: int) -> None:
        full_ns = int(self._depth / self._calls_per_s_max * _NS_PER_S)
        self._buckets = {
            identity: bucket for identity, bucket in self._buckets.items() if now_ns - bucket[1] < full_ns
        }
