"""The machine: everything that workers, ticker and shell share, and how a slot gets its turn.

Ownership in one place: the machine owns pool, routing table, workers, engines and the shell's queue. It is
made and closed by the control thread; workers and ticker are joined before anything is freed.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from caxton._core.bounds cimport ENGINE_COUNT, RECEIVERS_MAX, TARGETS_MAX, TIMERS_PER_AGENT_MAX, WORKERS_MAX
from caxton._core.code cimport Code
from caxton._core.conversation cimport Conversations
from caxton._core.deadline cimport Deadlines
from caxton._core.engine cimport Engine
from caxton._core.limiter cimport Budget, TokenBucket
from caxton._core.message cimport Message, MessageCache, MessagePool
from caxton._core.protocol cimport Protocols
from caxton._core.recorder cimport Tape
from caxton._core.queue cimport Mailbox
from caxton._core.routing cimport RoutingTable, Slot
from caxton._core.runqueue cimport Injector, RunRing
from caxton._core.telemetry cimport Telemetry
from caxton._core.verdict cimport Outbid, Said, Verdict
from caxton._core.wasmtime_c cimport wasmtime_context_t, wasmtime_func_t, wasmtime_memory_t, wasmtime_store_t

# Why an instance, or one message in it, came to nothing. Names by number: FAULT_NAMES in machine.pyx.
cdef enum FaultKind:
    FAULT_NONE = 0
    FAULT_TRAP = 1              # the instance is thrown away for these seven ...
    FAULT_FUEL = 2
    FAULT_TIME = 3
    FAULT_MEMORY = 4
    FAULT_STACK = 5
    FAULT_ALLOC = 6             # caxton_alloc gave room outside of the memory
    FAULT_START = 7             # a new instance could not be made, or refused to start
    FAULT_REPLY = 8             # ... and kept for these: reply missing, malformed, too large or out of range
    FAULT_AGENT_ERROR = 9       # the handler returned an error of the author's own, or a reserved code
    FAULT_MALFORMED = 10        # -1
    FAULT_BUSY = 11             # -5
    FAULT_FAILURE = 12          # -4
    FAULT_NO_ROOM = 13          # caxton_alloc returned 0: refused as too large
    # Not of the handler, but of delivery:
    FAULT_AGENT_STOPPED = 14
    FAULT_AGENT_FAILED = 15
    FAULT_AGENT_REMOVED = 16
    FAULT_MAILBOX_FULL = 17
    FAULT_NO_ROUTE = 18
    FAULT_RATE_LIMITED = 19
    FAULT_RESOURCE = 20         # no room for a new instance: memory, mappings; no fault of the module
    FAULT_COUNT = 21

cdef enum EventCode:
    EVENT_STARTED = 1
    EVENT_START_FAILED = 2
    EVENT_FAULT = 3
    EVENT_FAILED = 4
    EVENT_STOPPED = 5
    EVENT_REMOVED = 6

cdef struct GuestTimer:
    int64_t id
    uint64_t deadline_ns        # monotonic; 0 = not set
    uint64_t node_ns            # due time of the earliest wake-up that is under way for this entry; 0 = none

# One agent's instance. Touched only by the worker that runs its slot.
cdef struct Sandbox:
    wasmtime_store_t* store     # OWNERSHIP: owned; deleted by sandbox_close on the running worker
    wasmtime_context_t* context  # borrowed from the store
    Slot* slot                  # borrowed
    Worker* worker              # borrowed: who runs it now
    wasmtime_memory_t memory
    wasmtime_func_t alloc
    wasmtime_func_t handle
    wasmtime_func_t reply
    wasmtime_func_t timer
    uint8_t has_reply
    uint8_t has_timer
    uint8_t in_message          # 1 while handle_message runs: reply() is allowed
    uint64_t memory_reserved    # bytes taken from the machine's instance budget
    uint64_t mappings_reserved
    uint32_t capabilities       # registered by this instance
    GuestTimer* timers          # OWNERSHIP: owned; NULL until the first set_timer

cdef enum:
    DYING_AT_ONCE = 64

# What a running handler has asked for; nothing of it is seen by others until outbox_commit.
cdef struct Handling:
    Message* current            # borrowed: the message in hand; NULL in timers and start-up
    Message* reply              # owned until committed
    Message* first              # owned list of sent messages, oldest first
    Message* last               # borrowed: its end
    uint32_t sends
    const char* result          # borrowed: what fetch copies from
    uint64_t result_bytes
    char error[256]
    uint32_t error_bytes

# A thread's room for one verdict.
cdef struct Hearing:
    Said said
    Verdict verdict
    uint64_t receivers[RECEIVERS_MAX]
    Outbid outbid[RECEIVERS_MAX]
    uint64_t targets[TARGETS_MAX]

cdef struct Worker:
    Machine* machine            # borrowed
    uint32_t index
    uint32_t wake               # atomic futex word
    uint32_t parked             # atomic; 1 = asleep or about to be
    uint32_t turn
    RunRing ring
    Injector injector
    MessageCache cache
    Handling handling
    uint64_t now_ns             # monotonic, as of the last handler boundary
    int64_t wall_offset_ns      # wall clock minus monotonic, refreshed by the loop
    uint64_t random[4]          # xoshiro256++ state, seeded from the kernel
    Telemetry telemetry
    uint32_t ended              # atomic; 1 after the loop
    Hearing hearing
    Tape said                   # what was said in conversations, by agents that this worker ran

cdef struct Machine:
    MessagePool pool
    RoutingTable routing
    Engine engines[ENGINE_COUNT]
    Worker* workers[WORKERS_MAX]    # OWNERSHIP: owned
    uint32_t worker_count
    uint32_t next_worker            # round robin for injected work
    uint32_t* links                 # OWNERSHIP: owned; injector links, one per slot
    uint32_t stopping               # atomic; workers end after their turn
    uint32_t ticker_stopping        # atomic; the ticker ends
    uint32_t hurry                  # atomic; 1 = deadlines of running handlers are over
    uint32_t sleepers               # atomic; parked workers
    Budget instance_bytes
    Budget mappings
    uint64_t instances              # atomic; live instances
    uint64_t message_bytes_max
    uint64_t tick_ns
    # To the shell: messages for external agents, logs, events. The shell is the only consumer.
    Mailbox shell
    uint32_t shell_awake            # atomic; 1 = the eventfd was signalled and not drained yet
    uint32_t shell_logs             # atomic; log lines on the way to the shell
    uint32_t untold                 # atomic; 1 = some slot has events that found no message to travel in
    uint32_t untold_left            # control thread: slots still to be looked at for them
    int event_fd
    # Timer wake-ups on their way to the ticker (see timers.pyx).
    Mailbox timer_inbox
    # Conversations that are held to something; the wheel of their deadlines is the ticker's.
    Protocols protocols
    Conversations conversations
    Deadlines deadlines
    TokenBucket conversation_events     # so many a second are told to the shell
    uint64_t untold_events          # atomic; the others
    uint32_t loop_hops              # a chain of so many messages is told as a loop
    Mailbox deaths                  # agents that are gone, for the ticker, who looks through the table for them
    uint64_t dying[DYING_AT_ONCE]   # ticker: those it looks for now
    uint32_t dying_count
    uint32_t dying_left             # records still to be looked at
    uint32_t deaths_untold          # atomic; 1 = one found no message: all members of conversations are looked for
    uint32_t dying_all              # ticker: this round looks for them all
    # The ticker's own, for what it tells.
    Telemetry ticker_telemetry
    uint64_t ticker_random[4]
    # The control thread's own: counters, free messages, random numbers.
    Telemetry shell_telemetry
    MessageCache shell_cache
    uint64_t shell_random[4]
    Hearing shell_hearing
    Tape shell_said             # what was said by clients

cdef enum:
    SHELL_LOGS_MAX = 8192           # log lines on the way to the shell; more are dropped and counted

# Control thread. 0, or -1 without memory.
cdef int machine_open(Machine* machine, uint32_t workers, uint32_t slots, uint32_t small_messages,
                      uint64_t message_bytes_max) noexcept nogil
cdef void machine_close(Machine* machine) noexcept nogil

cdef inline uint64_t rotated(uint64_t x, int k) noexcept nogil:
    return (x << k) | (x >> (64 - k))

cdef inline uint64_t random_next(uint64_t* state) noexcept nogil:
    # xoshiro256++ (Blackman and Vigna, 2019): for ids, not for secrets.
    cdef uint64_t result = rotated(state[0] + state[3], 23) + state[0]
    cdef uint64_t t = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = rotated(state[3], 45)
    return result

# Give a slot its turn: worker's own ring when ``worker`` is not NULL, else through an injector.
cdef void machine_schedule(Machine* machine, Worker* worker, Slot* slot) noexcept nogil
cdef void machine_wake(Machine* machine) noexcept nogil
# Hand a message to the shell (takes ownership) and ring its bell if it sleeps.
cdef void machine_to_shell(Machine* machine, Message* message) noexcept nogil
# Tell the shell about a slot; text is cut at 700 bytes. When the pool is exhausted the event waits in the slot,
# without its text, for the shell to find it there: whoever waits for an agent's start must hear of it.
# Running worker only, so that the events of one slot keep their order.
cdef void machine_event(Machine* machine, MessageCache* cache, Slot* slot, uint32_t event, int32_t fault,
                        const char* text) noexcept nogil
# The agent is gone for good: its part in conversations ends. Running worker only.
cdef void machine_bury(Machine* machine, MessageCache* cache, Slot* slot) noexcept nogil
# Hold conversations to the protocols of ``image``. 0, or -1 without memory, -2 when the image is none.
cdef int machine_converse(Machine* machine, const char* image, uint64_t image_bytes, uint32_t conversations_max,
                          uint32_t participants_max) noexcept nogil
cdef const char* fault_name(int32_t fault) noexcept nogil
