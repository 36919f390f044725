"""Test door to the routing table: slots are named by their index."""

from libc.stdint cimport UINT64_MAX, uint16_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp
from caxton._core.atomics cimport (
    load_u32_acquire, load_u32_relaxed, monotonic_ns, store_u32_release,
)
from caxton._core.queue cimport mailbox_init, mailbox_release, mailbox_reserve
from caxton._core.routing cimport (
    RoutingTable, Slot, routing_abandon, routing_claim, routing_close, routing_find_id, routing_find_name,
    routing_open, routing_park, routing_publish, routing_quiet, routing_retire,
)
from gate cimport gate_pass, random_next, sched_yield

cdef enum:
    NAME_BYTES = 32


cdef uint16_t name_of(uint64_t id, char* name) noexcept nogil:
    return <uint16_t>snprintf(name, NAME_BYTES, "agent-%llu", <unsigned long long>id)


cdef bint is_agent(const Slot* slot, uint64_t id, const char* name, uint16_t name_bytes) noexcept nogil:
    # Plain reads of what the writer sets before it publishes: valid for as long as the reader is not quiet.
    # ``name_bytes`` 0: leave the name alone.
    if slot.id != id or slot.fuel_max != id * 3:
        return False
    return name_bytes == 0 or (slot.name_bytes == name_bytes and memcmp(slot.name, name, name_bytes) == 0)


cdef class RoutingDoor:
    cdef RoutingTable table
    cdef uint32_t arrived
    cdef uint32_t done              # atomic; the writer has ended

    def __cinit__(self, uint32_t slot_count, uint32_t reader_count=1):
        if routing_open(&self.table, slot_count, reader_count) != 0:
            raise MemoryError("the routing table was refused")

    def __dealloc__(self):
        routing_close(&self.table)

    def claim(self, uint64_t id, bytes name) -> int | None:
        cdef Slot* slot = routing_claim(&self.table, id, name, <uint16_t>len(name))
        if slot == NULL:
            return None
        mailbox_init(&slot.mailbox, 10)
        return slot.index

    cdef Slot* at(self, uint32_t index) except NULL:
        assert index < self.table.slot_count
        return &self.table.slots[index]

    def publish(self, uint32_t index) -> None:
        routing_publish(&self.table, self.at(index))

    def abandon(self, uint32_t index) -> None:
        routing_abandon(&self.table, self.at(index))

    def retire(self, uint32_t index) -> None:
        routing_retire(&self.table, self.at(index))

    def find_id(self, uint64_t id) -> int | None:
        cdef Slot* slot = routing_find_id(&self.table, id)
        return None if slot == NULL else slot.index

    def find_name(self, bytes name) -> int | None:
        cdef Slot* slot = routing_find_name(&self.table, name, <uint16_t>len(name))
        return None if slot == NULL else slot.index

    def quiet(self, uint32_t reader) -> None:
        routing_quiet(&self.table, reader)

    def park(self, uint32_t reader) -> None:
        routing_park(&self.table, reader)

    def generation(self, uint32_t index) -> int:
        return load_u32_relaxed(&self.at(index).generation)

    def state(self, uint32_t index) -> int:
        return load_u32_relaxed(&self.at(index).state)

    def identity(self, uint32_t index) -> tuple[int, bytes]:
        slot = self.at(index)
        return slot.id, slot.name[:slot.name_bytes]

    def links(self, uint32_t index) -> tuple[int, int]:
        """Return the slot's chain links by id and by name: index + 1 of the next slot, 0 at the end."""
        slot = self.at(index)
        return slot.next_by_id, slot.next_by_name

    def used(self) -> int:
        return self.table.used

    def set_scheduled(self, uint32_t index, uint32_t scheduled) -> None:
        store_u32_release(&self.at(index).scheduled, scheduled)

    def reserve(self, uint32_t index) -> bool:
        return mailbox_reserve(&self.at(index).mailbox)

    def release(self, uint32_t index) -> None:
        mailbox_release(&self.at(index).mailbox)

    def hash_keys(self) -> tuple[int, int]:
        return self.table.id_key, self.table.name_key

    def longest_chains(self) -> tuple[int, int]:
        """Return the length of the longest chain by id and by name."""
        cdef uint32_t longest_id = 0, longest_name = 0, length, link, bucket
        for bucket in range(self.table.bucket_mask + 1):
            length = 0
            link = self.table.by_id[bucket]
            while link != 0:
                length += 1
                link = self.table.slots[link - 1].next_by_id
            longest_id = max(longest_id, length)
            length = 0
            link = self.table.by_name[bucket]
            while link != 0:
                length += 1
                link = self.table.slots[link - 1].next_by_name
            longest_name = max(longest_name, length)
        return longest_id, longest_name

    def add_many(self, uint64_t first, uint32_t count, uint64_t factor=1) -> None:
        """Publish agents with the ids first, first + factor, ..."""
        cdef char name[NAME_BYTES]
        cdef Slot* slot
        cdef uint32_t number
        cdef uint64_t id
        for number in range(count):
            id = first + number * factor
            slot = routing_claim(&self.table, id, name, name_of(id, name))
            assert slot != NULL
            routing_publish(&self.table, slot)

    def write(self, uint32_t id_count, uint32_t cycles, uint64_t seed, uint32_t parties,
              bint broken=False) -> None:
        """Put agents in and out, ``cycles`` times. ``broken``: do not wait for readers."""
        cdef char name[NAME_BYTES]
        cdef uint64_t state = seed, id
        cdef uint32_t place
        cdef Slot* slot
        cdef Slot** standing = <Slot**>calloc(id_count, sizeof(void*))  # SAFETY: zeroed, checked below
        if standing == NULL:
            raise MemoryError
        # SAFETY: only C state is touched; this is the table's one writer.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _ in range(cycles):
                place = random_next(&state) % id_count
                if standing[place] != NULL:
                    routing_retire(&self.table, standing[place])
                    standing[place] = NULL
                    if broken:
                        self.table.retired_eras[(self.table.retired_head + self.table.retired_count - 1)
                                                % self.table.slot_count] = 0
                    continue
                id = place + 1
                slot = routing_claim(&self.table, id, name, name_of(id, name))
                if slot == NULL:
                    sched_yield()
                    continue
                slot.fuel_max = id * 3
                routing_publish(&self.table, slot)
                standing[place] = slot
            store_u32_release(&self.done, 1)
        free(standing)

    def read(self, uint32_t reader, uint32_t id_count, uint64_t seed, uint32_t parties,
             uint64_t stayer=0, bint names=True) -> tuple[int, int, int]:
        """Look up until the writer has ended; return (found, found wrong, missed).

        ``stayer`` is an agent that stands all the time. Without ``names``: by id only.
        """
        cdef char name[NAME_BYTES]
        cdef uint64_t state = seed, id
        cdef uint32_t found = 0, wrong = 0, missed = 0, turn
        cdef uint16_t name_bytes
        cdef Slot* slot
        # SAFETY: only C state is touched; this thread is the reader of that number.
        with nogil:
            gate_pass(&self.arrived, parties)
            while load_u32_acquire(&self.done) == 0:
                routing_quiet(&self.table, reader)
                for turn in range(8):
                    id = random_next(&state) % id_count + 1
                    name_bytes = name_of(id, name)
                    if not names or state >> 20 & 1:
                        slot = routing_find_id(&self.table, id)
                    else:
                        slot = routing_find_name(&self.table, name, name_bytes)
                    if slot != NULL:
                        found += 1
                        wrong += not is_agent(slot, id, name, name_bytes if names else 0)
                        if turn == 0:
                            # Let the writer go on while the slot is in hand.
                            sched_yield()
                            wrong += not is_agent(slot, id, name, name_bytes if names else 0)
                if stayer != 0:
                    missed += routing_find_id(&self.table, stayer) == NULL
                    name_bytes = name_of(stayer, name)
                    missed += routing_find_name(&self.table, name, name_bytes) == NULL
                if state >> 30 & 7 == 0:
                    routing_park(&self.table, reader)
            routing_park(&self.table, reader)
        return found, wrong, missed

    def time_find(self, uint64_t first, uint32_t count, uint32_t rounds, uint64_t factor=1) -> int:
        """Look up agents that stand, in random order; return nanoseconds."""
        cdef uint64_t start, state = 88172645463325252u, missing = 0
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                missing += routing_find_id(&self.table, first + random_next(&state) % count * factor) == NULL
            start = monotonic_ns() - start
        assert missing == 0
        return start

    def time_find_name(self, bytes name, uint32_t rounds) -> int:
        cdef uint64_t start, missing = 0
        cdef const char* text = name
        cdef uint16_t name_bytes = <uint16_t>len(name)
        # SAFETY: only C state is touched, by one thread; ``name`` lives as long as the call.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                missing += routing_find_name(&self.table, text, name_bytes) == NULL
            start = monotonic_ns() - start
        assert missing == 0
        return start


ERA_PARKED = UINT64_MAX
