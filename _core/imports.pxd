"""The imports that a guest may call: module ``caxton_v1``, and an inert WASI subset where it was granted."""

from libc.stdint cimport uint64_t
from caxton._core.machine cimport Sandbox
from caxton._core.wasmtime_c cimport unchecked_callback_t, wasm_trap_t, wasmtime_caller_t, wasmtime_linker_t

# Define all imports in a linker. 0, or -1 with the reason in ``text``.
cdef int imports_define(wasmtime_linker_t* linker, bint wasi, char* text, size_t room) noexcept nogil

# For other rooms that offer imports: who calls, and where its memory lies (NULL = out of range: trap).
cdef Sandbox* caller_sandbox(wasmtime_caller_t* caller) noexcept nogil
cdef char* guest_range(Sandbox* sandbox, uint64_t pointer, uint64_t length) noexcept nogil
cdef wasm_trap_t* out_of_range(Sandbox* sandbox, const char* import_name) noexcept nogil
# Signature: parameters, a colon, results; i = i32, I = i64.
cdef int define(wasmtime_linker_t* linker, const char* module, const char* name, const char* signature,
                unchecked_callback_t callback, char* text, size_t room) noexcept nogil
# Send a log line of the guest to the shell, within its rate.
cdef void guest_log(Sandbox* sandbox, int level, const char* text, uint64_t length) noexcept nogil
