"""Run queues: which agents have work, per worker, with stealing.

A ring holds slot indexes; only its owner appends, owner and thieves take from the head (first in,
first out, so no agent starves). An agent is in at most one ring at a time, hence a ring as large as
the routing table can never be full. The injector takes slots from threads that are not workers.
"""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.atomics cimport (
    cas_u64, load_u32_relaxed, load_u64_acquire, load_u64_relaxed, load_u64_seq, store_u32_relaxed,
    store_u64_release, unlikely,
)

# INVARIANT: head <= tail <= head + capacity. Both only rise and never wrap (2**64 pushes). Entries in
# [head, tail) are owned by the ring; an entry is overwritten only after the head has passed it.
cdef struct RunRing:
    uint64_t head               # atomic; next to take; written by owner and thieves (CAS); own cache line
    char pad_head[56]
    uint64_t tail               # atomic; next free; written by the owner only; own cache line
    uint64_t head_seen          # a value that head has had; owner only, spares it the shared line
    char pad_tail[48]
    uint32_t mask               # capacity - 1
    uint32_t* entries           # atomic words; OWNERSHIP: owned by the ring; freed in ring_close

cdef int ring_open(RunRing* ring, uint32_t capacity_min) noexcept nogil   # 0, or -1 without memory
cdef void ring_close(RunRing* ring) noexcept nogil
# Abort the process: an agent is in two rings at once, or the ring is too small for the table.
cdef void ring_overflow(RunRing* ring) noexcept nogil
# Thief: move up to half of ``victim`` (at least 1, at most 64) into the thief's own ring; returns how many.
cdef uint32_t ring_steal(RunRing* victim, RunRing* own) noexcept nogil

# Any thread; exact only for the owner of a ring without thieves.
# ORDERING: sequentially consistent loads, so that a worker which has announced in the same order that it
# will park sees every push made before its announcement was seen.
cdef inline uint32_t ring_length(RunRing* ring) noexcept nogil:
    cdef uint64_t head = load_u64_seq(&ring.head)
    return <uint32_t>(load_u64_seq(&ring.tail) - head)

# Owner only. A pusher that decides on waking another worker must look at that worker's word with an
# exchange (not a plain load): the store below may pass a plain load that follows it.
cdef inline void ring_push(RunRing* ring, uint32_t slot) noexcept nogil:
    cdef uint64_t tail = load_u64_relaxed(&ring.tail)
    if unlikely(tail - ring.head_seen > ring.mask):
        # ORDERING: acquire pairs with the exchange in ring_take: the taker has read its entry.
        ring.head_seen = load_u64_acquire(&ring.head)
        if tail - ring.head_seen > ring.mask:
            ring_overflow(ring)
    store_u32_relaxed(&ring.entries[tail & ring.mask], slot)
    # ORDERING: publishes the entry, and what the owner wrote for the agent, to ring_take and ring_steal.
    store_u64_release(&ring.tail, tail + 1)

# Owner or thief; 0 = empty.
cdef inline bint ring_take(RunRing* ring, uint32_t* slot) noexcept nogil:
    # ORDERING: head before tail, so that head <= tail holds for the pair. The tail's load acquires what
    # ring_push and ring_steal published, and is a worker's last look before it parks (see ring_length).
    cdef uint64_t head = load_u64_acquire(&ring.head)
    cdef uint32_t found
    while head < load_u64_seq(&ring.tail):
        found = load_u32_relaxed(&ring.entries[head & ring.mask])
        # ORDERING: the entry is read before the head moves past it; the loser acquires the new head.
        if cas_u64(&ring.head, &head, head + 1):
            slot[0] = found
            return True
    return False

# Stack of slots linked through a per-slot word (``links[slot]``), pushed by any thread, taken whole.
# INVARIANT: a slot is in the stack at most once (the agent's ``scheduled`` word guards it); ``links[slot]``
# is written by the pusher before the push and by the drainer after the take, never by both at once.
cdef struct Injector:
    uint64_t head               # atomic; slot index + 1, 0 = empty
    uint32_t* links             # borrowed: one word per routing slot, owned by the scheduler; atomic

cdef void injector_init(Injector* injector, uint32_t* links) noexcept nogil
cdef void injector_push(Injector* injector, uint32_t slot) noexcept nogil
# Take everything that was injected into ``own`` in order of arrival; returns how many.
cdef uint32_t injector_drain(Injector* injector, RunRing* own) noexcept nogil

cdef inline bint injector_is_empty(Injector* injector) noexcept nogil:
    # ORDERING: as for ring_length; injector_push is an exchange and so ordered by itself.
    return load_u64_seq(&injector.head) == 0
