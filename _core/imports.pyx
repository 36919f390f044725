"""Host functions. Each reads its arguments from the raw value array, checks every pointer against the memory's
current size, and returns a code or a trap; none of them ever unwinds through guest frames."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memcpy, strlen

from caxton._core.atomics cimport add_u32_relaxed, load_u32_relaxed, monotonic_ns, realtime_ns, unlikely
from caxton._core.bounds cimport LOG_BYTES_MAX, NAME_BYTES_MAX
from caxton._core.machine cimport (
    SHELL_LOGS_MAX, Handling, Machine, Worker, machine_to_shell,
)
from caxton._core.message cimport KIND_CAPABILITY, KIND_LOG, Message, message_body, message_new
from caxton._core.outbox cimport (
    HOST_INVALID, HOST_NOT_FOUND, HOST_OK, HOST_QUOTA, HOST_TOO_BIG, HOST_UNAVAILABLE, outbox_add,
)
from caxton._core.routing cimport Slot, slot_generation
from caxton._core.settings cimport AgentSettings, Setting
from caxton._core.timers cimport timers_cancel, timers_set
from caxton._core.wasi cimport wasi_define
from caxton._core.wasmtime_c cimport (
    VALKIND_I32, VALKIND_I64, Wasmtime, wasm_byte_vec_t, wasm_functype_t, wasm_valtype_t, wasm_valtype_vec_t,
    wasmtime_error_t, wasmtime_table, wasmtime_val_raw_t,
)

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void*, size_t, unsigned int)

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    LOG_BURST = 200                 # lines that an agent may log at once
    LOG_INTERVAL_NS = 10000000      # then one line each 10 ms
    RANDOM_BYTES_MAX = 65536        # of one call
    CAPABILITIES_MAX = 64           # registered by one instance


cdef Sandbox* caller_sandbox(wasmtime_caller_t* caller) noexcept nogil:
    # SAFETY: every store was made with its Sandbox as data, which outlives the store.
    return <Sandbox*>wt.context_get_data(wt.caller_context(caller))


cdef char* guest_range(Sandbox* sandbox, uint64_t pointer, uint64_t length) noexcept nogil:
    # While the start function runs there is no instance yet whose memory could be looked up.
    if unlikely(sandbox.memory.store_id == 0):
        return NULL
    if pointer + length > wt.memory_data_size(sandbox.context, &sandbox.memory):
        return NULL
    return <char*>wt.memory_data(sandbox.context, &sandbox.memory) + pointer


cdef wasm_trap_t* out_of_range(Sandbox* sandbox, const char* import_name) noexcept nogil:
    cdef char text[128]
    snprintf(
        text, sizeof(text),
        b"%s: not in the start function: use _initialize or caxton_init" if sandbox.memory.store_id == 0
        else b"%s: pointer out of range", import_name)
    return wt.trap_new(text, strlen(text))


cdef void say(Sandbox* sandbox, const char* text) noexcept nogil:
    cdef Handling* handling = &sandbox.worker.handling
    handling.error_bytes = <uint32_t>snprintf(handling.error, sizeof(handling.error), b"%s", text)


cdef wasm_trap_t* host_reply(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef uint64_t length = <uint32_t>v[1].i32
    cdef char* text = guest_range(sandbox, <uint32_t>v[0].i32, length)
    if text == NULL:
        return out_of_range(sandbox, b"reply")
    if not sandbox.in_message:
        say(sandbox, b"reply is allowed only while handle_message runs")
        v[0].i32 = HOST_INVALID
        return NULL
    v[0].i32 = outbox_add(sandbox.worker, sandbox, text, length, True)
    return NULL


cdef wasm_trap_t* host_send(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef uint64_t length = <uint32_t>v[1].i32
    cdef char* text = guest_range(sandbox, <uint32_t>v[0].i32, length)
    if text == NULL:
        return out_of_range(sandbox, b"send")
    v[0].i32 = outbox_add(sandbox.worker, sandbox, text, length, False)
    return NULL


cdef void guest_log(Sandbox* sandbox, int level, const char* text, uint64_t length) noexcept nogil:
    cdef Worker* worker = sandbox.worker
    cdef Machine* machine = worker.machine
    cdef Slot* slot = sandbox.slot
    cdef Message* message
    cdef uint64_t now = monotonic_ns()
    cdef uint64_t earned
    if length > LOG_BYTES_MAX:
        length = LOG_BYTES_MAX
    if slot.log_refill_ns == 0:
        slot.log_tokens = LOG_BURST
        slot.log_refill_ns = now
    earned = (now - slot.log_refill_ns) / LOG_INTERVAL_NS
    if earned != 0:
        slot.log_refill_ns += earned * LOG_INTERVAL_NS
        slot.log_tokens = LOG_BURST if slot.log_tokens + earned > LOG_BURST else slot.log_tokens + <uint32_t>earned
    if slot.log_tokens == 0 or load_u32_relaxed(&machine.shell_logs) >= SHELL_LOGS_MAX:
        slot.logs_dropped += 1
        return
    message = message_new(&machine.pool, &worker.cache, length)
    if message == NULL:
        slot.logs_dropped += 1
        return
    slot.log_tokens -= 1
    add_u32_relaxed(&machine.shell_logs, 1)
    message.kind = KIND_LOG
    message.receiver_slot = slot.index
    message.receiver_generation = slot_generation(slot)
    message.receiver_id = slot.id
    message.number = level
    message.accepted_ns = realtime_ns()
    memcpy(message_body(message), text, length)
    message.body_bytes = <uint32_t>length
    machine_to_shell(machine, message)


cdef wasm_trap_t* host_log(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef uint64_t length = <uint32_t>v[2].i32
    cdef char* text = guest_range(sandbox, <uint32_t>v[1].i32, length)
    cdef int level = v[0].i32
    if text == NULL:
        return out_of_range(sandbox, b"log")
    guest_log(sandbox, 0 if level < 0 else (4 if level > 4 else level), text, length)
    return NULL


cdef wasm_trap_t* host_now_ms(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i64 = <int64_t>(realtime_ns() / 1000000)
    return NULL


cdef wasm_trap_t* host_monotonic_ns(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i64 = <int64_t>monotonic_ns()
    return NULL


cdef wasm_trap_t* host_random(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef uint64_t length = <uint32_t>v[1].i32
    cdef char* room = guest_range(sandbox, <uint32_t>v[0].i32, length)
    cdef size_t done = 0
    cdef ssize_t got
    if room == NULL:
        return out_of_range(sandbox, b"random")
    if length > RANDOM_BYTES_MAX:
        say(sandbox, b"random gives at most 65536 bytes a call")
        v[0].i32 = HOST_TOO_BIG
        return NULL
    while done < length:
        got = getrandom(room + done, length - done, 0)
        if got < 0:
            say(sandbox, b"the kernel gave no random bytes")
            v[0].i32 = HOST_UNAVAILABLE
            return NULL
        done += <size_t>got
    v[0].i32 = HOST_OK
    return NULL


cdef wasm_trap_t* host_set_timer(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef int64_t delay_ms = v[0].i64
    if not sandbox.has_timer:
        say(sandbox, b"set_timer needs the export caxton_timer")
        v[0].i32 = HOST_INVALID
    elif delay_ms < 0:
        say(sandbox, b"a timer cannot lie in the past")
        v[0].i32 = HOST_INVALID
    else:
        v[0].i32 = timers_set(sandbox, delay_ms, v[1].i64)
        if v[0].i32 == HOST_QUOTA:
            say(sandbox, b"too many timers")
    return NULL


cdef wasm_trap_t* host_cancel_timer(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i32 = timers_cancel(caller_sandbox(caller), v[0].i64)
    return NULL


cdef wasm_trap_t* host_config_get(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef uint32_t length = <uint32_t>v[1].i32
    cdef char* key = guest_range(sandbox, <uint32_t>v[0].i32, length)
    # SAFETY: slot.settings is NULL or an AgentSettings* that lives as long as the slot.
    cdef AgentSettings* settings = <AgentSettings*>sandbox.slot.settings
    cdef Setting* entry
    cdef uint32_t i
    if key == NULL:
        return out_of_range(sandbox, b"config_get")
    if settings != NULL:
        for i in range(settings.count):
            entry = &settings.entries[i]
            if entry.key_bytes == length and memcmp(entry.key, key, length) == 0:
                sandbox.worker.handling.result = entry.value
                sandbox.worker.handling.result_bytes = entry.value_bytes
                v[0].i32 = <int32_t>entry.value_bytes
                return NULL
    v[0].i32 = HOST_NOT_FOUND
    return NULL


cdef wasm_trap_t* host_register_capability(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef Worker* worker = sandbox.worker
    cdef uint32_t length = <uint32_t>v[1].i32
    cdef char* name = guest_range(sandbox, <uint32_t>v[0].i32, length)
    cdef Message* message
    if name == NULL:
        return out_of_range(sandbox, b"register_capability")
    if length == 0 or length > NAME_BYTES_MAX:
        say(sandbox, b"a capability name has 1 to 255 bytes")
        v[0].i32 = HOST_INVALID
        return NULL
    if sandbox.capabilities >= CAPABILITIES_MAX:
        say(sandbox, b"an agent registers at most 64 capabilities")
        v[0].i32 = HOST_QUOTA
        return NULL
    message = message_new(&worker.machine.pool, &worker.cache, length)
    if message == NULL:
        say(sandbox, b"the server's message pool is exhausted")
        v[0].i32 = HOST_QUOTA
        return NULL
    sandbox.capabilities += 1
    message.kind = KIND_CAPABILITY
    message.receiver_slot = sandbox.slot.index
    message.receiver_generation = slot_generation(sandbox.slot)
    message.receiver_id = sandbox.slot.id
    memcpy(message_body(message), name, length)
    message.body_bytes = length
    machine_to_shell(worker.machine, message)
    v[0].i32 = HOST_OK
    return NULL


cdef wasm_trap_t* host_fetch(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef Handling* handling = &sandbox.worker.handling
    cdef uint64_t offset = <uint32_t>v[1].i32
    cdef uint64_t length = <uint32_t>v[2].i32
    cdef char* room = guest_range(sandbox, <uint32_t>v[0].i32, length)
    if room == NULL:
        return out_of_range(sandbox, b"fetch")
    if handling.result == NULL:
        say(sandbox, b"there is no result to fetch")
        v[0].i32 = HOST_NOT_FOUND
        return NULL
    if offset > handling.result_bytes:
        say(sandbox, b"fetch starts behind the end of the result")
        v[0].i32 = HOST_INVALID
        return NULL
    if length > handling.result_bytes - offset:
        length = handling.result_bytes - offset
    memcpy(room, handling.result + offset, length)
    v[0].i32 = <int32_t>length
    return NULL


cdef wasm_trap_t* host_last_error(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Handling* handling = &caller_sandbox(caller).worker.handling
    handling.result = handling.error
    handling.result_bytes = handling.error_bytes
    v[0].i32 = <int32_t>handling.error_bytes
    return NULL


# The key-value store and the tools are not part of this version: the guest hears "unavailable".
cdef wasm_trap_t* host_unavailable(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef size_t pairs = <size_t>env
    cdef size_t i
    for i in range(pairs):
        if guest_range(sandbox, <uint32_t>v[2 * i].i32, <uint32_t>v[2 * i + 1].i32) == NULL:
            return out_of_range(sandbox, b"caxton_v1")
    say(sandbox, b"this server offers neither key-value state nor tools")
    v[0].i64 = HOST_UNAVAILABLE
    return NULL


cdef wasm_functype_t* function_type(const char* signature) noexcept nogil:
    cdef wasm_valtype_vec_t sides[2]
    cdef wasm_valtype_t* kinds[16]
    cdef size_t count = 0
    cdef int side = 0
    cdef const char* c = signature
    while True:
        if c[0] == b":" or c[0] == 0:
            if count == 0:
                wt.valtype_vec_new_empty(&sides[side])
            else:
                wt.valtype_vec_new(&sides[side], count, kinds)
            count = 0
            side += 1
            if c[0] == 0:
                break
        else:
            kinds[count] = wt.valtype_new(VALKIND_I64 if c[0] == b"I" else VALKIND_I32)
            count += 1
        c += 1
    return wt.functype_new(&sides[0], &sides[1])


cdef int define_with(wasmtime_linker_t* linker, const char* module, const char* name, const char* signature,
                     unchecked_callback_t callback, void* env, char* text, size_t room) noexcept nogil:
    cdef wasm_byte_vec_t message
    cdef wasm_functype_t* type = function_type(signature)
    cdef wasmtime_error_t* error = wt.linker_define_func_unchecked(
        linker, module, strlen(module), name, strlen(name), type, callback, env, NULL)
    wt.functype_delete(type)
    if error == NULL:
        return 0
    wt.error_message(error, &message)
    snprintf(text, room, b"cannot define %s.%s: %.*s", module, name, <int>message.size, message.data)
    wt.byte_vec_delete(&message)
    wt.error_delete(error)
    return -1


cdef int define(wasmtime_linker_t* linker, const char* module, const char* name, const char* signature,
                unchecked_callback_t callback, char* text, size_t room) noexcept nogil:
    return define_with(linker, module, name, signature, callback, NULL, text, room)


cdef int imports_define(wasmtime_linker_t* linker, bint wasi, char* text, size_t room) noexcept nogil:
    cdef const char* v1 = b"caxton_v1"
    cdef int failed = 0
    failed |= define(linker, v1, b"reply", b"ii:i", host_reply, text, room)
    failed |= define(linker, v1, b"send", b"ii:i", host_send, text, room)
    failed |= define(linker, v1, b"log", b"iii:", host_log, text, room)
    failed |= define(linker, v1, b"now_ms", b":I", host_now_ms, text, room)
    failed |= define(linker, v1, b"monotonic_ns", b":I", host_monotonic_ns, text, room)
    failed |= define(linker, v1, b"random", b"ii:i", host_random, text, room)
    failed |= define(linker, v1, b"set_timer", b"II:i", host_set_timer, text, room)
    failed |= define(linker, v1, b"cancel_timer", b"I:i", host_cancel_timer, text, room)
    failed |= define(linker, v1, b"config_get", b"ii:i", host_config_get, text, room)
    failed |= define(linker, v1, b"register_capability", b"ii:i", host_register_capability, text, room)
    failed |= define(linker, v1, b"fetch", b"iii:i", host_fetch, text, room)
    failed |= define(linker, v1, b"last_error", b":i", host_last_error, text, room)
    failed |= define_with(linker, v1, b"kv_get", b"ii:i", host_unavailable, <void*>1, text, room)
    failed |= define_with(linker, v1, b"kv_set", b"iiii:i", host_unavailable, <void*>2, text, room)
    failed |= define_with(linker, v1, b"kv_delete", b"ii:i", host_unavailable, <void*>1, text, room)
    failed |= define_with(linker, v1, b"kv_list", b"ii:i", host_unavailable, <void*>1, text, room)
    failed |= define_with(linker, v1, b"call_tool", b"iiii:I", host_unavailable, <void*>2, text, room)
    if wasi:
        failed |= wasi_define(linker, text, room)
    return failed
