"""WASI preview 1, as far as a libc's start-up and stdio go (WASI snapshot 01, witx numbering).

No file, no socket, no argument, no environment variable exists. Granted per agent, never by default.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from caxton._core.atomics cimport monotonic_ns, realtime_ns
from caxton._core.imports cimport caller_sandbox, define, guest_log, guest_range, out_of_range
from caxton._core.machine cimport Sandbox
from caxton._core.wasmtime_c cimport (
    Wasmtime, unchecked_callback_t, wasm_trap_t, wasmtime_caller_t, wasmtime_table, wasmtime_val_raw_t,
)

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void*, size_t, unsigned int)

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    ERRNO_SUCCESS = 0
    ERRNO_BADF = 8
    ERRNO_INVAL = 28
    ERRNO_IO = 29
    ERRNO_NOSYS = 52
    ERRNO_SPIPE = 70
    IOVECS_MAX = 64


cdef wasm_trap_t* wasi_fd_write(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef int fd = v[0].i32
    cdef uint32_t count = <uint32_t>v[2].i32
    cdef char* vectors
    cdef char* text
    cdef char* written_at = guest_range(sandbox, <uint32_t>v[3].i32, 4)
    cdef uint32_t pair[2]
    cdef uint32_t written = 0
    cdef uint32_t i
    if fd != 1 and fd != 2:
        v[0].i32 = ERRNO_BADF
        return NULL
    if count > IOVECS_MAX:
        v[0].i32 = ERRNO_INVAL
        return NULL
    vectors = guest_range(sandbox, <uint32_t>v[1].i32, <uint64_t>count * 8)
    if vectors == NULL or written_at == NULL:
        return out_of_range(sandbox, b"fd_write")
    for i in range(count):
        memcpy(pair, vectors + 8 * i, 8)
        text = guest_range(sandbox, pair[0], pair[1])
        if text == NULL:
            return out_of_range(sandbox, b"fd_write")
        if pair[1] != 0:
            guest_log(sandbox, 2 if fd == 1 else 3, text, pair[1])
        written += pair[1]
    memcpy(written_at, &written, 4)
    v[0].i32 = ERRNO_SUCCESS
    return NULL


cdef wasm_trap_t* wasi_clock_time_get(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef char* at = guest_range(caller_sandbox(caller), <uint32_t>v[2].i32, 8)
    cdef uint64_t now = realtime_ns() if v[0].i32 == 0 else monotonic_ns()
    if at == NULL:
        return out_of_range(caller_sandbox(caller), b"clock_time_get")
    if not 0 <= v[0].i32 <= 1:
        v[0].i32 = ERRNO_INVAL
        return NULL
    memcpy(at, &now, 8)
    v[0].i32 = ERRNO_SUCCESS
    return NULL


cdef wasm_trap_t* wasi_random_get(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef uint32_t length = <uint32_t>v[1].i32
    cdef char* room = guest_range(caller_sandbox(caller), <uint32_t>v[0].i32, length)
    if room == NULL:
        return out_of_range(caller_sandbox(caller), b"random_get")
    v[0].i32 = ERRNO_SUCCESS if length <= 65536 and getrandom(room, length, 0) == <ssize_t>length else ERRNO_IO
    return NULL


cdef wasm_trap_t* wasi_two_zeros(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    # args_sizes_get, environ_sizes_get: there are none.
    cdef Sandbox* sandbox = caller_sandbox(caller)
    cdef char* count = guest_range(sandbox, <uint32_t>v[0].i32, 4)
    cdef char* size = guest_range(sandbox, <uint32_t>v[1].i32, 4)
    if count == NULL or size == NULL:
        return out_of_range(sandbox, b"sizes_get")
    memset(count, 0, 4)
    memset(size, 0, 4)
    v[0].i32 = ERRNO_SUCCESS
    return NULL


cdef wasm_trap_t* wasi_nothing(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    # args_get, environ_get: nothing to write.
    v[0].i32 = ERRNO_SUCCESS
    return NULL


cdef wasm_trap_t* wasi_fdstat_get(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    cdef char* at = guest_range(caller_sandbox(caller), <uint32_t>v[1].i32, 24)
    if at == NULL:
        return out_of_range(caller_sandbox(caller), b"fd_fdstat_get")
    if not 0 <= v[0].i32 <= 2:
        v[0].i32 = ERRNO_BADF
        return NULL
    memset(at, 0, 24)
    at[0] = 2       # a character device
    v[0].i32 = ERRNO_SUCCESS
    return NULL


cdef wasm_trap_t* wasi_bad_descriptor(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i32 = ERRNO_BADF
    return NULL


cdef wasm_trap_t* wasi_no_seek(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i32 = ERRNO_SPIPE
    return NULL


cdef wasm_trap_t* wasi_not_supported(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    v[0].i32 = ERRNO_NOSYS
    return NULL


cdef wasm_trap_t* wasi_exit(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* v, size_t n) noexcept nogil:
    return wt.trap_new(b"the agent called exit", 21)


cdef int offer(wasmtime_linker_t* linker, const char* name, const char* signature, unchecked_callback_t callback,
               char* text, size_t room) noexcept nogil:
    return define(linker, b"wasi_snapshot_preview1", name, signature, callback, text, room)


cdef int wasi_define(wasmtime_linker_t* linker, char* text, size_t room) noexcept nogil:
    cdef int failed = 0
    failed |= offer(linker, b"fd_write", b"iiii:i", wasi_fd_write, text, room)
    failed |= offer(linker, b"clock_time_get", b"iIi:i", wasi_clock_time_get, text, room)
    failed |= offer(linker, b"random_get", b"ii:i", wasi_random_get, text, room)
    failed |= offer(linker, b"args_sizes_get", b"ii:i", wasi_two_zeros, text, room)
    failed |= offer(linker, b"environ_sizes_get", b"ii:i", wasi_two_zeros, text, room)
    failed |= offer(linker, b"args_get", b"ii:i", wasi_nothing, text, room)
    failed |= offer(linker, b"environ_get", b"ii:i", wasi_nothing, text, room)
    failed |= offer(linker, b"fd_fdstat_get", b"ii:i", wasi_fdstat_get, text, room)
    failed |= offer(linker, b"fd_close", b"i:i", wasi_bad_descriptor, text, room)
    failed |= offer(linker, b"fd_read", b"iiii:i", wasi_bad_descriptor, text, room)
    failed |= offer(linker, b"fd_prestat_get", b"ii:i", wasi_bad_descriptor, text, room)
    failed |= offer(linker, b"fd_prestat_dir_name", b"iii:i", wasi_bad_descriptor, text, room)
    failed |= offer(linker, b"fd_seek", b"iIii:i", wasi_no_seek, text, room)
    failed |= offer(linker, b"fd_fdstat_set_flags", b"ii:i", wasi_not_supported, text, room)
    failed |= offer(linker, b"poll_oneoff", b"iiii:i", wasi_not_supported, text, room)
    failed |= offer(linker, b"sched_yield", b":i", wasi_nothing, text, room)
    failed |= offer(linker, b"proc_exit", b"i:", wasi_exit, text, room)
    return failed
