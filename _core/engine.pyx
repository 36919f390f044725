"""Engine profiles: which proposals are on, checked for consistency before wasmtime sees them.

wasmtime aborts the process on an inconsistent configuration, so `check_features` must refuse it first.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from caxton._core.wasmtime_c cimport (
    Wasmtime, config_set_bool, config_set_u64, wasm_byte_vec_t, wasm_config_t, wasmtime_table,
)

cdef const Wasmtime* wt = wasmtime_table()

cdef uint64_t engines_made = 0      # control thread, with the GIL


class CoreError(Exception):
    """The core refused; ``args`` = (kind, text). Kinds: wasmtime, resource, state, argument."""


# Every switchable proposal of this wasmtime major.
FEATURES = (
    "wasm_simd", "wasm_relaxed_simd", "wasm_reference_types", "wasm_function_references", "wasm_gc",
    "gc_support", "wasm_exceptions", "wasm_bulk_memory", "wasm_multi_value", "wasm_multi_memory",
    "wasm_memory64", "wasm_tail_call", "wasm_threads", "shared_memory", "wasm_custom_page_sizes",
    "wasm_wide_arithmetic", "wasm_stack_switching", "wasm_component_model", "wasm_component_model_async",
    "concurrency_support",
)

# A feature that is on needs these on as well.
REQUIRES = {
    "wasm_relaxed_simd": ("wasm_simd",),
    "wasm_function_references": ("wasm_reference_types",),
    "wasm_gc": ("wasm_function_references", "gc_support"),
    "wasm_exceptions": ("wasm_reference_types", "gc_support"),
    "wasm_stack_switching": ("wasm_function_references", "wasm_exceptions"),
    "shared_memory": ("wasm_threads",),
    "wasm_component_model": ("wasm_reference_types", "wasm_bulk_memory", "wasm_multi_value"),
    "wasm_component_model_async": ("wasm_component_model", "concurrency_support"),
}

PROFILES = (
    ("strict", frozenset()),
    ("standard", frozenset({"wasm_reference_types", "wasm_bulk_memory", "wasm_multi_value"})),
)


def check_features(enabled):
    """Say what is inconsistent in a set of enabled features: a tuple of sentences, empty = consistent."""
    problems = [f"unknown feature {name}" for name in sorted(enabled) if name not in FEATURES]
    for name in sorted(enabled):
        problems += [f"{name} needs {other}" for other in REQUIRES.get(name, ()) if other not in enabled]
    return tuple(problems)


cdef void error_take(wasmtime_error_t* error, char* out, size_t room) noexcept nogil:
    cdef wasm_byte_vec_t text
    cdef size_t length
    wt.error_message(error, &text)
    length = text.size if text.size < room - 1 else room - 1
    memcpy(out, text.data, length)
    out[length] = 0
    wt.byte_vec_delete(&text)
    wt.error_delete(error)


cdef int set_bool(wasm_config_t* config, str name, bint value) except -1:
    if config_set_bool(config, name.encode(), value) != 0:
        raise CoreError("wasmtime", f"this wasmtime has no switch named {name}")
    return 0


cdef int set_u64(wasm_config_t* config, str name, unsigned long long value) except -1:
    if config_set_u64(config, name.encode(), value) != 0:
        raise CoreError("wasmtime", f"this wasmtime has no setting named {name}")
    return 0


cdef int engine_open(Engine* engine, int profile, bint copy_on_write) except -1:
    name, enabled = PROFILES[profile]
    problems = check_features(enabled)
    if problems:
        raise CoreError("argument", f"profile {name} is inconsistent: {'; '.join(problems)}")
    memset(engine, 0, sizeof(Engine))
    cdef wasm_config_t* config = wt.config_new()
    # The config is consumed below; a missing switch before that leaks one config at start-up, which then fails.
    for feature in FEATURES:
        set_bool(config, feature, feature in enabled)
    set_bool(config, "consume_fuel", True)
    set_bool(config, "epoch_interruption", True)
    set_bool(config, "signals_based_traps", False)
    set_bool(config, "memory_init_cow", copy_on_write)
    set_bool(config, "memory_may_move", True)
    set_bool(config, "native_unwind_info", False)
    set_bool(config, "parallel_compilation", False)
    set_u64(config, "memory_reservation", 64 * 1024)
    set_u64(config, "memory_reservation_for_growth", GROWTH_BYTES)
    set_u64(config, "memory_guard_size", 0)
    set_u64(config, "max_wasm_stack", STACK_BYTES_MAX)
    engine.engine = wt.engine_new_with_config(config)
    global engines_made
    engines_made += 1
    engine.serial = engines_made
    engine.profile = <uint8_t>profile
    engine.copy_on_write = copy_on_write
    engine.linker = wt.linker_new(engine.engine)
    engine.linker_wasi = wt.linker_new(engine.engine)
    return 0


cdef void engine_close(Engine* engine) noexcept nogil:
    if engine.linker != NULL:
        wt.linker_delete(engine.linker)
    if engine.linker_wasi != NULL:
        wt.linker_delete(engine.linker_wasi)
    if engine.engine != NULL:
        wt.engine_delete(engine.engine)
    engine.linker = engine.linker_wasi = NULL
    engine.engine = NULL
