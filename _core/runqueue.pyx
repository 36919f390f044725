"""Bodies of the run queues that are not on the hot path: opening, stealing, injecting."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort, calloc, free
from libc.string cimport memset
from caxton._core.atomics cimport (
    cas_u64, load_u32_relaxed, load_u64_acquire, load_u64_relaxed, load_u64_seq, store_u32_relaxed,
    store_u64_release, swap_u64_seq,
)

cdef enum:
    STEAL_MAX = 64              # entries that one steal moves: enough to be worth it, few enough to stay fair


cdef int ring_open(RunRing* ring, uint32_t capacity_min) noexcept nogil:
    cdef uint64_t capacity = 2
    memset(ring, 0, sizeof(RunRing))
    while capacity < capacity_min:
        capacity *= 2
    # SAFETY: calloc gives capacity zeroed words or NULL.
    ring.entries = <uint32_t*>calloc(capacity, sizeof(uint32_t))
    if ring.entries == NULL:
        return -1
    ring.mask = <uint32_t>(capacity - 1)
    return 0


cdef void ring_close(RunRing* ring) noexcept nogil:
    free(ring.entries)
    memset(ring, 0, sizeof(RunRing))


cdef void ring_overflow(RunRing* ring) noexcept nogil:
    fprintf(stderr, "caxton: a run queue of %u places is full: an agent is scheduled twice\n", ring.mask + 1)
    abort()


cdef uint32_t ring_steal(RunRing* victim, RunRing* own) noexcept nogil:
    cdef uint64_t head, length, room, position, tail
    if victim == own:
        return 0
    tail = load_u64_relaxed(&own.tail)
    # ORDERING: acquire pairs with the exchange of whoever took from ``own``, as in ring_push.
    own.head_seen = load_u64_acquire(&own.head)
    room = own.mask + <uint64_t>1 - (tail - own.head_seen)
    # ORDERING: as in ring_take: head before tail, and a last look before parking sees earlier pushes.
    head = load_u64_acquire(&victim.head)
    while True:
        length = load_u64_seq(&victim.tail) - head
        length = min(min(length - length // 2, <uint64_t>STEAL_MAX), room)
        if length == 0:
            return 0
        # Written behind the own tail, where no one looks until it is raised.
        for position in range(length):
            store_u32_relaxed(
                &own.entries[(tail + position) & own.mask],
                load_u32_relaxed(&victim.entries[(head + position) & victim.mask]),
            )
        # ORDERING: the entries are read before the head moves past them; the loser acquires the new head.
        if cas_u64(&victim.head, &head, head + length):
            # ORDERING: publishes the moved entries to whoever takes from ``own``.
            store_u64_release(&own.tail, tail + length)
            return <uint32_t>length


cdef void injector_init(Injector* injector, uint32_t* links) noexcept nogil:
    injector.head = 0
    injector.links = links


cdef void injector_push(Injector* injector, uint32_t slot) noexcept nogil:
    cdef uint64_t head = load_u64_relaxed(&injector.head)
    while True:
        store_u32_relaxed(&injector.links[slot], <uint32_t>head)
        # ORDERING: publishes the link to injector_drain, and comes before the pusher's look at who sleeps.
        if cas_u64(&injector.head, &head, <uint64_t>slot + 1):
            return


cdef uint32_t injector_drain(Injector* injector, RunRing* own) noexcept nogil:
    cdef uint32_t link, following, oldest = 0, count = 0
    # ORDERING: sequentially consistent for a worker's last look before it parks (injector_is_empty).
    if load_u64_seq(&injector.head) == 0:
        return 0
    # ORDERING: acquires the links of all pushes until now (each is an exchange on the same word).
    link = <uint32_t>swap_u64_seq(&injector.head, 0)
    while link != 0:
        following = load_u32_relaxed(&injector.links[link - 1])
        store_u32_relaxed(&injector.links[link - 1], oldest)
        oldest = link
        link = following
    while oldest != 0:
        # Read on first: once in the ring the slot may be run and injected again by others.
        following = load_u32_relaxed(&injector.links[oldest - 1])
        ring_push(own, oldest - 1)
        oldest = following
        count += 1
    return count
