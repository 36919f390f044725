"""Counters and histograms, one set per worker: plain adds by the owner, relaxed reads by the scraper."""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.bounds cimport PERFORMATIVE_COUNT

cdef enum MessageStatus:
    STATUS_SUCCESS = 0
    STATUS_REJECTED = 1
    STATUS_FAILED = 2
    STATUS_DEAD_LETTERED = 3
    STATUS_EXPIRED = 4
    STATUS_COUNT = 5

cdef enum:
    # Bucket b counts durations in (2**(b-1), 2**b] ns * 64, i.e. upper bounds 64 ns, 128 ns, ... ; the last is +Inf.
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
    Histogram routing                           # handler returned to message in the mailbox
    Histogram processing[PERFORMATIVE_COUNT]    # accepted to handler returned
    uint64_t busy_ns
    uint64_t parked_ns
    uint64_t stolen
    uint64_t handled
    uint64_t fuel

cdef void histogram_add(Histogram* histogram, uint64_t duration_ns) noexcept nogil

# Sum ``count`` sets into ``total`` (relaxed reads, the writers go on meanwhile).
cdef void telemetry_sum(Telemetry* total, Telemetry** parts, uint32_t count) noexcept nogil
