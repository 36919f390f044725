"""The names of a message's fields."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcmp
from caxton._core.envelope cimport (
    FIELD_CONTENT, FIELD_CONTENT_KIND, FIELD_CONVERSATION_ID, FIELD_CONVERSATION_TTL_S, FIELD_DELIVERY,
    FIELD_ENCODING, FIELD_ID, FIELD_IN_REPLY_TO, FIELD_LANGUAGE, FIELD_MAX_AWARDS, FIELD_ONTOLOGY,
    FIELD_PERFORMATIVE, FIELD_PRIORITY, FIELD_PROTOCOL, FIELD_RECEIVER, FIELD_REPLY_BY,
    FIELD_REPLY_BY_S, FIELD_REPLY_TO, FIELD_REPLY_WITH, FIELD_SENDER, FIELD_SPAN_ID, FIELD_TIMESTAMP,
    FIELD_TRACE_ID,
)
from caxton._core.json cimport Scan

# The field whose name begins at ``name`` and ends with a quote, -1 when there is none; ``length`` is that
# of the name. ``limit`` bytes may be read. Comparing whole names, quote and all, tells the length without
# looking for the end: the next field can be read before this one's compare is done.
cdef inline int32_t field_find(const char* name, int64_t limit, uint32_t* length) noexcept nogil:
    cdef char first
    if limit < 1:
        return -1
    first = name[0]
    if first == c'p':
        if limit >= 13 and memcmp(name, b'performative"', 13) == 0:
            length[0] = 12
            return FIELD_PERFORMATIVE
        if limit >= 9 and memcmp(name, b'protocol"', 9) == 0:
            length[0] = 8
            return FIELD_PROTOCOL
        if limit >= 9 and memcmp(name, b'priority"', 9) == 0:
            length[0] = 8
            return FIELD_PRIORITY
    elif first == c'c':
        if limit >= 8 and memcmp(name, b'content"', 8) == 0:
            length[0] = 7
            return FIELD_CONTENT
        if limit >= 16 and memcmp(name, b'conversation_id"', 16) == 0:
            length[0] = 15
            return FIELD_CONVERSATION_ID
        if limit >= 13 and memcmp(name, b'content_kind"', 13) == 0:
            length[0] = 12
            return FIELD_CONTENT_KIND
        if limit >= 19 and memcmp(name, b'conversation_ttl_s"', 19) == 0:
            length[0] = 18
            return FIELD_CONVERSATION_TTL_S
    elif first == c'r':
        if limit >= 9 and memcmp(name, b'receiver"', 9) == 0:
            length[0] = 8
            return FIELD_RECEIVER
        if limit >= 11 and memcmp(name, b'reply_with"', 11) == 0:
            length[0] = 10
            return FIELD_REPLY_WITH
        if limit >= 9 and memcmp(name, b'reply_by"', 9) == 0:
            length[0] = 8
            return FIELD_REPLY_BY
        if limit >= 9 and memcmp(name, b'reply_to"', 9) == 0:
            length[0] = 8
            return FIELD_REPLY_TO
        if limit >= 11 and memcmp(name, b'reply_by_s"', 11) == 0:
            length[0] = 10
            return FIELD_REPLY_BY_S
    elif first == c'i':
        if limit >= 12 and memcmp(name, b'in_reply_to"', 12) == 0:
            length[0] = 11
            return FIELD_IN_REPLY_TO
        if limit >= 3 and memcmp(name, b'id"', 3) == 0:
            length[0] = 2
            return FIELD_ID
    elif first == c's':
        if limit >= 7 and memcmp(name, b'sender"', 7) == 0:
            length[0] = 6
            return FIELD_SENDER
        if limit >= 8 and memcmp(name, b'span_id"', 8) == 0:
            length[0] = 7
            return FIELD_SPAN_ID
    elif first == c'o':
        if limit >= 9 and memcmp(name, b'ontology"', 9) == 0:
            length[0] = 8
            return FIELD_ONTOLOGY
    elif first == c'l':
        if limit >= 9 and memcmp(name, b'language"', 9) == 0:
            length[0] = 8
            return FIELD_LANGUAGE
    elif first == c't':
        if limit >= 9 and memcmp(name, b'trace_id"', 9) == 0:
            length[0] = 8
            return FIELD_TRACE_ID
        if limit >= 10 and memcmp(name, b'timestamp"', 10) == 0:
            length[0] = 9
            return FIELD_TIMESTAMP
    elif first == c'e':
        if limit >= 9 and memcmp(name, b'encoding"', 9) == 0:
            length[0] = 8
            return FIELD_ENCODING
    elif first == c'd':
        if limit >= 9 and memcmp(name, b'delivery"', 9) == 0:
            length[0] = 8
            return FIELD_DELIVERY
    elif first == c'm':
        if limit >= 11 and memcmp(name, b'max_awards"', 11) == 0:
            length[0] = 10
            return FIELD_MAX_AWARDS
    return -1

# Find the field whose name's opening quote is at ``at``, the slow way: near the end of the text, or with
# escapes. ``field`` is -1 when there is none. Returns the position of the closing quote.
cdef const char* field_name(Scan* scan, const char* at, int32_t* field) noexcept nogil
