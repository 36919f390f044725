"""Engines: one per feature profile and way of filling memory, shared by all agents.

An engine is made with small memory reservations, no guard pages and no signal handlers, so that 100,000
instances fit into the kernel's default limits and nothing of the host's signal handling is touched.
"""

from libc.stdint cimport uint8_t, uint64_t
from caxton._core.wasmtime_c cimport wasm_engine_t, wasmtime_error_t, wasmtime_linker_t

cdef enum:
    # A memory that grows out of its reservation moves, and takes so much more address space than it needs at once:
    # without it each page would copy the whole memory, with host time that no fuel pays for.
    GROWTH_BYTES = 1024 * 1024
    STACK_BYTES_MAX = 256 * 1024        # a guest's own call stack, on the worker's stack

cdef struct Engine:
    wasm_engine_t* engine               # OWNERSHIP: owned; freed by engine_close on the control thread
    wasmtime_linker_t* linker           # OWNERSHIP: owned; the caxton_v1 imports
    wasmtime_linker_t* linker_wasi      # OWNERSHIP: owned; the same and the inert WASI subset
    uint64_t serial                     # never used twice in a process, as addresses are
    uint8_t profile
    uint8_t copy_on_write

# Take an error's text into ``out`` (cut at ``room`` - 1 bytes, NUL-terminated) and delete the error.
cdef void error_take(wasmtime_error_t* error, char* out, size_t room) noexcept nogil
cdef void engine_close(Engine* engine) noexcept nogil
# Control thread, with the GIL: raises CoreError. The linkers are empty: imports.pyx fills them.
cdef int engine_open(Engine* engine, int profile, bint copy_on_write) except -1
