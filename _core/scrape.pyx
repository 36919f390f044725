"""Sum the workers' counters and give them out; the shape is stated at `Core.telemetry` in core.pyi."""

from libc.string cimport memset

from caxton._core.atomics cimport load_u32_relaxed, load_u64_relaxed
from caxton._core.bounds cimport PERFORMATIVE_COUNT, WORKERS_MAX
from caxton._core.protocol cimport OUTCOME_COUNT, PROTOCOLS_MAX, REASON_COUNT
from caxton._core.telemetry cimport (
    HISTOGRAM_BUCKETS, HISTOGRAM_SHIFT, Histogram, REJECT_COUNT, STATUS_COUNT, Telemetry, telemetry_sum,
)

BUCKET_UPPER_NS = tuple(1 << (HISTOGRAM_SHIFT + b) for b in range(HISTOGRAM_BUCKETS))
STATUSES = ("success", "rejected", "failed", "dead_lettered", "expired")
REJECT_REASONS = (
    "no_route", "mailbox_full", "rate_limited", "too_large", "invalid", "pool_exhausted", "not_running", "denied",
)
assert len(STATUSES) == STATUS_COUNT
assert len(REJECT_REASONS) == REJECT_COUNT


cdef tuple histogram(Histogram* source):
    return (source.count, source.sum_ns, [source.buckets[b] for b in range(HISTOGRAM_BUCKETS)])


cdef dict scrape(Machine* machine):
    cdef Telemetry total
    cdef Telemetry* parts[WORKERS_MAX + 2]
    cdef Telemetry* one
    cdef unsigned int i
    cdef int p
    cdef int s
    cdef int r
    workers = []
    for i in range(machine.worker_count):
        parts[i] = one = &machine.workers[i].telemetry
        workers.append({
            "busy_ns": load_u64_relaxed(&one.busy_ns),
            "parked_ns": load_u64_relaxed(&one.parked_ns),
            "stolen": load_u64_relaxed(&one.stolen),
            "handled": load_u64_relaxed(&one.handled),
            "fuel": load_u64_relaxed(&one.fuel),
        })
    parts[machine.worker_count] = &machine.shell_telemetry
    parts[machine.worker_count + 1] = &machine.ticker_telemetry
    memset(&total, 0, sizeof(Telemetry))
    telemetry_sum(&total, parts, machine.worker_count + 2)
    return {
        "processed": [[total.processed[p][s] for s in range(<int>STATUS_COUNT)] for p in range(<int>PERFORMATIVE_COUNT)],
        "rejected": [total.rejected[r] for r in range(<int>REJECT_COUNT)],
        "queue_wait": histogram(&total.queue_wait),
        "routing": histogram(&total.routing),
        "processing": [histogram(&total.processing[p]) for p in range(<int>PERFORMATIVE_COUNT)],
        "workers": workers,
        "bucket_upper_ns": list(BUCKET_UPPER_NS),
        "conversations_opened": [load_u64_relaxed(&machine.conversations.opened[p]) for p in range(<int>PROTOCOLS_MAX + 1)],
        "conversations_finished": [
            [load_u64_relaxed(&machine.conversations.finished[p][s]) for s in range(<int>OUTCOME_COUNT)]
            for p in range(<int>PROTOCOLS_MAX + 1)
        ],
        "conversations_held": load_u32_relaxed(&machine.conversations.used),
        "verdicts": [load_u64_relaxed(&machine.conversations.reasons[r]) for r in range(<int>REASON_COUNT)],
        "conversation_events_untold": load_u64_relaxed(&machine.untold_events),
        "instances": load_u64_relaxed(&machine.instances),
    }
