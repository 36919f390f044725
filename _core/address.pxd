"""How a message names agents: by id, by name, as a list of these, or by a capability."""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from caxton._core.bounds cimport FIELD_BYTES_MAX
from caxton._core.envelope cimport (
    ENVELOPE_BAD_VALUE, ENVELOPE_FIELD_TOO_LONG, ENVELOPE_OK, Envelope, Extent, ReceiverItem,
)
from caxton._core.json cimport STRING_CONTROL, STRING_ESCAPED, Scan, json_decoded_bytes

# One agent in the text. ``kind`` is RECEIVER_ID, RECEIVER_NAME, or a negative EnvelopeStatus.
cdef struct Address:
    int32_t kind
    uint32_t flags          # of the string it stands in; 0 for a number
    uint64_t id
    const char* text        # borrowed; not decoded
    uint32_t length

# The kind of decoded text: an id (all digits, no leading zero) or a name (A-Z a-z 0-9 . _ : -).
cdef int32_t address_find(const char* text, uint32_t length, uint64_t* id) noexcept nogil

# Read one JSON value, a string or an integer, that must name an agent. Returns the position after it;
# NULL when it is refused, with an EnvelopeStatus in ``scan``.
cdef const char* address_value(Scan* scan, const char* at, Address* out) noexcept nogil

# Read the value of sender, receiver or reply_to into ``out``; ``at`` is its first byte. Returns the
# position after it, or NULL.
cdef const char* agent_value(Scan* scan, Envelope* out, int32_t field, const char* at) noexcept nogil

# Decode a kept agent again: 1 and ``item`` filled, or a negative EnvelopeStatus.
cdef int32_t address_item(const char* text, const Extent* extent, ReceiverItem* item) noexcept nogil

# See envelope_receiver.
cdef int32_t receiver_next(const char* text, const Envelope* envelope, uint32_t* cursor,
                           ReceiverItem* item) noexcept nogil

# Keep where a value lies; ``flags`` of its string, 0 for other values.
cdef inline void extent_keep(Scan* scan, Envelope* out, int32_t field, const char* at, const char* end,
                             uint32_t flags) noexcept nogil:
    cdef Extent* extent = &out.fields[field]
    extent.offset = <uint32_t>(at - scan.begin)
    extent.length = <uint32_t>(end - at)
    extent.escaped = flags & STRING_ESCAPED
    out.present |= <uint32_t>1 << field

# Status of the text of an identifier.
cdef inline int32_t identifier_check(const char* text, uint32_t length, uint32_t flags) noexcept nogil:
    if length == 0 or flags & STRING_CONTROL:
        return ENVELOPE_BAD_VALUE
    if flags & STRING_ESCAPED:
        length = json_decoded_bytes(text, length)
    return ENVELOPE_OK if length <= FIELD_BYTES_MAX else ENVELOPE_FIELD_TOO_LONG
