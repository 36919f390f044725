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
        "wasm_valtype_vec_t": sizeof(wasm_valtype_vec_t),
        "wasm_exporttype_vec_t": sizeof(wasm_exporttype_vec_t),
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


cdef int find(void** place, str name) except -1:
    # SAFETY: the place's type is the prototype that the bindings of this very version state for the symbol.
    place[0] = dlsym(table.library, name.encode())
    if place[0] == NULL:
        raise ImportError(f"the installed wasmtime library has no symbol {name}; {_MEND}")
    return 0


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
    find(<void**>&table.config_new, "wasm_config_new")
    find(<void**>&table.engine_new_with_config, "wasm_engine_new_with_config")
    find(<void**>&table.engine_delete, "wasm_engine_delete")
    find(<void**>&table.engine_increment_epoch, "wasmtime_engine_increment_epoch")
    find(<void**>&table.module_new, "wasmtime_module_new")
    find(<void**>&table.module_validate, "wasmtime_module_validate")
    find(<void**>&table.module_serialize, "wasmtime_module_serialize")
    find(<void**>&table.module_deserialize, "wasmtime_module_deserialize")
    find(<void**>&table.module_delete, "wasmtime_module_delete")
    find(<void**>&table.module_exports, "wasmtime_module_exports")
    find(<void**>&table.exporttype_vec_delete, "wasm_exporttype_vec_delete")
    find(<void**>&table.exporttype_name, "wasm_exporttype_name")
    find(<void**>&table.exporttype_type, "wasm_exporttype_type")
    find(<void**>&table.externtype_kind, "wasm_externtype_kind")
    find(<void**>&table.externtype_as_functype, "wasm_externtype_as_functype_const")
    find(<void**>&table.functype_params, "wasm_functype_params")
    find(<void**>&table.functype_results, "wasm_functype_results")
    find(<void**>&table.valtype_kind, "wasm_valtype_kind")
    find(<void**>&table.linker_new, "wasmtime_linker_new")
    find(<void**>&table.linker_delete, "wasmtime_linker_delete")
    find(<void**>&table.linker_define_func_unchecked, "wasmtime_linker_define_func_unchecked")
    find(<void**>&table.linker_instantiate_pre, "wasmtime_linker_instantiate_pre")
    find(<void**>&table.instance_pre_instantiate, "wasmtime_instance_pre_instantiate")
    find(<void**>&table.instance_pre_delete, "wasmtime_instance_pre_delete")
    find(<void**>&table.store_new, "wasmtime_store_new")
    find(<void**>&table.store_context, "wasmtime_store_context")
    find(<void**>&table.store_limiter, "wasmtime_store_limiter")
    find(<void**>&table.store_delete, "wasmtime_store_delete")
    find(<void**>&table.context_set_fuel, "wasmtime_context_set_fuel")
    find(<void**>&table.context_get_fuel, "wasmtime_context_get_fuel")
    find(<void**>&table.context_set_epoch_deadline, "wasmtime_context_set_epoch_deadline")
    find(<void**>&table.context_get_data, "wasmtime_context_get_data")
    find(<void**>&table.caller_context, "wasmtime_caller_context")
    find(<void**>&table.instance_export_get, "wasmtime_instance_export_get")
    find(<void**>&table.extern_delete, "wasmtime_extern_delete")
    find(<void**>&table.memory_data, "wasmtime_memory_data")
    find(<void**>&table.memory_data_size, "wasmtime_memory_data_size")
    find(<void**>&table.func_call_unchecked, "wasmtime_func_call_unchecked")
    find(<void**>&table.trap_new, "wasmtime_trap_new")
    find(<void**>&table.trap_delete, "wasm_trap_delete")
    find(<void**>&table.trap_code, "wasmtime_trap_code")
    find(<void**>&table.trap_message, "wasm_trap_message")
    find(<void**>&table.error_message, "wasmtime_error_message")
    find(<void**>&table.error_delete, "wasmtime_error_delete")
    find(<void**>&table.byte_vec_delete, "wasm_byte_vec_delete")
    find(<void**>&table.functype_new, "wasm_functype_new")
    find(<void**>&table.functype_delete, "wasm_functype_delete")
    find(<void**>&table.valtype_new, "wasm_valtype_new")
    find(<void**>&table.valtype_vec_new, "wasm_valtype_vec_new")
    find(<void**>&table.valtype_vec_new_empty, "wasm_valtype_vec_new_empty")
    find(<void**>&table.wat2wasm, "wasmtime_wat2wasm")
    return 0


fill()
