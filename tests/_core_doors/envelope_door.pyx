"""Python's way to the envelope, for tests: texts are copied to memory of exactly their size first."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from caxton._core.atomics cimport monotonic_ns
from caxton._core.envelope cimport *
from caxton._core.message cimport HEADER_BYTES, Message, Piece, message_body
from caxton._core.text cimport timestamp_write, u64_write, uuid_write

cdef extern from *:
    ctypedef char volatile_char "volatile char"

FIELD_NAMES = (
    "id", "performative", "sender", "receiver", "conversation_id", "protocol", "reply_with", "in_reply_to",
    "reply_by", "reply_to", "content", "content_kind", "language", "encoding", "ontology", "delivery",
    "priority", "trace_id", "span_id", "timestamp", "reply_by_s", "conversation_ttl_s", "max_awards",
)
STATUS_NAMES = (
    "OK", "NOT_JSON", "NOT_UTF8", "TOO_DEEP", "NOT_OBJECT", "UNKNOWN_FIELD", "DUPLICATE_FIELD", "WRONG_TYPE",
    "FIELD_TOO_LONG", "BAD_VALUE", "UNKNOWN_PERFORMATIVE", "MISSING_PERFORMATIVE", "TOO_LARGE",
    "TOO_MANY_RECEIVERS",
)
CLIENT = PARSE_CLIENT
CANARY = 0xA5
CANARY_BYTES = 64


cdef class Text:
    """A copy of bytes in its own allocation, so that a checker sees the first byte read past it."""

    cdef char* start            # OWNERSHIP: owned; freed in __dealloc__
    cdef size_t length

    def __cinit__(self, bytes text):
        self.length = len(text)
        # One byte less than asked for is still an allocation: malloc(0) may be NULL.
        self.start = <char*>malloc(self.length if self.length else 1)
        if self.start == NULL:
            raise MemoryError
        memcpy(self.start, <const char*>text, self.length)

    def __dealloc__(self):
        free(self.start)


cdef dict piece_list(Message* message):
    cdef char* body = message_body(message)
    return {
        name: body[piece.offset:piece.offset + piece.length]
        for name, piece in (
            ("conversation_id", message.conversation), ("protocol", message.protocol),
            ("reply_with", message.reply_with), ("in_reply_to", message.in_reply_to),
            ("content", message.content),
        )
    }


cdef object item_value(ReceiverItem* item):
    if item.kind == RECEIVER_ID:
        return item.id
    name = item.name[:item.name_bytes].decode()
    return {"capability": name} if item.kind == RECEIVER_CAPABILITY else name


def parse(bytes text, uint32_t flags=PARSE_CLIENT):
    """Return ``(status, offset, field)`` of a refused text, or a dict of all that was found."""
    cdef Text copy = Text(text)
    cdef Envelope envelope
    cdef ReceiverItem item
    cdef uint32_t cursor = 0
    cdef int32_t more
    memset(&envelope, 0xEE, sizeof(Envelope))
    status = envelope_parse(copy.start, copy.length, flags, &envelope)
    assert status == envelope.status
    if status != ENVELOPE_OK:
        field = None if envelope.error_field < 0 else FIELD_NAMES[envelope.error_field]
        return STATUS_NAMES[status], envelope.error_offset, field
    assert envelope.error_field == -1
    result = {
        "fields": {
            FIELD_NAMES[i]: text[envelope.fields[i].offset:envelope.fields[i].offset + envelope.fields[i].length]
            for i in range(FIELD_COUNT) if envelope.present >> i & 1
        },
        "performative": envelope.performative,
        "receiver_kind": envelope.receiver_kind,
        "receiver_count": envelope.receiver_count,
        "receiver_id": envelope.receiver_id,
        "delivery": envelope.delivery,
        "priority": envelope.priority,
        "id": (<object>envelope.id_high << 64) | envelope.id_low,
        "trace_id": (<object>envelope.trace_high << 64) | envelope.trace_low,
        "span_id": envelope.span_id,
        "reply_by_ms": envelope.reply_by_ms,
        "reply_by_after_ms": envelope.reply_by_after_ms,
        "conversation_ttl_ms": envelope.conversation_ttl_ms,
        "max_awards": envelope.max_awards,
    }
    receivers = []
    while True:
        more = envelope_receiver(copy.start, &envelope, &cursor, &item)
        assert more >= 0
        if more == 0:
            break
        receivers.append(item_value(&item))
    result["receivers"] = receivers
    more = envelope_sender(copy.start, &envelope, &item)
    assert more >= 0
    result["sender"] = item_value(&item) if more else None
    more = envelope_reply_to(copy.start, &envelope, &item)
    assert more >= 0
    result["reply_to"] = item_value(&item) if more else None
    return result


cdef class Host:
    """The host's fields of a message, with the texts they borrow."""

    cdef HostFields fields
    cdef Text conversation, protocol, in_reply_to

    def __init__(self, object id=1, uint64_t sender=7, uint64_t receiver=9, object trace=0, uint64_t span=0,
                 long long timestamp_ms=0, conversation=None, protocol=None, in_reply_to=None):
        self.fields.id_high = id >> 64
        self.fields.id_low = id & 0xFFFFFFFFFFFFFFFF
        self.fields.sender_id = sender
        self.fields.receiver_id = receiver
        self.fields.trace_high = trace >> 64
        self.fields.trace_low = trace & 0xFFFFFFFFFFFFFFFF
        self.fields.span_id = span
        self.fields.timestamp_ms = timestamp_ms
        if conversation is not None:
            self.conversation = Text(conversation)
            self.fields.conversation = self.conversation.start
            self.fields.conversation_bytes = self.conversation.length
        if protocol is not None:
            self.protocol = Text(protocol)
            self.fields.protocol = self.protocol.start
            self.fields.protocol_bytes = self.protocol.length
        if in_reply_to is not None:
            self.in_reply_to = Text(in_reply_to)
            self.fields.in_reply_to = self.in_reply_to.start
            self.fields.in_reply_to_bytes = self.in_reply_to.length


cdef Message* message_alloc(uint64_t capacity) except NULL:
    cdef Message* message = <Message*>malloc(HEADER_BYTES + capacity + CANARY_BYTES)
    if message == NULL:
        raise MemoryError
    memset(message, CANARY, HEADER_BYTES + capacity + CANARY_BYTES)
    return message


cdef tuple message_result(Message* message, uint64_t capacity):
    cdef char* body = message_body(message)
    assert message.body_bytes <= capacity
    assert body[capacity:capacity + CANARY_BYTES] == bytes([CANARY]) * CANARY_BYTES, "written past the bound"
    return body[:message.body_bytes], message.performative, piece_list(message)


def splice(bytes text, Host host, uint32_t flags=PARSE_CLIENT):
    """Return ``(delivered text, performative, pieces)``; the buffer ends at the bound, canaries follow it."""
    cdef Text copy = Text(text)
    cdef Envelope envelope
    cdef Message* message
    cdef uint64_t capacity
    if envelope_parse(copy.start, copy.length, flags, &envelope) != ENVELOPE_OK:
        raise ValueError(STATUS_NAMES[envelope.status])
    capacity = envelope_bound(&envelope, &host.fields)
    message = message_alloc(capacity)
    try:
        envelope_splice(copy.start, &envelope, &host.fields, message)
        return message_result(message, capacity)
    finally:
        free(message)


def error(uint8_t performative, Host host, bytes kind, bytes detail):
    """Return ``(text, performative, pieces)`` of a host-made answer, likewise."""
    cdef Text copy = Text(detail)
    cdef Message* message
    cdef uint64_t capacity = envelope_error(performative, &host.fields, kind, copy.start, copy.length, NULL)
    message = message_alloc(capacity)
    try:
        written = envelope_error(performative, &host.fields, kind, copy.start, copy.length, message)
        assert written == message.body_bytes
        return message_result(message, capacity)
    finally:
        free(message)


def words():
    """The performatives' words, by number."""
    return [performative_word(i)[:performative_word_bytes(i)].decode() for i in range(22)]


def time_envelope(bytes text, Host host, uint32_t rounds):
    """Nanoseconds for one parse, for one splice, and for a byte-at-a-time pass and a copy of as many bytes."""
    cdef Text copy = Text(text)
    cdef Envelope envelope
    cdef Message* message
    cdef uint64_t capacity
    cdef uint64_t began, parsed, spliced, passed, copied
    cdef uint32_t i, j, quotes = 0
    cdef uint32_t done
    cdef char* body
    if envelope_parse(copy.start, copy.length, PARSE_CLIENT, &envelope) != ENVELOPE_OK:
        raise ValueError(STATUS_NAMES[envelope.status])
    capacity = envelope_bound(&envelope, &host.fields)
    message = message_alloc(capacity)
    body = message_body(message)
    with nogil:
        began = monotonic_ns()
        for i in range(rounds):
            envelope_parse(copy.start, copy.length, PARSE_CLIENT, &envelope)
        parsed = monotonic_ns()
        for i in range(rounds):
            envelope_splice(copy.start, &envelope, &host.fields, message)
        spliced = monotonic_ns()
        for i in range(rounds):
            for j in range(<uint32_t>copy.length):
                if (<volatile_char*>copy.start)[j] == c'"':
                    quotes += 1
        passed = monotonic_ns()
        done = message.body_bytes
        for i in range(rounds):
            memcpy(body, <void*>body, 0)
            for j in range(0, done, 1):
                (<volatile_char*>body)[j] = body[j]
        copied = monotonic_ns()
    free(message)
    n = float(rounds)
    return (parsed - began) / n, (spliced - parsed) / n, (passed - spliced) / n, (copied - passed) / n, done, quotes
