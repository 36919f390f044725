"""Compile, serialize and link modules. Compilation runs without the GIL on the caller's thread."""

from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free

from caxton._core.engine cimport error_take
from caxton._core.exports cimport exports_check
from caxton._core.wasmtime_c cimport Wasmtime, wasm_byte_vec_t, wasmtime_error_t, wasmtime_table

from caxton._core.engine import CoreError

cdef const Wasmtime* wt = wasmtime_table()


cdef class ModuleCode:
    """Compiled machine code of one module under one engine, shared by all its instances."""

    @staticmethod
    cdef ModuleCode new(Engine* engine, wasmtime_module_t* module):
        cdef ModuleCode made = ModuleCode.__new__(ModuleCode)
        # SAFETY: calloc gives zeroed room of exactly this type.
        made.code = <Code*>calloc(1, sizeof(Code))
        if made.code == NULL:
            wt.module_delete(module)
            raise MemoryError
        made.code.module = module
        made.code.engine = engine
        made.code.engine_serial = engine.serial
        made.profile = engine.profile
        made.copy_on_write = engine.copy_on_write
        return made

    cdef int link(self, bint wasi) except -1:
        cdef wasmtime_error_t* error
        cdef char text[1024]
        if self.code == NULL:
            raise CoreError("state", "this code was closed")
        if self.code.pre[wasi] != NULL:
            return 0
        if exports_check(self.code.module, text, sizeof(text)) != 0:
            raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
        error = wt.linker_instantiate_pre(
            self.code.engine.linker_wasi if wasi else self.code.engine.linker, self.code.module, &self.code.pre[wasi])
        if error != NULL:
            error_take(error, text, sizeof(text))
            raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
        return 0

    def serialize(self):
        """Return the machine code as bytes that `deserialize` takes back."""
        cdef wasm_byte_vec_t out
        cdef wasmtime_error_t* error
        cdef char text[1024]
        if self.code == NULL:
            raise CoreError("state", "this code was closed")
        error = wt.module_serialize(self.code.module, &out)
        if error != NULL:
            error_take(error, text, sizeof(text))
            raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
        try:
            return out.data[:out.size]
        finally:
            wt.byte_vec_delete(&out)

    def close(self):
        """Free the code; refused while an agent uses it."""
        if self.code != NULL and self.code.users != 0:
            raise CoreError("state", f"{self.code.users} agents use this code")
        self.release()

    cdef void release(self) noexcept:
        cdef int i
        if self.code == NULL:
            return
        for i in range(2):
            if self.code.pre[i] != NULL:
                wt.instance_pre_delete(self.code.pre[i])
        wt.module_delete(self.code.module)
        free(self.code)
        self.code = NULL

    def __dealloc__(self):
        self.release()


cdef ModuleCode code_compile(Engine* engine, bytes wasm):
    cdef const uint8_t* data = wasm
    cdef size_t size = len(wasm)
    cdef wasmtime_module_t* module = NULL
    cdef wasmtime_error_t* error
    cdef char text[1024]
    # SAFETY: ``wasm`` is immutable and held by this frame; wasmtime only reads it during the call.
    with nogil:
        error = wt.module_new(engine.engine, data, size, &module)
        if error != NULL:
            error_take(error, text, sizeof(text))
    if error != NULL:
        raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
    return ModuleCode.new(engine, module)


cdef ModuleCode code_deserialize(Engine* engine, bytes code):
    cdef const uint8_t* data = code
    cdef size_t size = len(code)
    cdef wasmtime_module_t* module = NULL
    cdef wasmtime_error_t* error
    cdef char text[1024]
    # SAFETY: as above; the caller vouches that the bytes are authentic.
    with nogil:
        error = wt.module_deserialize(engine.engine, data, size, &module)
        if error != NULL:
            error_take(error, text, sizeof(text))
    if error != NULL:
        raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
    return ModuleCode.new(engine, module)


cdef object code_validate(Engine* engine, bytes wasm):
    cdef const uint8_t* data = wasm
    cdef size_t size = len(wasm)
    cdef wasmtime_error_t* error
    cdef char text[1024]
    # SAFETY: as above.
    with nogil:
        error = wt.module_validate(engine.engine, data, size)
        if error != NULL:
            error_take(error, text, sizeof(text))
    return None if error == NULL else (<bytes>text).decode(errors="replace")
