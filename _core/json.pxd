"""A strict reader of JSON text (RFC 8259): finds extents, builds nothing.

Strings must be well-formed UTF-8 with paired surrogate escapes, numbers must fit a double, and
nesting is bounded. Functions take and return positions; NULL means refused, and ``Scan`` says why
and where. Nothing is read outside ``begin`` .. ``end``.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from caxton._core.simd cimport first_bit, stops16

cdef enum JSONStatus:
    JSON_OK = 0
    JSON_SYNTAX = 1         # the numbers are EnvelopeStatus's
    JSON_NOT_UTF8 = 2
    JSON_TOO_DEEP = 3

cdef enum StringFlag:
    STRING_ESCAPED = 1      # holds a backslash
    STRING_CONTROL = 2      # stands for text with a control character or DEL, raw or escaped

cdef struct Scan:
    const char* begin       # borrowed; the whole text
    const char* end         # borrowed; one past the text
    const char* fault       # borrowed; where it was refused; within begin .. end
    int32_t status

cdef inline const char* scan_refuse(Scan* scan, int32_t status, const char* at) noexcept nogil:
    scan.status = status
    scan.fault = at
    return NULL

# First position from ``at`` that is no white space; may be the end.
cdef inline const char* json_space(const Scan* scan, const char* at) noexcept nogil:
    cdef uint8_t c
    while at < scan.end:
        c = <uint8_t>at[0]
        if c > 32 or not (c == 32 or c == 10 or c == 13 or c == 9):
            break
        at += 1
    return at

# First position from ``at`` that is not plain ASCII text of a string; may be the end.
cdef inline const char* json_plain(const Scan* scan, const char* at) noexcept nogil:
    cdef uint32_t mask
    cdef const char* end = scan.end
    while end - at >= 16:
        mask = stops16(at)
        if mask:
            return at + first_bit(mask)
        at += 16
    if at < end:
        if end - scan.begin >= 16:
            # The last 16 bytes of the text, less those before ``at``: nothing past the end is read.
            mask = stops16(end - 16) >> (16 - <uint32_t>(end - at))
            return at + first_bit(mask) if mask else end
        while at < end and 32 <= at[0] < 127 and at[0] != c'"' and at[0] != c'\\':
            at += 1
    return at

# The rest of a string from the first position that is not plain; see json_string.
cdef const char* json_string_rest(Scan* scan, const char* at, uint32_t* flags) noexcept nogil

# ``at`` is the first position after the opening quote. Returns the position of the closing quote.
cdef inline const char* json_string(Scan* scan, const char* at, uint32_t* flags) noexcept nogil:
    at = json_plain(scan, at)
    flags[0] = 0
    if at < scan.end and at[0] == c'"':
        return at
    return json_string_rest(scan, at, flags)

# ``at`` is a digit or a minus. Returns the position after the number. Refuses what is infinite as a double.
cdef const char* json_number(Scan* scan, const char* at) noexcept nogil

# Skip one value of any kind (``at`` may be white space before it), inside ``depth`` open containers.
# Returns the position after it.
cdef const char* json_value(Scan* scan, const char* at, uint32_t depth) noexcept nogil

# Decode a string interior that json_string has accepted into ``out``. Returns the byte count, or
# UINT32_MAX when it is more than ``capacity``.
cdef uint32_t json_decode(const char* text, uint32_t length, char* out, uint32_t capacity) noexcept nogil

# Byte count of that decoded text.
cdef uint32_t json_decoded_bytes(const char* text, uint32_t length) noexcept nogil

# Write a string interior that json_string has accepted with canonical escapes: only the quote, the
# backslash and control characters are escaped. Never writes more than ``length`` bytes. Returns the end.
cdef char* json_recode(const char* text, uint32_t length, char* out) noexcept nogil

# Write any bytes as a canonical string interior; broken UTF-8 becomes U+FFFD. At most 6 bytes out for
# each byte in. ``out`` NULL: only count. Returns the byte count.
cdef uint64_t json_encode(const char* text, uint64_t length, char* out) noexcept nogil
