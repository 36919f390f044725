"""The probe: a loop of loads, stores and arithmetic, as guests have them, timed against its fuel."""

from caxton._core.atomics cimport monotonic_ns
from caxton._core.engine cimport error_take
from caxton._core.wasmtime_c cimport (
    Wasmtime, wasm_byte_vec_t, wasm_trap_t, wasmtime_context_t, wasmtime_error_t, wasmtime_extern_t,
    wasmtime_instance_t, wasmtime_module_t, wasmtime_store_t, wasmtime_table, wasmtime_val_raw_t,
)

from caxton._core.engine import CoreError

cdef const Wasmtime* wt = wasmtime_table()

PROBE = b"""
(module (memory (export "memory") 1)
  (func (export "run") (param $n i32) (local $i i32)
    (loop $again
      (i32.store (i32.and (local.get $i) (i32.const 0xfffc))
        (i32.add (i32.load (i32.and (i32.mul (local.get $i) (i32.const 68)) (i32.const 0xfffc))) (local.get $i)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))))
"""

cdef enum:
    RUNS = 15
    PASSES = 50000              # about a fifth of a millisecond each
    FUEL = 1 << 30              # more than a run takes


cdef int take(wasmtime_error_t* error) except -1:
    cdef char text[512]
    if error != NULL:
        error_take(error, text, sizeof(text))
        raise CoreError("wasmtime", (<bytes>text).decode(errors="replace"))
    return 0


cdef wasmtime_instance_pre_t* probe_open(Engine* engine) except NULL:
    cdef wasm_byte_vec_t wasm
    cdef wasmtime_module_t* module = NULL
    cdef wasmtime_instance_pre_t* probe = NULL
    cdef bytes source = PROBE
    take(wt.wat2wasm(source, len(source), &wasm))
    try:
        take(wt.module_new(engine.engine, <const unsigned char*>wasm.data, wasm.size, &module))
    finally:
        wt.byte_vec_delete(&wasm)
    try:
        take(wt.linker_instantiate_pre(engine.linker, module, &probe))
    finally:
        wt.module_delete(module)
    return probe


# Runs the probe's loop once; nanoseconds taken, or 0 when anything failed. ``fuel`` receives what it burnt.
cdef uint64_t run(Engine* engine, wasmtime_instance_pre_t* probe, int passes, uint64_t* fuel) noexcept nogil:
    cdef wasmtime_store_t* store = wt.store_new(engine.engine, NULL, NULL)
    cdef wasmtime_context_t* context = wt.store_context(store)
    cdef wasmtime_instance_t instance
    cdef wasmtime_extern_t found
    cdef wasmtime_val_raw_t value
    cdef wasmtime_error_t* error
    cdef wasm_trap_t* trap = NULL
    cdef uint64_t begun
    cdef uint64_t taken = 0
    cdef uint64_t left = 0
    error = wt.context_set_fuel(context, FUEL)
    wt.context_set_epoch_deadline(context, 1000000)
    if error == NULL:
        error = wt.instance_pre_instantiate(probe, context, &instance, &trap)
    if error == NULL and trap == NULL and wt.instance_export_get(context, &instance, b"run", 3, &found):
        begun = monotonic_ns()
        value.i64 = passes
        error = wt.func_call_unchecked(context, &found.of.func, &value, 1, &trap)
        taken = monotonic_ns() - begun
    if error == NULL and trap == NULL:
        error = wt.context_get_fuel(context, &left)
    else:
        taken = 0
    if error != NULL:
        wt.error_delete(error)
        taken = 0
    if trap != NULL:
        wt.trap_delete(trap)
        taken = 0
    wt.store_delete(store)
    fuel[0] = FUEL - left
    return taken


cdef uint64_t calibrate(Engine* engine, wasmtime_instance_pre_t* probe) noexcept nogil:
    cdef uint64_t rates[RUNS]
    cdef uint64_t fuel
    cdef uint64_t taken
    cdef uint64_t held
    cdef int i
    cdef int j
    for i in range(RUNS):
        taken = run(engine, probe, PASSES, &fuel)
        rates[i] = fuel * 1000000 // taken if taken != 0 else 0
        # Insertion into the sorted part.
        j = i
        while j > 0 and rates[j - 1] > rates[j]:
            held = rates[j]
            rates[j] = rates[j - 1]
            rates[j - 1] = held
            j -= 1
    # The upper quartile: a busy neighbour only ever makes a run slower.
    return rates[(3 * RUNS) // 4]


cdef int warm_up(Engine* engine, wasmtime_instance_pre_t* probe) noexcept nogil:
    cdef uint64_t fuel
    return 0 if run(engine, probe, 1, &fuel) != 0 else -1
