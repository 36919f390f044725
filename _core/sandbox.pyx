"""Making, entering and closing instances. Every guest call has fuel, a deadline and a bounds check."""

from libc.stdint cimport int64_t, uint8_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset, strlen, strstr

from caxton._core.atomics cimport add_u64_relaxed, store_ptr_relaxed, store_u64_relaxed, sub_u64_seq, unlikely
from caxton._core.code cimport Code
from caxton._core.limiter cimport budget_release, budget_reserve
from caxton._core.machine cimport (
    FAULT_ALLOC, FAULT_FUEL, FAULT_MEMORY, FAULT_NONE, FAULT_NO_ROOM, FAULT_REPLY, FAULT_RESOURCE, FAULT_STACK,
    FAULT_START, FAULT_TIME, FAULT_TRAP,
)
from caxton._core.message cimport message_body
from caxton._core.outbox cimport outbox_add
from caxton._core.wasmtime_c cimport (
    EXTERN_FUNC, EXTERN_MEMORY, TRAP_INTERRUPT, TRAP_OUT_OF_FUEL, TRAP_STACK_OVERFLOW, TRAP_UNREACHABLE, Wasmtime,
    wasm_byte_vec_t, wasm_trap_t, wasmtime_error_t, wasmtime_extern_t, wasmtime_func_t, wasmtime_instance_t, wasmtime_table,
    wasmtime_val_raw_t,
)

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    PAGE_BYTES = 65536
    TABLE_ELEMENTS_MAX = 65536
    TABLES_MAX = 4
    # Where execution is not limited by fuel the store still counts it.
    FUEL_UNLIMITED = 0x3FFFFFFFFFFFFFFF
    # An engine that fills memory by copy-on-write costs a mapping for the image and one for the rest.
    MAPPINGS_PER_IMAGE = 2
    TRIAL_ALLOC_BYTES = 1024


cdef bint fault_destroys(int32_t fault) noexcept nogil:
    return FAULT_TRAP <= fault <= FAULT_START


cdef void set_text(Outcome* outcome, const char* text) noexcept nogil:
    snprintf(outcome.text, sizeof(outcome.text), b"%s", text)


cdef bint ran_out_of_memory(Sandbox* sandbox) noexcept nogil:
    # The engine tells only the guest that its memory may not grow, and a guest that cannot go on then gives up. So
    # giving up counts as running out of memory when no page is left, or when the handler has just grown the memory
    # to more than half of the limit (allocators ask for large pieces, often as much again as they have).
    cdef uint64_t now
    if sandbox.alloc.store_id == 0:
        return False
    now = wt.memory_data_size(sandbox.context, &sandbox.memory)
    return now + PAGE_BYTES > sandbox.slot.memory_bytes_max or (
        now > sandbox.slot.memory_bytes and 2 * now > sandbox.slot.memory_bytes_max)


cdef void judge_trap(Sandbox* sandbox, wasm_trap_t* trap, Outcome* outcome) noexcept nogil:
    # Turns a trap into a fault kind and a sentence, and frees it.
    cdef uint8_t code = 255
    cdef wasm_byte_vec_t text
    cdef size_t i
    cdef size_t start = 0
    cdef size_t size
    if not wt.trap_code(trap, &code):
        code = 255
    outcome.fault = FAULT_TRAP
    if code == TRAP_OUT_OF_FUEL:
        outcome.fault = FAULT_FUEL
        set_text(outcome, b"the handler used up its fuel (cpu_ms_max or fuel_max)")
    elif code == TRAP_INTERRUPT:
        outcome.fault = FAULT_TIME
        set_text(outcome, b"the handler missed its deadline (execution_ms_max)")
    elif code == TRAP_STACK_OVERFLOW:
        outcome.fault = FAULT_STACK
        set_text(outcome, b"the handler overflowed its call stack")
    else:
        wt.trap_message(trap, &text)
        # The engine's text is a backtrace; its cause stands in the line after "Caused by:".
        for i in range(text.size):
            if text.data[i] == b"\n" and i + 1 < text.size and text.data[i + 1] == b"C":
                start = i + 1
        size = text.size - start
        if size >= sizeof(outcome.text):
            size = sizeof(outcome.text) - 1
        memcpy(outcome.text, text.data + start, size)
        outcome.text[size] = 0
        wt.byte_vec_delete(&text)
        if code == TRAP_UNREACHABLE and ran_out_of_memory(sandbox):
            outcome.fault = FAULT_MEMORY
    wt.trap_delete(trap)


cdef void judge_error(wasmtime_error_t* error, Outcome* outcome) noexcept nogil:
    cdef wasm_byte_vec_t text
    cdef size_t size
    wt.error_message(error, &text)
    size = text.size if text.size < sizeof(outcome.text) else sizeof(outcome.text) - 1
    memcpy(outcome.text, text.data, size)
    outcome.text[size] = 0
    wt.byte_vec_delete(&text)
    wt.error_delete(error)
    outcome.fault = FAULT_TRAP


cdef bint call(Sandbox* sandbox, wasmtime_func_t* function, wasmtime_val_raw_t* values, size_t count,
               Outcome* outcome) noexcept nogil:
    # One guest call; 1 when it returned. SAFETY: the function's type was checked when the module was inspected.
    cdef wasm_trap_t* trap = NULL
    cdef wasmtime_error_t* error = wt.func_call_unchecked(sandbox.context, function, values, count, &trap)
    if unlikely(error != NULL):
        judge_error(error, outcome)
        return False
    if unlikely(trap != NULL):
        judge_trap(sandbox, trap, outcome)
        return False
    return True


cdef bint find_func(Sandbox* sandbox, wasmtime_instance_t* instance, const char* name, wasmtime_func_t* out) noexcept nogil:
    cdef wasmtime_extern_t found
    if not wt.instance_export_get(sandbox.context, instance, name, strlen(name), &found):
        return False
    if found.kind != EXTERN_FUNC:
        wt.extern_delete(&found)
        return False
    out[0] = found.of.func
    return True


cdef bint refuel(Sandbox* sandbox) noexcept nogil:
    cdef Slot* slot = sandbox.slot
    cdef wasmtime_error_t* error
    wt.context_set_epoch_deadline(sandbox.context, slot.execution_ticks)
    error = wt.context_set_fuel(sandbox.context, slot.fuel_max if slot.fuel_max != 0 else <uint64_t>FUEL_UNLIMITED)
    if error != NULL:
        wt.error_delete(error)
        return False
    return True


cdef uint64_t fuel_used(Sandbox* sandbox) noexcept nogil:
    cdef Slot* slot = sandbox.slot
    cdef uint64_t given = slot.fuel_max if slot.fuel_max != 0 else <uint64_t>FUEL_UNLIMITED
    cdef uint64_t left = 0
    cdef wasmtime_error_t* error = wt.context_get_fuel(sandbox.context, &left)
    if error != NULL:
        wt.error_delete(error)
        return 0
    return given - left if left < given else 0


cdef void begin(Worker* worker, Sandbox* sandbox, Message* current) noexcept nogil:
    sandbox.worker = worker
    worker.handling.current = current
    worker.handling.result = NULL
    worker.handling.result_bytes = 0
    worker.handling.error_bytes = 0


cdef int name_step(Outcome* outcome, const char* step) noexcept nogil:
    # Puts the step that failed before the reason.
    cdef char reason[200]
    snprintf(reason, sizeof(reason), b"%.199s", outcome.text)
    snprintf(outcome.text, sizeof(outcome.text), b"%.40s: %s", step, reason)
    return -1


cdef int start_guest(Worker* worker, Sandbox* sandbox, wasmtime_instance_t* instance, Outcome* outcome) noexcept nogil:
    cdef wasmtime_func_t function
    cdef wasmtime_val_raw_t values[2]
    cdef uint32_t room
    begin(worker, sandbox, NULL)
    if find_func(sandbox, instance, b"_initialize", &function):
        if not call(sandbox, &function, values, 1, outcome):
            return name_step(outcome, b"_initialize")
    if find_func(sandbox, instance, b"caxton_init", &function):
        if not call(sandbox, &function, values, 1, outcome):
            return name_step(outcome, b"caxton_init")
        if values[0].i32 < 0:
            outcome.fault = FAULT_START
            snprintf(outcome.text, sizeof(outcome.text), b"caxton_init refused to start: %d", <int>values[0].i32)
            return -1
    values[0].i64 = 0
    values[0].i32 = TRIAL_ALLOC_BYTES
    if not call(sandbox, &sandbox.alloc, values, 1, outcome):
        return name_step(outcome, b"caxton_alloc")
    room = <uint32_t>values[0].i32
    if room == 0:
        outcome.fault = FAULT_ALLOC
        set_text(outcome, b"caxton_alloc(1024) returned 0: the agent has no room for a message")
        return -1
    if <uint64_t>room + TRIAL_ALLOC_BYTES > wt.memory_data_size(sandbox.context, &sandbox.memory):
        outcome.fault = FAULT_ALLOC
        snprintf(outcome.text, sizeof(outcome.text), b"caxton_alloc(1024) returned %u, which is outside of the memory", room)
        return -1
    return 0


cdef int reserve_budgets(Machine* machine, Sandbox* sandbox, Code* code, Outcome* outcome) noexcept nogil:
    cdef uint64_t mappings = MAPPINGS_PER_IMAGE if code.engine.copy_on_write else 0
    outcome.fault = FAULT_RESOURCE
    if not budget_reserve(&machine.mappings, mappings):
        set_text(outcome, b"the kernel's memory mappings (vm.max_map_count) are used up")
        return -1
    sandbox.mappings_reserved = mappings
    if not budget_reserve(&machine.instance_bytes, PAGE_BYTES):
        set_text(outcome, b"the memory for instances is used up")
        return -1
    sandbox.memory_reserved = PAGE_BYTES
    outcome.fault = FAULT_NONE
    return 0


cdef int instantiate(Worker* worker, Sandbox* sandbox, Code* code, bint wasi, wasmtime_instance_t* instance,
                     Outcome* outcome) noexcept nogil:
    cdef wasm_trap_t* trap = NULL
    cdef wasmtime_error_t* error
    cdef wasmtime_extern_t found
    cdef Slot* slot = sandbox.slot
    sandbox.store = wt.store_new(code.engine.engine, sandbox, NULL)
    sandbox.context = wt.store_context(sandbox.store)
    wt.store_limiter(sandbox.store, <int64_t>slot.memory_bytes_max, TABLE_ELEMENTS_MAX, 1, TABLES_MAX, 1)
    begin(worker, sandbox, NULL)
    if not refuel(sandbox):
        outcome.fault = FAULT_START
        set_text(outcome, b"the engine took no fuel")
        return -1
    error = wt.instance_pre_instantiate(code.pre[wasi], sandbox.context, instance, &trap)
    if error != NULL:
        judge_error(error, outcome)
        # The kernel refused memory: the engine says "Cannot allocate memory" or "failed to allocate".
        outcome.fault = FAULT_RESOURCE if strstr(outcome.text, b"allocate") != NULL else FAULT_START
        return -1
    if trap != NULL:
        judge_trap(sandbox, trap, outcome)
        return -1
    if not wt.instance_export_get(sandbox.context, instance, b"memory", 6, &found) or found.kind != EXTERN_MEMORY:
        outcome.fault = FAULT_START
        set_text(outcome, b"the module exports no memory named memory")
        return -1
    sandbox.memory = found.of.memory
    if not find_func(sandbox, instance, b"caxton_alloc", &sandbox.alloc) or \
            not find_func(sandbox, instance, b"handle_message", &sandbox.handle):
        outcome.fault = FAULT_START
        set_text(outcome, b"the module exports no caxton_alloc or handle_message")
        return -1
    sandbox.has_reply = find_func(sandbox, instance, b"caxton_reply", &sandbox.reply)
    sandbox.has_timer = find_func(sandbox, instance, b"caxton_timer", &sandbox.timer)
    return 0


cdef int sandbox_open(Machine* machine, Worker* worker, Slot* slot, Outcome* outcome) noexcept nogil:
    cdef wasmtime_instance_t instance
    # SAFETY: slot.module is a Code* that its ModuleCode keeps alive while slots use it.
    cdef Code* code = <Code*>slot.module
    # SAFETY: calloc gives zeroed room of exactly this type.
    cdef Sandbox* sandbox = <Sandbox*>calloc(1, sizeof(Sandbox))
    memset(outcome, 0, sizeof(Outcome))
    if sandbox == NULL:
        outcome.fault = FAULT_RESOURCE
        set_text(outcome, b"no memory for a sandbox")
        return -1
    sandbox.slot = slot
    slot.sandbox = sandbox
    add_u64_relaxed(&machine.instances, 1)
    if reserve_budgets(machine, sandbox, code, outcome) != 0 or \
            instantiate(worker, sandbox, code, slot.wasi, &instance, outcome) != 0 or \
            cover_memory(machine, sandbox, outcome) != 0 or \
            start_guest(worker, sandbox, &instance, outcome) != 0 or \
            cover_memory(machine, sandbox, outcome) != 0:
        sandbox_close(machine, slot)
        return -1
    store_ptr_relaxed(&slot.hot[0], sandbox)
    store_ptr_relaxed(&slot.hot[1], sandbox.context)
    return 0


cdef bint note_memory(Machine* machine, Sandbox* sandbox) noexcept nogil:
    # Growth is bounded by the store's own limit; the budget follows it so that new instances see it. 0 when the
    # budget does not cover it.
    cdef uint64_t now = wt.memory_data_size(sandbox.context, &sandbox.memory)
    if unlikely(now != sandbox.slot.memory_bytes):
        store_u64_relaxed(&sandbox.slot.memory_bytes, now)
    if unlikely(now > sandbox.memory_reserved):
        if not budget_reserve(&machine.instance_bytes, now - sandbox.memory_reserved):
            return False
        sandbox.memory_reserved = now
    return True


cdef int cover_memory(Machine* machine, Sandbox* sandbox, Outcome* outcome) noexcept nogil:
    # A new instance must fit into the budget with all the memory that it starts with.
    if note_memory(machine, sandbox):
        return 0
    outcome.fault = FAULT_RESOURCE
    set_text(outcome, b"the memory for instances is used up")
    return -1


cdef void sandbox_close(Machine* machine, Slot* slot) noexcept nogil:
    # SAFETY: slot.sandbox is always a Sandbox* made by sandbox_open.
    cdef Sandbox* sandbox = <Sandbox*>slot.sandbox
    cdef int i
    if sandbox == NULL:
        return
    if sandbox.store != NULL:
        wt.store_delete(sandbox.store)
    budget_release(&machine.mappings, sandbox.mappings_reserved)
    budget_release(&machine.instance_bytes, sandbox.memory_reserved)
    free(sandbox.timers)
    free(sandbox)
    slot.sandbox = NULL
    for i in range(3):
        store_ptr_relaxed(&slot.hot[i], NULL)
    store_u64_relaxed(&slot.memory_bytes, 0)
    # ORDERING: a count; it orders nothing.
    sub_u64_seq(&machine.instances, 1)


cdef void pull_reply(Worker* worker, Sandbox* sandbox, Outcome* outcome) noexcept nogil:
    # A guest without imports: its reply is asked for after a 1.
    cdef wasmtime_val_raw_t values[1]
    cdef uint64_t pointer
    cdef uint64_t length
    if not call(sandbox, &sandbox.reply, values, 1, outcome):
        return
    pointer = <uint64_t>values[0].i64 >> 32
    length = <uint32_t>values[0].i64
    if pointer + length > wt.memory_data_size(sandbox.context, &sandbox.memory):
        outcome.fault = FAULT_REPLY
        set_text(outcome, b"caxton_reply points outside of the memory")
        return
    # SAFETY: the range was checked against the current size and no guest code runs until the text is copied.
    if outbox_add(worker, sandbox, <const char*>wt.memory_data(sandbox.context, &sandbox.memory) + pointer, length, True) != 0:
        outcome.fault = FAULT_REPLY
        set_text(outcome, worker.handling.error)


cdef void sandbox_handle(Worker* worker, Slot* slot, Message* message, Outcome* outcome) noexcept nogil:
    cdef wasmtime_val_raw_t values[2]
    # SAFETY: slot.sandbox is always a Sandbox* made by sandbox_open; the caller runs the slot.
    cdef Sandbox* sandbox = <Sandbox*>slot.sandbox
    cdef uint8_t* at
    cdef uint64_t room
    outcome.fault = FAULT_NONE
    outcome.code = 0
    outcome.fuel = 0
    outcome.text[0] = 0
    begin(worker, sandbox, message)
    if not refuel(sandbox):
        outcome.fault = FAULT_START
        return
    values[0].i64 = message.body_bytes
    if not call(sandbox, &sandbox.alloc, values, 1, outcome):
        outcome.fuel = fuel_used(sandbox)
        return
    room = <uint32_t>values[0].i32
    if unlikely(room == 0):
        outcome.fault = FAULT_NO_ROOM
        outcome.fuel = fuel_used(sandbox)
        set_text(outcome, b"the agent has no room for a message of this size (caxton_alloc returned 0)")
        return
    if unlikely(room + message.body_bytes > wt.memory_data_size(sandbox.context, &sandbox.memory)):
        outcome.fault = FAULT_ALLOC
        outcome.fuel = fuel_used(sandbox)
        set_text(outcome, b"caxton_alloc returned room that is outside of the memory")
        return
    # SAFETY: the range was checked against the memory's size after the last guest call.
    at = wt.memory_data(sandbox.context, &sandbox.memory) + room
    store_ptr_relaxed(&slot.hot[2], at)
    memcpy(at, message_body(message), message.body_bytes)
    values[0].i64 = <int64_t>room
    values[1].i64 = message.body_bytes
    sandbox.in_message = 1
    if call(sandbox, &sandbox.handle, values, 2, outcome):
        outcome.code = values[0].i32
        if outcome.code == 1 and worker.handling.reply == NULL and sandbox.has_reply:
            pull_reply(worker, sandbox, outcome)
    sandbox.in_message = 0
    outcome.fuel = fuel_used(sandbox)
    note_memory(worker.machine, sandbox)


cdef void sandbox_timer(Worker* worker, Slot* slot, int64_t timer_id, Outcome* outcome) noexcept nogil:
    cdef wasmtime_val_raw_t values[1]
    # SAFETY: as in sandbox_handle.
    cdef Sandbox* sandbox = <Sandbox*>slot.sandbox
    memset(outcome, 0, sizeof(Outcome))
    begin(worker, sandbox, NULL)
    if not refuel(sandbox):
        outcome.fault = FAULT_START
        return
    values[0].i64 = timer_id
    if call(sandbox, &sandbox.timer, values, 1, outcome):
        outcome.code = values[0].i32
    outcome.fuel = fuel_used(sandbox)
    note_memory(worker.machine, sandbox)
