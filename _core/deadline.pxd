"""Deadlines of conversations: a hierarchical wheel of small nodes that the ticker alone turns.

A node says no more than when to look at which conversation: what is due is read from the conversation itself, so a
deadline that moves on costs nothing, and one that comes nearer sends another node. Whoever judges a message looks at
the conversation's deadlines first, so the wheel decides when something is noticed, never what.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    DEADLINE_LEVELS = 4
    DEADLINE_SLOTS = 256

cdef struct Node:
    uint64_t due_ns             # monotonic
    uint32_t next               # index + 1 in the one list that holds it; atomic in free list and inbox
    uint32_t conversation       # index of the record ...
    uint32_t generation         # ... as it was
    uint32_t pad

cdef struct Deadlines:
    Node* nodes                 # OWNERSHIP: owned (mmap'd, touched when used)
    uint32_t count_max
    uint32_t pad
    uint64_t tick_ns
    char pad_constant[40]
    uint64_t free_head          # atomic: tag << 32 | (index + 1)
    uint64_t inbox              # atomic: index + 1 of the newest node on its way to the wheel
    uint32_t frontier           # atomic; nodes below were used at least once
    uint32_t starved            # atomic; 1 = a node was wanted and none was left: all records must be looked at
    char pad_shared[40]
    # Ticker only.
    uint64_t start_ns
    uint64_t tick
    uint64_t waiting            # nodes in the wheel
    uint32_t swept              # records still to be looked at
    uint32_t pad_ticker
    uint32_t lists[DEADLINE_LEVELS][DEADLINE_SLOTS]

cdef int deadlines_open(Deadlines* deadlines, uint32_t count_max, uint64_t tick_ns, uint64_t now_ns) noexcept nogil
cdef void deadlines_close(Deadlines* deadlines) noexcept nogil

# Any thread: have somebody look at the conversation at ``due_ns``.
cdef void deadline_send(Deadlines* deadlines, uint64_t due_ns, uint32_t conversation, uint32_t generation) noexcept nogil

# Ticker: take in what was sent and advance to ``now_ns``; the due nodes come out as a list, linked by ``next``
# (index + 1), each to be given to deadline_again or deadline_done.
cdef uint32_t deadlines_due(Deadlines* deadlines, uint64_t now_ns) noexcept nogil
cdef void deadline_again(Deadlines* deadlines, uint32_t node, uint64_t due_ns) noexcept nogil
cdef void deadline_done(Deadlines* deadlines, uint32_t node) noexcept nogil
