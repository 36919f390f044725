"""Reserve-or-refuse limits. A refused reservation leaves the counter as it was."""

from libc.stdint cimport uint32_t, uint64_t

# Token bucket as a theoretical arrival time (GCRA): one atomic word, no timer.
cdef struct TokenBucket:
    uint64_t arrival_ns         # atomic; theoretical arrival time of the next token
    uint64_t interval_ns        # nanoseconds a token; 0 = unlimited
    uint64_t burst_ns           # tolerance = burst * interval

cdef void bucket_init(TokenBucket* bucket, double per_second, uint32_t burst) noexcept nogil
cdef bint bucket_take(TokenBucket* bucket, uint64_t now_ns) noexcept nogil   # 1 taken, 0 refused
# Nanoseconds from now until a token is there; 0 = now.
cdef uint64_t bucket_wait_ns(TokenBucket* bucket, uint64_t now_ns) noexcept nogil

# A counted resource (memory bytes, memory mappings, instances).
cdef struct Budget:
    uint64_t used               # atomic
    uint64_t limit              # set before the budget is shared; 0 = unlimited

cdef void budget_init(Budget* budget, uint64_t limit) noexcept nogil
cdef bint budget_reserve(Budget* budget, uint64_t amount) noexcept nogil
cdef void budget_release(Budget* budget, uint64_t amount) noexcept nogil
cdef uint64_t budget_used(Budget* budget) noexcept nogil
