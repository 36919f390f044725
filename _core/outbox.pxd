"""What a handler sends: accepted at once, handed over only when the handler returns well.

So a handler that traps leaves no trace, and a full mailbox is known to the sender while it can still react.
"""

from libc.stdint cimport int32_t, uint64_t
from caxton._core.acceptance cimport Author
from caxton._core.machine cimport Sandbox, Worker
from caxton._core.routing cimport Slot

# Host codes of the guest ABI.
cdef enum HostCode:
    HOST_OK = 0
    HOST_INVALID = -1
    HOST_NOT_FOUND = -2
    HOST_DENIED = -3
    HOST_QUOTA = -4
    HOST_TOO_BIG = -5
    HOST_UNAVAILABLE = -6
    HOST_UNSUPPORTED = -7

# The agent in ``slot``, speaking from that worker, about what the worker has in hand.
cdef void author_of(Worker* worker, Slot* slot, Author* author) noexcept nogil

# Accept one message (JSON text in guest memory) from the agent whose handler runs in ``worker``. A reply goes to the
# sender of the message in hand unless it names its receiver; the last reply wins.
# Returns a HostCode; on refusal the worker's error text says why, and nothing was kept.
cdef int32_t outbox_add(Worker* worker, Sandbox* sandbox, const char* text, uint64_t length, bint is_reply) noexcept nogil

# The handler has returned: fetch what the hearing of its first message will touch. A hint.
cdef void outbox_expect(Worker* worker) noexcept nogil

# The handler of ``slot`` returned well: hand everything over, in the order of sending, the reply last. What breaks the
# protocol of its conversation goes nowhere: the agent hears of it by the automatic answer.
cdef void outbox_commit(Worker* worker, Slot* slot) noexcept nogil
# It did not: free everything and give the reserved places back.
cdef void outbox_discard(Worker* worker) noexcept nogil
