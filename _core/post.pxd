"""Posting: a client's message, from JSON text to mailboxes, for the control thread."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from caxton._core.acceptance cimport Refusal
from caxton._core.envelope cimport Envelope
from caxton._core.machine cimport Machine
from caxton._core.routing cimport Slot

cdef enum PostCode:
    POST_ACCEPTED = 0
    POST_INVALID = 1
    POST_NO_ROUTE = 2
    POST_MAILBOX_FULL = 3
    POST_RATE_LIMITED = 4
    POST_TOO_LARGE = 5
    POST_POOL_EXHAUSTED = 6
    POST_NOT_RUNNING = 7
    POST_OTHER_SENDER = 8
    POST_NO_RECEIVER = 9
    POST_CAPABILITY = 10
    POST_REFUSED = 11           # by the protocol of its conversation
    POST_DUPLICATE = 12         # its id was accepted in this conversation before

cdef struct Posted:
    int32_t code                # PostCode
    uint64_t id_high
    uint64_t id_low
    # For POST_ACCEPTED: the conversation id as it stands in the delivered text (canonical escapes).
    uint32_t conversation_bytes
    char conversation[256 * 6]
    Envelope envelope           # for POST_INVALID (status, offset, field) and POST_CAPABILITY (extent)
    Refusal refusal             # for the refusals of a receiver
    uint64_t other_sender       # for POST_OTHER_SENDER; 0 = a name that nobody has
    # For POST_REFUSED, and for what was accepted in a conversation that is held to something: protocol, state.
    uint8_t reason
    uint8_t protocol
    uint8_t state
    uint8_t outcome

# Accept one message of ``sender_id`` (an external agent). A sender named in the text must be that one, or, with
# ``any_sender``, any external agent. ``receiver_id`` != 0 replaces what the text names. Returns out.code.
cdef int32_t post(Machine* machine, const char* text, uint64_t length, uint64_t sender_id, bint any_sender,
                  uint64_t receiver_id, Posted* out) noexcept nogil

# Answer ``text``, a message of ``slot`` to a capability as the shell was told of it, with a failure of this kind.
# False: it may not be answered, or there is no room for the answer.
cdef bint post_unrouted(Machine* machine, Slot* slot, const char* text, uint64_t length, const char* kind,
                        const char* detail) noexcept nogil
