"""Planted errors: the control that proves that a run under AddressSanitizer would see such in the core.

Compiled like every door, and so with the flags that the core itself gets under a sanitizer.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    /* The compiler sees some of what is planted here. */
    #pragma GCC diagnostic ignored "-Wuse-after-free"
    #pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
    """

cdef enum:
    ROOM_BYTES = 40


def read_behind(size_t offset) -> int:
    """Read a byte of a block of 40 bytes."""
    # SAFETY: none, on purpose, for offsets above 39.
    cdef char* room = <char*>malloc(ROOM_BYTES)
    cdef int found
    room[0] = 1
    found = room[offset]
    free(room)
    return found


def copy_behind(size_t count) -> int:
    """Copy bytes into a block of 40 bytes, as a message is copied into a guest's room."""
    cdef char[256] source
    # SAFETY: none, on purpose, for more than 40 bytes.
    cdef char* room = <char*>malloc(ROOM_BYTES)
    cdef int found
    memset(source, 7, sizeof(source))
    memcpy(room, source, count)
    found = room[0]
    free(room)
    return found


def read_freed(bint freed) -> int:
    """Read a block, after it was given back if so asked."""
    # SAFETY: none, on purpose, when freed.
    cdef char* room = <char*>malloc(ROOM_BYTES)
    cdef int found
    room[1] = 3
    if freed:
        free(room)
    found = room[1]
    if not freed:
        free(room)
    return found
