"""Test door to token buckets and budgets; time is a number that the test hands over."""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.atomics cimport (
    add_u64_relaxed, add_u64_seq, load_u64_relaxed, monotonic_ns, sub_u64_seq,
)
from caxton._core.limiter cimport (
    Budget, TokenBucket, bucket_init, bucket_take, bucket_wait_ns, budget_init, budget_release,
    budget_reserve, budget_used,
)
from gate cimport gate_pass, random_next


cdef class BucketDoor:
    cdef TokenBucket bucket
    cdef uint64_t clock_ns          # atomic; virtual time that all hammering threads move on
    cdef uint32_t arrived

    def __cinit__(self, double per_second, uint32_t burst):
        bucket_init(&self.bucket, per_second, burst)

    def take(self, uint64_t now_ns) -> bool:
        return bucket_take(&self.bucket, now_ns)

    def wait_ns(self, uint64_t now_ns) -> int:
        return bucket_wait_ns(&self.bucket, now_ns)

    def interval_ns(self) -> int:
        return self.bucket.interval_ns

    def burst_ns(self) -> int:
        return self.bucket.burst_ns

    def hammer(self, uint32_t attempts, uint64_t step_ns, uint32_t parties) -> int:
        """Move the shared clock by ``step_ns`` and try to take, ``attempts`` times; return tokens taken."""
        cdef uint32_t taken = 0
        # SAFETY: only C state is touched; the bucket is made for many threads.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _ in range(attempts):
                add_u64_relaxed(&self.clock_ns, step_ns)
                # Read apart from the move, so that threads also come with times out of order.
                taken += bucket_take(&self.bucket, load_u64_relaxed(&self.clock_ns))
        return taken

    def now_ns(self) -> int:
        return self.clock_ns

    def time_take(self, uint32_t rounds) -> int:
        """Take at the bucket's own pace; return nanoseconds."""
        cdef uint64_t start, refused = 0
        cdef uint64_t now_ns = self.bucket.arrival_ns
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                now_ns += self.bucket.interval_ns
                refused += not bucket_take(&self.bucket, now_ns)
            start = monotonic_ns() - start
        assert refused == 0
        return start


cdef class BudgetDoor:
    cdef Budget budget
    cdef uint64_t held              # atomic; what the threads know they hold: at most what the budget says
    cdef uint32_t arrived

    def __cinit__(self, uint64_t limit):
        budget_init(&self.budget, limit)

    def reserve(self, uint64_t amount) -> bool:
        return budget_reserve(&self.budget, amount)

    def release(self, uint64_t amount) -> None:
        budget_release(&self.budget, amount)

    def used(self) -> int:
        return budget_used(&self.budget)

    def hammer(self, uint32_t rounds, uint64_t amount_max, uint64_t seed,
               uint32_t parties) -> tuple[int, int]:
        """Reserve and release random amounts; return (times the limit was exceeded, refusals)."""
        cdef uint64_t state = seed, amount
        cdef uint32_t exceeded = 0, refused = 0
        # SAFETY: only C state is touched; the budget is made for many threads.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _ in range(rounds):
                amount = random_next(&state) % amount_max + 1
                if not budget_reserve(&self.budget, amount):
                    refused += 1
                    continue
                exceeded += add_u64_seq(&self.held, amount) + amount > self.budget.limit
                exceeded += budget_used(&self.budget) > self.budget.limit
                sub_u64_seq(&self.held, amount)
                budget_release(&self.budget, amount)
        return exceeded, refused
