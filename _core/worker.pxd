"""Workers: take a slot, give its agent a turn, park when there is nothing to do."""

from caxton._core.machine cimport Machine, Worker
from caxton._core.timers cimport Wheel

# The whole life of a worker thread; returns when the machine stops.
cdef void worker_run(Worker* worker) noexcept nogil
# The whole life of the ticker: epochs of all engines, timers, and a look after work that waits.
cdef void ticker_run(Machine* machine, Wheel* wheel) noexcept nogil
