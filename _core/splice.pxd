"""Pieces of a delivered message: the writers that envelope.pyx puts together.

Each takes the place to write to and returns the place after. A literal begins with the quote that
closes the string before it, so that one copy of fixed size joins two fields.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from caxton._core.envelope cimport Envelope, Extent, HostFields
from caxton._core.json cimport json_recode
from caxton._core.message cimport Piece
from caxton._core.performative cimport word, word_bytes
from caxton._core.simd cimport copy_bytes, hex32_write
from caxton._core.text cimport hex16_write, timestamp_write, u64_write, uuid_write

# Copy a literal whose length the compiler knows.
cdef inline char* literal(char* out, const char* text, uint32_t length) noexcept nogil:
    memcpy(out, text, length)
    return out + length

# The interior of a kept string, with canonical escapes.
cdef inline char* extent_write(char* out, const char* text, const Extent* extent) noexcept nogil:
    if extent.escaped:
        return json_recode(text + extent.offset, extent.length, out)
    copy_bytes(out, text + extent.offset, extent.length)
    return out + extent.length

cdef inline char* piece_copy(char* out, const char* body, const char* text, uint32_t length,
                             Piece* piece) noexcept nogil:
    piece.offset = <uint32_t>(out - body)
    piece.length = length
    copy_bytes(out, text, length)
    return out + length

cdef inline char* piece_extent(char* out, const char* body, const char* text, const Extent* extent,
                               Piece* piece) noexcept nogil:
    piece.offset = <uint32_t>(out - body)
    out = extent_write(out, text, extent)
    piece.length = <uint32_t>(out - body) - piece.offset
    return out

# From the opening brace to the receiver. The performative's row is copied whole: what follows is longer.
cdef inline char* head_write(char* out, uint8_t performative, const HostFields* host) noexcept nogil:
    out = literal(out, b'{"id":"', 7)
    out = uuid_write(out, host.id_high, host.id_low)
    out = literal(out, b'","performative":"', 18)
    memcpy(out, word(performative), 16)
    out += word_bytes(performative)
    if host.sender_id:
        out = literal(out, b'","sender":"', 12)
        out = u64_write(out, host.sender_id)
    if host.receiver_id:
        out = literal(out, b'","receiver":"', 14)
        out = u64_write(out, host.receiver_id)
    return out

# The host's conversation; without one the message opens its own, named by its id.
cdef inline char* conversation_write(char* out, const char* body, const HostFields* host,
                                     Piece* piece) noexcept nogil:
    if host.conversation != NULL and host.conversation_bytes:
        return piece_copy(out, body, host.conversation, host.conversation_bytes, piece)
    piece.offset = <uint32_t>(out - body)
    piece.length = 36
    return uuid_write(out, host.id_high, host.id_low)

cdef inline char* trace_write(char* out, const HostFields* host) noexcept nogil:
    out = literal(out, b'","timestamp":"', 15)
    out = timestamp_write(out, host.timestamp_ms)
    if host.trace_high | host.trace_low:
        out = literal(out, b'","trace_id":"', 14)
        hex32_write(out, host.trace_high, host.trace_low)
        out += 32
    if host.span_id:
        out = literal(out, b'","span_id":"', 13)
        out = hex16_write(out, host.span_id)
    return out
