"""What FIPA tells apart only by the content of a message: its kind, a price, the outcome of an auction, targets.

The core looks into content where a protocol's table asks for it and nowhere else, at the outermost object only.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef struct Meaning:
    uint8_t kind                # ContentKind of ``kind``; KIND_ABSENT where there is none
    uint8_t has_price
    uint8_t unsold              # ``result`` is "unsold"
    double price                # of ``price``, a number
    const char* targets         # borrowed: into the content, where ``targets`` begins; NULL = absent

# The number of a kind's word; KIND_OTHER for any that no table knows.
cdef uint8_t kind_find(const char* text, uint32_t length) noexcept nogil

# Look at a content that envelope_parse has accepted; anything but an object means nothing.
cdef void content_read(const char* text, uint32_t length, Meaning* meaning) noexcept nogil

# Walk the agents of ``targets``: ``at`` moves on. The interior of the next string, or NULL at the end.
cdef const char* target_next(const char** at, const char* end, uint32_t* length) noexcept nogil
