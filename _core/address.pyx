"""How a message names an agent; see the declarations for the forms."""

from libc.stdint cimport UINT32_MAX, int32_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy
from caxton._core.bounds cimport FIELD_BYTES_MAX, NAME_BYTES_MAX, RECEIVERS_MAX
from caxton._core.envelope cimport (
    ENVELOPE_NOT_JSON, ENVELOPE_TOO_MANY_RECEIVERS, ENVELOPE_UNKNOWN_FIELD, ENVELOPE_WRONG_TYPE,
    FIELD_RECEIVER, FIELD_REPLY_TO, FIELD_SENDER, RECEIVER_CAPABILITY, RECEIVER_ID, RECEIVER_LIST,
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


cdef int32_t address_find(const char* text, uint32_t length, ReceiverItem* item) noexcept nogil:
    cdef uint8_t every = 3
    cdef uint32_t i
    if length == 0:
        return ENVELOPE_BAD_VALUE
    if length > NAME_BYTES_MAX:
        return ENVELOPE_FIELD_TOO_LONG
    for i in range(length):
        every &= NAME_CLASS[<uint8_t>text[i]]
    if every == 0:
        return ENVELOPE_BAD_VALUE
    item.name_bytes = 0
    if every & 2:
        item.kind = RECEIVER_ID
        # Zero is the host's; a leading zero would give one agent two spellings.
        if text[0] == c'0' or not u64_read(text, length, &item.id):
            return ENVELOPE_BAD_VALUE
        return ENVELOPE_OK
    item.kind = RECEIVER_NAME
    item.id = 0
    item.name_bytes = <uint16_t>length
    memcpy(item.name, text, length)
    return ENVELOPE_OK


cdef int32_t address_decode(const char* text, uint32_t length, bint escaped, ReceiverItem* item) noexcept nogil:
    cdef char decoded[NAME_BYTES_MAX]
    cdef uint32_t count
    if not escaped:
        return address_find(text, length, item)
    count = json_decode(text, length, decoded, NAME_BYTES_MAX)
    if count == UINT32_MAX:
        return ENVELOPE_FIELD_TOO_LONG
    return address_find(decoded, count, item)


cdef const char* address_value(Scan* scan, const char* at, ReceiverItem* item) noexcept nogil:
    cdef const char* start = at
    cdef uint32_t flags
    cdef int32_t status
    if at[0] == c'"':
        at = json_string(scan, at + 1, &flags)
        if at == NULL:
            return NULL
        status = address_decode(start + 1, <uint32_t>(at - start - 1), flags & STRING_ESCAPED, item)
        at += 1
    elif at[0] == c'-' or c'0' <= at[0] <= c'9':
        at = json_number(scan, at)
        if at == NULL:
            return NULL
        status = address_find(start, <uint32_t>(at - start), item)
        # "-1" and "1.5" would pass as names.
        if status == ENVELOPE_OK and item.kind != RECEIVER_ID:
            status = ENVELOPE_BAD_VALUE
    else:
        status = ENVELOPE_WRONG_TYPE
    if status != ENVELOPE_OK:
        return scan_refuse(scan, status, start)
    return at


# ``at`` is the bracket that opens a list of agents. Returns the position after the list.
cdef const char* list_value(Scan* scan, Envelope* out, const char* at) noexcept nogil:
    cdef const char* start = at
    cdef ReceiverItem item
    at = json_space(scan, at + 1)
    if at < scan.end and at[0] == c']':
        return scan_refuse(scan, ENVELOPE_BAD_VALUE, start)
    while True:
        at = json_space(scan, at)
        if at == scan.end:
            return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
        if out.receiver_count == RECEIVERS_MAX:
            return scan_refuse(scan, ENVELOPE_TOO_MANY_RECEIVERS, at)
        at = address_value(scan, at, &item)
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
    cdef uint32_t flags
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
    out.receiver_kind = RECEIVER_CAPABILITY
    at = json_space(scan, at + 1)
    if at < scan.end and at[0] == c',':
        return scan_refuse(scan, ENVELOPE_UNKNOWN_FIELD, at)
    if at == scan.end or at[0] != c'}':
        return scan_refuse(scan, ENVELOPE_NOT_JSON, at)
    return at + 1


# Read the value of sender, receiver or reply_to. Returns the position after it.
cdef const char* agent_value(Scan* scan, Envelope* out, int32_t field, const char* at) noexcept nogil:
    cdef const char* start = at
    cdef ReceiverItem item
    if field == FIELD_RECEIVER:
        if at[0] == c'[':
            return list_value(scan, out, at)
        if at[0] == c'{':
            return capability_value(scan, out, at)
    at = address_value(scan, at, &item)
    if at == NULL:
        return NULL
    if field == FIELD_RECEIVER:
        out.receiver_kind = item.kind
        out.receiver_id = item.id
        out.receiver_count = 1
    elif field == FIELD_REPLY_TO:
        out.carried_bytes += REPLY_TO_LITERAL_BYTES + <uint32_t>(at - start)
    if start[0] == c'"':
        # A name has no byte that must be escaped, so an escape here was not needed; it stays marked.
        extent_keep(scan, out, field, start + 1, at - 1,
                    STRING_ESCAPED if memchr(start, c'\\', at - start) != NULL else 0)
    else:
        extent_keep(scan, out, field, start, at, 0)
    return at


# Decode a kept name, id or capability again; it was accepted when the text was parsed.
cdef int32_t address_item(const char* text, const Extent* extent, ReceiverItem* item) noexcept nogil:
    cdef int32_t status = address_decode(text + extent.offset, extent.length, extent.escaped, item)
    return 1 if status == ENVELOPE_OK else -status


cdef int32_t receiver_next(const char* text, const Envelope* envelope, uint32_t* cursor,
                           ReceiverItem* item) noexcept nogil:
    cdef const Extent* extent = &envelope.fields[FIELD_RECEIVER]
    cdef Scan scan
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
    at = address_value(&scan, json_space(&scan, scan.begin + cursor[0] + 1), item)
    if at == NULL:
        return -scan.status
    cursor[0] = <uint32_t>(json_space(&scan, at) - scan.begin)
    return 1
