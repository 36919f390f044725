"""Test door to run rings and injector, and a crew of workers that pass agents around like the scheduler."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from caxton._core.atomics cimport (
    add_u32_seq, load_u32_relaxed, load_u32_seq, load_u64_relaxed, monotonic_ns, store_u32_relaxed,
    store_u64_relaxed,
)
from caxton._core.runqueue cimport (
    Injector, RunRing, injector_drain, injector_init, injector_is_empty, injector_push, ring_close,
    ring_length, ring_open, ring_push, ring_steal, ring_take,
)
from gate cimport gate_pass, random_next, sched_yield

cdef enum:
    IDLE_TURNS_MAX = 20_000_000     # of one worker in a row: an agent was lost, so end instead of hanging


cdef extern from * nogil:
    """
    #define door_cas_relaxed(p, e, d) \
        __atomic_compare_exchange_n((p), (e), (d), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
    """
    bint door_cas_relaxed(uint64_t* word, uint64_t* expected, uint64_t desired) noexcept


# Push and take that move agents rightly but publish nothing of what was done for them: the twins that
# ThreadSanitizer must catch.
cdef void push_broken(RunRing* ring, uint32_t slot) noexcept nogil:
    cdef uint64_t tail = load_u64_relaxed(&ring.tail)
    store_u32_relaxed(&ring.entries[tail & ring.mask], slot)
    store_u64_relaxed(&ring.tail, tail + 1)


cdef bint take_broken(RunRing* ring, uint32_t* slot) noexcept nogil:
    cdef uint64_t head = load_u64_relaxed(&ring.head)
    while head < load_u64_relaxed(&ring.tail):
        slot[0] = load_u32_relaxed(&ring.entries[head & ring.mask])
        if door_cas_relaxed(&ring.head, &head, head + 1):
            return True
    return False


cdef class RingDoor:
    cdef RunRing ring

    def __cinit__(self, uint32_t capacity_min):
        if ring_open(&self.ring, capacity_min) != 0:
            raise MemoryError

    def __dealloc__(self):
        ring_close(&self.ring)

    def capacity(self) -> int:
        return <uint64_t>self.ring.mask + 1

    def push(self, uint32_t slot) -> None:
        ring_push(&self.ring, slot)

    def take(self) -> int | None:
        cdef uint32_t slot
        return slot if ring_take(&self.ring, &slot) else None

    def length(self) -> int:
        return ring_length(&self.ring)

    def steal_from(self, RingDoor victim) -> int:
        return ring_steal(&victim.ring, &self.ring)

    def time_push_take(self, uint32_t rounds, uint32_t batch) -> int:
        """Push and take ``batch`` slots ``rounds`` times; return nanoseconds."""
        cdef uint32_t number, slot
        cdef uint64_t start
        assert batch <= self.capacity()
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                for number in range(batch):
                    ring_push(&self.ring, number)
                while ring_take(&self.ring, &slot):
                    pass
            start = monotonic_ns() - start
        return start

    def time_steal(self, RingDoor victim, uint32_t rounds) -> int:
        """Fill the victim with 64, steal until it is empty, ``rounds`` times; return nanoseconds."""
        cdef uint32_t number, slot
        cdef uint64_t start
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                for number in range(64):
                    ring_push(&victim.ring, number)
                while ring_steal(&victim.ring, &self.ring) > 0:
                    while ring_take(&self.ring, &slot):
                        pass
            start = monotonic_ns() - start
        return start


cdef class InjectorDoor:
    cdef Injector injector
    cdef uint32_t* links        # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef uint32_t slot_count
    cdef uint32_t arrived
    cdef uint32_t finished

    def __cinit__(self, uint32_t slot_count):
        self.links = <uint32_t*>calloc(slot_count, sizeof(uint32_t))    # SAFETY: checked below
        if self.links == NULL:
            raise MemoryError
        self.slot_count = slot_count
        injector_init(&self.injector, self.links)

    def __dealloc__(self):
        free(self.links)

    def push(self, uint32_t slot) -> None:
        assert slot < self.slot_count
        injector_push(&self.injector, slot)

    def drain_into(self, RingDoor own) -> int:
        return injector_drain(&self.injector, &own.ring)

    def is_empty(self) -> bool:
        return injector_is_empty(&self.injector)

    def produce(self, uint32_t producer, uint32_t count, uint32_t parties) -> None:
        """Inject the slots producer * count and up, in order."""
        cdef uint32_t number
        assert (producer + 1) * count <= self.slot_count
        # SAFETY: only C state is touched; the injector is made for many threads.
        with nogil:
            gate_pass(&self.arrived, parties)
            for number in range(count):
                injector_push(&self.injector, producer * count + number)
                if number % 64 == 0:
                    sched_yield()
            add_u32_seq(&self.finished, 1)

    def consume(self, RingDoor own, uint32_t producers, uint32_t count, uint32_t parties) -> tuple[int, int]:
        """Drain until all producers are done; return (received, disordered)."""
        cdef uint32_t received = 0, disordered = 0, slot
        cdef bint last_look = False
        cdef uint32_t* expected = <uint32_t*>calloc(producers, sizeof(uint32_t))    # SAFETY: checked below
        if expected == NULL:
            raise MemoryError
        # SAFETY: only C state is touched; this thread owns the ring.
        with nogil:
            gate_pass(&self.arrived, parties)
            while True:
                if injector_drain(&self.injector, &own.ring) == 0:
                    if last_look:
                        break
                    last_look = load_u32_seq(&self.finished) == producers
                    sched_yield()
                while ring_take(&own.ring, &slot):
                    received += 1
                    disordered += slot % count != expected[slot // count]
                    expected[slot // count] = slot % count + 1
        free(expected)
        return received, disordered


cdef class Crew:
    """Workers with a ring each and one injector; agents go round until each has had its turns.

    ``turns_had`` is written without atomics by whoever holds the agent: two holders at once, or a
    hand-over that does not publish, is a data race, and a lost or doubled agent a wrong sum.
    """

    cdef RunRing* rings             # OWNERSHIP: owned by the crew, freed in __dealloc__
    cdef uint32_t* links            # OWNERSHIP: likewise
    cdef uint32_t* turns_had        # OWNERSHIP: likewise
    cdef Injector injector
    cdef uint32_t worker_count
    cdef uint32_t agent_count
    cdef uint32_t turns
    cdef uint32_t done              # atomic
    cdef uint32_t arrived

    def __cinit__(self, uint32_t worker_count, uint32_t agent_count, uint32_t turns):
        cdef uint32_t number
        # SAFETY: zeroed memory, checked below.
        self.rings = <RunRing*>calloc(worker_count, sizeof(RunRing))
        self.links = <uint32_t*>calloc(agent_count, sizeof(uint32_t))
        self.turns_had = <uint32_t*>calloc(agent_count, sizeof(uint32_t))
        if self.rings == NULL or self.links == NULL or self.turns_had == NULL:
            raise MemoryError
        self.worker_count = worker_count
        self.agent_count = agent_count
        self.turns = turns
        injector_init(&self.injector, self.links)
        for number in range(worker_count):
            if ring_open(&self.rings[number], agent_count) != 0:
                raise MemoryError
        for number in range(agent_count):
            injector_push(&self.injector, number)

    def __dealloc__(self):
        if self.rings != NULL:
            for number in range(self.worker_count):
                ring_close(&self.rings[number])
        free(self.rings)
        free(self.links)
        free(self.turns_had)

    def turns_of_all(self) -> list[int]:
        return [self.turns_had[number] for number in range(self.agent_count)]

    def work(self, uint32_t worker, uint64_t seed, bint broken=False) -> tuple[int, int]:
        """Run agents until all are done; return (turns run here, agents stolen)."""
        cdef RunRing* own = &self.rings[worker]
        cdef uint64_t state = seed
        cdef uint32_t slot, ran = 0, stolen = 0, moved, idle = 0
        # SAFETY: only C state is touched; this thread owns the ring ``worker``.
        with nogil:
            gate_pass(&self.arrived, self.worker_count)
            while load_u32_seq(&self.done) < self.agent_count and idle < IDLE_TURNS_MAX:
                if random_next(&state) % 16 == 0:
                    # Also with work at hand, so that rings are robbed while their owners use them.
                    stolen += ring_steal(&self.rings[(state >> 8) % self.worker_count], own)
                if not (take_broken(own, &slot) if broken else ring_take(own, &slot)):
                    moved = 0
                    if injector_drain(&self.injector, own) == 0:
                        moved = ring_steal(&self.rings[random_next(&state) % self.worker_count], own)
                        stolen += moved
                        if moved == 0:
                            idle += 1
                            sched_yield()
                    continue
                idle = 0
                ran += 1
                self.turns_had[slot] += 1
                if self.turns_had[slot] == self.turns:
                    add_u32_seq(&self.done, 1)
                elif not broken and random_next(&state) % 8 == 0:
                    injector_push(&self.injector, slot)
                elif broken:
                    push_broken(own, slot)
                else:
                    ring_push(own, slot)
        return ran, stolen
