"""Recognition of field names; the usual case is inline in the declarations."""

from libc.stdint cimport UINT32_MAX, int32_t, uint32_t
from libc.string cimport memset
from caxton._core.json cimport json_decode, json_string


cdef const char* field_name(Scan* scan, const char* at, int32_t* field) noexcept nogil:
    cdef const char* name = at + 1
    cdef char decoded[32]
    cdef uint32_t flags = 0
    cdef uint32_t length
    cdef uint32_t found = 0
    field[0] = -1
    at = json_string(scan, name, &flags)
    if at == NULL:
        return NULL
    length = json_decode(name, <uint32_t>(at - name), decoded, 31)
    if length == UINT32_MAX:
        return at
    memset(decoded + length, c'"', 32 - length)
    field[0] = field_find(decoded, 32, &found)
    # A quote inside of the decoded name must not pass for its end.
    if field[0] >= 0 and found != length:
        field[0] = -1
    return at
