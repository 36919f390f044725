"""How a message names an agent; see the declarations for the forms."""

from libc.stdint cimport UINT32_MAX, int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memmove
from caxton._core.bounds cimport FIELD_BYTES_MAX, NAME_BYTES_MAX, RECEIVERS_MAX
from caxton._core.envelope cimport (
    ENVELOPE_NOT_JSON, ENVELOPE_TOO_MANY_RECEIVERS, ENVELOPE_UNKNOWN_FIELD, ENVELOPE_WRONG_TYPE,
    FIELD_RECEIVER, FIELD_REPLY_TO, RECEIVER_CAPABILITY, RECEIVER_ID, RECEIVER_LIST,
    RECEIVER_NAME, RECEIVER_NONE,
)
from caxton._core.json cimport json_decode, json_number, json_space, json_string, scan_refuse
from caxton._core.text cimport u64_read

cdef enum:
    # The longest literal before the text of reply_to: ","reply_to":" .
    REPLY_TO_LITERAL_BYTES = 14

cdef extern from * nogil:
    """
    /* 1: may stand in a name; 2: a digit, which may too. */
    static const uint8_t cx_name_bytes[256] = {
        ['.'] = 1, ['_'] = 1, [':'] = 1, ['-'] = 1,
        ['0' ... '9'] = 3, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    };
    """
    const uint8_t* NAME_CLASS "cx_name_bytes"


cdef int32_t address_find(const char* text, uint32_t length, uint64_t* id) noexcept nogil:
    cdef uint8_t every = 3
    cdef uint32_t i
    id[0] = 0
    # A leading zero would give one agent two spellings.
    if length and c'1' <= text[0] <= c'9' and u64_read(text, length, id):
        return RECEIVER_ID
    if length > NAME_BYTES_MAX:
        return -ENVELOPE_FIELD_TOO_LONG
    for i in range(length):
        every &= NAME_CLASS[<uint8_t>text[i]]
    # All digits, but no id: no name either. Also true of no text at all.
    return RECEIVER_NAME if every == 1 else -ENVELOPE_BAD_VALUE


cdef int32_t address_decode(const char* text, uint32_t length, uint32_t flags, uint64_t* id) noexcept nogil:
    cdef char decoded[NAME_BYTES_MAX]
    if flags & STRING_ESCAPED:
        length = json_decode(text, length, decoded, NAME_BYTES_MAX)
        if length == UINT32_MAX:
            return -ENVELOPE_FIELD_TOO_LONG
        text = decoded
    return address_find(text, length, id)


cdef const char* address_value(Scan* scan, const char* at, Address* out) noexcept nogil:
    cdef const char* start = at
    out.flags = 0
    if at[0] == c'"':
        out.text = at + 1
        at = json_string(scan, at + 1, &out.flags)
        if at == NULL:
            return NULL
        out.length = <uint32_t>(at - out.text)
        out.kind = address_decode(out.text, out.length, out.flags, &out.id)
        at += 1
    elif at[0] == c'-' or c'0' <= at[0] <= c'9':
        out.text = at
        at = json_number(scan, at)
        if at == NULL:
            return NULL
        out.length = <uint32_t>(at - out.text)
        out.kind = address_find(out.text, out.length, &out.id)
        # "-1" and "1.5" would pass as names.
        if out.kind == RECEIVER_NAME:
            out.kind = -ENVELOPE_BAD_VALUE
    else:
        out.kind = -ENVELOPE_WRONG_TYPE
    if out.kind < 0:
        return scan_refuse(scan, -out.kind, start)
    return at


# ``at`` is the bracket that opens a list of agents. Returns the position after the list.
cdef const char* list_value(Scan* scan, Envelope* out, const char* at) noexcept nogil:
    cdef const char* start = at
    cdef Address address
    at = json_space(scan, at + 1)
    if at < scan.end and at[0] == c']':
        return scan_refuse(scan, ENVELOPE_BAD_VALUE, start)
    while True:
        at = json_space(scan, at)
        if at == scan.end:
            return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
        if out.receiver_count == RECEIVERS_MAX:
            return scan_refuse(scan, ENVELOPE_TOO_MANY_RECEIVERS, at)
        at = address_value(scan, at, &address)
        if at == NULL:
            return NULL
        out.receiver_count += 1
        at = json_space(scan, at)
        if at == scan.end or (at[0] != c',' and at[0] != c']'):
            return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
        at += 1
        if (at - 1)[0] == c']':
            break
    out.receiver_kind = RECEIVER_LIST
    extent_keep(scan, out, FIELD_RECEIVER, start, at, 0)
    return at


# ``at`` is the brace that opens {"capability": name}. Returns the position after the object.
cdef const char* capability_value(Scan* scan, Envelope* out, const char* at) noexcept nogil:
    cdef const char* name
    cdef char decoded[10]
    cdef uint32_t flags = 0
    cdef int32_t status
    name = json_space(scan, at + 1)
    if name < scan.end and name[0] == c'}':
        return scan_refuse(scan, ENVELOPE_BAD_VALUE, at)
    if name == scan.end or name[0] != c'"':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, name)
    at = json_string(scan, name + 1, &flags)
    if at == NULL:
        return NULL
    if (json_decode(name + 1, <uint32_t>(at - name - 1), decoded, 10) != 10
            or memcmp(decoded, b"capability", 10) != 0):
        return scan_refuse(scan, ENVELOPE_UNKNOWN_FIELD, name)
    at = json_space(scan, at + 1)
    if at == scan.end or at[0] != c':':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    at = json_space(scan, at + 1)
    if at == scan.end:
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    if at[0] != c'"':
        return scan_refuse(scan, ENVELOPE_WRONG_TYPE, at)
    name = at + 1
    at = json_string(scan, name, &flags)
    if at == NULL:
        return NULL
    status = identifier_check(name, <uint32_t>(at - name), flags)
    if status != ENVELOPE_OK:
        return scan_refuse(scan, status, name - 1)
    extent_keep(scan, out, FIELD_RECEIVER, name, at, flags)
    # Its literals take no more than those of an id and 20 digits, which the bound has anyway.
    out.carried_bytes += <uint32_t>(at - name)
    out.receiver_kind = RECEIVER_CAPABILITY
    at = json_space(scan, at + 1)
    if at < scan.end and at[0] == c',':
        return scan_refuse(scan, ENVELOPE_UNKNOWN_FIELD, at)
    if at == scan.end or at[0] != c'}':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    return at + 1


cdef const char* agent_value(Scan* scan, Envelope* out, int32_t field, const char* at) noexcept nogil:
    cdef Address address
    if field == FIELD_RECEIVER:
        if at[0] == c'[':
            return list_value(scan, out, at)
        if at[0] == c'{':
            return capability_value(scan, out, at)
    at = address_value(scan, at, &address)
    if at == NULL:
        return NULL
    if field == FIELD_RECEIVER:
        out.receiver_kind = <uint8_t>address.kind
        out.receiver_id = address.id
        out.receiver_count = 1
    elif field == FIELD_REPLY_TO:
        out.carried_bytes += REPLY_TO_LITERAL_BYTES + address.length
    extent_keep(scan, out, field, address.text, address.text + address.length, address.flags)
    return at


# Decode what address_value accepted before; returns as envelope_receiver does.
cdef int32_t item_fill(const char* text, uint32_t length, uint32_t flags, ReceiverItem* item) noexcept nogil:
    cdef int32_t kind
    if flags & STRING_ESCAPED:
        length = json_decode(text, length, item.name, NAME_BYTES_MAX)
        if length == UINT32_MAX:
            return -ENVELOPE_FIELD_TOO_LONG
        text = item.name
    kind = address_find(text, length, &item.id)
    if kind < 0:
        return kind
    item.kind = <uint8_t>kind
    item.name_bytes = 0
    if kind == RECEIVER_NAME:
        item.name_bytes = <uint16_t>length
        memmove(item.name, text, length)
    return 1


cdef int32_t address_item(const char* text, const Extent* extent, ReceiverItem* item) noexcept nogil:
    return item_fill(text + extent.offset, extent.length, extent.escaped, item)


cdef int32_t receiver_next(const char* text, const Envelope* envelope, uint32_t* cursor,
                           ReceiverItem* item) noexcept nogil:
    cdef const Extent* extent = &envelope.fields[FIELD_RECEIVER]
    cdef Scan scan
    cdef Address address
    cdef const char* at
    cdef uint32_t length
    if envelope.receiver_kind == RECEIVER_NONE:
        return 0
    if envelope.receiver_kind != RECEIVER_LIST:
        if cursor[0] != 0:
            return 0
        cursor[0] = 1
        if envelope.receiver_kind != RECEIVER_CAPABILITY:
            return address_item(text, extent, item)
        length = json_decode(text + extent.offset, extent.length, item.name, FIELD_BYTES_MAX)
        if length == UINT32_MAX:
            return -ENVELOPE_FIELD_TOO_LONG
        item.kind = RECEIVER_CAPABILITY
        item.id = 0
        item.name_bytes = <uint16_t>length
        return 1
    # The cursor is the offset in the list of the bracket or comma before the next element.
    scan.begin = text + extent.offset
    scan.end = scan.begin + extent.length
    scan.status = ENVELOPE_OK
    if cursor[0] >= extent.length - 1:
        return 0
    at = address_value(&scan, json_space(&scan, scan.begin + cursor[0] + 1), &address)
    if at == NULL:
        return -scan.status
    cursor[0] = <uint32_t>(json_space(&scan, at) - scan.begin)
    return item_fill(address.text, address.length, address.flags, item)
