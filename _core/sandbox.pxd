"""The sandbox: one wasmtime store and instance per agent, entered by one worker at a time."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from caxton._core.machine cimport Machine, Sandbox, Worker
from caxton._core.message cimport Message
from caxton._core.routing cimport Slot

# What came of entering a guest.
cdef struct Outcome:
    int32_t fault               # FaultKind; FAULT_NONE = returned
    int32_t code                # the handler's return value
    uint64_t fuel               # used
    char text[256]              # why, for people; empty without fault

# Make the slot's instance: store, limits, instantiate, _initialize, caxton_init, a trial of caxton_alloc.
# 0 with slot.sandbox set, or -1 with ``outcome`` telling why; nothing is left behind then.
cdef int sandbox_open(Machine* machine, Worker* worker, Slot* slot, Outcome* outcome) noexcept nogil
cdef void sandbox_close(Machine* machine, Slot* slot) noexcept nogil

# Hand ``message`` to the guest's handle_message. The reply, if any, is in the worker's handling.
cdef void sandbox_handle(Worker* worker, Slot* slot, Message* message, Outcome* outcome) noexcept nogil
# Call the guest's caxton_timer.
cdef void sandbox_timer(Worker* worker, Slot* slot, int64_t timer_id, Outcome* outcome) noexcept nogil
# 1 when the instance must not be entered again after this fault.
cdef bint fault_destroys(int32_t fault) noexcept nogil
