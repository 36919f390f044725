"""Python's way to the core's text forms, for tests."""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from caxton._core.json cimport json_encode
from caxton._core.performative cimport performative_find
from caxton._core.text cimport (
    TIMESTAMP_BYTES, U64_BYTES_MAX, UUID_BYTES, hex16_write, hex_read, seconds_read, timestamp_read,
    timestamp_write, u64_read, u64_write, uuid_read, uuid_write,
)


cdef class Exact:
    """A copy of bytes in its own allocation, so that a checker sees the first byte read past it."""

    cdef char* start            # OWNERSHIP: owned; freed in __dealloc__
    cdef size_t length

    def __cinit__(self, bytes text):
        self.length = len(text)
        self.start = <char*>malloc(self.length if self.length else 1)
        if self.start == NULL:
            raise MemoryError
        memcpy(self.start, <const char*>text, self.length)

    def __dealloc__(self):
        free(self.start)


def write_u64(uint64_t value):
    cdef char out[U64_BYTES_MAX]
    return out[:u64_write(out, value) - out]


def write_hex(uint64_t value):
    cdef char out[16]
    return out[:hex16_write(out, value) - out]


def write_uuid(uint64_t high, uint64_t low):
    cdef char out[UUID_BYTES]
    return out[:uuid_write(out, high, low) - out]


def write_timestamp(int64_t unix_ms):
    cdef char out[TIMESTAMP_BYTES]
    return out[:timestamp_write(out, unix_ms) - out]


def read_u64(bytes text):
    cdef Exact copy = Exact(text)
    cdef uint64_t value
    return value if u64_read(copy.start, copy.length, &value) else None


def read_hex(bytes text):
    cdef Exact copy = Exact(text)
    cdef uint64_t value
    return value if hex_read(copy.start, copy.length, &value) else None


def read_uuid(bytes text):
    cdef Exact copy = Exact(text)
    cdef uint64_t high, low
    return (high, low) if uuid_read(copy.start, copy.length, &high, &low) else None


def read_timestamp(bytes text):
    cdef Exact copy = Exact(text)
    cdef int64_t value
    return value if timestamp_read(copy.start, copy.length, &value) else None


def read_seconds(bytes text):
    cdef Exact copy = Exact(text)
    cdef int64_t value
    return value if seconds_read(copy.start, copy.length, &value) else None


def find_performative(bytes text):
    cdef Exact copy = Exact(text)
    return performative_find(copy.start, copy.length)


def encode(bytes text):
    """Return the canonical string interior that stands for these bytes."""
    cdef Exact copy = Exact(text)
    cdef uint64_t count = json_encode(copy.start, copy.length, NULL)
    cdef char* out = <char*>malloc(count if count else 1)
    if out == NULL:
        raise MemoryError
    try:
        assert json_encode(copy.start, copy.length, out) == count
        return out[:count]
    finally:
        free(out)
