"""Bodies of the mailbox that are not on the hot path; the rest is inline in the declaration page."""

from libc.stdint cimport uint32_t
from caxton._core.atomics cimport load_ptr_relaxed, load_ptr_seq, load_u32_relaxed


cdef void mailbox_init(Mailbox* box, uint32_t capacity) noexcept nogil:
    # Plain stores: the slot that holds the mailbox is not published yet.
    box.stack = NULL
    box.depth = 0
    box.capacity = capacity
    box.ready = NULL


cdef uint32_t mailbox_depth(Mailbox* box) noexcept nogil:
    return load_u32_relaxed(&box.depth)


cdef bint mailbox_is_empty(Mailbox* box) noexcept nogil:
    # ORDERING: the consumer asks after it has given its turn up with a sequentially consistent store. Either
    # this load sees the push, or the pusher's later look sees that the turn is free.
    return load_ptr_seq(&box.stack) == NULL and load_ptr_relaxed(&box.ready) == NULL
