"""Run queues: which agents have work, per worker, with stealing.

A ring holds slot indexes; only its owner appends, owner and thieves take from the head (first in,
first out, so no agent starves). An agent is in at most one ring at a time, hence a ring as large as
the routing table can never be full. The injector takes slots from threads that are not workers.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef struct RunRing:
    uint64_t head               # atomic; next to take; written by owner and thieves (CAS); own cache line
    char pad_head[56]
    uint64_t tail               # atomic; next free; written by the owner only; own cache line
    char pad_tail[56]
    uint32_t mask               # capacity - 1
    uint32_t* entries           # OWNERSHIP: owned by the ring; freed in ring_close; entries are read and written atomically

cdef int ring_open(RunRing* ring, uint32_t capacity_min) noexcept nogil   # 0, or -1 without memory
cdef void ring_close(RunRing* ring) noexcept nogil
cdef void ring_push(RunRing* ring, uint32_t slot) noexcept nogil          # owner only
cdef bint ring_take(RunRing* ring, uint32_t* slot) noexcept nogil         # owner or thief; 0 = empty
# Thief: move up to half of ``victim`` (at least 1, at most 64) into the thief's own ring; returns how many.
cdef uint32_t ring_steal(RunRing* victim, RunRing* own) noexcept nogil
cdef uint32_t ring_length(RunRing* ring) noexcept nogil

# Stack of slots linked through a per-slot word (``links[slot]``), pushed by any thread, taken whole.
cdef struct Injector:
    uint64_t head               # atomic; slot index + 1, 0 = empty
    uint32_t* links             # borrowed: one word per routing slot, owned by the scheduler

cdef void injector_init(Injector* injector, uint32_t* links) noexcept nogil
cdef void injector_push(Injector* injector, uint32_t slot) noexcept nogil
# Take everything that was injected into ``own`` in order of arrival; returns how many.
cdef uint32_t injector_drain(Injector* injector, RunRing* own) noexcept nogil
