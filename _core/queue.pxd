"""The mailbox: an intrusive lock-free multi-producer single-consumer queue, bounded by a counter.

Producers push onto a shared stack with one compare-and-swap; the consumer takes the whole stack with
one exchange and reverses it into its private list. So order of acceptance is kept, no producer can
block another or the consumer, and an empty mailbox costs one word.
A place is reserved (refused when full) before a push, and released when the message has been handled.
"""

from libc.stdint cimport uint32_t, uint64_t
from caxton._core.message cimport Message

cdef struct Mailbox:
    void* stack                 # atomic; the newest pushed message; written by producers (CAS), consumer (swap)
    uint32_t depth              # atomic; places reserved (waiting, private and in hand)
    uint32_t capacity           # atomic; changed by the control thread only
    Message* ready              # consumer's private list, oldest first; owned by the consumer
    Message* ready_tail         # last of that list; borrowed

cdef void mailbox_init(Mailbox* box, uint32_t capacity) noexcept nogil
# Reserve-or-refuse: 1 when a place was taken, 0 when the mailbox is full (counter unchanged).
cdef bint mailbox_reserve(Mailbox* box) noexcept nogil
cdef void mailbox_release(Mailbox* box) noexcept nogil
# Hand a message over (the mailbox owns it). The caller must hold a reserved place.
cdef void mailbox_push(Mailbox* box, Message* message) noexcept nogil
# Consumer only: oldest message or NULL; ownership passes to the caller; the place stays reserved.
cdef Message* mailbox_pop(Mailbox* box) noexcept nogil
# Consumer only: give back the message just popped, to be the next popped one again.
cdef void mailbox_unpop(Mailbox* box, Message* message) noexcept nogil
# Any thread: nothing pushed and (consumer's view) nothing ready. Sequentially consistent with push.
cdef bint mailbox_is_empty(Mailbox* box) noexcept nogil
cdef uint32_t mailbox_depth(Mailbox* box) noexcept nogil
