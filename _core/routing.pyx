"""Bodies of the routing table: the control thread's side, name hashing, and parking of readers.

How a slot comes back: routing_retire unlinks it and stamps it with a new era; a reader's quiet point
copies the era it saw; routing_claim takes a stamped slot once every reader that is not parked has
copied its era or a later one.
"""

from libc.stdint cimport UINT32_MAX, UINT64_MAX, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort, calloc, free, malloc
from libc.string cimport memcpy, memset
from posix.mman cimport (
    MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE, mmap, munmap,
)
from caxton._core.atomics cimport (
    add_u32_seq, add_u64_seq, load_u32_acquire, load_u32_relaxed, load_u64_seq, multiply_fold,
    store_u32_relaxed, store_u32_release, store_u64_release, store_u64_seq,
)

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void* buffer, size_t length, unsigned int flags) noexcept

cdef uint64_t GOLDEN_RATIO = 0x9E3779B97F4A7C15u   # 2**64 / phi: bits without pattern

cdef enum:
    IDENTITY_BYTES = 64         # the line of a slot that readers may look at without a right to
    RECLAIM_BATCH = 16          # retired slots that one claim looks at while others are free

if sizeof(Slot) != SLOT_BYTES:
    raise ImportError(f"a slot takes {sizeof(Slot)} bytes, SLOT_BYTES says {SLOT_BYTES}")


cdef int routing_open(RoutingTable* table, uint32_t slot_count, uint32_t reader_count) noexcept nogil:
    cdef uint64_t buckets = 1
    cdef uint64_t keys[2]
    cdef uint32_t reader
    cdef void* area
    memset(table, 0, sizeof(RoutingTable))
    if slot_count == 0 or slot_count == UINT32_MAX or reader_count > WORKERS_MAX:
        return -1
    if getrandom(keys, sizeof(keys), 0) != <ssize_t>sizeof(keys):
        return -1
    table.id_key = keys[0]
    table.name_key = keys[1]
    while buckets < slot_count:
        buckets *= 2
    table.bucket_mask = <uint32_t>(buckets - 1)
    table.slot_count = slot_count
    table.reader_count = reader_count
    table.era = 1
    for reader in range(<uint32_t>WORKERS_MAX):
        table.readers[reader].era = UINT64_MAX
    area = mmap(NULL, <uint64_t>slot_count * sizeof(Slot), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if area == MAP_FAILED:
        return -1
    table.slots = <Slot*>area   # SAFETY: fresh zero pages, slot_count slots long, page aligned.
    table.slots_bytes = <uint64_t>slot_count * sizeof(Slot)
    # SAFETY: calloc gives zeroed words of the stated count, or NULL, which is looked at below.
    table.by_id = <uint32_t*>calloc(buckets, sizeof(uint32_t))
    table.by_name = <uint32_t*>calloc(buckets, sizeof(uint32_t))
    table.free_slots = <uint32_t*>calloc(slot_count, sizeof(uint32_t))
    table.retired_slots = <uint32_t*>calloc(slot_count, sizeof(uint32_t))
    table.retired_eras = <uint64_t*>calloc(slot_count, sizeof(uint64_t))
    if (table.by_id == NULL or table.by_name == NULL or table.free_slots == NULL
            or table.retired_slots == NULL or table.retired_eras == NULL):
        routing_close(table)
        return -1
    return 0


cdef void routing_close(RoutingTable* table) noexcept nogil:
    cdef uint32_t index
    if table.slots != NULL:
        for index in range(table.frontier):
            free(table.slots[index].name)
        munmap(table.slots, table.slots_bytes)
    free(table.by_id)
    free(table.by_name)
    free(table.free_slots)
    free(table.retired_slots)
    free(table.retired_eras)
    memset(table, 0, sizeof(RoutingTable))


cdef uint64_t name_word(const char* text, uint32_t count) noexcept nogil:
    """Up to eight bytes as one number."""
    cdef uint64_t word = 0
    memcpy(&word, text, count)
    return word


cdef uint64_t routing_name_hash(uint64_t key, const char* name, uint16_t name_bytes) noexcept nogil:
    # Sixteen bytes a step: each word meets a secret, their product is folded into the state. The length
    # goes in first, so that zero padding of the tail is not ambiguous.
    cdef uint64_t second_key = multiply_fold(key ^ GOLDEN_RATIO, key | 1)
    cdef uint64_t state = key ^ name_bytes
    cdef uint32_t left = name_bytes
    while left > 16:
        state = multiply_fold(name_word(name, 8) ^ second_key, name_word(name + 8, 8) ^ state)
        name += 16
        left -= 16
    if left > 8:
        state = multiply_fold(name_word(name, 8) ^ second_key, name_word(name + 8, left - 8) ^ state)
    else:
        state = multiply_fold(name_word(name, left) ^ second_key, state)
    return multiply_fold(state ^ key, second_key | 1)


cdef uint64_t readers_era(RoutingTable* table) noexcept nogil:
    """Return the oldest era that some reader may still be in."""
    cdef uint64_t oldest = UINT64_MAX, era
    cdef uint32_t reader
    for reader in range(table.reader_count):
        # ORDERING: sequentially consistent against routing_unpark; acquires the reader's last looks.
        era = load_u64_seq(&table.readers[reader].era)
        if era < oldest:
            oldest = era
    return oldest


cdef void slot_release(RoutingTable* table, Slot* slot) noexcept nogil:
    free(slot.name)
    slot.name = NULL
    slot.place = PLACE_FREE
    store_u32_relaxed(&slot.state, SLOT_FREE)
    table.free_slots[table.free_count] = slot.index
    table.free_count += 1
    table.used -= 1


cdef void routing_reclaim(RoutingTable* table, uint32_t looks) noexcept nogil:
    """Make retired slots reusable that nobody can reach any more; look at ``looks`` at most, oldest first."""
    cdef uint64_t oldest, era
    cdef uint32_t index, place
    cdef Slot* slot
    if table.retired_count == 0:
        return
    oldest = readers_era(table)
    for _ in range(min(looks, table.retired_count)):
        index = table.retired_slots[table.retired_head]
        era = table.retired_eras[table.retired_head]
        if era > oldest and looks == RECLAIM_BATCH:
            return      # the ones behind are younger, but for stragglers, whose turn comes again
        table.retired_head = table.retired_head + 1 if table.retired_head + 1 < table.slot_count else 0
        table.retired_count -= 1
        slot = &table.slots[index]
        # ORDERING: acquire pairs with the release of the worker that ran the slot last.
        if (era <= oldest and load_u32_acquire(&slot.scheduled) == 0
                and load_u32_acquire(&slot.mailbox.depth) == 0):
            slot_release(table, slot)
            continue
        # Some worker still has to run it to empty it: to the end of the ring.
        place = <uint32_t>((<uint64_t>table.retired_head + table.retired_count) % table.slot_count)
        table.retired_slots[place] = index
        table.retired_eras[place] = era
        table.retired_count += 1


cdef Slot* routing_claim(RoutingTable* table, uint64_t id, const char* name,
                         uint16_t name_bytes) noexcept nogil:
    cdef Slot* slot
    cdef char* copy = NULL
    cdef uint32_t index
    routing_reclaim(table, RECLAIM_BATCH)
    if table.free_count == 0 and table.frontier == table.slot_count:
        routing_reclaim(table, UINT32_MAX)
        if table.free_count == 0:
            return NULL
    if name_bytes > 0:
        copy = <char*>malloc(name_bytes)    # SAFETY: name_bytes bytes or NULL; owned by the slot below
        if copy == NULL:
            return NULL
        memcpy(copy, name, name_bytes)
    if table.free_count > 0:
        table.free_count -= 1
        index = table.free_slots[table.free_count]
    else:
        index = table.frontier
        table.frontier += 1
    table.used += 1
    slot = &table.slots[index]
    # The generation stays: a stale (index, generation) may be compared at any time.
    memset(<char*>slot + IDENTITY_BYTES, 0, sizeof(Slot) - IDENTITY_BYTES)
    slot.id = id
    slot.index = index
    store_u32_relaxed(&slot.state, SLOT_STARTING)
    store_u32_relaxed(&slot.next_by_id, 0)
    store_u32_relaxed(&slot.next_by_name, 0)
    slot.name = copy
    slot.name_bytes = name_bytes
    slot.name_hash = 0
    if name_bytes > 0:
        slot.name_hash = <uint32_t>(routing_name_hash(table.name_key, name, name_bytes) >> 32)
    slot.kind = SLOT_GUEST
    slot.place = PLACE_CLAIMED
    slot.message_bytes_max = 0
    slot.wasi = 0
    store_u32_relaxed(&slot.wakeups, 0)
    return slot


cdef void slot_expect(Slot* slot, uint8_t place) noexcept nogil:
    if slot.place != place:
        fprintf(stderr, "caxton: slot %u is in place %u, not %u: claimed, published or retired out of turn\n",
                slot.index, <uint32_t>slot.place, <uint32_t>place)
        abort()


cdef uint32_t* bucket_of_id(RoutingTable* table, Slot* slot) noexcept nogil:
    return &table.by_id[routing_id_hash(table.id_key, slot.id) & table.bucket_mask]


cdef uint32_t* bucket_of_name(RoutingTable* table, Slot* slot) noexcept nogil:
    return &table.by_name[routing_name_hash(table.name_key, slot.name, slot.name_bytes) & table.bucket_mask]


cdef void routing_publish(RoutingTable* table, Slot* slot) noexcept nogil:
    cdef uint32_t* bucket = bucket_of_id(table, slot)
    slot_expect(slot, PLACE_CLAIMED)
    store_u32_relaxed(&slot.next_by_id, load_u32_relaxed(bucket))
    # ORDERING: release publishes the slot's identity, limits and link to readers of the chain.
    store_u32_release(bucket, slot.index + 1)
    if slot.name_bytes > 0:
        bucket = bucket_of_name(table, slot)
        store_u32_relaxed(&slot.next_by_name, load_u32_relaxed(bucket))
        # ORDERING: as above.
        store_u32_release(bucket, slot.index + 1)
    slot.place = PLACE_PUBLISHED


cdef void routing_abandon(RoutingTable* table, Slot* slot) noexcept nogil:
    slot_expect(slot, PLACE_CLAIMED)
    # ORDERING: no reader could find the slot, but a stale (index, generation) may be compared at any time;
    # the next agent in it is published by routing_publish.
    add_u32_seq(&slot.generation, 1)
    slot_release(table, slot)


cdef void routing_retire(RoutingTable* table, Slot* slot) noexcept nogil:
    cdef uint32_t place
    cdef uint32_t* link = bucket_of_id(table, slot)
    slot_expect(slot, PLACE_PUBLISHED)
    while load_u32_relaxed(link) != slot.index + 1:
        link = &table.slots[load_u32_relaxed(link) - 1].next_by_id
    # ORDERING: release keeps what readers may see of the following slot published (this and the next store).
    store_u32_release(link, load_u32_relaxed(&slot.next_by_id))
    if slot.name_bytes > 0:
        link = bucket_of_name(table, slot)
        while load_u32_relaxed(link) != slot.index + 1:
            link = &table.slots[load_u32_relaxed(link) - 1].next_by_name
        store_u32_release(link, load_u32_relaxed(&slot.next_by_name))
    slot.place = PLACE_RETIRED
    # ORDERING: sequentially consistent, before the era: who has seen the new era sees the new generation.
    add_u32_seq(&slot.generation, 1)
    place = <uint32_t>((<uint64_t>table.retired_head + table.retired_count) % table.slot_count)
    table.retired_slots[place] = slot.index
    # ORDERING: the unlinking comes before the raise; pairs with the loads in routing_quiet, routing_unpark.
    table.retired_eras[place] = add_u64_seq(&table.era, 1) + 1
    table.retired_count += 1


cdef void routing_unpark(RoutingTable* table, uint32_t reader) noexcept nogil:
    cdef uint64_t seen, now = load_u64_seq(&table.era)
    # ORDERING: store, then load of the era again, both sequentially consistent, against the reclaimer's raise
    # (or retirement) and load: either it sees that this reader is awake, or this reader sees its era and with
    # it the unlinking.
    while True:
        store_u64_seq(&table.readers[reader].era, now)
        seen = load_u64_seq(&table.era)
        if seen == now:
            return
        now = seen


cdef void routing_park(RoutingTable* table, uint32_t reader) noexcept nogil:
    # ORDERING: release: the reader's last look comes before; pairs with the reclaimer's load.
    store_u64_release(&table.readers[reader].era, UINT64_MAX)
