"""The checks 6 to 17 on a message, one after the other; the first that fails decides. Pure: nothing is changed."""

from libc.stdint cimport uint8_t, uint32_t
from caxton._core.conversation cimport Conversation, Conversations, Session
from caxton._core.protocol cimport Protocol
from caxton._core.verdict cimport Said

cdef inline bint is_opening(const Protocol* protocol, const Said* said) noexcept nogil:
    return said.act < 32 and protocol.opening_acts >> said.act & 1 and protocol.opening_kinds >> said.kind & 1

# Check 5 where a conversation is known: its opening act again, or a further call.
cdef bint calls_too_late(const Conversation* conversation, const Protocol* protocol, const Said* said) noexcept nogil
# Checks 6 and 7. Returns a Reason; ``protocol`` may be NULL.
cdef uint8_t weigh_ended(const Conversation* conversation, const Protocol* protocol, const Said* said) noexcept nogil
# Checks 8 to 17, and the budget, which may end the conversation. Returns a Reason, and who speaks about what.
cdef uint8_t weigh_live(Conversations* table, Conversation* conversation, const Protocol* protocol, const Said* said,
                        Session** own, uint8_t* role, uint32_t* cited) noexcept nogil
