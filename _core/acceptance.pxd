"""Acceptance: from an envelope to a message that holds a place in its receiver's mailbox.

The same path for guests and clients: resolve, check state and rate, reserve a place, write the delivered text.
Nothing is handed over here; `deliver` does that, `drop` takes it back.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
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
    Slot* slot                  # borrowed; NULL where the host speaks for agents by itself
    Message* current            # borrowed: the message that the author is handling; NULL = none
    MessageCache* cache         # borrowed: the calling thread's
    uint64_t* random            # borrowed: likewise
    Telemetry* telemetry        # borrowed: likewise
    uint64_t now_ns
    int64_t wall_offset_ns
    uint64_t id_high            # of the message, where all its copies share one; 0, 0 = drawn for each
    uint64_t id_low

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

# An answer that the host makes for an agent: who to whom, about what. Text is borrowed for the call.
cdef struct Answered:
    uint64_t from_id
    uint64_t to_id
    uint32_t from_slot
    uint32_t from_generation
    uint32_t to_slot
    uint32_t to_generation
    const char* conversation    # borrowed
    const char* protocol        # borrowed
    const char* in_reply_to     # borrowed
    uint32_t conversation_bytes
    uint32_t protocol_bytes
    uint32_t in_reply_to_bytes
    uint64_t trace_high
    uint64_t trace_low

# About ``message``, from its receiver to its sender.
cdef void answered_of(Message* message, Answered* answered) noexcept nogil
# The answer, holding a place in its receiver's mailbox; NULL when there is no place for it, which is counted.
# OWNERSHIP: when the pool is exhausted, ``spare`` (or NULL: none), a message that nobody reads any more, becomes the
# answer and is returned; else it stays the caller's.
cdef Message* answer_make(Machine* machine, Author* author, const Answered* answered, uint8_t act, const char* kind,
                          const char* detail, Message* spare) noexcept nogil
# Whether an automatic answer to it may be sent: not to such an answer, nor to what nobody sent.
cdef bint may_be_answered(Message* message) noexcept nogil

# The answer to a message of author.slot to a capability, for which the shell found no receiver: the host's own, without
# a sender, so that a reply to it finds no agent. NULL when it may not be answered, or there is no place for it.
cdef Message* answer_unrouted(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                              const char* kind, const char* detail) noexcept nogil
