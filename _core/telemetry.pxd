"""Counters and histograms, one set per worker: plain adds by the owner, relaxed reads by the scraper."""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.atomics cimport leading_zeros, store_u64_relaxed
from caxton._core.bounds cimport PERFORMATIVE_COUNT

cdef enum MessageStatus:
    STATUS_SUCCESS = 0
    STATUS_REJECTED = 1
    STATUS_FAILED = 2
    STATUS_DEAD_LETTERED = 3
    STATUS_EXPIRED = 4
    STATUS_COUNT = 5

cdef enum:
    # Upper bounds of the buckets: 64 ns, 128 ns, 256 ns, ...; the last is +Inf.
    HISTOGRAM_BUCKETS = 32
    HISTOGRAM_SHIFT = 6

cdef struct Histogram:
    uint64_t count
    uint64_t sum_ns
    uint64_t buckets[HISTOGRAM_BUCKETS]

# Why a message was turned away; the names are the labels of caxton_messages_rejected_total.
cdef enum RejectReason:
    REJECT_NO_ROUTE = 0
    REJECT_MAILBOX_FULL = 1
    REJECT_RATE_LIMITED = 2
    REJECT_TOO_LARGE = 3
    REJECT_INVALID = 4
    REJECT_POOL_EXHAUSTED = 5
    REJECT_NOT_RUNNING = 6
    REJECT_DENIED = 7
    REJECT_COUNT = 8

cdef struct Telemetry:
    uint64_t processed[PERFORMATIVE_COUNT][STATUS_COUNT]
    uint64_t rejected[REJECT_COUNT]
    Histogram queue_wait                        # accepted to handler entered
    Histogram routing                           # from a sent text to a place in the mailbox; agents' by sample
    Histogram processing[PERFORMATIVE_COUNT]    # accepted to handler returned
    uint64_t busy_ns
    uint64_t parked_ns
    uint64_t stolen
    uint64_t handled
    uint64_t fuel

# Owner only. One store to a word that others read: they see the old or the new figure, never a torn one.
cdef inline void counter_add(uint64_t* counter, uint64_t amount) noexcept nogil:
    store_u64_relaxed(counter, counter[0] + amount)

# Owner only. INVARIANT: bucket b holds the durations above 64 << (b - 1) and up to 64 << b nanoseconds; the
# first also those below, the last also those above.
cdef inline void histogram_add(Histogram* histogram, uint64_t duration_ns) noexcept nogil:
    # Whole steps of 64 ns below the duration, a bound itself counting as below.
    cdef uint64_t steps = (duration_ns - (duration_ns != 0)) >> HISTOGRAM_SHIFT
    cdef uint32_t bucket = 63 - leading_zeros(steps << 1 | 1)
    if bucket >= HISTOGRAM_BUCKETS:
        bucket = HISTOGRAM_BUCKETS - 1
    counter_add(&histogram.buckets[bucket], 1)
    counter_add(&histogram.sum_ns, duration_ns)
    counter_add(&histogram.count, 1)

# Owner only: one message of that act came to that end.
cdef inline void count_message(Telemetry* telemetry, uint32_t performative, int status) noexcept nogil:
    counter_add(&telemetry.processed[performative][status], 1)

# Owner only: one message was turned away for that RejectReason.
cdef inline void count_reject(Telemetry* telemetry, int reason) noexcept nogil:
    counter_add(&telemetry.rejected[reason], 1)

# Sum ``count`` sets into ``total``. The reads are relaxed and the writers go on meanwhile: a histogram's
# count and the sum of its buckets may differ by what is just being added.
cdef void telemetry_sum(Telemetry* total, Telemetry** parts, uint32_t count) noexcept nogil
