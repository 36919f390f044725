"""What time and death do to a conversation, and how it ends. Pure: each call works on one record under its stripe."""

from libc.stdint cimport uint8_t, uint64_t
from caxton._core.conversation cimport Conversation, Conversations, Session

# Let all deadlines that have passed at ``now_ns`` take effect, in their order. 1 = that ended it.
cdef bint settle(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil

# The deadline of the first answer, or of the current call, takes effect. 1 = that ended the conversation.
cdef bint call_passes(Conversations* table, Conversation* conversation) noexcept nogil

# An agent is gone for good. 1 = that ended the conversation.
cdef bint bury(Conversations* table, Conversation* conversation, uint64_t agent, uint64_t now_ns) noexcept nogil

# When to look again: the next deadline, or when an ended conversation may be forgotten. UINT64_MAX = never.
cdef uint64_t due_next(Conversations* table, Conversation* conversation) noexcept nogil
# An ended conversation that need not be remembered any longer.
cdef bint is_forgettable(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil

# A session moves; counted, but the conversation does not end by it.
cdef void session_move(Conversation* conversation, Session* session, uint8_t state) noexcept nogil
# Look whether all sessions of a 1:N protocol are over, and end it with what they add up to. 1 = it ended.
cdef bint finish_if_over(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil
cdef void conversation_end(Conversations* table, Conversation* conversation, uint8_t outcome,
                           uint64_t now_ns) noexcept nogil

cdef inline bint is_over(const Conversation* conversation) noexcept nogil:
    return conversation.state >= 3      # completed, failed, expired
