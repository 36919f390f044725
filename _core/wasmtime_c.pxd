"""The wasmtime C API as a table of function pointers, filled at import from the wheel's own library.

Source of every layout and prototype: the machine-generated ``wasmtime/_bindings.py`` of the pinned major.
``wasmtime_c.pyx`` compares sizes and offsets with that file at import and refuses to go on when they differ.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

# Opaque: only ever handled through pointers.
cdef extern from * nogil:
    """
    typedef struct wasm_config_t wasm_config_t;
    typedef struct wasm_engine_t wasm_engine_t;
    typedef struct wasm_exporttype_t wasm_exporttype_t;
    typedef struct wasm_externtype_t wasm_externtype_t;
    typedef struct wasm_functype_t wasm_functype_t;
    typedef struct wasm_valtype_t wasm_valtype_t;
    typedef struct wasm_trap_t wasm_trap_t;
    typedef struct wasmtime_caller_t wasmtime_caller_t;
    typedef struct wasmtime_context_t wasmtime_context_t;
    typedef struct wasmtime_error_t wasmtime_error_t;
    typedef struct wasmtime_instance_pre_t wasmtime_instance_pre_t;
    typedef struct wasmtime_linker_t wasmtime_linker_t;
    typedef struct wasmtime_module_t wasmtime_module_t;
    typedef struct wasmtime_store_t wasmtime_store_t;
    """
    ctypedef struct wasm_config_t:
        pass
    ctypedef struct wasm_engine_t:
        pass
    ctypedef struct wasm_exporttype_t:
        pass
    ctypedef struct wasm_externtype_t:
        pass
    ctypedef struct wasm_functype_t:
        pass
    ctypedef struct wasm_valtype_t:
        pass
    ctypedef struct wasm_trap_t:
        pass
    ctypedef struct wasmtime_caller_t:
        pass
    ctypedef struct wasmtime_context_t:
        pass
    ctypedef struct wasmtime_error_t:
        pass
    ctypedef struct wasmtime_instance_pre_t:
        pass
    ctypedef struct wasmtime_linker_t:
        pass
    ctypedef struct wasmtime_module_t:
        pass
    ctypedef struct wasmtime_store_t:
        pass


ctypedef struct wasm_byte_vec_t:
    size_t size
    char* data                  # OWNERSHIP: owned by whoever received the vector; freed by byte_vec_delete

ctypedef struct wasm_valtype_vec_t:
    size_t size
    wasm_valtype_t** data       # OWNERSHIP: taken over by functype_new

ctypedef struct wasm_exporttype_vec_t:
    size_t size
    wasm_exporttype_t** data     # OWNERSHIP: owned by whoever received the vector; freed by exporttype_vec_delete

ctypedef struct wasmtime_func_t:
    uint64_t store_id
    void* private               # borrowed from the store

ctypedef struct wasmtime_memory_t:
    uint64_t store_id
    uint32_t private1
    uint32_t pad
    uint32_t private2
    uint32_t pad2

ctypedef struct wasmtime_instance_t:
    uint64_t store_id
    size_t private

cdef union wasmtime_extern_union:
    wasmtime_func_t func
    wasmtime_memory_t memory
    uint8_t room[24]

ctypedef struct wasmtime_extern_t:
    uint8_t kind
    wasmtime_extern_union of

ctypedef union wasmtime_val_raw_t:
    int32_t i32
    int64_t i64
    float f32
    double f64
    uint8_t v128[16]

cdef enum:
    EXTERN_FUNC = 0
    EXTERN_MEMORY = 3
    VALKIND_I32 = 0
    VALKIND_I64 = 1
    TRAP_STACK_OVERFLOW = 0
    TRAP_MEMORY_OUT_OF_BOUNDS = 1
    TRAP_UNREACHABLE = 9
    TRAP_INTERRUPT = 10
    TRAP_OUT_OF_FUEL = 11

ctypedef wasm_trap_t* (*unchecked_callback_t)(
    void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* args_and_results, size_t count) noexcept nogil
ctypedef void (*finalizer_t)(void* data) noexcept nogil

cdef struct Wasmtime:
    wasm_config_t* (*config_new)() noexcept nogil
    wasm_engine_t* (*engine_new_with_config)(wasm_config_t*) noexcept nogil             # takes the config
    void (*engine_delete)(wasm_engine_t*) noexcept nogil
    void (*engine_increment_epoch)(wasm_engine_t*) noexcept nogil
    wasmtime_error_t* (*module_new)(wasm_engine_t*, const uint8_t*, size_t, wasmtime_module_t**) noexcept nogil
    wasmtime_error_t* (*module_validate)(wasm_engine_t*, const uint8_t*, size_t) noexcept nogil
    wasmtime_error_t* (*module_serialize)(wasmtime_module_t*, wasm_byte_vec_t*) noexcept nogil
    wasmtime_error_t* (*module_deserialize)(wasm_engine_t*, const uint8_t*, size_t, wasmtime_module_t**) noexcept nogil
    void (*module_delete)(wasmtime_module_t*) noexcept nogil
    void (*module_exports)(wasmtime_module_t*, wasm_exporttype_vec_t*) noexcept nogil
    void (*exporttype_vec_delete)(wasm_exporttype_vec_t*) noexcept nogil
    const wasm_byte_vec_t* (*exporttype_name)(wasm_exporttype_t*) noexcept nogil      # lent by the export type ...
    const wasm_externtype_t* (*exporttype_type)(wasm_exporttype_t*) noexcept nogil    # ... as are these
    uint8_t (*externtype_kind)(const wasm_externtype_t*) noexcept nogil
    const wasm_functype_t* (*externtype_as_functype)(const wasm_externtype_t*) noexcept nogil     # NULL = no function
    const wasm_valtype_vec_t* (*functype_params)(const wasm_functype_t*) noexcept nogil
    const wasm_valtype_vec_t* (*functype_results)(const wasm_functype_t*) noexcept nogil
    uint8_t (*valtype_kind)(const wasm_valtype_t*) noexcept nogil
    wasmtime_linker_t* (*linker_new)(wasm_engine_t*) noexcept nogil
    void (*linker_delete)(wasmtime_linker_t*) noexcept nogil
    wasmtime_error_t* (*linker_define_func_unchecked)(
        wasmtime_linker_t*, const char*, size_t, const char*, size_t, wasm_functype_t*,  # all lent for the call
        unchecked_callback_t, void*, finalizer_t) noexcept nogil
    wasmtime_error_t* (*linker_instantiate_pre)(
        wasmtime_linker_t*, wasmtime_module_t*, wasmtime_instance_pre_t**) noexcept nogil
    wasmtime_error_t* (*instance_pre_instantiate)(
        wasmtime_instance_pre_t*, wasmtime_context_t*, wasmtime_instance_t*, wasm_trap_t**) noexcept nogil
    void (*instance_pre_delete)(wasmtime_instance_pre_t*) noexcept nogil
    wasmtime_store_t* (*store_new)(wasm_engine_t*, void*, finalizer_t) noexcept nogil
    wasmtime_context_t* (*store_context)(wasmtime_store_t*) noexcept nogil
    void (*store_limiter)(wasmtime_store_t*, int64_t, int64_t, int64_t, int64_t, int64_t) noexcept nogil
    void (*store_delete)(wasmtime_store_t*) noexcept nogil
    wasmtime_error_t* (*context_set_fuel)(wasmtime_context_t*, uint64_t) noexcept nogil
    wasmtime_error_t* (*context_get_fuel)(wasmtime_context_t*, uint64_t*) noexcept nogil
    void (*context_set_epoch_deadline)(wasmtime_context_t*, uint64_t) noexcept nogil
    void* (*context_get_data)(wasmtime_context_t*) noexcept nogil
    wasmtime_context_t* (*caller_context)(wasmtime_caller_t*) noexcept nogil
    uint8_t (*instance_export_get)(
        wasmtime_context_t*, wasmtime_instance_t*, const char*, size_t, wasmtime_extern_t*) noexcept nogil
    void (*extern_delete)(wasmtime_extern_t*) noexcept nogil
    uint8_t* (*memory_data)(wasmtime_context_t*, wasmtime_memory_t*) noexcept nogil
    size_t (*memory_data_size)(wasmtime_context_t*, wasmtime_memory_t*) noexcept nogil
    wasmtime_error_t* (*func_call_unchecked)(
        wasmtime_context_t*, wasmtime_func_t*, wasmtime_val_raw_t*, size_t, wasm_trap_t**) noexcept nogil
    wasm_trap_t* (*trap_new)(const char*, size_t) noexcept nogil
    void (*trap_delete)(wasm_trap_t*) noexcept nogil
    uint8_t (*trap_code)(wasm_trap_t*, uint8_t*) noexcept nogil
    void (*trap_message)(wasm_trap_t*, wasm_byte_vec_t*) noexcept nogil
    void (*error_message)(wasmtime_error_t*, wasm_byte_vec_t*) noexcept nogil
    void (*error_delete)(wasmtime_error_t*) noexcept nogil
    void (*byte_vec_delete)(wasm_byte_vec_t*) noexcept nogil
    wasm_functype_t* (*functype_new)(wasm_valtype_vec_t*, wasm_valtype_vec_t*) noexcept nogil
    void (*functype_delete)(wasm_functype_t*) noexcept nogil
    wasm_valtype_t* (*valtype_new)(uint8_t) noexcept nogil
    void (*valtype_vec_new)(wasm_valtype_vec_t*, size_t, wasm_valtype_t**) noexcept nogil
    void (*valtype_vec_new_empty)(wasm_valtype_vec_t*) noexcept nogil
    wasmtime_error_t* (*wat2wasm)(const char*, size_t, wasm_byte_vec_t*) noexcept nogil
    # Setters by name: not on any hot path, looked up when an engine is made.
    void* library               # borrowed: the process keeps the library mapped

# The filled table; valid from import of this module to the end of the process.
cdef const Wasmtime* wasmtime_table() noexcept nogil

# Call ``wasmtime_config_<name>_set(config, value)``. 0, or -1 when this library has no such switch.
cdef int config_set_bool(wasm_config_t* config, const char* name, bint value) noexcept nogil
cdef int config_set_u64(wasm_config_t* config, const char* name, uint64_t value) noexcept nogil
