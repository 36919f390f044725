"""The life of a core: made, started, stopped, closed; its threads are Python threads that enter the core once.

INVARIANT: workers and ticker have ended before anything of the machine is freed.
"""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.engine cimport Engine
from caxton._core.machine cimport Machine
from caxton._core.routing cimport Slot
from caxton._core.timers cimport Wheel
from caxton._core.wasmtime_c cimport wasmtime_instance_pre_t

cdef class Life:
    cdef Machine* machine               # OWNERSHIP: owned; freed in close after all threads have ended
    cdef Wheel* wheel                   # OWNERSHIP: owned; the ticker's while it runs
    cdef wasmtime_instance_pre_t* probe  # OWNERSHIP: owned
    cdef uint64_t fuel_rate
    cdef uint64_t tick_ms
    cdef list threads
    cdef object searching               # a lock: held while somebody looks through the history
    cdef dict codes                     # slot index -> ModuleCode, kept alive until the slot is retired
    cdef bint running
    cdef readonly int event_fd

    cdef int converse(self, bytes image, uint32_t conversations_max, uint32_t participants_max) except -1
    cdef int offer_imports(self, Engine* engine) except -1
    cdef Machine* open_machine(self) except NULL
    cdef Slot* slot_of(self, uint32_t index, uint32_t generation) except? NULL
    cdef int start_threads(self) except -1
