"""Timers: a hierarchical wheel that the ticker alone turns, fed through a lock-free inbox.

A wake-up is a pool message on its way: worker -> timer_inbox -> wheel -> the agent's mailbox. The agent's own table
(Sandbox.timers) says what is really set, so cancelling and moving a timer touch nothing but that table.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from caxton._core.machine cimport Machine, Sandbox, Worker
from caxton._core.message cimport Message, MessageCache
from caxton._core.routing cimport Slot

cdef enum:
    WHEEL_LEVELS = 4
    WHEEL_SLOTS = 256           # a level turns once in 256 ticks of the level below: 2**32 ticks in all
    WAKEUPS_PER_AGENT_MAX = 64  # under way at once
    SWEPT_AT_ONCE = 4           # lists that a turn looks through for wake-ups of agents that are gone

cdef enum TimerAnswer:
    TIMER_GONE = 0              # cancelled, gone off already, or another instance's
    TIMER_DUE = 1
    TIMER_LATER = 2             # moved: the same wake-up comes again

# Ticker only.
cdef struct Wheel:
    uint64_t tick               # ticks done since the wheel started
    uint64_t start_ns
    uint64_t count              # wake-ups in the wheel
    Message* lists[WHEEL_LEVELS][WHEEL_SLOTS]   # OWNERSHIP: owned lists
    MessageCache cache
    uint64_t swept_era          # of the routing table, when the last sweep began
    uint32_t unswept            # lists that this sweep has still to look through

# Worker that runs the sandbox: set or move the timer ``id``; a HostCode.
cdef int32_t timers_set(Sandbox* sandbox, int64_t delay_ms, int64_t id) noexcept nogil
cdef int32_t timers_cancel(Sandbox* sandbox, int64_t id) noexcept nogil
# A wake-up arrived; ``id`` is set for TIMER_DUE.
# OWNERSHIP: for TIMER_LATER the wake-up is the ticker's again, else it stays the caller's.
cdef int timers_due(Worker* worker, Slot* slot, Message* wakeup, int64_t* id) noexcept nogil

# Ticker: take in what workers sent, advance to ``now_ns``, put due wake-ups into mailboxes.
cdef void wheel_turn(Machine* machine, Wheel* wheel, uint64_t now_ns) noexcept nogil
cdef void wheel_close(Machine* machine, Wheel* wheel) noexcept nogil
