"""The routing table: agent id or name -> slot, with readers that never wait.

A slot is one agent's place in the core: identity, state, mailbox, limits, totals. Slots live in one
array for the life of the core, so an index is always safe to follow; (index, generation) tells whether
it is still the same agent. Two chained hash indexes (by id, by name) link slots by index.

One writer: the control thread (the shell, under the GIL). Readers (workers) never wait and never
write. A removed slot keeps its chain links until every reader has passed a quiet point (``era``);
only then is it used again, so a reader on the way through a chain is never led astray.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from caxton._core.limiter cimport TokenBucket
from caxton._core.queue cimport Mailbox
from caxton._core.bounds cimport WORKERS_MAX

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

cdef struct Slot:
    # Identity: written by the control thread before the slot is published, constant until retired.
    uint64_t id
    uint32_t index
    uint32_t generation             # atomic; raised when the slot is retired
    uint32_t state                  # atomic SlotState; see worker.pyx for who moves it
    uint32_t next_by_id             # atomic; chain link: slot index + 1, 0 = end
    uint32_t next_by_name           # atomic; likewise
    uint32_t name_hash
    char* name                      # OWNERSHIP: owned by the slot (malloc); freed by the control thread on reuse
    uint16_t name_bytes
    uint8_t kind                    # SlotKind
    uint8_t pad
    uint32_t message_bytes_max
    # Scheduling and mailbox: written by every sender.
    uint32_t scheduled              # atomic; 1 = in a run queue or being run
    uint32_t request                # atomic SlotRequest
    Mailbox mailbox
    TokenBucket admission
    # Execution: touched only by the worker that runs the slot.
    void* sandbox                   # OWNERSHIP: owned by the running worker (Sandbox*); NULL without instance
    void* module                    # borrowed ModuleCode*; kept alive by the registry until after removal
    void* settings                  # borrowed AgentSettings* (config_get values); owned by the control thread
    uint64_t fuel_max               # per handled message; 0 = not limited by fuel
    uint64_t memory_bytes_max
    uint32_t execution_ticks        # epoch ticks per handled message
    uint32_t restart_intensity      # faults allowed in restart_period_ns before the slot fails
    uint64_t restart_period_ns
    uint64_t restart_window_ns      # start of the running window
    uint32_t restart_count          # faults in it
    uint32_t home                   # worker that ran it last
    # Totals: written by the running worker, read relaxed by the shell.
    uint64_t messages_handled
    uint64_t fuel_used
    uint64_t memory_bytes
    uint64_t faults
    uint64_t restarts
    uint64_t logs_dropped
    int32_t last_fault              # FaultKind, 0 = none
    uint32_t log_tokens
    uint64_t log_refill_ns

cdef struct Reader:
    uint64_t era                    # atomic; last era this thread has seen; UINT64_MAX = parked, holds nothing
    char pad[56]

cdef struct RoutingTable:
    Slot* slots                     # OWNERSHIP: owned by the table (mmap'd, zero pages until touched)
    uint64_t slots_bytes
    uint32_t slot_count             # capacity
    uint32_t used                   # slots claimed now
    uint32_t frontier               # slots below were claimed at least once
    uint32_t bucket_mask
    uint32_t* by_id                 # OWNERSHIP: owned; bucket heads: slot index + 1
    uint32_t* by_name               # OWNERSHIP: owned
    uint32_t* free_slots            # OWNERSHIP: owned; stack of reusable slots (control thread only)
    uint32_t free_count
    uint32_t* retired_slots         # OWNERSHIP: owned; ring of retired slots, oldest first
    uint64_t* retired_eras          # OWNERSHIP: owned; era at retirement of each
    uint32_t retired_head
    uint32_t retired_count
    uint64_t era                    # atomic; raised by each retirement
    Reader readers[WORKERS_MAX]
    uint32_t reader_count

cdef int routing_open(RoutingTable* table, uint32_t slot_count, uint32_t reader_count) noexcept nogil  # 0 / -1
cdef void routing_close(RoutingTable* table) noexcept nogil

# Control thread only ------------------------------------------------------------------------------
# Claim a slot for (id, name) in state SLOT_STARTING, not yet found by readers; NULL when all are taken.
# The name is copied. The caller fills in kind, limits, mailbox, then calls routing_publish.
cdef Slot* routing_claim(RoutingTable* table, uint64_t id, const char* name, uint16_t name_bytes) noexcept nogil
cdef void routing_publish(RoutingTable* table, Slot* slot) noexcept nogil
# Give back a slot that was claimed but never published.
cdef void routing_abandon(RoutingTable* table, Slot* slot) noexcept nogil
# Unlink a published slot, raise its generation, and keep it until all readers have moved on.
cdef void routing_retire(RoutingTable* table, Slot* slot) noexcept nogil

# Any thread, wait-free ----------------------------------------------------------------------------
cdef Slot* routing_find_id(RoutingTable* table, uint64_t id) noexcept nogil
cdef Slot* routing_find_name(RoutingTable* table, const char* name, uint16_t name_bytes) noexcept nogil
# Reader: I hold no slot pointer from before this call.
cdef void routing_quiet(RoutingTable* table, uint32_t reader) noexcept nogil
# Reader: I hold none and will call routing_quiet before I look again.
cdef void routing_park(RoutingTable* table, uint32_t reader) noexcept nogil
