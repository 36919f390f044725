"""The routing table: agent id or name -> slot, with readers that never wait.

A slot is one agent's place in the core: identity, state, mailbox, limits, totals. Slots live in one
array for the life of the core, so an index is always safe to follow; (index, generation) tells whether
it is still the same agent. Two chained hash indexes (by id, by name) link slots by index.

One writer: the control thread (the shell, under the GIL). Readers (workers) never wait and never
write. A removed slot keeps its chain links until every reader has passed a quiet point (``era``);
only then is it used again, so a reader on the way through a chain is never led astray.

INVARIANT: a slot's id, name and links are constant from publication until each reader has been quiet
after its retirement; in between a reader that found the slot may use it. The adversary chooses ids and
names, so both hashes are keyed with numbers drawn at open.
"""

from libc.stdint cimport UINT64_MAX, int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp
from caxton._core.atomics cimport (
    load_u32_acquire, load_u32_relaxed, load_u64_acquire, load_u64_relaxed, multiply_fold, prefetch, store_u64_release,
    unlikely,
)
from caxton._core.bounds cimport WORKERS_MAX
from caxton._core.limiter cimport TokenBucket
from caxton._core.queue cimport Mailbox

cdef enum:
    SLOT_BYTES = 320                # five cache lines; asserted at import

cdef enum SlotState:
    SLOT_FREE = 0
    SLOT_STARTING = 1       # claimed; a worker makes the instance
    SLOT_RUNNING = 2        # takes messages
    SLOT_DRAINING = 3       # handles what it has, takes nothing new
    SLOT_STOPPED = 4        # no instance; can be started again
    SLOT_FAILED = 5         # no instance after a fault; can be started again
    SLOT_REMOVING = 6       # on the way out

cdef enum SlotKind:
    SLOT_GUEST = 0          # a module in a sandbox
    SLOT_EXTERNAL = 1       # a process that speaks through the API; its mailbox is read by the shell

# What the control thread asks of the worker that next runs the slot.
cdef enum SlotRequest:
    REQUEST_NONE = 0
    REQUEST_START = 1
    REQUEST_DRAIN = 2
    REQUEST_REMOVE = 3

# Where a slot stands in the table's own cycle: free -> claimed -> published -> retired -> free.
cdef enum SlotPlace:
    PLACE_FREE = 0
    PLACE_CLAIMED = 1       # in the caller's hands, not in the indexes
    PLACE_PUBLISHED = 2     # found by readers
    PLACE_RETIRED = 3       # out of the indexes; readers may still hold it

# Grouped by writer: one cache line each, since an array of slots starts on a page and a slot has SLOT_BYTES.
cdef struct Slot:
    # Identity: written by the control thread before the slot is published, constant until retired.
    uint64_t id
    uint32_t index
    uint32_t generation             # atomic; raised when the slot is retired
    uint32_t state                  # atomic SlotState; see worker.pyx for who moves it
    uint32_t next_by_id             # atomic; chain link: slot index + 1, 0 = end
    uint32_t next_by_name           # atomic; likewise
    uint32_t name_hash
    char* name                      # OWNERSHIP: owned by the slot; control thread frees it before reuse
    uint16_t name_bytes             # 0 = has no name and is not in that index
    uint8_t kind                    # SlotKind
    uint8_t place                   # SlotPlace; control thread only
    uint32_t message_bytes_max
    uint32_t wakeups                # atomic; timer wake-ups on their way to this agent
    uint8_t wasi                    # 1 = linked with the WASI subset
    char pad_identity[11]
    # Scheduling and mailbox: written by every sender.
    uint32_t scheduled              # atomic; 1 = in a run queue or being run
    uint32_t request                # atomic SlotRequest
    Mailbox mailbox
    TokenBucket admission
    uint64_t log_refill_ns          # running worker only; stands here for its size
    # Execution: touched only by the worker that runs the slot.
    void* sandbox                   # OWNERSHIP: owned by the running worker (Sandbox*); NULL without instance
    void* module                    # borrowed ModuleCode*; kept alive by the registry until after removal
    void* settings                  # borrowed AgentSettings* (config_get values); owned by the control thread
    uint64_t fuel_max               # per handled message; 0 = not limited by fuel
    uint32_t execution_ticks        # epoch ticks per handled message
    uint32_t home                   # worker that ran it last
    # Totals: written by the running worker, read relaxed by the shell. The first three at each message.
    uint64_t messages_handled
    uint64_t fuel_used
    uint64_t memory_bytes
    uint64_t faults
    uint64_t restarts
    uint64_t logs_dropped
    int32_t last_fault              # FaultKind, 0 = none
    uint32_t log_tokens
    # Restart budget: running worker only.
    uint64_t memory_bytes_max
    uint32_t restart_intensity      # faults allowed in restart_period_ns before the slot fails
    uint32_t restart_count          # faults in the running window
    uint64_t restart_period_ns
    uint64_t restart_window_ns      # start of the running window
    # What a turn touches first besides the slot, for prefetching: borrowed, may dangle, never read through.
    void* hot[3]                    # atomic; the instance, its engine state, its room for a message
    # Control thread only: what an external agent's reader was given and has not acknowledged; whether removal was
    # asked for, after which nothing else may be.
    uint32_t unacknowledged
    uint32_t removal_asked
    uint32_t untold                 # atomic; set of 1 << EventCode that found no message to travel in
    char pad_hot[28]

cdef struct Reader:
    uint64_t era                    # atomic; last era this thread saw; UINT64_MAX = parked, holds nothing
    char pad[56]

cdef struct RoutingTable:
    Slot* slots                     # OWNERSHIP: owned by the table (mmap'd, zero pages until touched)
    uint64_t slots_bytes
    uint32_t* by_id                 # OWNERSHIP: owned; bucket heads: slot index + 1; atomic
    uint32_t* by_name               # OWNERSHIP: owned; likewise
    uint64_t id_key                 # keys of the two hashes, from the kernel's random source
    uint64_t name_key
    uint32_t bucket_mask
    uint32_t slot_count             # capacity
    uint32_t reader_count
    # Control thread only; kept off the line above, which every lookup reads.
    char pad_constant[64]
    uint32_t used                   # slots claimed now
    uint32_t frontier               # slots below were claimed at least once
    uint32_t* free_slots            # OWNERSHIP: owned; stack of reusable slots
    uint32_t free_count
    uint32_t* retired_slots         # OWNERSHIP: owned; ring of retired slots, oldest first
    uint64_t* retired_eras          # OWNERSHIP: owned; era at retirement of each
    uint32_t retired_head
    uint32_t retired_count
    uint64_t era                    # atomic; raised by each retirement
    char pad_era[64]
    Reader readers[WORKERS_MAX]

# Readers start parked. Returns 0, or -1 when memory is refused or a figure is out of range.
cdef int routing_open(RoutingTable* table, uint32_t slot_count, uint32_t reader_count) noexcept nogil
cdef void routing_close(RoutingTable* table) noexcept nogil

# Control thread only ------------------------------------------------------------------------------
# Claim a slot for (id, name) in state SLOT_STARTING, not yet found by readers; NULL when all are taken.
# The name is copied. The caller has made sure that neither is in use, fills in kind, limits, mailbox,
# then calls routing_publish.
# OWNERSHIP: the slot stays the table's; ``name`` is only lent.
cdef Slot* routing_claim(RoutingTable* table, uint64_t id, const char* name,
                         uint16_t name_bytes) noexcept nogil
cdef void routing_publish(RoutingTable* table, Slot* slot) noexcept nogil
# Give back a slot that was claimed but never published.
cdef void routing_abandon(RoutingTable* table, Slot* slot) noexcept nogil
# Unlink a published slot, raise its generation, and keep it until all readers have moved on, no run queue
# holds it (scheduled == 0) and no place in its mailbox is reserved: whoever holds the rest cleans up first.
# The caller has put the sandbox away.
cdef void routing_retire(RoutingTable* table, Slot* slot) noexcept nogil

# Any thread, wait-free. A worker must be a reader that is not parked; the control thread always may ----
cdef uint64_t routing_name_hash(uint64_t key, const char* name, uint16_t name_bytes) noexcept nogil

# Which agent the slot belongs to: readers compare it with the generation that they were told.
cdef inline uint32_t slot_generation(const Slot* slot) noexcept nogil:
    # ORDERING: acquire pairs with the raise in routing_retire; a reader that still sees the old generation may
    # use the slot until its next quiet point.
    return load_u32_acquire(&slot.generation)

cdef inline uint64_t routing_id_hash(uint64_t key, uint64_t id) noexcept nogil:
    # A product with a secret odd number: which ids meet in a bucket cannot be told from outside.
    # The second round is for ids in a row, which one product may leave in a row.
    cdef uint64_t product = multiply_fold(id ^ key, key | 1)
    product = multiply_fold(product ^ 0x9E3779B97F4A7C15ULL, 0xD6E8FEB86659FD93ULL)
    return product ^ product >> 32

cdef inline Slot* routing_find_id(RoutingTable* table, uint64_t id) noexcept nogil:
    # ORDERING: each acquire pairs with the release in routing_publish, so the slot's identity is seen.
    cdef uint32_t link = load_u32_acquire(&table.by_id[routing_id_hash(table.id_key, id) & table.bucket_mask])
    cdef Slot* slot
    while link != 0:
        slot = &table.slots[link - 1]
        if slot.id == id:
            return slot
        link = load_u32_acquire(&slot.next_by_id)
    return NULL

# Fetch the parts of an agent's slot that a sender touches, for a look-up soon.
cdef inline void routing_expect_id(RoutingTable* table, uint64_t id) noexcept nogil:
    cdef uint32_t link = load_u32_relaxed(&table.by_id[routing_id_hash(table.id_key, id) & table.bucket_mask])
    cdef char* slot
    if link != 0:
        slot = <char*>&table.slots[link - 1]
        prefetch(slot)
        prefetch(slot + 64)

cdef inline Slot* routing_find_name(RoutingTable* table, const char* name,
                                    uint16_t name_bytes) noexcept nogil:
    cdef uint64_t hashed = routing_name_hash(table.name_key, name, name_bytes)
    # ORDERING: as in routing_find_id.
    cdef uint32_t link = load_u32_acquire(&table.by_name[hashed & table.bucket_mask])
    cdef Slot* slot
    while link != 0:
        slot = &table.slots[link - 1]
        # The bucket takes the hash's low bits, so the slot keeps the high ones.
        if (slot.name_hash == <uint32_t>(hashed >> 32) and slot.name_bytes == name_bytes
                and memcmp(slot.name, name, name_bytes) == 0):
            return slot
        link = load_u32_acquire(&slot.next_by_name)
    return NULL

# Reader leaving the parked state; routing_quiet calls it.
cdef void routing_unpark(RoutingTable* table, uint32_t reader) noexcept nogil

# Reader: I hold no slot pointer from before this call. Two loads when nothing was retired meanwhile.
cdef inline void routing_quiet(RoutingTable* table, uint32_t reader) noexcept nogil:
    # ORDERING: acquire pairs with the raise in routing_retire: later lookups see the unlinking.
    cdef uint64_t now = load_u64_acquire(&table.era)
    cdef uint64_t seen = load_u64_relaxed(&table.readers[reader].era)
    if seen == now:
        return
    if unlikely(seen == UINT64_MAX):
        routing_unpark(table, reader)
        return
    # ORDERING: release: the reader's last look at old slots comes before; pairs with the load in readers_era.
    store_u64_release(&table.readers[reader].era, now)

# Reader: I hold none and will call routing_quiet before I look again.
cdef void routing_park(RoutingTable* table, uint32_t reader) noexcept nogil
