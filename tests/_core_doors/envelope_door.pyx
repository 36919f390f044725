"""Python's way to the envelope, for tests: texts are copied to memory of exactly their size first."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from caxton._core.envelope cimport (
    ENVELOPE_OK, FIELD_COUNT, PARSE_CLIENT, RECEIVER_CAPABILITY, RECEIVER_ID, Envelope, HostFields,
    ReceiverItem, envelope_bound, envelope_error, envelope_parse, envelope_receiver, envelope_reply_to,
    envelope_sender, envelope_splice, envelope_status_text, performative_word, performative_word_bytes,
)
from caxton._core.message cimport HEADER_BYTES, Message, message_body

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* What any reader and writer must do at least: see each byte, move each byte. Not inlined, and memory
       counts as changed in between, so that no round is optimised away. */
    static __attribute__((noinline)) uint32_t door_pass(const char *text, size_t length) {
        uint32_t quotes = 0;
        for (size_t i = 0; i < length; i++) {
            quotes += text[i] == '"';
            __asm__ volatile("" : "+r"(quotes));
        }
        return quotes;
    }
    static __attribute__((noinline)) void door_copy(char *out, const char *text, size_t length) {
        memcpy(out, text, length);
        __asm__ volatile("" : : "r"(out) : "memory");
    }
    """
    uint32_t door_pass(const char* text, size_t length) nogil
    void door_copy(char* out, const char* text, size_t length) nogil

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
        # malloc(0) may be NULL.
        self.start = <char*>malloc(self.length if self.length else 1)
        if self.start == NULL:
            raise MemoryError
        memcpy(self.start, <const char*>text, self.length)

    def __dealloc__(self):
        free(self.start)


cdef dict pieces(Message* message):
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


cdef dict extents(bytes text, Envelope* envelope):
    result = {}
    for i in range(FIELD_COUNT):
        if envelope.present >> i & 1:
            start = envelope.fields[i].offset
            result[FIELD_NAMES[i]] = text[start:start + envelope.fields[i].length]
    return result


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
        "fields": extents(text, &envelope),
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
    return body[:message.body_bytes], message.performative, pieces(message)


def bound(bytes text, Host host, uint32_t flags=PARSE_CLIENT):
    """Return the most bytes that splice may write."""
    cdef Text copy = Text(text)
    cdef Envelope envelope
    if envelope_parse(copy.start, copy.length, flags, &envelope) != ENVELOPE_OK:
        raise ValueError(STATUS_NAMES[envelope.status])
    return envelope_bound(&envelope, &host.fields)


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


def status_text(int32_t status):
    return envelope_status_text(status).decode()


def read_past(bytes text):
    """Parse one byte more than there is: a memory checker must stop the process here."""
    cdef Text copy = Text(text)
    cdef Envelope envelope
    envelope_parse(copy.start, copy.length + 1, PARSE_CLIENT, &envelope)
    return STATUS_NAMES[envelope.status]


cdef class Bench:
    """One message, read and written again and again, beside the least that any code must do for it."""

    cdef Text text
    cdef Host host
    cdef Envelope envelope
    cdef Message* message       # OWNERSHIP: owned; freed in __dealloc__
    cdef char* copied           # OWNERSHIP: owned; freed in __dealloc__
    cdef readonly uint32_t delivered_bytes

    def __cinit__(self, bytes text, Host host):
        self.text = Text(text)
        self.host = host
        if envelope_parse(self.text.start, self.text.length, PARSE_CLIENT, &self.envelope) != ENVELOPE_OK:
            raise ValueError(STATUS_NAMES[self.envelope.status])
        self.message = message_alloc(envelope_bound(&self.envelope, &host.fields))
        envelope_splice(self.text.start, &self.envelope, &host.fields, self.message)
        self.delivered_bytes = self.message.body_bytes
        self.copied = <char*>malloc(self.delivered_bytes)
        if self.copied == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.message)
        free(self.copied)

    def parse(self, uint32_t rounds):
        cdef uint32_t _i
        with nogil:
            for _i in range(rounds):
                envelope_parse(self.text.start, self.text.length, PARSE_CLIENT, &self.envelope)

    def parse_and_splice(self, uint32_t rounds):
        cdef uint32_t _i
        with nogil:
            for _i in range(rounds):
                envelope_parse(self.text.start, self.text.length, PARSE_CLIENT, &self.envelope)
                envelope_bound(&self.envelope, &self.host.fields)
                envelope_splice(self.text.start, &self.envelope, &self.host.fields, self.message)

    def floor(self, uint32_t rounds):
        """Look at each byte of the text once, and copy as many bytes as are delivered."""
        cdef uint32_t _i
        with nogil:
            for _i in range(rounds):
                door_pass(self.text.start, self.text.length)
                door_copy(self.copied, message_body(self.message), self.delivered_bytes)
