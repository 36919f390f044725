"""What an accepted message does to its conversation. Nothing here refuses for a rule; only for want of room."""

from libc.stdint cimport uint8_t, uint32_t
from caxton._core.conversation cimport Conversation, Conversations, Session
from caxton._core.protocol cimport ROLE_INITIATOR, SESSION_CANCELLED, Protocol
from caxton._core.verdict cimport Said, Verdict

# Open the conversation that an opening message asks for. Returns a Reason.
cdef uint8_t open_new(Conversations* table, const Said* said, const Protocol* protocol,
                      Conversation** made) noexcept nogil
# Let the opening message of a record whose sessions, if it has any, were made ahead take effect. Returns a Reason.
cdef uint8_t open_conversation(Conversations* table, Conversation* conversation, const Protocol* protocol,
                               const Said* said) noexcept nogil
# Open a conversation by hand, ahead of its first message: members, limits, and a protocol or PROTOCOL_FREE.
cdef uint8_t open_ahead(Conversations* table, const Said* said, Conversation** made) noexcept nogil
# A message without a protocol: a record is kept only where there is something to hold.
cdef uint8_t open_conversation_free(Conversations* table, const Said* said, Conversation** made) noexcept nogil
# A further message of such a conversation. Returns a Reason.
cdef uint8_t apply_free(Conversations* table, Conversation* conversation, const Said* said,
                        Verdict* verdict) noexcept nogil

# Whether a participant's message answers the cancel that its session waits for.
cdef bint answers_cancel(Conversation* conversation, const Session* session, const Said* said, uint8_t role,
                         uint32_t cited) noexcept nogil

# The state that a role meets: to the initiator a session that is being cancelled has gone already.
cdef inline uint8_t state_before(const Session* session, uint8_t role) noexcept nogil:
    return <uint8_t>SESSION_CANCELLED if role == ROLE_INITIATOR and session.cancelling else session.state

# A message that passed all checks.
cdef void apply(Conversations* table, Conversation* conversation, const Protocol* protocol, Session* own,
                const Said* said, uint8_t role, uint32_t cited, Verdict* verdict) noexcept nogil
