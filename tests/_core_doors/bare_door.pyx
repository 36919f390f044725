"""The floor under every message: a mailbox, a run ring, a sandboxed call with fuel, deadline and memory limit, and
two copies - nothing else. No envelope, no routing by name, no verdict, no effects, no telemetry."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from caxton._core.atomics cimport leading_zeros, monotonic_ns
from caxton._core.engine cimport Engine, engine_close, engine_open
from caxton._core.message cimport (
    Message, MessageCache, MessagePool, message_body, message_free, message_new, pool_close, pool_open,
)
from caxton._core.queue cimport Mailbox, mailbox_init, mailbox_pop, mailbox_push
from caxton._core.runqueue cimport RunRing, ring_close, ring_open, ring_push, ring_take
from caxton._core.wasmtime_c cimport (
    Wasmtime, wasm_trap_t, wasmtime_context_t, wasmtime_error_t, wasmtime_extern_t, wasmtime_func_t,
    wasmtime_instance_pre_t, wasmtime_instance_t, wasmtime_memory_t, wasmtime_module_t, wasmtime_store_t,
    wasmtime_table, wasmtime_val_raw_t,
)

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    FUEL = 100000000
    TICKS = 1000
    BUCKETS = 1024          # as in benchmarks/spread.py


cdef struct BareAgent:
    Mailbox mailbox
    wasmtime_store_t* store         # OWNERSHIP: owned by the loop
    wasmtime_context_t* context     # borrowed from the store
    wasmtime_memory_t memory
    wasmtime_func_t alloc
    wasmtime_func_t handle
    uint32_t queued


cdef class BareLoop:
    """Agents of one module that send ``message_bytes`` from a fixed place of their memory to random others."""

    cdef Engine engine
    cdef MessagePool pool
    cdef MessageCache cache
    cdef RunRing ring
    cdef BareAgent* agents          # OWNERSHIP: owned
    cdef uint32_t count
    cdef uint32_t message_bytes
    cdef uint64_t state
    cdef uint32_t hops[BUCKETS]     # from before a message is made to its handler, when timed
    cdef bint timed

    def __init__(self, bytes wasm, uint32_t count, uint32_t in_flight, uint32_t message_bytes, uint32_t delivered_bytes):
        cdef wasmtime_module_t* module = NULL
        cdef wasmtime_instance_pre_t* pre = NULL
        cdef wasmtime_error_t* error
        cdef uint32_t i
        engine_open(&self.engine, 0, False)
        error = wt.module_new(self.engine.engine, <const uint8_t*><char*>wasm, len(wasm), &module)
        if error == NULL:
            error = wt.linker_instantiate_pre(self.engine.linker, module, &pre)
        if error != NULL:
            wt.error_delete(error)
            raise RuntimeError("the floor's module does not compile")
        wt.module_delete(module)
        # SAFETY: calloc gives zeroed room of the asked type and count.
        self.agents = <BareAgent*>calloc(count, sizeof(BareAgent))
        if self.agents == NULL or pool_open(&self.pool, 4 * in_flight + 64, 65536) != 0 or ring_open(&self.ring, count) != 0:
            raise MemoryError
        self.count = count
        self.message_bytes = message_bytes
        self.state = 88172645463325252
        for i in range(count):
            if self.open_agent(&self.agents[i], pre) != 0:
                raise RuntimeError("an agent of the floor does not start")
        wt.instance_pre_delete(pre)
        for i in range(in_flight):
            self.send(i * 7919 % count, delivered_bytes)

    cdef int open_agent(self, BareAgent* agent, wasmtime_instance_pre_t* pre) except -1:
        cdef wasmtime_instance_t instance
        cdef wasm_trap_t* trap = NULL
        cdef wasmtime_extern_t found
        mailbox_init(&agent.mailbox, 1000000)
        agent.store = wt.store_new(self.engine.engine, NULL, NULL)
        agent.context = wt.store_context(agent.store)
        wt.store_limiter(agent.store, 1 << 24, 1000, 1, 1, 1)
        wt.context_set_fuel(agent.context, FUEL)
        wt.context_set_epoch_deadline(agent.context, TICKS)
        if wt.instance_pre_instantiate(pre, agent.context, &instance, &trap) != NULL or trap != NULL:
            return 1
        wt.instance_export_get(agent.context, &instance, b"memory", 6, &found)
        agent.memory = found.of.memory
        wt.instance_export_get(agent.context, &instance, b"caxton_alloc", 12, &found)
        agent.alloc = found.of.func
        wt.instance_export_get(agent.context, &instance, b"handle_message", 14, &found)
        agent.handle = found.of.func
        return 0

    cdef void send(self, uint32_t index, uint32_t size) noexcept nogil:
        cdef BareAgent* agent = &self.agents[index]
        cdef Message* message = message_new(&self.pool, &self.cache, size)
        message.body_bytes = size
        mailbox_push(&agent.mailbox, message)
        if not agent.queued:
            agent.queued = 1
            ring_push(&self.ring, index)

    cdef void note(self, uint64_t taken) noexcept nogil:
        cdef uint32_t exponent
        cdef uint32_t bucket = <uint32_t>taken
        if taken >= 64:
            exponent = 63 - leading_zeros(taken)
            bucket = 64 + (exponent - 6) * 32 + <uint32_t>(taken >> (exponent - 5) & 31)
        self.hops[bucket if bucket < BUCKETS else BUCKETS - 1] += 1

    cdef uint32_t step(self, uint32_t index) noexcept nogil:
        cdef BareAgent* agent = &self.agents[index]
        cdef BareAgent* other
        cdef Message* message
        cdef Message* sent
        cdef wasmtime_val_raw_t values[2]
        cdef wasm_trap_t* trap = NULL
        cdef uint32_t handled = 0
        cdef uint32_t target
        cdef uint64_t left
        cdef uint64_t made_ns = 0
        agent.queued = 0
        message = mailbox_pop(&agent.mailbox)
        while message != NULL:
            wt.context_set_fuel(agent.context, FUEL)
            wt.context_set_epoch_deadline(agent.context, TICKS)
            values[0].i64 = message.body_bytes
            wt.func_call_unchecked(agent.context, &agent.alloc, values, 1, &trap)
            memcpy(wt.memory_data(agent.context, &agent.memory) + <uint32_t>values[0].i32,
                   message_body(message), message.body_bytes)
            values[1].i64 = message.body_bytes
            if self.timed:
                self.note(monotonic_ns() - message.accepted_ns)
            wt.func_call_unchecked(agent.context, &agent.handle, values, 2, &trap)
            wt.context_get_fuel(agent.context, &left)
            self.state ^= self.state << 13
            self.state ^= self.state >> 7
            self.state ^= self.state << 17
            target = <uint32_t>(self.state % self.count)
            if self.timed:
                made_ns = monotonic_ns()
            sent = message_new(&self.pool, &self.cache, message.body_bytes)
            sent.body_bytes = message.body_bytes
            sent.accepted_ns = made_ns
            memcpy(message_body(sent), wt.memory_data(agent.context, &agent.memory) + 16, self.message_bytes)
            other = &self.agents[target]
            mailbox_push(&other.mailbox, sent)
            if not other.queued:
                other.queued = 1
                ring_push(&self.ring, target)
            message_free(&self.pool, &self.cache, message)
            handled += 1
            message = mailbox_pop(&agent.mailbox)
        return handled

    def run(self, uint64_t messages):
        """Pass that many messages on; returns the nanoseconds taken."""
        cdef uint64_t done = 0
        cdef uint64_t begun
        cdef uint32_t index
        # SAFETY: the loop owns everything that it touches; no other thread knows of it.
        with nogil:
            begun = monotonic_ns()
            while done < messages and ring_take(&self.ring, &index):
                done += self.step(index)
            begun = monotonic_ns() - begun
        if done < messages:
            raise RuntimeError("messages were lost")
        return begun

    def run_timed(self, uint64_t messages):
        """Pass that many messages on with two looks at the clock for each; returns the hops as words of 32 bits."""
        cdef bytes words
        self.timed = True
        self.run(self.count)
        for i in range(BUCKETS):
            self.hops[i] = 0
        self.run(messages)
        self.timed = False
        words = (<char*>self.hops)[:sizeof(self.hops)]
        return words

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            if self.agents[i].store != NULL:
                wt.store_delete(self.agents[i].store)
        free(self.agents)
        ring_close(&self.ring)
        pool_close(&self.pool)
        engine_close(&self.engine)
