"""Recognition of performatives: length and first letter leave one candidate."""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from caxton._core.simd cimport same_bytes


# The only word with this length and first letter, -1 when there is none.
cdef inline int32_t candidate(char first, uint32_t length) noexcept nogil:
    if length == 7:
        if first == c'r':
            return REQUEST
        if first == c'p':
            return PROPOSE
        return FAILURE if first == c'f' else CONFIRM
    if length == 6:
        if first == c'i':
            return INFORM
        return REFUSE if first == c'r' else CANCEL
    if length == 9:
        if first == c'i':
            return INFORM_IF
        if first == c'q':
            return QUERY_REF
        return SUBSCRIBE if first == c's' else PROPAGATE
    if length == 5:
        return AGREE if first == c'a' else PROXY
    if length == 15:
        return ACCEPT_PROPOSAL if first == c'a' else REJECT_PROPOSAL
    if length == 10:
        return INFORM_REF if first == c'i' else DISCONFIRM
    if length == 3:
        return CFP
    if length == 14:
        return NOT_UNDERSTOOD
    if length == 8:
        return QUERY_IF
    if length == 12:
        return REQUEST_WHEN
    if length == 16:
        return REQUEST_WHENEVER
    return -1


cdef int32_t performative_find(const char* text, uint32_t length) noexcept nogil:
    cdef char folded[PERFORMATIVE_BYTES_MAX]
    cdef int32_t found
    cdef uint32_t i
    cdef char c
    if length == 0 or length > PERFORMATIVE_BYTES_MAX:
        return -1
    found = candidate(text[0], length)
    if found >= 0 and same_bytes(text, word(<uint8_t>found), length):
        return found
    for i in range(length):
        c = text[i]
        if c == c'_' or c == c' ':
            c = c'-'
        elif c'A' <= c <= c'Z':
            c += 32
        folded[i] = c
    found = candidate(folded[0], length)
    if found >= 0 and same_bytes(folded, word(<uint8_t>found), length):
        return found
    return -1
