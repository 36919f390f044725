"""The hearing: how a message on its way comes to its verdict, and what a refusal sets off.

Between acceptance, which holds places in mailboxes, and delivery. What concerns no conversation that is held to
anything passes with a look at one word.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from caxton._core.acceptance cimport Author
from caxton._core.envelope cimport Envelope
from caxton._core.machine cimport Hearing, Machine, Worker
from caxton._core.message cimport Message
from caxton._core.routing cimport Slot
from caxton._core.verdict cimport Verdict

cdef enum ConversationEvent:
    CONVERSATION_REFUSED = 1    # id_low: Reason
    CONVERSATION_ENDED = 2      # id_low: Outcome
    CONVERSATION_AWARDED = 3
    CONVERSATION_LOOPS = 4      # agents answer each other without end

# What only a client may ask of the conversation that its message opens; 0 = nothing.
cdef struct Asked:
    uint64_t ttl_ns
    uint32_t max_awards
    uint32_t unknown_act        # 1 = its performative is none of the 22

# Judge a message: all copies of it, linked, that acceptance made for its receivers. 0 = it may go, and the copies
# know their conversation. Else the Reason: nothing was handed over, the caller drops the copies; the automatic answer
# has been sent. ``asked`` may be NULL.
cdef uint8_t hear(Machine* machine, Worker* worker, Author* author, Message* first, uint32_t count,
                  const Asked* asked, Hearing* hearing) noexcept nogil

# Answer ``message`` for its receiver with failure, refuse or not-understood (content: the error), unless it must not be
# answered. Where the protocol lets the receiver say that, its session moves; it goes out in any case.
# OWNERSHIP: 1 = the pool was exhausted and ``message`` itself went back as the answer: the caller only gives its place
# in the mailbox back. 0 = it is still the caller's.
cdef bint answer_error(Machine* machine, Worker* worker, Message* message, uint8_t act, const char* kind,
                       const char* detail) noexcept nogil

# Charge the message's conversation for what handling it took.
cdef void charge_for(Worker* worker, Slot* slot, Message* message, uint64_t fuel) noexcept nogil

# Hand over all that a handler has sent, as far as it may be said.
cdef void deliver_heard(Machine* machine, Worker* worker, Author* author, Message* first) noexcept nogil

# A message that found no receiver: when that one is a dead member of the conversation, this is the verdict on it.
cdef uint8_t hear_unreachable(Machine* machine, Worker* worker, Author* author, const char* text, uint64_t length,
                              const Envelope* envelope, uint64_t receiver, Hearing* hearing) noexcept nogil

# Tell the shell about a conversation; more than so many a second are counted and not told.
# The message that it happened by is given by its id, parties and act, where it was one.
cdef void tell(Machine* machine, Author* author, const Verdict* verdict, uint32_t event, uint64_t number,
               uint64_t id_high, uint64_t id_low, uint64_t sender, uint64_t receiver, uint8_t act, const char* name,
               uint32_t name_bytes) noexcept nogil
