"""Text forms of numbers, identities and times: decimal u64, hexadecimal, UUID, RFC 3339.

Writers take a place with room for the stated bytes and return the position after what they wrote.
Readers take exactly ``length`` bytes and answer 1, or 0 when the text has another form.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from caxton._core.simd cimport decimal_write, hex32_write

cdef enum:
    U64_BYTES_MAX = 20
    UUID_BYTES = 36
    TIMESTAMP_BYTES = 24

cdef extern from * nogil:
    """
    /* Decimal digits of 0..99. */
    static const char cx_pairs[200] __attribute__((unused)) = {
    #define CX_TEN(t) t, '0', t, '1', t, '2', t, '3', t, '4', t, '5', t, '6', t, '7', t, '8', t, '9'
        CX_TEN('0'), CX_TEN('1'), CX_TEN('2'), CX_TEN('3'), CX_TEN('4'),
        CX_TEN('5'), CX_TEN('6'), CX_TEN('7'), CX_TEN('8'), CX_TEN('9')
    #undef CX_TEN
    };
    """
    const char* DIGIT_PAIRS "cx_pairs"

cdef inline void pair_write(char* out, uint32_t value) noexcept nogil:
    memcpy(out, DIGIT_PAIRS + 2 * value, 2)

# Decimal, without leading zeros, in room of U64_BYTES_MAX bytes (all of which may be written).
cdef inline char* u64_write(char* out, uint64_t value) noexcept nogil:
    return decimal_write(out, value)

# Lower case, 8-4-4-4-12: UUID_BYTES.
cdef inline char* uuid_write(char* out, uint64_t high, uint64_t low) noexcept nogil:
    cdef char digits[32]
    hex32_write(digits, high, low)
    memcpy(out, digits, 8)
    out[8] = c'-'
    memcpy(out + 9, digits + 8, 4)
    out[13] = c'-'
    memcpy(out + 14, digits + 12, 4)
    out[18] = c'-'
    memcpy(out + 19, digits + 16, 4)
    out[23] = c'-'
    memcpy(out + 24, digits + 20, 12)
    return out + 36

# 16 lower-case digits.
cdef inline char* hex16_write(char* out, uint64_t value) noexcept nogil:
    cdef char digits[32]
    hex32_write(digits, 0, value)
    memcpy(out, digits + 16, 16)
    return out + 16

# RFC 3339 in UTC with milliseconds, "2026-11-23T09:15:00.000Z": TIMESTAMP_BYTES. Unix ms; held within
# years 0000 to 9999.
cdef char* timestamp_write(char* out, int64_t unix_ms) noexcept nogil

# 1 to 20 digits, any leading zeros, at most 2**64 - 1.
cdef bint u64_read(const char* text, uint32_t length, uint64_t* value) noexcept nogil

# 1 to 16 digits of either case.
cdef bint hex_read(const char* text, uint32_t length, uint64_t* value) noexcept nogil

# 8-4-4-4-12 digits of either case.
cdef bint uuid_read(const char* text, uint32_t length, uint64_t* high, uint64_t* low) noexcept nogil

# RFC 3339 with "Z" or an offset and at most 9 digits of a second; finer than a millisecond is cut off.
# A leap second (23:59:60 UTC) is the first second of the next day. Results stay in years 0000 to 9999.
cdef bint timestamp_read(const char* text, uint32_t length, int64_t* unix_ms) noexcept nogil

# A JSON number of seconds (well-formed) in ms, rounded up: above zero, at most a century.
cdef bint seconds_read(const char* text, uint32_t length, int64_t* ms) noexcept nogil
