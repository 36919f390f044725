"""Fill the table of wasmtime functions, after checking that the library is the one that was compiled for."""

import ctypes
import importlib.metadata
import importlib.util
import os

from libc.stdint cimport uint64_t
from libc.stdio cimport snprintf

cdef extern from "dlfcn.h" nogil:
    void* dlopen(const char*, int)
    void* dlsym(void*, const char*)
    char* dlerror()
    int RTLD_NOW
    int RTLD_LOCAL

WASMTIME_MAJOR = 50
_MEND = f"install the pinned one: python -m pip install 'wasmtime>={WASMTIME_MAJOR},<{WASMTIME_MAJOR + 1}'"

cdef Wasmtime table

cdef const Wasmtime* wasmtime_table() noexcept nogil:
    return &table


ctypedef void (*set_bool_t)(wasm_config_t*, bint) noexcept nogil
ctypedef void (*set_u64_t)(wasm_config_t*, uint64_t) noexcept nogil


cdef void* setter(const char* name) noexcept nogil:
    cdef char symbol[96]
    snprintf(symbol, 96, b"wasmtime_config_%s_set", name)
    return dlsym(table.library, symbol)


cdef int config_set_bool(wasm_config_t* config, const char* name, bint value) noexcept nogil:
    cdef void* found = setter(name)
    if found == NULL:
        return -1
    # SAFETY: all boolean setters share this prototype.
    (<set_bool_t>found)(config, value)
    return 0


cdef int config_set_u64(wasm_config_t* config, const char* name, uint64_t value) noexcept nogil:
    cdef void* found = setter(name)
    if found == NULL:
        return -1
    # SAFETY: all sizes are taken as 64-bit words.
    (<set_u64_t>found)(config, value)
    return 0


def installed_version():
    """Return the version of the wasmtime distribution that is installed.

    Raises: ImportError when there is none or it is of another major version.
    """
    try:
        version = importlib.metadata.version("wasmtime")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"caxton needs the package wasmtime, which is not installed; {_MEND}") from None
    if version.split(".")[0] != str(WASMTIME_MAJOR):
        raise ImportError(f"caxton is built for wasmtime {WASMTIME_MAJOR}, but {version} is installed; {_MEND}")
    return version


def check_layout(bindings):
    """Compare the sizes and offsets compiled in here with ``bindings`` (module wasmtime._bindings).

    Raises: ImportError naming each structure that differs.
    """
    expected = {
        "wasmtime_val_raw_t": sizeof(wasmtime_val_raw_t),
        "wasmtime_extern_t": sizeof(wasmtime_extern_t),
        "wasmtime_func_t": sizeof(wasmtime_func_t),
        "wasmtime_memory_t": sizeof(wasmtime_memory_t),
        "wasmtime_instance_t": sizeof(wasmtime_instance_t),
        "wasm_byte_vec_t": sizeof(wasm_byte_vec_t),
    }
    wrong = [
        f"{name}: {ctypes.sizeof(getattr(bindings, name))} bytes, expected {size}"
        for name, size in expected.items()
        if ctypes.sizeof(getattr(bindings, name)) != size
    ]
    offset = bindings.wasmtime_extern_t.of.offset
    if offset != 8:
        wrong.append(f"wasmtime_extern_t.of: at {offset}, expected 8")
    if wrong:
        raise ImportError(f"wasmtime's C structures have changed ({'; '.join(wrong)}); {_MEND}")


cdef void* find(str name) except NULL:
    encoded = name.encode()
    cdef void* found = dlsym(table.library, encoded)
    if found == NULL:
        raise ImportError(f"the installed wasmtime library has no symbol {name}; {_MEND}")
    return found


cdef int fill() except -1:
    global table
    installed_version()
    # Loading the wheel's own bindings maps the library; dlopen of the same path then returns that mapping.
    from wasmtime import _bindings, _ffi
    check_layout(_bindings)
    path = os.fsencode(str(_ffi.filename))
    table.library = dlopen(path, RTLD_NOW | RTLD_LOCAL)
    if table.library == NULL:
        raise ImportError(f"cannot load {_ffi.filename}: {(<bytes>dlerror()).decode(errors='replace')}; {_MEND}")
    # SAFETY: each cast gives a symbol the prototype that the bindings of this very version state for it.
    table.config_new = <wasm_config_t* (*)() noexcept nogil>find("wasm_config_new")
    table.engine_new_with_config = <wasm_engine_t* (*)(wasm_config_t*) noexcept nogil>find("wasm_engine_new_with_config")
    table.engine_delete = <void (*)(wasm_engine_t*) noexcept nogil>find("wasm_engine_delete")
    table.engine_increment_epoch = <void (*)(wasm_engine_t*) noexcept nogil>find("wasmtime_engine_increment_epoch")
    table.module_new = <wasmtime_error_t* (*)(wasm_engine_t*, const uint8_t*, size_t, wasmtime_module_t**) noexcept nogil>find("wasmtime_module_new")
    table.module_validate = <wasmtime_error_t* (*)(wasm_engine_t*, const uint8_t*, size_t) noexcept nogil>find("wasmtime_module_validate")
    table.module_serialize = <wasmtime_error_t* (*)(wasmtime_module_t*, wasm_byte_vec_t*) noexcept nogil>find("wasmtime_module_serialize")
    table.module_deserialize = <wasmtime_error_t* (*)(wasm_engine_t*, const uint8_t*, size_t, wasmtime_module_t**) noexcept nogil>find("wasmtime_module_deserialize")
    table.module_delete = <void (*)(wasmtime_module_t*) noexcept nogil>find("wasmtime_module_delete")
    table.linker_new = <wasmtime_linker_t* (*)(wasm_engine_t*) noexcept nogil>find("wasmtime_linker_new")
    table.linker_delete = <void (*)(wasmtime_linker_t*) noexcept nogil>find("wasmtime_linker_delete")
    table.linker_define_func_unchecked = <wasmtime_error_t* (*)(
        wasmtime_linker_t*, const char*, size_t, const char*, size_t, wasm_functype_t*,
        unchecked_callback_t, void*, finalizer_t) noexcept nogil>find("wasmtime_linker_define_func_unchecked")
    table.linker_instantiate_pre = <wasmtime_error_t* (*)(
        wasmtime_linker_t*, wasmtime_module_t*, wasmtime_instance_pre_t**) noexcept nogil>find("wasmtime_linker_instantiate_pre")
    table.instance_pre_instantiate = <wasmtime_error_t* (*)(
        wasmtime_instance_pre_t*, wasmtime_context_t*, wasmtime_instance_t*, wasm_trap_t**) noexcept nogil>find("wasmtime_instance_pre_instantiate")
    table.instance_pre_delete = <void (*)(wasmtime_instance_pre_t*) noexcept nogil>find("wasmtime_instance_pre_delete")
    table.store_new = <wasmtime_store_t* (*)(wasm_engine_t*, void*, finalizer_t) noexcept nogil>find("wasmtime_store_new")
    table.store_context = <wasmtime_context_t* (*)(wasmtime_store_t*) noexcept nogil>find("wasmtime_store_context")
    table.store_limiter = <void (*)(wasmtime_store_t*, int64_t, int64_t, int64_t, int64_t, int64_t) noexcept nogil>find("wasmtime_store_limiter")
    table.store_delete = <void (*)(wasmtime_store_t*) noexcept nogil>find("wasmtime_store_delete")
    table.context_set_fuel = <wasmtime_error_t* (*)(wasmtime_context_t*, uint64_t) noexcept nogil>find("wasmtime_context_set_fuel")
    table.context_get_fuel = <wasmtime_error_t* (*)(wasmtime_context_t*, uint64_t*) noexcept nogil>find("wasmtime_context_get_fuel")
    table.context_set_epoch_deadline = <void (*)(wasmtime_context_t*, uint64_t) noexcept nogil>find("wasmtime_context_set_epoch_deadline")
    table.context_get_data = <void* (*)(wasmtime_context_t*) noexcept nogil>find("wasmtime_context_get_data")
    table.caller_context = <wasmtime_context_t* (*)(wasmtime_caller_t*) noexcept nogil>find("wasmtime_caller_context")
    table.instance_export_get = <uint8_t (*)(
        wasmtime_context_t*, wasmtime_instance_t*, const char*, size_t, wasmtime_extern_t*) noexcept nogil>find("wasmtime_instance_export_get")
    table.extern_delete = <void (*)(wasmtime_extern_t*) noexcept nogil>find("wasmtime_extern_delete")
    table.memory_data = <uint8_t* (*)(wasmtime_context_t*, wasmtime_memory_t*) noexcept nogil>find("wasmtime_memory_data")
    table.memory_data_size = <size_t (*)(wasmtime_context_t*, wasmtime_memory_t*) noexcept nogil>find("wasmtime_memory_data_size")
    table.func_call_unchecked = <wasmtime_error_t* (*)(
        wasmtime_context_t*, wasmtime_func_t*, wasmtime_val_raw_t*, size_t, wasm_trap_t**) noexcept nogil>find("wasmtime_func_call_unchecked")
    table.trap_new = <wasm_trap_t* (*)(const char*, size_t) noexcept nogil>find("wasmtime_trap_new")
    table.trap_delete = <void (*)(wasm_trap_t*) noexcept nogil>find("wasm_trap_delete")
    table.trap_code = <uint8_t (*)(wasm_trap_t*, uint8_t*) noexcept nogil>find("wasmtime_trap_code")
    table.trap_message = <void (*)(wasm_trap_t*, wasm_byte_vec_t*) noexcept nogil>find("wasm_trap_message")
    table.error_message = <void (*)(wasmtime_error_t*, wasm_byte_vec_t*) noexcept nogil>find("wasmtime_error_message")
    table.error_delete = <void (*)(wasmtime_error_t*) noexcept nogil>find("wasmtime_error_delete")
    table.byte_vec_delete = <void (*)(wasm_byte_vec_t*) noexcept nogil>find("wasm_byte_vec_delete")
    table.functype_new = <wasm_functype_t* (*)(wasm_valtype_vec_t*, wasm_valtype_vec_t*) noexcept nogil>find("wasm_functype_new")
    table.functype_delete = <void (*)(wasm_functype_t*) noexcept nogil>find("wasm_functype_delete")
    table.valtype_new = <wasm_valtype_t* (*)(uint8_t) noexcept nogil>find("wasm_valtype_new")
    table.valtype_vec_new = <void (*)(wasm_valtype_vec_t*, size_t, wasm_valtype_t**) noexcept nogil>find("wasm_valtype_vec_new")
    table.valtype_vec_new_empty = <void (*)(wasm_valtype_vec_t*) noexcept nogil>find("wasm_valtype_vec_new_empty")
    table.wat2wasm = <wasmtime_error_t* (*)(const char*, size_t, wasm_byte_vec_t*) noexcept nogil>find("wasmtime_wat2wasm")
    return 0


fill()
