"""Reserve-or-refuse limits. A refused reservation leaves the counter as it was."""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.atomics cimport cas_u64, load_u64_relaxed

# Token bucket as a theoretical arrival time (GCRA): one atomic word, no timer.
# INVARIANT: arrival_ns only rises, by exactly interval_ns for each token taken while it lies ahead of the
# clock, and never lies more than burst_ns ahead of it.
cdef struct TokenBucket:
    uint64_t arrival_ns         # atomic; theoretical arrival time of the next token
    uint64_t interval_ns        # nanoseconds a token; 0 = unlimited
    uint64_t burst_ns           # tolerance = burst * interval

# ``per_second`` not above 0 = unlimited. ``burst`` 0 counts as 1. Call it before the bucket is shared.
cdef void bucket_init(TokenBucket* bucket, double per_second, uint32_t burst) noexcept nogil
# Nanoseconds from now until a token is there; 0 = now.
cdef uint64_t bucket_wait_ns(TokenBucket* bucket, uint64_t now_ns) noexcept nogil

# 1 taken, 0 refused. ``now_ns`` is a monotonic clock's reading and may lag behind another thread's.
cdef inline bint bucket_take(TokenBucket* bucket, uint64_t now_ns) noexcept nogil:
    cdef uint64_t arrival, following
    if bucket.interval_ns == 0:
        return True
    arrival = load_u64_relaxed(&bucket.arrival_ns)
    while True:
        following = (arrival if arrival > now_ns else now_ns) + bucket.interval_ns
        if following - now_ns > bucket.burst_ns:
            return False
        # ORDERING: only the number matters; nothing else is published through it.
        if cas_u64(&bucket.arrival_ns, &arrival, following):
            return True

# A counted resource (memory bytes, memory mappings, instances).
# INVARIANT: used <= limit, unless unlimited.
cdef struct Budget:
    uint64_t used               # atomic
    uint64_t limit              # set before the budget is shared; 0 = unlimited

cdef void budget_init(Budget* budget, uint64_t limit) noexcept nogil
# 1 reserved, 0 refused.
cdef bint budget_reserve(Budget* budget, uint64_t amount) noexcept nogil
# Aborts the process when more is released than was reserved.
cdef void budget_release(Budget* budget, uint64_t amount) noexcept nogil
cdef uint64_t budget_used(Budget* budget) noexcept nogil
