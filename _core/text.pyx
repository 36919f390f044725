"""Text forms of numbers, identities and times; see the declarations for their shapes."""

from libc.stdint cimport UINT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from caxton._core.simd cimport digits8

cdef enum:
    DAY_MS = 86400000
    # Days from 0000-03-01 (the start of a 400-year cycle, leap day last) to 1970-01-01.
    EPOCH_DAYS = 719468
    CYCLE_DAYS = 146097

cdef extern from * nogil:
    """
    #define CX_YEAR_0000_MS (-62167219200000LL)
    #define CX_YEAR_9999_MS 253402300799999LL
    #define CX_CENTURY_MS 3155760000000u
    /* A mantissa below takes one more digit and stays far below 2**64. */
    #define CX_MANTISSA_BOUND 100000000000000000u
    #define CX_EXPONENT_BOUND 10000000000
    """
    uint64_t CENTURY_MS "CX_CENTURY_MS"
    uint64_t MANTISSA_BOUND "CX_MANTISSA_BOUND"
    int64_t EXPONENT_BOUND "CX_EXPONENT_BOUND"
    int64_t TIMESTAMP_MIN_MS "CX_YEAR_0000_MS"
    int64_t TIMESTAMP_MAX_MS "CX_YEAR_9999_MS"


cdef char* timestamp_write(char* out, int64_t unix_ms) noexcept nogil:
    cdef uint64_t shifted, product
    cdef uint32_t days, ms, minutes, seconds, quarter_days, century, year, day_of_year, months, month, hours
    if unix_ms < TIMESTAMP_MIN_MS:
        unix_ms = TIMESTAMP_MIN_MS
    elif unix_ms > TIMESTAMP_MAX_MS:
        unix_ms = TIMESTAMP_MAX_MS
    # Count from a whole cycle before year 0, so that every quotient is of a positive number.
    shifted = <uint64_t>(unix_ms + (EPOCH_DAYS + CYCLE_DAYS) * <int64_t>DAY_MS)
    days = <uint32_t>(shifted / DAY_MS)
    ms = <uint32_t>(shifted - <uint64_t>days * DAY_MS)
    # Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022):
    # years and months from March on are affine functions of the day, so a product gives quotient and rest.
    quarter_days = 4 * days + 3
    century = quarter_days / CYCLE_DAYS
    product = <uint64_t>2939745 * (quarter_days % CYCLE_DAYS | 3)
    day_of_year = <uint32_t>product / 2939745 / 4
    months = 2141 * day_of_year + 197913
    month = months >> 16
    year = 100 * century + <uint32_t>(product >> 32) - 400
    if day_of_year >= 306:
        year += 1
        month -= 12
    century = year / 100
    pair_write(out, century)
    pair_write(out + 2, year - 100 * century)
    out[4] = c'-'
    pair_write(out + 5, month)
    out[7] = c'-'
    pair_write(out + 8, (months & 0xFFFF) / 2141 + 1)
    out[10] = c'T'
    seconds = ms / 1000
    minutes = ms / 60000
    hours = ms / 3600000
    ms -= seconds * 1000
    pair_write(out + 11, hours)
    out[13] = c':'
    pair_write(out + 14, minutes - 60 * hours)
    out[16] = c':'
    pair_write(out + 17, seconds - 60 * minutes)
    out[19] = c'.'
    pair_write(out + 20, ms / 10)
    out[22] = <char>(c'0' + ms % 10)
    out[23] = c'Z'
    return out + 24


cdef bint u64_read(const char* text, uint32_t length, uint64_t* value) noexcept nogil:
    cdef uint64_t number = 0
    cdef uint64_t eight = 0
    cdef uint32_t digit
    cdef uint32_t at = 0
    if length == 0 or length > U64_BYTES_MAX:
        return False
    while length - at >= 8:
        if not digits8(text + at, &eight):
            return False
        number = number * 100000000 + eight
        at += 8
    while at < length:
        digit = <uint32_t>(<uint8_t>text[at]) - c'0'
        if digit > 9:
            return False
        if at == 19 and (number > UINT64_MAX / 10 or (number == UINT64_MAX / 10 and digit > 5)):
            return False
        number = number * 10 + digit
        at += 1
    value[0] = number
    return True


cdef bint hex_read(const char* text, uint32_t length, uint64_t* value) noexcept nogil:
    cdef uint64_t number = 0
    cdef uint8_t c
    cdef uint32_t i
    if length == 0 or length > 16:
        return False
    for i in range(length):
        c = <uint8_t>text[i]
        if c'0' <= c <= c'9':
            number = number << 4 | (c - c'0')
        else:
            c |= 32
            if c < c'a' or c > c'f':
                return False
            number = number << 4 | (c - c'a' + 10)
    value[0] = number
    return True


cdef bint uuid_read(const char* text, uint32_t length, uint64_t* high, uint64_t* low) noexcept nogil:
    cdef char digits[32]
    if length != 36 or text[8] != c'-' or text[13] != c'-' or text[18] != c'-' or text[23] != c'-':
        return False
    memcpy(digits, text, 8)
    memcpy(digits + 8, text + 9, 4)
    memcpy(digits + 12, text + 14, 4)
    memcpy(digits + 16, text + 19, 4)
    memcpy(digits + 20, text + 24, 12)
    return hex_read(digits, 16, high) and hex_read(digits + 16, 16, low)


# Two digits, -1 when they are none.
cdef inline int32_t pair_read(const char* text) noexcept nogil:
    cdef uint32_t tens = <uint32_t>(<uint8_t>text[0]) - c'0'
    cdef uint32_t ones = <uint32_t>(<uint8_t>text[1]) - c'0'
    if tens > 9 or ones > 9:
        return -1
    return <int32_t>(tens * 10 + ones)


cdef inline int32_t month_days(int32_t year, int32_t month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


# Days from 1970-01-01 to a date of the Gregorian calendar, year 0 to 9999.
cdef inline int64_t date_days(int32_t year, int32_t month, int32_t day) noexcept nogil:
    cdef int32_t shifted = year + 400 - (1 if month <= 2 else 0)
    cdef int32_t cycle = shifted / 400
    cdef int32_t year_of_cycle = shifted - cycle * 400
    cdef int32_t day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) / 5 + day - 1
    cdef int32_t day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year
    return <int64_t>(cycle - 1) * CYCLE_DAYS + day_of_cycle - EPOCH_DAYS


cdef bint timestamp_read(const char* text, uint32_t length, int64_t* unix_ms) noexcept nogil:
    cdef int32_t century, year, month, day, hour, minute, second, offset_hour, offset_minute
    cdef uint32_t at = 19
    cdef uint32_t digits = 0
    cdef int64_t ms = 0
    cdef int64_t offset_ms = 0
    cdef int64_t total
    if length < 20:
        return False
    if text[4] != c'-' or text[7] != c'-' or (text[10] | 32) != c't' or text[13] != c':' or text[16] != c':':
        return False
    century = pair_read(text)
    year = pair_read(text + 2)
    month = pair_read(text + 5)
    day = pair_read(text + 8)
    hour = pair_read(text + 11)
    minute = pair_read(text + 14)
    second = pair_read(text + 17)
    if (century | year | month | day | hour | minute | second) < 0:
        return False
    year += century * 100
    if month < 1 or month > 12 or day < 1 or day > month_days(year, month):
        return False
    if hour > 23 or minute > 59 or second > 60:
        return False
    if text[at] == c'.':
        at += 1
        while at < length and c'0' <= text[at] <= c'9':
            if digits < 3:
                ms = ms * 10 + (text[at] - c'0')
            digits += 1
            at += 1
        if digits == 0 or digits > 9:
            return False
        while digits < 3:
            ms *= 10
            digits += 1
    if at == length:
        return False
    if (text[at] | 32) == c'z':
        at += 1
    elif text[at] == c'+' or text[at] == c'-':
        if length - at != 6 or text[at + 3] != c':':
            return False
        offset_hour = pair_read(text + at + 1)
        offset_minute = pair_read(text + at + 4)
        if (offset_hour | offset_minute) < 0 or offset_hour > 23 or offset_minute > 59:
            return False
        offset_ms = <int64_t>(offset_hour * 60 + offset_minute) * 60000
        if text[at] == c'-':
            offset_ms = -offset_ms
        at += 6
    if at != length:
        return False
    total = date_days(year, month, day) * DAY_MS + <int64_t>(hour * 60 + minute) * 60000 - offset_ms
    # UTC inserts leap seconds in the last minute of a day only.
    if second == 60 and (total + EPOCH_DAYS * <int64_t>DAY_MS) % DAY_MS != DAY_MS - 60000:
        return False
    total += <int64_t>second * 1000 + ms
    if total < TIMESTAMP_MIN_MS or total > TIMESTAMP_MAX_MS:
        return False
    unix_ms[0] = total
    return True


cdef bint seconds_read(const char* text, uint32_t length, int64_t* ms) noexcept nogil:
    cdef uint64_t mantissa = 0
    cdef int64_t power = 3              # ms = mantissa * 10 ** power
    cdef int64_t exponent = 0
    cdef bint dropped = False           # a digit that is not 0 lies below the mantissa
    cdef bint whole = True
    cdef bint negative = False
    cdef uint32_t at = 0
    cdef uint64_t divisor = 1
    if text[0] == c'-':
        return False
    while at < length and (text[at] | 32) != c'e':
        if text[at] == c'.':
            whole = False
        elif mantissa < MANTISSA_BOUND:
            mantissa = mantissa * 10 + <uint64_t>(text[at] - c'0')
            power -= 0 if whole else 1
        else:
            dropped = dropped or text[at] != c'0'
            power += 1 if whole else 0
        at += 1
    if at < length:
        at += 1
        if text[at] == c'-' or text[at] == c'+':
            negative = text[at] == c'-'
            at += 1
        while at < length:
            # Past this bound more digits change nothing: no text is long enough to make up for it.
            if exponent < EXPONENT_BOUND:
                exponent = exponent * 10 + (text[at] - c'0')
            at += 1
        power += -exponent if negative else exponent
    if mantissa == 0:
        return False
    while power > 0:
        if mantissa > CENTURY_MS:
            return False
        mantissa *= 10
        power -= 1
    while power < 0 and divisor <= mantissa:
        divisor *= 10
        power += 1
    # The loop stops early only when less than one millisecond is left.
    mantissa = mantissa / divisor + (1 if dropped or power < 0 or mantissa % divisor else 0)
    if mantissa > CENTURY_MS:
        return False
    ms[0] = <int64_t>mantissa
    return True
