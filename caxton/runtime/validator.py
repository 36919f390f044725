"""The engine's own verdict on a module, with chosen proposals switched off.

A doer for the inspection: it owns a few engines of its own, made on first use, that never compile or run
anything. They install no signal handlers. An inconsistent configuration would end the process inside the
library, so the switches are set only in the combinations that ``features.with_dependents`` makes consistent.
"""

import ctypes
import threading
import weakref
from collections.abc import Callable
from typing import Final, final

from wasmtime import Config, Engine
from wasmtime import _bindings as bindings

from caxton.runtime.features import Feature, with_dependents

Switch = Callable[[object, bool], None]

# The bindings' own stubs do not say what a pointer points to; this says what is passed.
_ask_engine: Final[Callable[[object, object, int], object]] = vars(bindings)["wasmtime_module_validate"]

# What switches each feature. Only these setters reach all proposals: the bindings' Config class has half of
# them.
_SWITCHES: Final[dict[Feature, Switch]] = {
    Feature.SIMD: bindings.wasmtime_config_wasm_simd_set,
    Feature.RELAXED_SIMD: bindings.wasmtime_config_wasm_relaxed_simd_set,
    Feature.REFERENCE_TYPES: bindings.wasmtime_config_wasm_reference_types_set,
    Feature.BULK_MEMORY: bindings.wasmtime_config_wasm_bulk_memory_set,
    Feature.MULTI_VALUE: bindings.wasmtime_config_wasm_multi_value_set,
    Feature.THREADS: bindings.wasmtime_config_wasm_threads_set,
    Feature.MEMORY64: bindings.wasmtime_config_wasm_memory64_set,
    Feature.MULTI_MEMORY: bindings.wasmtime_config_wasm_multi_memory_set,
    Feature.TAIL_CALL: bindings.wasmtime_config_wasm_tail_call_set,
    Feature.EXCEPTIONS: bindings.wasmtime_config_wasm_exceptions_set,
    Feature.FUNCTION_REFERENCES: bindings.wasmtime_config_wasm_function_references_set,
    Feature.GC: bindings.wasmtime_config_wasm_gc_set,
    Feature.HOST_REFERENCES: bindings.wasmtime_config_gc_support_set,
    Feature.STACK_SWITCHING: bindings.wasmtime_config_wasm_stack_switching_set,
    Feature.WIDE_ARITHMETIC: bindings.wasmtime_config_wasm_wide_arithmetic_set,
    Feature.CUSTOM_PAGE_SIZES: bindings.wasmtime_config_wasm_custom_page_sizes_set,
    Feature.COMPACT_IMPORTS: bindings.wasmtime_config_wasm_compact_imports_set,
}


@final
class Validator:
    """Validate modules; safe to call from several threads.

    ``validator(off, wasm)`` is the shape that the inspection asks for.
    """

    def __init__(self) -> None:
        self._engines: dict[frozenset[Feature], Engine] = {}
        self._creation = threading.Lock()
        # Runs when the validator goes, or before the interpreter takes its modules apart: the bindings' own
        # destructors complain when they come later than that.
        self._close = weakref.finalize(self, _close_engines, self._engines)

    def close(self) -> None:
        """Free the engines; idempotent. Do not call while another thread validates."""
        self._close()

    def __call__(self, off: frozenset[Feature], wasm: bytes) -> str | None:
        """Return why the engine refuses a module when the given features are off, or None if it is valid.

        Takes time in proportion to the module's size, without the interpreter's lock.
        """
        # The bindings' own call copies the module first, while it holds the interpreter's lock: 30 MiB stop
        # every other thread for 50 ms. Here the engine reads the bytes where they lie; this frame holds them.
        bytes_at = ctypes.cast(ctypes.c_char_p(wasm), ctypes.POINTER(ctypes.c_uint8))
        engine = self._engine(with_dependents(off))
        error = _ask_engine(engine.ptr(), bytes_at, len(wasm))
        return _take_words(error) if error else None

    def _engine(self, off: frozenset[Feature]) -> Engine:
        engine = self._engines.get(off)
        if engine is None:
            with self._creation:
                engine = self._engines.get(off)
                if engine is None:
                    engine = self._engines[off] = _make_engine(off)
        return engine


def _take_words(error: object) -> str:
    """Return the text of an error of the engine, and free the error."""
    words = bindings.wasm_byte_vec_t()
    bindings.wasmtime_error_message(error, ctypes.byref(words))
    # The vector is a size and then a pointer.
    data = ctypes.c_void_p.from_buffer(words, ctypes.sizeof(ctypes.c_size_t))
    text = ctypes.string_at(data.value or 0, words.size).decode("utf-8", "replace")
    bindings.wasm_byte_vec_delete(ctypes.byref(words))
    bindings.wasmtime_error_delete(error)
    return text


def _make_engine(off: frozenset[Feature]) -> Engine:
    config = Config()
    pointer = config.ptr()
    # Reference types may be off only while the component model's asynchronous part is off, so it never is on.
    bindings.wasmtime_config_wasm_component_model_async_set(pointer, False)
    bindings.wasmtime_config_wasm_component_model_set(pointer, False)
    bindings.wasmtime_config_signals_based_traps_set(pointer, False)
    bindings.wasmtime_config_memory_guard_size_set(pointer, 0)
    # A shared memory is judged by the threads switch; without this it would be refused for a reason of its
    # own.
    bindings.wasmtime_config_shared_memory_set(pointer, True)
    for feature, switch in _SWITCHES.items():
        switch(pointer, feature not in off)
    return Engine(config)


def _close_engines(engines: dict[frozenset[Feature], Engine]) -> None:
    for engine in engines.values():
        engine.close()
    engines.clear()
