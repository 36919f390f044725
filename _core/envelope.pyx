"""The envelope: parse what an untrusted hand says, splice what the receiver gets."""

from libc.stdint cimport UINT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset, strlen
from caxton._core.address cimport address_item, agent_value, extent_keep, identifier_check, receiver_next
from caxton._core.bounds cimport FIELD_BYTES_MAX
from caxton._core.field cimport field_find, field_name
from caxton._core.json cimport (
    STRING_ESCAPED, Scan, json_decode, json_encode, json_number, json_space, json_string, json_value,
    scan_refuse,
)
from caxton._core.message cimport Message, Piece, message_body
from caxton._core.performative cimport INFORM, performative_find, word, word_bytes
from caxton._core.splice cimport (
    conversation_write, extent_write, head_write, literal, piece_copy, piece_extent, trace_write,
)
from caxton._core.text cimport hex_read, seconds_read, timestamp_read, timestamp_write, u64_read, uuid_read

cdef enum:
    # The longest literal before a carried field's text: ","content_kind":" .
    CARRIED_LITERAL_BYTES = 18
    DELIVERY_BYTES_MAX = 13         # at_least_once
    # Everything else splice can write, literals with their values: id 7 + 36, performative 18 + 16,
    # sender 12 + 20, receiver 14 + 20, conversation_id 21 + 36, reply_by 14 + 24, timestamp 15 + 24,
    # trace_id 14 + 32, span_id 13 + 16, priority 13 + 1, content 12 + 4, protocol 14, in_reply_to 17,
    # the last brace 1.
    FIXED_BYTES = 414
    DETAIL_BYTES_MAX = 512
    # The literals of an error content: {"error":{"kind":" , ","message":" and "}} .
    ERROR_LITERAL_BYTES = 34
    # Strings that any text may stand in, 1 to 255 bytes of it.
    IDENTIFIER_FIELDS = (
        1 << FIELD_CONVERSATION_ID | 1 << FIELD_PROTOCOL | 1 << FIELD_REPLY_WITH | 1 << FIELD_IN_REPLY_TO
        | 1 << FIELD_CONTENT_KIND | 1 << FIELD_LANGUAGE | 1 << FIELD_ENCODING | 1 << FIELD_ONTOLOGY
    )
    # What few messages carry, written between the trace and the priority.
    RARE_FIELDS = (
        1 << FIELD_REPLY_TO | 1 << FIELD_CONTENT_KIND | 1 << FIELD_LANGUAGE | 1 << FIELD_ENCODING
        | 1 << FIELD_ONTOLOGY | 1 << FIELD_DELIVERY
    )


cdef inline bint has(const Envelope* envelope, int32_t field) noexcept nogil:
    return envelope.present >> field & 1


# Take the decoded text of a field whose values are of a fixed form; returns an EnvelopeStatus.
cdef int32_t form_take(Envelope* out, int32_t field, const char* text, uint32_t length) noexcept nogil:
    cdef int32_t number
    cdef int64_t ignored = 0
    if field == FIELD_PERFORMATIVE:
        number = performative_find(text, length)
        if number < 0:
            if not out.any_act:
                return ENVELOPE_UNKNOWN_PERFORMATIVE
            out.unknown_act = 1
            number = INFORM
        out.performative = <uint8_t>number
        return ENVELOPE_OK
    if field == FIELD_ID:
        if uuid_read(text, length, &out.id_high, &out.id_low) and (out.id_high | out.id_low) != 0:
            return ENVELOPE_OK
    elif field == FIELD_REPLY_BY:
        if timestamp_read(text, length, &out.reply_by_ms):
            return ENVELOPE_OK
    elif field == FIELD_TIMESTAMP:
        if timestamp_read(text, length, &ignored):
            return ENVELOPE_OK
    elif field == FIELD_TRACE_ID:
        if (length == 32 and hex_read(text, 16, &out.trace_high) and hex_read(text + 16, 16, &out.trace_low)
                and (out.trace_high | out.trace_low) != 0):
            return ENVELOPE_OK
    elif field == FIELD_SPAN_ID:
        if length == 16 and hex_read(text, 16, &out.span_id) and out.span_id != 0:
            return ENVELOPE_OK
    elif field == FIELD_DELIVERY:
        out.carried_bytes += CARRIED_LITERAL_BYTES + DELIVERY_BYTES_MAX
        if length == 12 and memcmp(text, b"at_most_once", 12) == 0:
            out.delivery = 0
            return ENVELOPE_OK
        if length == 13 and memcmp(text, b"at_least_once", 13) == 0:
            out.delivery = 1
            return ENVELOPE_OK
        if length == 12 and memcmp(text, b"exactly_once", 12) == 0:
            out.delivery = 2
            return ENVELOPE_OK
    return ENVELOPE_BAD_VALUE


# Take the text of a well-formed number; returns an EnvelopeStatus.
cdef int32_t number_take(Envelope* out, int32_t field, const char* text, uint32_t length) noexcept nogil:
    cdef uint64_t value = 0
    if field == FIELD_REPLY_BY_S:
        return ENVELOPE_OK if seconds_read(text, length, &out.reply_by_after_ms) else ENVELOPE_BAD_VALUE
    if field == FIELD_CONVERSATION_TTL_S:
        return ENVELOPE_OK if seconds_read(text, length, &out.conversation_ttl_ms) else ENVELOPE_BAD_VALUE
    if not u64_read(text, length, &value):
        return ENVELOPE_BAD_VALUE
    if field == FIELD_PRIORITY:
        if value > 9:
            return ENVELOPE_BAD_VALUE
        out.priority = <uint8_t>value
    else:
        if value == 0 or value > UINT32_MAX:
            return ENVELOPE_BAD_VALUE
        out.max_awards = <uint32_t>value
    return ENVELOPE_OK


# Read the value of any field; ``at`` is its first byte. Returns the position after it.
cdef inline const char* read_value(Scan* scan, Envelope* out, int32_t field, const char* at) noexcept nogil:
    cdef const char* start = at
    cdef const char* text
    cdef char decoded[FIELD_BYTES_MAX]
    cdef uint32_t flags = 0
    cdef uint32_t length
    cdef int32_t status
    if field == FIELD_CONTENT:
        at = json_value(scan, at, 1)
        if at != NULL:
            extent_keep(scan, out, field, start, at, 0)
            out.carried_bytes += <uint32_t>(at - start)
        return at
    if at[0] == c'n' and scan.end - at >= 4 and memcmp(at, b"null", 4) == 0:
        return at + 4
    if field == FIELD_RECEIVER or field == FIELD_SENDER or field == FIELD_REPLY_TO:
        return agent_value(scan, out, field, at)
    if field == FIELD_PRIORITY or field >= FIELD_REPLY_BY_S:
        if at[0] != c'-' and (at[0] < c'0' or at[0] > c'9'):
            return scan_refuse(scan, ENVELOPE_WRONG_TYPE, at)
        at = json_number(scan, at)
        if at == NULL:
            return NULL
        status = number_take(out, field, start, <uint32_t>(at - start))
        extent_keep(scan, out, field, start, at, 0)
        out.carried_bytes += CARRIED_LITERAL_BYTES
    else:
        if at[0] != c'"':
            return scan_refuse(scan, ENVELOPE_WRONG_TYPE, at)
        text = at + 1
        at = json_string(scan, text, &flags)
        if at == NULL:
            return NULL
        length = <uint32_t>(at - text)
        extent_keep(scan, out, field, text, at, flags)
        at += 1
        if IDENTIFIER_FIELDS >> field & 1:
            status = identifier_check(text, length, flags)
            out.carried_bytes += CARRIED_LITERAL_BYTES + length
        elif flags & STRING_ESCAPED:
            length = json_decode(text, length, decoded, FIELD_BYTES_MAX)
            status = ENVELOPE_FIELD_TOO_LONG
            if length != UINT32_MAX:
                status = form_take(out, field, decoded, length)
        else:
            status = form_take(out, field, text, length)
    if status != ENVELOPE_OK:
        return scan_refuse(scan, status, start)
    return at


# Read one member, name and value; ``at`` is where its name must begin. Returns the position after it.
cdef inline const char* read_member(Scan* scan, Envelope* out, uint32_t flags, uint32_t* seen,
                                    const char* at) noexcept nogil:
    cdef const char* name = at
    cdef uint32_t length = 0
    cdef int32_t field
    if at == scan.end or at[0] != c'"':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    field = field_find(at + 1, scan.end - at - 1, &length)
    at += length + 1
    if field < 0:
        at = field_name(scan, name, &field)
        if at == NULL:
            return NULL
    if field < 0 or (field >= FIELD_REPLY_BY_S and not flags & PARSE_CLIENT):
        return scan_refuse(scan, ENVELOPE_UNKNOWN_FIELD, name)
    out.error_field = field
    if seen[0] >> field & 1:
        return scan_refuse(scan, ENVELOPE_DUPLICATE_FIELD, name)
    seen[0] |= <uint32_t>1 << field
    at = json_space(scan, at + 1)
    if at == scan.end or at[0] != c':':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    at = json_space(scan, at + 1)
    if at == scan.end:
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    at = read_value(scan, out, field, at)
    if at != NULL:
        out.error_field = -1
    return at


# Read the whole text. Returns its end; NULL when it is refused.
cdef inline const char* read_text(Scan* scan, Envelope* out, uint32_t flags) noexcept nogil:
    cdef const char* at = json_space(scan, scan.begin)
    cdef const char* start = at
    cdef uint32_t seen = 0
    if at == scan.end:
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    if at[0] != c'{':
        at = json_value(scan, at, 0)
        if at == NULL:
            return NULL
        at = json_space(scan, at)
        return scan_refuse(scan, ENVELOPE_NOT_OBJECT if at == scan.end else ENVELOPE_NOT_JSON,
                           start if at == scan.end else at)
    at = json_space(scan, at + 1)
    if at < scan.end and at[0] == c'}':
        at += 1
    else:
        while True:
            at = read_member(scan, out, flags, &seen, at)
            if at == NULL:
                return NULL
            at = json_space(scan, at)
            if at == scan.end or (at[0] != c',' and at[0] != c'}'):
                return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
            at += 1
            if (at - 1)[0] == c'}':
                break
            at = json_space(scan, at)
    at = json_space(scan, at)
    if at != scan.end:
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    if not out.present >> FIELD_PERFORMATIVE & 1:
        return scan_refuse(scan, ENVELOPE_MISSING_PERFORMATIVE, start)
    if out.present >> FIELD_REPLY_BY & 1 and out.present >> FIELD_REPLY_BY_S & 1:
        # Two deadlines: neither can be dropped in silence.
        out.error_field = FIELD_REPLY_BY_S
        return scan_refuse(scan, ENVELOPE_BAD_VALUE, scan.begin + out.fields[FIELD_REPLY_BY_S].offset)
    return at


cdef int32_t envelope_parse(const char* text, uint64_t length, uint32_t flags, Envelope* out) noexcept nogil:
    cdef Scan scan
    # The extents stay as they are: ``present`` guards them.
    memset(out, 0, <char*>out.fields - <char*>out)
    out.error_field = -1
    out.any_act = flags & PARSE_ANY_ACT
    if length > UINT32_MAX:
        out.status = ENVELOPE_TOO_LARGE
        return ENVELOPE_TOO_LARGE
    scan.begin = text
    scan.end = text + length
    scan.fault = text
    scan.status = ENVELOPE_OK
    if read_text(&scan, out, flags) == NULL:
        out.status = scan.status
        out.error_offset = <uint32_t>(scan.fault - text)
    return out.status


cdef int32_t envelope_receiver(const char* text, const Envelope* envelope, uint32_t* cursor,
                               ReceiverItem* item) noexcept nogil:
    return receiver_next(text, envelope, cursor, item)


cdef int32_t envelope_sender(const char* text, const Envelope* envelope, ReceiverItem* item) noexcept nogil:
    if not has(envelope, FIELD_SENDER):
        return 0
    return address_item(text, &envelope.fields[FIELD_SENDER], item)


cdef int32_t envelope_reply_to(const char* text, const Envelope* envelope, ReceiverItem* item) noexcept nogil:
    if not has(envelope, FIELD_REPLY_TO):
        return 0
    return address_item(text, &envelope.fields[FIELD_REPLY_TO], item)


cdef const char* performative_word(uint8_t performative) noexcept nogil:
    return word(performative)


cdef uint32_t performative_word_bytes(uint8_t performative) noexcept nogil:
    return word_bytes(performative)


cdef uint64_t envelope_bound(const Envelope* envelope, const HostFields* host) noexcept nogil:
    return (<uint64_t>FIXED_BYTES + envelope.carried_bytes + host.conversation_bytes + host.protocol_bytes
            + host.in_reply_to_bytes)


cdef void envelope_splice(const char* text, const Envelope* envelope, const HostFields* host,
                          Message* message) noexcept nogil:
    cdef char* body = message_body(message)
    cdef char* out = head_write(body, envelope.performative, host)
    cdef const Extent* fields = &envelope.fields[0]
    cdef const Extent* content = &fields[FIELD_CONTENT]
    cdef Piece absent
    absent.offset = 0
    absent.length = 0
    message.performative = envelope.performative
    message.protocol = absent
    message.reply_with = absent
    message.in_reply_to = absent
    if host.receiver_id == 0 and envelope.receiver_kind == RECEIVER_CAPABILITY:
        out = literal(out, b'","receiver":{"capability":"', 28)
        out = extent_write(out, text, &fields[FIELD_RECEIVER])
        out = literal(out, b'"},"conversation_id":"', 22)
    else:
        out = literal(out, b'","conversation_id":"', 21)
    if has(envelope, FIELD_CONVERSATION_ID):
        out = piece_extent(out, body, text, &fields[FIELD_CONVERSATION_ID], &message.conversation)
    else:
        out = conversation_write(out, body, host, &message.conversation)
    if has(envelope, FIELD_PROTOCOL):
        out = literal(out, b'","protocol":"', 14)
        out = piece_extent(out, body, text, &fields[FIELD_PROTOCOL], &message.protocol)
    elif host.protocol != NULL and host.protocol_bytes:
        out = literal(out, b'","protocol":"', 14)
        out = piece_copy(out, body, host.protocol, host.protocol_bytes, &message.protocol)
    if has(envelope, FIELD_REPLY_WITH):
        out = literal(out, b'","reply_with":"', 16)
        out = piece_extent(out, body, text, &fields[FIELD_REPLY_WITH], &message.reply_with)
    if has(envelope, FIELD_IN_REPLY_TO):
        out = literal(out, b'","in_reply_to":"', 17)
        out = piece_extent(out, body, text, &fields[FIELD_IN_REPLY_TO], &message.in_reply_to)
    elif host.in_reply_to != NULL and host.in_reply_to_bytes:
        out = literal(out, b'","in_reply_to":"', 17)
        out = piece_copy(out, body, host.in_reply_to, host.in_reply_to_bytes, &message.in_reply_to)
    if has(envelope, FIELD_REPLY_BY):
        out = literal(out, b'","reply_by":"', 14)
        out = timestamp_write(out, envelope.reply_by_ms)
    elif has(envelope, FIELD_REPLY_BY_S):
        out = literal(out, b'","reply_by":"', 14)
        out = timestamp_write(out, host.timestamp_ms + envelope.reply_by_after_ms)
    out = trace_write(out, host)
    if envelope.present & RARE_FIELDS:
        out = rare_write(out, text, envelope)
    if has(envelope, FIELD_PRIORITY):
        out = literal(out, b'","priority":', 13)
        out[0] = <char>(c'0' + envelope.priority)
        out = literal(out + 1, b',"content":', 11)
    else:
        out = literal(out, b'","content":', 12)
    if has(envelope, FIELD_CONTENT):
        out = piece_copy(out, body, text + content.offset, content.length, &message.content)
    else:
        out = piece_copy(out, body, b"null", 4, &message.content)
    out[0] = c'}'
    message.body_bytes = <uint32_t>(out + 1 - body)


# The strings between the trace and the priority.
cdef char* rare_write(char* out, const char* text, const Envelope* envelope) noexcept nogil:
    if has(envelope, FIELD_REPLY_TO):
        out = literal(out, b'","reply_to":"', 14)
        out = extent_write(out, text, &envelope.fields[FIELD_REPLY_TO])
    if has(envelope, FIELD_CONTENT_KIND):
        out = literal(out, b'","content_kind":"', 18)
        out = extent_write(out, text, &envelope.fields[FIELD_CONTENT_KIND])
    if has(envelope, FIELD_LANGUAGE):
        out = literal(out, b'","language":"', 14)
        out = extent_write(out, text, &envelope.fields[FIELD_LANGUAGE])
    if has(envelope, FIELD_ENCODING):
        out = literal(out, b'","encoding":"', 14)
        out = extent_write(out, text, &envelope.fields[FIELD_ENCODING])
    if has(envelope, FIELD_ONTOLOGY):
        out = literal(out, b'","ontology":"', 14)
        out = extent_write(out, text, &envelope.fields[FIELD_ONTOLOGY])
    if has(envelope, FIELD_DELIVERY):
        out = literal(out, b'","delivery":"', 14)
        if envelope.delivery == 0:
            out = literal(out, b"at_most_once", 12)
        elif envelope.delivery == 1:
            out = literal(out, b"at_least_once", 13)
        else:
            out = literal(out, b"exactly_once", 12)
    return out


cdef uint64_t envelope_error(uint8_t performative, const HostFields* host, const char* kind,
                             const char* detail, uint32_t detail_bytes, Message* message) noexcept nogil:
    cdef uint32_t kind_bytes = <uint32_t>strlen(kind)
    cdef char* body
    cdef char* out
    cdef char* content
    if detail_bytes > DETAIL_BYTES_MAX:
        detail_bytes = DETAIL_BYTES_MAX
        # Do not cut a character in two: step back over its continuation bytes, but not for ever.
        while detail_bytes > DETAIL_BYTES_MAX - 4 and (<uint8_t>detail[detail_bytes] & 0xC0) == 0x80:
            detail_bytes -= 1
    if message == NULL:
        return (<uint64_t>FIXED_BYTES + ERROR_LITERAL_BYTES + kind_bytes
                + json_encode(detail, detail_bytes, NULL) + host.conversation_bytes + host.protocol_bytes
                + host.in_reply_to_bytes)
    body = message_body(message)
    message.performative = performative
    message.protocol.length = 0
    message.protocol.offset = 0
    message.reply_with = message.protocol
    message.in_reply_to = message.protocol
    out = head_write(body, performative, host)
    out = literal(out, b'","conversation_id":"', 21)
    out = conversation_write(out, body, host, &message.conversation)
    if host.protocol != NULL and host.protocol_bytes:
        out = literal(out, b'","protocol":"', 14)
        out = piece_copy(out, body, host.protocol, host.protocol_bytes, &message.protocol)
    if host.in_reply_to != NULL and host.in_reply_to_bytes:
        out = literal(out, b'","in_reply_to":"', 17)
        out = piece_copy(out, body, host.in_reply_to, host.in_reply_to_bytes, &message.in_reply_to)
    out = trace_write(out, host)
    out = literal(out, b'","content":', 12)
    content = out
    out = literal(out, b'{"error":{"kind":"', 18)
    memcpy(out, kind, kind_bytes)
    out = literal(out + kind_bytes, b'","message":"', 13)
    out += json_encode(detail, detail_bytes, out)
    out = literal(out, b'"}}', 3)
    message.content.offset = <uint32_t>(content - body)
    message.content.length = <uint32_t>(out - content)
    out[0] = c'}'
    message.body_bytes = <uint32_t>(out + 1 - body)
    return message.body_bytes


cdef const char* envelope_status_text(int32_t status) noexcept nogil:
    if status == ENVELOPE_OK:
        return b"well formed"
    if status == ENVELOPE_NOT_JSON:
        return b"the message is not well-formed JSON"
    if status == ENVELOPE_NOT_UTF8:
        return b"the message is not valid UTF-8"
    if status == ENVELOPE_TOO_DEEP:
        return b"the message is nested deeper than 64 levels"
    if status == ENVELOPE_NOT_OBJECT:
        return b"the message is not a JSON object"
    if status == ENVELOPE_UNKNOWN_FIELD:
        return b"the message has a field that messages do not have"
    if status == ENVELOPE_DUPLICATE_FIELD:
        return b"the message gives a field twice"
    if status == ENVELOPE_WRONG_TYPE:
        return b"a field of the message has a value of the wrong type"
    if status == ENVELOPE_FIELD_TOO_LONG:
        return b"a field of the message is longer than 255 bytes"
    if status == ENVELOPE_BAD_VALUE:
        return b"a field of the message has a value that it cannot have"
    if status == ENVELOPE_UNKNOWN_PERFORMATIVE:
        return b"the performative is none of the 22 of FIPA"
    if status == ENVELOPE_MISSING_PERFORMATIVE:
        return b"the message has no performative"
    if status == ENVELOPE_TOO_MANY_RECEIVERS:
        return b"the message has more than 1000 receivers"
    return b"the message is too large"
