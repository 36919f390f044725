"""Bodies of the limits that are not on the hot path."""

from libc.stdint cimport UINT64_MAX, uint32_t, uint64_t
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort
from caxton._core.atomics cimport cas_u64, load_u64_relaxed, store_u64_relaxed, sub_u64_seq

cdef enum:
    NS_PER_S = 1000000000

# Longest tolerance: 146 years. With a clock below the same bound no sum of the two overflows.
cdef uint64_t TOLERANCE_NS_MAX = 1 << 62


cdef void bucket_init(TokenBucket* bucket, double per_second, uint32_t burst) noexcept nogil:
    cdef double interval
    cdef uint64_t tokens = burst if burst > 0 else 1
    cdef uint64_t interval_ns = 0
    if per_second > 0.0:        # false for NaN too
        interval = NS_PER_S / per_second
        if interval >= <double>(TOLERANCE_NS_MAX // tokens):
            interval_ns = TOLERANCE_NS_MAX // tokens
        else:
            interval_ns = <uint64_t>(interval + 0.5)
        # Above a token a nanosecond the finest step still limits.
        interval_ns = interval_ns if interval_ns > 0 else 1
    store_u64_relaxed(&bucket.arrival_ns, 0)
    bucket.interval_ns = interval_ns
    bucket.burst_ns = interval_ns * tokens


cdef uint64_t bucket_wait_ns(TokenBucket* bucket, uint64_t now_ns) noexcept nogil:
    cdef uint64_t arrival, following
    if bucket.interval_ns == 0:
        return 0
    arrival = load_u64_relaxed(&bucket.arrival_ns)
    following = (arrival if arrival > now_ns else now_ns) + bucket.interval_ns
    if following - now_ns <= bucket.burst_ns:
        return 0
    return following - now_ns - bucket.burst_ns


cdef void budget_init(Budget* budget, uint64_t limit) noexcept nogil:
    store_u64_relaxed(&budget.used, 0)
    budget.limit = limit


cdef bint budget_reserve(Budget* budget, uint64_t amount) noexcept nogil:
    cdef uint64_t used = load_u64_relaxed(&budget.used)
    cdef uint64_t limit = budget.limit if budget.limit != 0 else UINT64_MAX
    # A difference instead of a sum: used <= limit holds, and used + amount might overflow.
    while amount <= limit - used:
        # ORDERING: acquire pairs with budget_release: what was released is gone before it is reserved anew.
        if cas_u64(&budget.used, &used, used + amount):
            return True
    return False


cdef void budget_release(Budget* budget, uint64_t amount) noexcept nogil:
    # ORDERING: the resource is given up before its amount is free for another.
    cdef uint64_t used = sub_u64_seq(&budget.used, amount)
    if used < amount:
        fprintf(stderr, "caxton: %llu released from a budget that holds %llu\n",
                <unsigned long long>amount, <unsigned long long>used)
        abort()


cdef uint64_t budget_used(Budget* budget) noexcept nogil:
    return load_u64_relaxed(&budget.used)
