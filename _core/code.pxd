"""Machine code of a module under one engine, shared by all its instances."""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.engine cimport Engine
from caxton._core.wasmtime_c cimport wasmtime_instance_pre_t, wasmtime_module_t

cdef struct Code:
    wasmtime_module_t* module           # OWNERSHIP: owned; freed by code_close on the control thread
    wasmtime_instance_pre_t* pre[2]     # OWNERSHIP: owned; [0] caxton_v1 only, [1] with WASI; NULL until made
    Engine* engine                      # borrowed from the machine; valid while its serial is the one below
    uint64_t engine_serial
    uint32_t users                      # slots that were given this code; control thread only

cdef class ModuleCode:
    cdef Code* code                     # OWNERSHIP: owned; freed in close or __dealloc__ when no slot uses it
    cdef readonly int profile
    cdef readonly bint copy_on_write
    # Make the linked form (missing imports, and exports of another type, raise CoreError). Control thread.
    cdef int link(self, bint wasi) except -1
    cdef void release(self) noexcept
    @staticmethod
    cdef ModuleCode new(Engine* engine, wasmtime_module_t* module)

# With the GIL at entry; the work itself runs without it. Raise CoreError("wasmtime", ...).
cdef ModuleCode code_compile(Engine* engine, bytes wasm)
cdef ModuleCode code_deserialize(Engine* engine, bytes code)
cdef object code_validate(Engine* engine, bytes wasm)
