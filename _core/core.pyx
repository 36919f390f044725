"""The face of the core: one class, used by the shell's bridge alone. See core.pyi for the contract."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free

from caxton._core.account cimport account_end, account_find, account_open, account_page
from caxton._core.atomics cimport load_u32_acquire, load_u64_relaxed, store_u32_release
from caxton._core.bounds cimport ENGINE_COUNT, NAME_BYTES_MAX
from caxton._core.code cimport Code, ModuleCode, code_compile, code_deserialize, code_validate
from caxton._core.completion cimport completion_take
from caxton._core.engine cimport Engine
from caxton._core.history cimport history_find
from caxton._core.life cimport Life
from caxton._core.limiter cimport bucket_init
from caxton._core.machine cimport Machine, machine_schedule
from caxton._core.message cimport MessageCache
from caxton._core.post cimport Posted, post, post_unrouted
from caxton._core.queue cimport mailbox_depth, mailbox_init, mailbox_release
from caxton._core.receipt cimport receipt
from caxton._core.routing cimport (
    REQUEST_DRAIN, REQUEST_REMOVE, REQUEST_START, SLOT_DRAINING, SLOT_EXTERNAL, SLOT_FAILED, SLOT_FREE,
    SLOT_GUEST, SLOT_REMOVING, SLOT_RUNNING, SLOT_STARTING, SLOT_STOPPED, Slot, routing_claim, routing_find_id,
    routing_find_name, routing_publish, routing_retire,
)
from caxton._core.scrape cimport scrape
from caxton._core.settings cimport AgentSettings, settings_new

from caxton._core import code as _code, machine as _machine, scrape as _scrape, wasmtime_c as _wasmtime_c
from caxton._core.engine import CoreError

ABI_WASMTIME_VERSION = _wasmtime_c.installed_version()
PROFILE_STRICT, PROFILE_STANDARD = range(2)
(POST_ACCEPTED, POST_INVALID, POST_NO_ROUTE, POST_MAILBOX_FULL, POST_RATE_LIMITED, POST_TOO_LARGE,
 POST_POOL_EXHAUSTED, POST_NOT_RUNNING, POST_OTHER_SENDER, POST_NO_RECEIVER, POST_CAPABILITY, POST_REFUSED,
 POST_DUPLICATE) = range(13)
KIND_ACL, KIND_LOG, KIND_EVENT, KIND_CAPABILITY, KIND_UNROUTED, KIND_CONVERSATION = 0, 2, 3, 4, 5, 6
(CONVERSATION_REFUSED, CONVERSATION_ENDED, CONVERSATION_AWARDED, CONVERSATION_LOOPS) = range(1, 5)
(EVENT_STARTED, EVENT_START_FAILED, EVENT_FAULT, EVENT_FAILED, EVENT_STOPPED, EVENT_REMOVED) = range(1, 7)
# What was cimported above is a C name, invisible from outside: these are given out under the same words.
globals().update({
    "ModuleCode": _code.ModuleCode,
    "SLOT_FREE": SLOT_FREE, "SLOT_STARTING": SLOT_STARTING, "SLOT_RUNNING": SLOT_RUNNING,
    "SLOT_DRAINING": SLOT_DRAINING, "SLOT_STOPPED": SLOT_STOPPED, "SLOT_FAILED": SLOT_FAILED,
    "SLOT_REMOVING": SLOT_REMOVING,
    "REQUEST_START": REQUEST_START, "REQUEST_DRAIN": REQUEST_DRAIN, "REQUEST_REMOVE": REQUEST_REMOVE,
})
FAULT_KINDS = _machine.FAULT_NAMES
REJECT_REASONS = _scrape.REJECT_REASONS
STATUSES = _scrape.STATUSES
PERFORMATIVES = (
    "accept-proposal", "agree", "cancel", "cfp", "confirm", "disconfirm", "failure", "inform", "inform-if",
    "inform-ref", "not-understood", "propagate", "propose", "proxy", "query-if", "query-ref", "refuse",
    "reject-proposal", "request", "request-when", "request-whenever", "subscribe",
)

cdef enum:
    TICKS_MAX = 0x7FFFFFFF      # of a deadline
    SHELL_READS_MAX = 1000000   # bound of one batch, so that an int holds every count


cdef uint64_t cache_live(MessageCache* cache) noexcept nogil:
    # A thread may give back what another took: only the sum over all threads has a meaning.
    return load_u64_relaxed(&cache.allocated) - load_u64_relaxed(&cache.freed)


cdef class Core(Life):
    """The running core. One per process; all methods are for the control thread."""

    cdef Engine* engine(self, int profile, bint copy_on_write) except NULL:
        if not 0 <= profile < 2:
            raise CoreError("argument", f"no feature profile {profile}")
        return &self.open_machine().engines[profile * 2 + copy_on_write]

    cdef bint is_own(self, Code* code) noexcept:
        # The core that compiled it may be gone, and this one may stand where it stood.
        cdef int e
        for e in range(ENGINE_COUNT):
            if self.machine.engines[e].serial == code.engine_serial:
                return True
        return False

    def validate(self, bytes wasm, *, int profile):
        """Give the engine's own verdict on a module: None = valid, else its text."""
        return code_validate(self.engine(profile, False), wasm)

    def compile(self, bytes wasm, *, int profile, bint copy_on_write):
        """Compile a module without the GIL. Raises CoreError."""
        return code_compile(self.engine(profile, copy_on_write), wasm)

    def deserialize(self, bytes code, *, int profile, bint copy_on_write):
        """Map machine code made by `ModuleCode.serialize`; the bytes must be authentic."""
        return code_deserialize(self.engine(profile, copy_on_write), code)

    def fuel_per_ms(self):
        """Return the fuel that this machine burns in a millisecond of guest loop, as measured at start."""
        return self.fuel_rate

    cdef Slot* claim(self, uint64_t agent_id, bytes name, uint32_t mailbox_max) except NULL:
        cdef Machine* machine = self.open_machine()
        cdef Slot* slot
        if agent_id == 0 or not 1 <= len(name) <= NAME_BYTES_MAX:
            raise CoreError("argument", "an agent needs a non-zero id and a name of 1 to 255 bytes")
        if routing_find_id(&machine.routing, agent_id) != NULL:
            raise CoreError("argument", f"agent {agent_id} exists")
        if routing_find_name(&machine.routing, name, <uint16_t>len(name)) != NULL:
            raise CoreError("argument", f"an agent named {name.decode(errors='replace')} exists")
        slot = routing_claim(&machine.routing, agent_id, name, <uint16_t>len(name))
        if slot == NULL:
            raise CoreError("resource", f"all {machine.routing.slot_count} places for agents are taken")
        mailbox_init(&slot.mailbox, mailbox_max)
        return slot

    def spawn(self, *, uint64_t agent_id, bytes name, ModuleCode module not None, uint64_t fuel_max,
              uint64_t memory_bytes_max, uint64_t execution_ms_max, uint32_t message_bytes_max, uint32_t mailbox_max,
              double messages_per_s_max, uint32_t restart_intensity, uint64_t restart_period_ms, dict config not None,
              bint wasi):
        """Claim a slot and ask a worker for an instance. Returns (slot, generation)."""
        cdef Machine* machine = self.open_machine()
        cdef Slot* slot
        cdef AgentSettings* settings
        cdef uint64_t ticks
        if module.code == NULL or not self.is_own(module.code):
            raise CoreError("state", "this code was closed, or compiled by another core")
        module.link(wasi)
        settings = settings_new(config)
        try:
            slot = self.claim(agent_id, name, mailbox_max)
        except BaseException:
            free(settings)
            raise
        slot.kind = SLOT_GUEST
        slot.module = module.code
        slot.wasi = wasi
        slot.settings = settings
        slot.fuel_max = fuel_max
        # The engine reads a negative number as "no limit".
        slot.memory_bytes_max = min(memory_bytes_max, <uint64_t>1 << 32)
        # A deadline of so many whole ticks may fall up to one tick short: hence one more.
        ticks = (execution_ms_max + self.tick_ms - 1) // self.tick_ms + 1
        slot.execution_ticks = <uint32_t>(ticks if ticks < TICKS_MAX else <uint64_t>TICKS_MAX)
        slot.message_bytes_max = message_bytes_max
        slot.restart_intensity = restart_intensity
        slot.restart_period_ns = restart_period_ms * 1000000
        slot.home = machine.next_worker % machine.worker_count
        machine.next_worker += 1
        bucket_init(&slot.admission, messages_per_s_max, <uint32_t>max(1.0, min(messages_per_s_max, 1e6)))
        module.code.users += 1
        self.codes[slot.index] = module
        routing_publish(&machine.routing, slot)
        # ORDERING: publishes the slot's limits and code to the worker that takes the request.
        store_u32_release(&slot.request, REQUEST_START)
        machine_schedule(machine, NULL, slot)
        return (slot.index, slot.generation)

    def spawn_external(self, *, uint64_t agent_id, bytes name, uint32_t message_bytes_max, uint32_t mailbox_max):
        """Claim a slot for an agent that speaks through the API. Returns (slot, generation)."""
        cdef Machine* machine = self.open_machine()
        cdef Slot* slot = self.claim(agent_id, name, mailbox_max)
        slot.kind = SLOT_EXTERNAL
        slot.message_bytes_max = message_bytes_max
        bucket_init(&slot.admission, 0.0, 1)
        # ORDERING: publishes kind and bounds to senders, who read the state first.
        store_u32_release(&slot.state, SLOT_RUNNING)
        routing_publish(&machine.routing, slot)
        return (slot.index, slot.generation)

    def request(self, uint32_t index, uint32_t generation, uint32_t what):
        """Ask for START, DRAIN or REMOVE; False when the slot is another agent's now or its state forbids it."""
        cdef Machine* machine = self.open_machine()
        cdef Slot* slot = self.slot_of(index, generation)
        cdef uint32_t state
        if slot == NULL:
            return False
        # A request that a worker has not taken yet is replaced by the next one: removal must not be.
        if slot.removal_asked or (slot.kind == SLOT_EXTERNAL and what != REQUEST_REMOVE):
            return False
        # ORDERING: acquire pairs with the worker's release of a new state.
        state = load_u32_acquire(&slot.state)
        if what == REQUEST_START and state not in (SLOT_STOPPED, SLOT_FAILED):
            return False
        if what == REQUEST_DRAIN and state != SLOT_RUNNING:
            return False
        if what not in (REQUEST_START, REQUEST_DRAIN, REQUEST_REMOVE):
            raise CoreError("argument", f"no request {what}")
        slot.removal_asked = what == REQUEST_REMOVE
        # ORDERING: release, taken by the worker's swap.
        store_u32_release(&slot.request, what)
        machine_schedule(machine, NULL, slot)
        return True

    def retire(self, uint32_t index, uint32_t generation):
        """Free the slot of a removed agent; it is used again after all workers have moved on."""
        cdef Machine* machine = self.open_machine()
        cdef Slot* slot = self.slot_of(index, generation)
        if slot == NULL:
            raise CoreError("state", f"slot {index} is another agent's now")
        # ORDERING: acquire pairs with the worker's release of the state after it closed the sandbox.
        if load_u32_acquire(&slot.state) != SLOT_REMOVING or slot.sandbox != NULL:
            raise CoreError("state", "an agent is retired after its removal")
        free(slot.settings)
        slot.settings = NULL
        # What a reader was given and has not acknowledged holds places, and a slot with such is never used again.
        for _ in range(slot.unacknowledged):
            mailbox_release(&slot.mailbox)
        slot.unacknowledged = 0
        code = self.codes.pop(index, None)
        if code is not None:
            (<ModuleCode>code).code.users -= 1
        routing_retire(&machine.routing, slot)

    def state(self, uint32_t index, uint32_t generation):
        """Return the slot's state, or SLOT_FREE when it is another agent's now."""
        # ORDERING: acquire pairs with the worker's release; a look, nothing follows from it.
        cdef Slot* slot = self.slot_of(index, generation)
        return SLOT_FREE if slot == NULL else load_u32_acquire(&slot.state)

    def totals(self, uint32_t index, uint32_t generation):
        """Return the slot's figures, see core.pyi."""
        # ORDERING: acquire pairs with the worker's release of the state.
        cdef Slot* slot = self.slot_of(index, generation)
        if slot == NULL:
            raise CoreError("state", f"slot {index} is another agent's now")
        return (
            load_u32_acquire(&slot.state), mailbox_depth(&slot.mailbox), load_u64_relaxed(&slot.messages_handled),
            load_u64_relaxed(&slot.fuel_used), load_u64_relaxed(&slot.memory_bytes), load_u64_relaxed(&slot.faults),
            slot.last_fault, load_u64_relaxed(&slot.logs_dropped),
        )

    def post(self, bytes body, uint64_t sender_id, bint any_sender):
        """Accept one client message, see core.pyi."""
        cdef Machine* machine = self.open_machine()
        cdef Posted posted
        post(machine, body, len(body), sender_id, any_sender, 0, &posted)
        return receipt(&posted, len(body), machine.message_bytes_max)

    def post_to(self, bytes body, uint64_t sender_id, uint64_t receiver_id):
        """Accept one client message for the receiver that the caller names."""
        cdef Machine* machine = self.open_machine()
        cdef Posted posted
        if receiver_id == 0:
            raise CoreError("argument", "no agent has the id 0")
        post(machine, body, len(body), sender_id, False, receiver_id, &posted)
        return receipt(&posted, len(body), machine.message_bytes_max)

    def post_lines(self, bytes data, Py_ssize_t start, int lines_max, uint64_t sender_id, bint any_sender):
        """Accept newline-separated messages, see core.pyi."""
        cdef Machine* machine = self.open_machine()
        cdef const char* text = data
        cdef Py_ssize_t size = len(data)
        cdef Py_ssize_t end
        cdef Posted posted
        cdef list answers = []
        while start < size and len(answers) < lines_max:
            end = data.find(b"\n", start)
            if end < 0:
                end = size
            post(machine, text + start, end - start, sender_id, any_sender, 0, &posted)
            answers.append(receipt(&posted, end - start, machine.message_bytes_max))
            start = end + 1
        return (min(start, size), answers)

    def refuse_unrouted(self, uint32_t index, uint32_t generation, bytes body, bytes kind, bytes detail):
        """Answer a guest's unrouted message with a failure, see core.pyi."""
        cdef Slot* slot = self.slot_of(index, generation)
        return slot != NULL and post_unrouted(self.machine, slot, body, len(body), kind, detail)

    def conversation(self, bytes conversation_id):
        """Return what is known of a conversation, or None; see core.pyi."""
        return account_find(self.open_machine(), conversation_id)

    def conversations(self, unsigned int start, int count_max, bint live_only):
        """Return conversations from the record `start` on, and where to go on; see core.pyi."""
        return account_page(self.open_machine(), start, count_max, live_only)

    def open_conversation(self, bytes conversation_id, object protocol, uint64_t initiator, list participants,
                          uint32_t messages_max, uint64_t fuel_max, uint64_t ttl_ms):
        """Open a conversation ahead of its first message: (reason number, state number)."""
        return account_open(self.open_machine(), conversation_id, protocol, initiator, participants, messages_max,
                            fuel_max, ttl_ms)

    def end_conversation(self, bytes conversation_id):
        """End, as cancelled, a conversation that its participants have no say in; False for all others."""
        return account_end(self.open_machine(), conversation_id)

    def history(self, bytes conversation_id, uint64_t after, uint32_t count_max):
        """Return what was said lately in a conversation, see core.pyi. For any thread."""
        with self.searching:
            return history_find(self.open_machine(), conversation_id, after, count_max)

    def acknowledge(self, uint32_t index, uint32_t generation, uint32_t count):
        """Free places of an external agent's mailbox."""
        cdef Slot* slot = self.slot_of(index, generation)
        if slot == NULL:
            return
        if count > slot.unacknowledged:
            raise CoreError("argument", "more messages acknowledged than were given out")
        slot.unacknowledged -= count
        for _ in range(count):
            mailbox_release(&slot.mailbox)

    def take_completions(self, int count_max):
        """Give what the core has to tell, oldest first, see core.pyi."""
        return completion_take(self.open_machine(), min(count_max, SHELL_READS_MAX))

    def telemetry(self):
        """Give the counters summed over workers."""
        return scrape(self.open_machine())

    def live_messages(self):
        """Count the messages that are out of the pool. Exact when all is quiet."""
        cdef Machine* machine = self.open_machine()
        cdef uint64_t live = cache_live(&machine.shell_cache) + cache_live(&self.wheel.cache)
        cdef unsigned int i
        for i in range(machine.worker_count):
            live += cache_live(&machine.workers[i].cache)
        return live

    def live_instances(self):
        """Count the live instances."""
        return load_u64_relaxed(&self.open_machine().instances)
