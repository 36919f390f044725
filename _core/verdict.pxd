"""The verdict on one message: may it be said, by whom it is said, in the state its conversation is in?

The checks stand in one fixed order and the first that fails decides; a message that is refused changes nothing but a
counter. The order, the reasons and the automatic answers are FIPA's where FIPA speaks (SC00061, SC00026 to SC00036),
and stated in docs/protocols.md where it does not.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from caxton._core.conversation cimport Conversations
from caxton._core.deadline cimport Deadlines

cdef enum:
    ACT_UNKNOWN = 0xff          # a word that is no performative

cdef enum SaidFlag:
    SAID_NEW_ID = 1             # the host made the id: nobody can have used it before
    SAID_NO_CONVERSATION = 2    # the sender left the conversation id out
    SAID_HAS_PRICE = 4
    SAID_UNREAD = 8             # its content was not looked into

# One message as the verdict sees it. Everything is borrowed for the time of the call.
cdef struct Said:
    uint64_t key_high           # of the conversation's id
    uint64_t key_low
    const char* name            # borrowed; the id itself
    uint32_t name_bytes
    uint8_t protocol            # number, PROTOCOL_UNKNOWN or PROTOCOL_ABSENT
    uint8_t act                 # performative or ACT_UNKNOWN
    uint8_t kind                # ContentKind
    uint8_t flags
    uint64_t sender
    const uint64_t* receivers   # borrowed
    uint32_t receiver_count
    uint32_t max_awards         # 0 = any number
    uint32_t messages_max       # budget of the conversation that is opened; 0 = none
    uint64_t fuel_max           # likewise
    uint64_t id_high
    uint64_t id_low
    uint64_t id                 # citation_of_id
    uint64_t reply_with         # citation_of; 0 = none
    uint64_t in_reply_to        # likewise
    uint64_t now_ns
    uint64_t reply_by_ns        # monotonic; 0 = none
    uint64_t ttl_ns             # 0 = the default
    double price
    const uint64_t* targets     # borrowed; agents that a broker recruits
    uint32_t target_count
    uint32_t near               # a record that may be the conversation's (index + 1), as it was; 0 = none
    uint32_t near_generation

# A bid that is rejected because the auction has moved on.
cdef struct Outbid:
    uint64_t agent
    uint64_t id_high
    uint64_t id_low

cdef enum Answer:
    ANSWER_NONE = 0
    ANSWER_NOT_UNDERSTOOD = 1
    ANSWER_REJECT_PROPOSAL = 2

cdef enum:
    REASON_UNREAD = 0xff        # no verdict: the table asks for the content of what was SAID_UNREAD

cdef struct Verdict:
    uint8_t reason              # Reason; 0 = accepted
    uint8_t state               # ConversationState afterwards; 0 = there is no such conversation
    uint8_t outcome
    uint8_t protocol            # of the conversation; PROTOCOL_ABSENT = none
    uint8_t answer              # what the sender of a refused message gets
    uint8_t ended               # 1 = the conversation ended during this call
    uint8_t awarded             # 1 = an award was made
    uint8_t pad
    uint32_t conversation       # index + 1; 0 = none
    uint32_t generation
    uint64_t initiator
    Outbid* outbid              # borrowed from the caller; room for participants_max
    uint32_t outbid_count       # of them
    uint32_t messages           # accepted in this conversation so far
    uint64_t sequence           # of the message among all that were judged in it, from 1

# Judge one message and, when it is accepted, apply it. ``verdict.outbid`` is set by the caller.
cdef void judge(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil

# Whether there is a record of the conversation.
cdef bint is_known(Conversations* table, const Said* said) noexcept nogil

# Open a conversation by hand; the outcome is in ``verdict.reason``.
cdef void judge_ahead(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil
# End, as cancelled, a conversation that no participant has to agree about: without a protocol, or not begun yet.
# 1 = done, then ``verdict`` says which; 0 = there is no such conversation, or its participants have a say.
cdef bint end_by_hand(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil

# Charge a conversation for what handling one of its messages took. 1 = that exhausted its budget and ended it.
# Then ``verdict`` says which one.
cdef bint charge(Conversations* table, uint32_t conversation, uint32_t generation, uint64_t fuel, uint64_t now_ns,
                 Verdict* verdict) noexcept nogil

# Whether ``receiver``, whom a message could not reach, is a dead member of a conversation: then that is the verdict.
# 1 and a filled verdict, else 0.
cdef bint judge_unreachable(Conversations* table, Deadlines* deadlines, const Said* said, uint64_t receiver,
                            Verdict* verdict) noexcept nogil

cdef const char* reason_word(uint8_t reason) noexcept nogil
