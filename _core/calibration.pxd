"""How much fuel this machine burns in a millisecond, and a first guest call for each worker thread."""

from libc.stdint cimport uint64_t
from caxton._core.engine cimport Engine
from caxton._core.wasmtime_c cimport wasmtime_instance_pre_t

# Compile the probe for an engine; the caller owns the result (instance_pre_delete). Raises CoreError.
cdef wasmtime_instance_pre_t* probe_open(Engine* engine) except NULL
# Fuel a millisecond: the median of short runs of the probe's loop.
cdef uint64_t calibrate(Engine* engine, wasmtime_instance_pre_t* probe) noexcept nogil
# One guest call on this thread, so that whatever the engine sets up per thread exists. 0, or -1.
cdef int warm_up(Engine* engine, wasmtime_instance_pre_t* probe) noexcept nogil
