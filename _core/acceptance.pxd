"""Acceptance: from an envelope to a message that holds a place in its receiver's mailbox.

The same path for guests and clients: resolve, check state and rate, reserve a place, write the delivered text.
Nothing is handed over here; `deliver` does that, `drop` takes it back.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from caxton._core.envelope cimport Envelope, ReceiverItem
from caxton._core.machine cimport Machine, Worker
from caxton._core.message cimport Message, MessageCache
from caxton._core.routing cimport Slot
from caxton._core.telemetry cimport Telemetry

cdef enum:
    ACCEPTED = -1               # else a RejectReason

cdef enum:
    ACT_FAILURE = 6
    ACT_NOT_UNDERSTOOD = 10
    ACT_REFUSE = 16
    ACT_REJECT_PROPOSAL = 17

# On whose behalf, and with what, a message is made; made on the stack for one call.
cdef struct Author:
    Slot* slot                  # borrowed
    Message* current            # borrowed: the message that the author is handling; NULL = none
    MessageCache* cache         # borrowed: the calling thread's
    uint64_t* random            # borrowed: likewise
    Telemetry* telemetry        # borrowed: likewise
    uint64_t now_ns
    int64_t wall_offset_ns

# Where an acceptance failed, for the refusal's text.
cdef struct Refusal:
    uint64_t receiver_id        # 0 where it was named by ``item``
    uint64_t wait_ns            # for REJECT_RATE_LIMITED
    uint32_t state              # for REJECT_NOT_RUNNING
    ReceiverItem item

cdef Slot* resolve(Machine* machine, const ReceiverItem* item) noexcept nogil

# Make one message for ``target``. As a reply it takes conversation, protocol and in_reply_to from author.current.
# ACCEPTED with the caller owning ``made``, else a RejectReason; the refusal is counted.
cdef int32_t accept_one(Machine* machine, Author* author, Slot* target, const char* text, const Envelope* envelope,
                        bint is_reply, Message** made, Refusal* refusal) noexcept nogil

# Make one message for each receiver that the envelope names (id, name or list), linked in order: all or nothing.
cdef int32_t accept_all(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                        bint is_reply, Message** first, uint32_t* count, Refusal* refusal) noexcept nogil

# Make a message whose receiver is a capability: the shell picks the agent.
cdef int32_t accept_unrouted(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                             bint is_reply, Message** made) noexcept nogil

# Hand an accepted message over; the receiver's mailbox or the shell owns it then. ``worker`` NULL = control thread.
cdef void deliver(Machine* machine, Worker* worker, Message* message, uint64_t now_ns) noexcept nogil
# Free an accepted message that was not handed over, and give its place back.
cdef void drop(Machine* machine, MessageCache* cache, Message* message) noexcept nogil

# Answer ``message`` on behalf of its receiver with failure, refuse or not-understood (content: the error),
# unless it must not be answered (it is itself such an answer, or nobody sent it).
# OWNERSHIP: 1 = the pool was exhausted and ``message`` itself went back as the answer: the caller only gives its place
# in the mailbox back. 0 = it is still the caller's.
cdef bint answer_error(Machine* machine, Worker* worker, Message* message, uint32_t performative,
                       const char* kind, const char* detail) noexcept nogil
