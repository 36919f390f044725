"""Kinds by word, and a look at the outermost object of a content."""

from libc.stdlib cimport strtod
from libc.string cimport memcmp, memcpy, memset

from caxton._core.json cimport Scan, json_number, json_space, json_string, json_value
from caxton._core.protocol cimport (
    KIND_ABSENT, KIND_BROKERING, KIND_DONE, KIND_DONE_PROXY, KIND_END, KIND_NOTIFICATION, KIND_NO_MATCH, KIND_OTHER,
    KIND_PROXY, KIND_RESULT, KIND_START, KIND_TRUTH,
)

cdef enum:
    NUMBER_BYTES_MAX = 63       # longer ones are no prices


cdef bint same(const char* text, uint32_t length, const char* word, uint32_t word_bytes) noexcept nogil:
    return length == word_bytes and memcmp(text, word, word_bytes) == 0


cdef uint8_t kind_find(const char* text, uint32_t length) noexcept nogil:
    if same(text, length, b"done", 4):
        return KIND_DONE
    if same(text, length, b"result", 6):
        return KIND_RESULT
    if same(text, length, b"truth", 5):
        return KIND_TRUTH
    if same(text, length, b"notification", 12):
        return KIND_NOTIFICATION
    if same(text, length, b"start", 5):
        return KIND_START
    if same(text, length, b"end", 3):
        return KIND_END
    if same(text, length, b"done-proxy", 10):
        return KIND_DONE_PROXY
    if same(text, length, b"no-match", 8):
        return KIND_NO_MATCH
    if same(text, length, b"proxy", 5):
        return KIND_PROXY
    if same(text, length, b"brokering", 9):
        return KIND_BROKERING
    return KIND_OTHER


cdef double number_of(const char* text, uint32_t length, uint8_t* known) noexcept nogil:
    # JSON's numbers are C's; the copy ends where the number ends.
    cdef char digits[NUMBER_BYTES_MAX + 1]
    known[0] = length <= NUMBER_BYTES_MAX
    if not known[0]:
        return 0.0
    memcpy(digits, text, length)
    digits[length] = 0
    return strtod(digits, NULL)


cdef const char* member_read(Scan* scan, const char* at, const char* name, uint32_t name_bytes,
                             Meaning* meaning) noexcept nogil:
    # ``at`` is the first byte of the value. Returns the position after it.
    cdef const char* begin = at
    cdef uint32_t flags = 0
    if at[0] == c'"':
        at = json_string(scan, at + 1, &flags)
        if at == NULL:
            return NULL
        if same(name, name_bytes, b"kind", 4):
            meaning.kind = kind_find(begin + 1, <uint32_t>(at - begin - 1))
        elif same(name, name_bytes, b"result", 6):
            meaning.unsold = same(begin + 1, <uint32_t>(at - begin - 1), b"unsold", 6)
        return at + 1
    if at[0] == c'-' or c'0' <= at[0] <= c'9':
        at = json_number(scan, at)
        if at != NULL and same(name, name_bytes, b"price", 5):
            meaning.price = number_of(begin, <uint32_t>(at - begin), &meaning.has_price)
        return at
    if at[0] == c'[' and same(name, name_bytes, b"targets", 7):
        meaning.targets = at + 1
    return json_value(scan, at, 1)


cdef void content_read(const char* text, uint32_t length, Meaning* meaning) noexcept nogil:
    cdef Scan scan
    cdef const char* name
    cdef const char* at
    cdef uint32_t flags = 0
    memset(meaning, 0, sizeof(Meaning))
    meaning.kind = KIND_ABSENT
    if length < 2 or text[0] != c'{':
        return
    scan.begin = text
    scan.end = text + length
    scan.status = 0
    at = json_space(&scan, text + 1)
    while at < scan.end and at[0] == c'"':
        name = at + 1
        at = json_string(&scan, name, &flags)
        if at == NULL:
            return
        flags = <uint32_t>(at - name)
        at = json_space(&scan, at + 1)
        if at >= scan.end or at[0] != c':':
            return
        at = json_space(&scan, at + 1)
        if at >= scan.end:
            return
        at = member_read(&scan, at, name, flags, meaning)
        if at == NULL:
            return
        at = json_space(&scan, at)
        if at >= scan.end or at[0] != c',':
            return
        at = json_space(&scan, at + 1)


cdef const char* target_next(const char** at, const char* end, uint32_t* length) noexcept nogil:
    cdef Scan scan
    cdef const char* text
    cdef const char* stop
    cdef uint32_t flags = 0
    scan.begin = at[0]
    scan.end = end
    scan.status = 0
    text = json_space(&scan, at[0])
    if text < end and text[0] == c',':
        text = json_space(&scan, text + 1)
    if text >= end or text[0] != c'"':
        return NULL
    stop = json_string(&scan, text + 1, &flags)
    if stop == NULL:
        return NULL
    length[0] = <uint32_t>(stop - text - 1)
    at[0] = stop + 1
    return text + 1
