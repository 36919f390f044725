"""A strict reader of JSON text; see the declarations for what it promises."""

from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from caxton._core.bounds cimport JSON_DEPTH_MAX

cdef enum:
    # A number of fewer bytes and without an exponent is below 1e300: finite without a closer look.
    FINITE_BYTES = 300
    # Decimal exponent of the leading digit of the largest double, and its digits before the point.
    DOUBLE_EXPONENT_MAX = 308
    INFINITE_DIGIT_COUNT = 309

cdef extern from * nogil:
    """
    /* 2**1024 - 2**970, halfway between the largest double and the next power of two: the smallest
       magnitude that rounds to infinity. */
    static const char cx_infinite[] __attribute__((unused)) =
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587"
        "207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711"
        "531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093"
        "042880177904174497792";
    static const char cx_hex_digits[] __attribute__((unused)) = "0123456789abcdef";
    #define CX_EXPONENT_BOUND 10000000000
    """
    int64_t EXPONENT_BOUND "CX_EXPONENT_BOUND"
    const char* INFINITE_DIGITS "cx_infinite"
    const char* HEX_DIGITS "cx_hex_digits"


cdef inline bint is_digit(char c) noexcept nogil:
    return c'0' <= c <= c'9'


# Bytes of the well-formed UTF-8 sequence at ``at`` (Unicode table 3-7), 0 when there is none.
cdef inline uint32_t utf8_bytes(const char* at, const char* end) noexcept nogil:
    cdef uint8_t lead = <uint8_t>at[0]
    cdef uint8_t second
    cdef uint8_t low = 0x80
    cdef uint8_t high = 0xBF
    cdef uint32_t length
    if lead < 0x80:
        return 1
    if lead < 0xC2 or lead > 0xF4:
        return 0
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if end - at < length:
        return 0
    if lead == 0xE0:
        low = 0xA0
    elif lead == 0xED:
        high = 0x9F
    elif lead == 0xF0:
        low = 0x90
    elif lead == 0xF4:
        high = 0x8F
    second = <uint8_t>at[1]
    if second < low or second > high:
        return 0
    if length > 2 and (<uint8_t>at[2] & 0xC0) != 0x80:
        return 0
    if length > 3 and (<uint8_t>at[3] & 0xC0) != 0x80:
        return 0
    return length


# Value of four hexadecimal digits, -1 when they are none.
cdef inline int hex4_read(const char* at) noexcept nogil:
    cdef int value = 0
    cdef int i
    cdef char c
    for i in range(4):
        c = at[i]
        value <<= 4
        if c'0' <= c <= c'9':
            value |= c - c'0'
        elif c'a' <= (c | 32) <= c'f':
            value |= (c | 32) - c'a' + 10
        else:
            return -1
    return value


# Check the escape whose backslash is at ``at``; returns the position after it.
cdef const char* escape_check(Scan* scan, const char* at, uint32_t* flags) noexcept nogil:
    cdef int unit
    cdef char c
    if scan.end - at < 2:
        return scan_refuse(scan, JSON_SYNTAX, scan.end)
    c = at[1]
    if c == c'"' or c == c'\\' or c == c'/':
        return at + 2
    if c == c'n' or c == c't' or c == c'r' or c == c'b' or c == c'f':
        flags[0] |= STRING_CONTROL
        return at + 2
    if c != c'u' or scan.end - at < 6:
        return scan_refuse(scan, JSON_SYNTAX, at)
    unit = hex4_read(at + 2)
    if unit < 0 or 0xDC00 <= unit <= 0xDFFF:
        return scan_refuse(scan, JSON_SYNTAX, at)
    if 0xD800 <= unit <= 0xDBFF:
        if scan.end - at < 12 or at[6] != c'\\' or at[7] != c'u':
            return scan_refuse(scan, JSON_SYNTAX, at)
        unit = hex4_read(at + 8)
        if unit < 0xDC00 or unit > 0xDFFF:
            return scan_refuse(scan, JSON_SYNTAX, at)
        return at + 12
    if unit < 32 or unit == 127:
        flags[0] |= STRING_CONTROL
    return at + 6


cdef const char* json_string_rest(Scan* scan, const char* at, uint32_t* flags) noexcept nogil:
    cdef uint32_t sequence
    cdef uint8_t c
    while at < scan.end:
        c = <uint8_t>at[0]
        if c == c'"':
            return at
        if c == c'\\':
            flags[0] |= STRING_ESCAPED
            at = escape_check(scan, at, flags)
            if at == NULL:
                return NULL
        elif c < 32:
            return scan_refuse(scan, JSON_SYNTAX, at)
        elif c == 127:
            flags[0] |= STRING_CONTROL
            at += 1
        else:
            # Text above ASCII comes in runs: stay here until it ends.
            while c >= 128:
                sequence = utf8_bytes(at, scan.end)
                if sequence == 0:
                    return scan_refuse(scan, JSON_NOT_UTF8, at)
                at += sequence
                if at == scan.end:
                    break
                c = <uint8_t>at[0]
        at = json_plain(scan, at)
    return scan_refuse(scan, JSON_SYNTAX, scan.end)


# Whether the well-formed number between the two positions rounds to an infinite double. Exact: the
# digits are compared with those of the smallest magnitude that does.
cdef bint is_infinite(const char* at, const char* end) noexcept nogil:
    cdef const char* first = NULL       # first digit that is not 0
    cdef int64_t digits = 0             # read so far
    cdef int64_t before_first = 0
    cdef int64_t before_point = -1
    cdef int64_t exponent = 0
    cdef int64_t leading                # decimal exponent of the first digit that is not 0
    cdef bint negative = False
    cdef int i = 0
    if at[0] == c'-':
        at += 1
    while at < end and (at[0] | 32) != c'e':
        if at[0] == c'.':
            before_point = digits
        else:
            if first == NULL and at[0] != c'0':
                first = at
                before_first = digits
            digits += 1
        at += 1
    if first == NULL:
        return False
    if before_point < 0:
        before_point = digits
    if at < end:
        at += 1
        if at[0] == c'-' or at[0] == c'+':
            negative = at[0] == c'-'
            at += 1
        while at < end:
            # Past this bound more digits change nothing: no text is long enough to make up for it.
            if exponent < EXPONENT_BOUND:
                exponent = exponent * 10 + (at[0] - c'0')
            at += 1
    leading = before_point - 1 - before_first + (-exponent if negative else exponent)
    if leading != DOUBLE_EXPONENT_MAX:
        return leading > DOUBLE_EXPONENT_MAX
    at = first
    while i < INFINITE_DIGIT_COUNT:
        if at == end or (at[0] | 32) == c'e':
            return False
        if at[0] != c'.':
            if at[0] != INFINITE_DIGITS[i]:
                return at[0] > INFINITE_DIGITS[i]
            i += 1
        at += 1
    return True


cdef const char* json_number(Scan* scan, const char* at) noexcept nogil:
    cdef const char* start = at
    cdef const char* end = scan.end
    cdef bint exponent = False
    if at < end and at[0] == c'-':
        at += 1
    if at == end or not is_digit(at[0]):
        return scan_refuse(scan, JSON_SYNTAX, at)
    if at[0] == c'0':
        at += 1
        if at < end and is_digit(at[0]):
            return scan_refuse(scan, JSON_SYNTAX, at)
    else:
        while at < end and is_digit(at[0]):
            at += 1
    if at < end and at[0] == c'.':
        at += 1
        if at == end or not is_digit(at[0]):
            return scan_refuse(scan, JSON_SYNTAX, at)
        while at < end and is_digit(at[0]):
            at += 1
    if at < end and (at[0] == c'e' or at[0] == c'E'):
        exponent = True
        at += 1
        if at < end and (at[0] == c'-' or at[0] == c'+'):
            at += 1
        if at == end or not is_digit(at[0]):
            return scan_refuse(scan, JSON_SYNTAX, at)
        while at < end and is_digit(at[0]):
            at += 1
    if (exponent or at - start > FINITE_BYTES) and is_infinite(start, at):
        return scan_refuse(scan, JSON_SYNTAX, start)
    return at


# A number, true, false or null.
cdef inline const char* json_scalar(Scan* scan, const char* at) noexcept nogil:
    cdef int64_t left = scan.end - at
    if at[0] == c'-' or is_digit(at[0]):
        return json_number(scan, at)
    if left >= 4 and (memcmp(at, b"true", 4) == 0 or memcmp(at, b"null", 4) == 0):
        return at + 4
    if left >= 5 and memcmp(at, b"false", 5) == 0:
        return at + 5
    return scan_refuse(scan, JSON_SYNTAX, at)


# White space, a member's name, its colon. Returns the position after the colon.
cdef inline const char* member_name(Scan* scan, const char* at) noexcept nogil:
    cdef uint32_t flags = 0
    at = json_space(scan, at)
    if at == scan.end or at[0] != c'"':
        return scan_refuse(scan, JSON_SYNTAX, at)
    at = json_string(scan, at + 1, &flags)
    if at == NULL:
        return NULL
    at = json_space(scan, at + 1)
    if at == scan.end or at[0] != c':':
        return scan_refuse(scan, JSON_SYNTAX, at)
    return at + 1


cdef const char* json_value(Scan* scan, const char* at, uint32_t depth) noexcept nogil:
    cdef uint64_t objects = 0           # one bit for each open container, innermost lowest: 1 = object
    cdef uint32_t open_count = 0
    cdef uint32_t flags = 0
    cdef char c
    while True:
        at = json_space(scan, at)
        if at == scan.end:
            return scan_refuse(scan, JSON_SYNTAX, at)
        c = at[0]
        if c == c'"':
            at = json_string(scan, at + 1, &flags)
            if at == NULL:
                return NULL
            at += 1
        elif c == c'{' or c == c'[':
            if depth + open_count >= JSON_DEPTH_MAX:
                return scan_refuse(scan, JSON_TOO_DEEP, at)
            open_count += 1
            objects = objects << 1 | (c == c'{')
            at = json_space(scan, at + 1)
            # '}' and ']' stand two after their opening brackets.
            if at == scan.end or at[0] != c + 2:
                if objects & 1:
                    at = member_name(scan, at)
                    if at == NULL:
                        return NULL
                continue
            at += 1
            open_count -= 1
            objects >>= 1
        else:
            at = json_scalar(scan, at)
            if at == NULL:
                return NULL
        # A value ends here: close what it closes, or go on to the next one.
        while True:
            if open_count == 0:
                return at
            at = json_space(scan, at)
            if at == scan.end:
                return scan_refuse(scan, JSON_SYNTAX, at)
            if at[0] == c',':
                at += 1
                if objects & 1:
                    at = member_name(scan, at)
                    if at == NULL:
                        return NULL
                break
            if at[0] != (c'}' if objects & 1 else c']'):
                return scan_refuse(scan, JSON_SYNTAX, at)
            at += 1
            open_count -= 1
            objects >>= 1


# Decode the escape at ``at`` into 1 to 4 bytes; moves ``at`` past it and returns the byte count.
cdef uint32_t escape_decode(const char** at, char* out) noexcept nogil:
    cdef char c = at[0][1]
    cdef uint32_t unit
    if c != c'u':
        at[0] += 2
        if c == c'n':
            c = 10
        elif c == c't':
            c = 9
        elif c == c'r':
            c = 13
        elif c == c'b':
            c = 8
        elif c == c'f':
            c = 12
        out[0] = c
        return 1
    unit = <uint32_t>hex4_read(at[0] + 2)
    at[0] += 6
    if 0xD800 <= unit <= 0xDBFF:
        unit = 0x10000 + ((unit - 0xD800) << 10) + (<uint32_t>hex4_read(at[0] + 2) - 0xDC00)
        at[0] += 6
        out[0] = <char>(0xF0 | unit >> 18)
        out[1] = <char>(0x80 | (unit >> 12 & 0x3F))
        out[2] = <char>(0x80 | (unit >> 6 & 0x3F))
        out[3] = <char>(0x80 | (unit & 0x3F))
        return 4
    if unit < 0x80:
        out[0] = <char>unit
        return 1
    if unit < 0x800:
        out[0] = <char>(0xC0 | unit >> 6)
        out[1] = <char>(0x80 | (unit & 0x3F))
        return 2
    out[0] = <char>(0xE0 | unit >> 12)
    out[1] = <char>(0x80 | (unit >> 6 & 0x3F))
    out[2] = <char>(0x80 | (unit & 0x3F))
    return 3


cdef uint32_t json_decode(const char* text, uint32_t length, char* out, uint32_t capacity) noexcept nogil:
    cdef const char* at = text
    cdef const char* end = text + length
    cdef char piece[4]
    cdef uint32_t piece_bytes
    cdef uint32_t count = 0
    while at < end:
        if at[0] == c'\\':
            piece_bytes = escape_decode(&at, piece)
        else:
            piece[0] = at[0]
            piece_bytes = 1
            at += 1
        if piece_bytes > capacity - count:
            return UINT32_MAX
        memcpy(out + count, piece, piece_bytes)
        count += piece_bytes
    return count


cdef uint32_t json_decoded_bytes(const char* text, uint32_t length) noexcept nogil:
    cdef const char* at = text
    cdef const char* end = text + length
    cdef char piece[4]
    cdef uint32_t count = 0
    while at < end:
        if at[0] == c'\\':
            count += escape_decode(&at, piece)
        else:
            count += 1
            at += 1
    return count


# Bytes of ``c`` as canonical string text; written to ``out`` unless that is NULL.
cdef inline uint32_t byte_encode(uint8_t c, char* out) noexcept nogil:
    cdef char letter = 0
    if c == c'"' or c == c'\\':
        letter = <char>c
    elif c >= 32:
        if out != NULL:
            out[0] = <char>c
        return 1
    elif c == 10:
        letter = c'n'
    elif c == 9:
        letter = c't'
    elif c == 13:
        letter = c'r'
    elif c == 8:
        letter = c'b'
    elif c == 12:
        letter = c'f'
    if letter:
        if out != NULL:
            out[0] = c'\\'
            out[1] = letter
        return 2
    if out != NULL:
        memcpy(out, b"\\u00", 4)
        out[4] = HEX_DIGITS[c >> 4]
        out[5] = HEX_DIGITS[c & 15]
    return 6


cdef char* json_recode(const char* text, uint32_t length, char* out) noexcept nogil:
    cdef const char* at = text
    cdef const char* end = text + length
    cdef char piece[4]
    cdef uint32_t piece_bytes
    while at < end:
        if at[0] != c'\\':
            out[0] = at[0]
            out += 1
            at += 1
            continue
        piece_bytes = escape_decode(&at, piece)
        if piece_bytes == 1:
            out += byte_encode(<uint8_t>piece[0], out)
        else:
            memcpy(out, piece, piece_bytes)
            out += piece_bytes
    return out


cdef uint64_t json_encode(const char* text, uint64_t length, char* out) noexcept nogil:
    cdef const char* at = text
    cdef const char* end = text + length
    cdef uint64_t count = 0
    cdef uint32_t sequence
    while at < end:
        sequence = utf8_bytes(at, end)
        if sequence == 1:
            count += byte_encode(<uint8_t>at[0], NULL if out == NULL else out + count)
        elif sequence == 0:
            # One U+FFFD for each byte that starts no sequence.
            if out != NULL:
                memcpy(out + count, b"\xef\xbf\xbd", 3)
            count += 3
            sequence = 1
        else:
            if out != NULL:
                memcpy(out + count, at, sequence)
            count += sequence
        at += sequence
    return count
