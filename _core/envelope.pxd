"""The envelope: what an untrusted hand says, read in one bounded pass without allocation.

``envelope_parse`` finds the fields of an ACL message in JSON text and the extent of its content
(strict RFC 8259 and UTF-8, depth and size bounds, no field twice, no unknown field).
``envelope_splice`` writes the text that the receiver gets: the host's fields, then the sender's,
then the content's bytes untouched.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from caxton._core.message cimport Message

cdef enum EnvelopeStatus:
    ENVELOPE_OK = 0
    ENVELOPE_NOT_JSON = 1           # syntax; offset tells where
    ENVELOPE_NOT_UTF8 = 2
    ENVELOPE_TOO_DEEP = 3
    ENVELOPE_NOT_OBJECT = 4
    ENVELOPE_UNKNOWN_FIELD = 5
    ENVELOPE_DUPLICATE_FIELD = 6
    ENVELOPE_WRONG_TYPE = 7         # field tells which
    ENVELOPE_FIELD_TOO_LONG = 8
    ENVELOPE_BAD_VALUE = 9          # e.g. not a UUID, id zero, control character in an identifier
    ENVELOPE_UNKNOWN_PERFORMATIVE = 10
    ENVELOPE_MISSING_PERFORMATIVE = 11
    ENVELOPE_TOO_LARGE = 12
    ENVELOPE_TOO_MANY_RECEIVERS = 13

# Field numbers; the text names are the contract's.
cdef enum:
    FIELD_ID = 0
    FIELD_PERFORMATIVE = 1
    FIELD_SENDER = 2
    FIELD_RECEIVER = 3
    FIELD_CONVERSATION_ID = 4
    FIELD_PROTOCOL = 5
    FIELD_REPLY_WITH = 6
    FIELD_IN_REPLY_TO = 7
    FIELD_REPLY_BY = 8              # RFC 3339 text
    FIELD_REPLY_TO = 9              # agent id or name
    FIELD_CONTENT = 10
    FIELD_CONTENT_KIND = 11
    FIELD_LANGUAGE = 12
    FIELD_ENCODING = 13
    FIELD_ONTOLOGY = 14
    FIELD_DELIVERY = 15             # at_most_once | at_least_once | exactly_once
    FIELD_PRIORITY = 16             # integer 0..9
    FIELD_TRACE_ID = 17             # 32 hex digits
    FIELD_SPAN_ID = 18              # 16 hex digits
    FIELD_TIMESTAMP = 19            # accepted and replaced by the host's
    # Only from clients (PARSE_CLIENT):
    FIELD_REPLY_BY_S = 20           # number of seconds from now, > 0
    FIELD_CONVERSATION_TTL_S = 21
    FIELD_MAX_AWARDS = 22
    FIELD_COUNT = 23

cdef enum ReceiverKind:
    RECEIVER_NONE = 0
    RECEIVER_ID = 1                 # integer, or text of digits: a u64, not 0, no leading zero
    RECEIVER_NAME = 2
    RECEIVER_LIST = 3
    RECEIVER_CAPABILITY = 4

cdef enum ParseFlag:
    PARSE_CLIENT = 1                # also take the client-only fields
    PARSE_ANY_ACT = 2               # take any word as performative; ``unknown_act`` tells, inform stands for it

# Part of the source text. For a string: the interior without quotes. ``escaped``: contains a backslash.
cdef struct Extent:
    uint32_t offset
    uint32_t length
    uint32_t escaped

cdef struct Envelope:
    uint32_t present                # bit per Field
    int32_t status                  # EnvelopeStatus
    uint32_t error_offset           # into the text
    int32_t error_field             # Field or -1
    uint8_t performative            # 0..21, alphabetical order of the 22 kebab-case words
    uint8_t receiver_kind
    uint8_t delivery                # 0, 1, 2 as listed above
    uint8_t priority
    uint8_t any_act                 # PARSE_ANY_ACT was given
    uint8_t unknown_act             # PARSE_ANY_ACT: the performative is none of the 22
    uint32_t receiver_count         # of a list
    uint64_t receiver_id            # for RECEIVER_ID
    uint64_t id_high                # for FIELD_ID
    uint64_t id_low
    uint64_t trace_high
    uint64_t trace_low
    uint64_t span_id
    int64_t reply_by_ms             # Unix ms, for FIELD_REPLY_BY; 0 absent
    int64_t reply_by_after_ms       # for FIELD_REPLY_BY_S; fractions of a ms round up
    int64_t conversation_ttl_ms     # for FIELD_CONVERSATION_TTL_S; likewise
    uint32_t max_awards
    uint32_t carried_bytes          # most that splice writes for the sender's own fields and content
    # Set only where ``present`` has the bit. Strings: the interior; numbers, content, a list: the whole
    # value; a capability: the interior of its name.
    Extent fields[FIELD_COUNT]

# One element of a receiver list (or the single receiver): id, or a name decoded into ``name``.
cdef struct ReceiverItem:
    uint8_t kind                    # RECEIVER_ID, RECEIVER_NAME, RECEIVER_CAPABILITY (its name in ``name``)
    uint64_t id
    uint16_t name_bytes
    char name[256]

# What the host puts in. Text pointers are raw JSON string interiors (canonical escapes), may be NULL/0.
cdef struct HostFields:
    uint64_t id_high
    uint64_t id_low
    uint64_t sender_id
    uint64_t receiver_id
    uint64_t trace_high
    uint64_t trace_low
    uint64_t span_id
    int64_t timestamp_ms            # Unix
    const char* conversation        # borrowed default where the sender gave none; NULL: the message's own id
    uint32_t conversation_bytes
    const char* protocol            # borrowed default
    uint32_t protocol_bytes
    const char* in_reply_to         # borrowed default
    uint32_t in_reply_to_bytes

# Read ``text``. Returns the status (also in out.status). Never reads past ``length``, never writes to text.
cdef int32_t envelope_parse(const char* text, uint64_t length, uint32_t flags, Envelope* out) noexcept nogil

# Walk a parsed receiver: start with cursor 0; returns 1 and fills ``item``, or 0 at the end, or a negative
# EnvelopeStatus for an element that is no agent.
cdef int32_t envelope_receiver(const char* text, const Envelope* envelope, uint32_t* cursor,
                               ReceiverItem* item) noexcept nogil

# The sender or the agent to reply to, likewise: 1 and ``item`` filled, or 0 when absent.
cdef int32_t envelope_sender(const char* text, const Envelope* envelope, ReceiverItem* item) noexcept nogil
cdef int32_t envelope_reply_to(const char* text, const Envelope* envelope, ReceiverItem* item) noexcept nogil

# Upper bound of the bytes that envelope_splice writes.
cdef uint64_t envelope_bound(const Envelope* envelope, const HostFields* host) noexcept nogil

# Write the delivered text into message_body(message), whose capacity is at least the bound, and set
# message.body_bytes, performative, and the pieces. Fields, in this order, absent ones left out but content:
# id performative sender receiver conversation_id protocol reply_with in_reply_to reply_by timestamp trace_id
# span_id reply_to content_kind language encoding ontology delivery priority content (null when absent).
# String fields are written with canonical escapes (decoded and encoded again when they hold any escape).
# With host.receiver_id 0 there is no receiver, but for a capability: it is kept as {"capability":...}.
cdef void envelope_splice(const char* text, const Envelope* envelope, const HostFields* host,
                          Message* message) noexcept nogil

# Write a host-made answer (failure, not-understood, refuse) with the content
# {"error":{"kind":...,"message":...}}. ``kind`` is plain ASCII; ``detail`` may be any bytes: it is escaped,
# invalid UTF-8 replaced, cut at 512 bytes. Returns the bound needed when message is NULL, else the bytes
# written (sets the message's pieces as splice does).
cdef uint64_t envelope_error(uint8_t performative, const HostFields* host, const char* kind,
                             const char* detail, uint32_t detail_bytes, Message* message) noexcept nogil

# The kebab-case word of a performative (static storage).
cdef const char* performative_word(uint8_t performative) noexcept nogil
cdef uint32_t performative_word_bytes(uint8_t performative) noexcept nogil

# What a status means, in words (static storage).
cdef const char* envelope_status_text(int32_t status) noexcept nogil
