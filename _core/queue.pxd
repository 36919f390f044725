"""The mailbox: an intrusive lock-free multi-producer single-consumer queue, bounded by a counter.

Producers push onto a shared stack with one compare-and-swap; the consumer takes the whole stack with
one exchange and reverses it into its private list. So order of acceptance is kept, no producer can
block another or the consumer, and an empty mailbox costs one word.
A place is reserved (refused when full) before a push, and released when the message has been handled.

INVARIANT: 0 <= depth <= the largest capacity set so far, and depth counts every message in ``stack``, in
``ready`` and in the consumer's hand. Only the thread that holds the agent's turn is the consumer; turns
pass between threads through an acquire/release pair of the scheduler.
"""

from libc.stdint cimport uint32_t
from caxton._core.atomics cimport (
    cas_ptr, cas_u32, load_ptr_relaxed, load_u32_relaxed, prefetch, store_ptr_relaxed, sub_u32_release,
    swap_ptr_seq,
)
from caxton._core.message cimport Message

cdef struct Mailbox:
    void* stack                 # atomic Message*, newest first, owned; producers CAS, consumer swaps
    uint32_t depth              # atomic; places reserved (waiting, private and in hand)
    uint32_t capacity           # atomic; changed by the control thread only
    void* ready                 # atomic Message*, oldest first, owned; written by the consumer only

cdef void mailbox_init(Mailbox* box, uint32_t capacity) noexcept nogil
cdef uint32_t mailbox_depth(Mailbox* box) noexcept nogil
# Any thread. The consumer's own answer is exact; another thread may also see "empty" while the consumer is
# inside mailbox_pop. Sequentially consistent with push: a push that came before is seen.
cdef bint mailbox_is_empty(Mailbox* box) noexcept nogil

# Reserve-or-refuse: 1 when a place was taken, 0 when the mailbox is full (counter unchanged).
cdef inline bint mailbox_reserve(Mailbox* box) noexcept nogil:
    cdef uint32_t depth = load_u32_relaxed(&box.depth)
    cdef uint32_t capacity = load_u32_relaxed(&box.capacity)
    while depth < capacity:
        # ORDERING: acquire pairs with the release in mailbox_release; only the number matters otherwise.
        if cas_u32(&box.depth, &depth, depth + 1):
            return True
    return False

# Give a place back: once for each successful reserve, when the message has been handled or refused.
cdef inline void mailbox_release(Mailbox* box) noexcept nogil:
    # ORDERING: what was done with the message comes before its place is free for another.
    sub_u32_release(&box.depth, 1)

# Hand a message over. The caller must hold a reserved place.
# OWNERSHIP: the mailbox owns the message from the moment of the call; it may be freed before this returns.
cdef inline void mailbox_push(Mailbox* box, Message* message) noexcept nogil:
    cdef void* top = load_ptr_relaxed(&box.stack)
    while True:
        # SAFETY: stack holds Message* only. A stale top is harmless: the exchange then fails.
        message.next = <Message*>top
        # ORDERING: publishes the message's bytes and link to the consumer's exchange in mailbox_pop; being
        # sequentially consistent, it also comes before the producer's look at the agent's ``scheduled`` word.
        if cas_ptr(&box.stack, &top, message):
            return

# Consumer only: oldest message or NULL; the place stays reserved.
# OWNERSHIP: passes to the caller.
cdef inline Message* mailbox_pop(Mailbox* box) noexcept nogil:
    cdef Message* oldest
    cdef Message* message
    cdef Message* newer = NULL
    # SAFETY: ready holds Message* only.
    oldest = <Message*>load_ptr_relaxed(&box.ready)
    if oldest == NULL:
        if load_ptr_relaxed(&box.stack) == NULL:
            return NULL
        # ORDERING: acquires the bytes and links of all messages pushed until now; pairs with mailbox_push
        # (each push is an exchange on the same word, so the oldest push is covered by the newest too).
        # SAFETY: stack holds Message* only.
        message = <Message*>swap_ptr_seq(&box.stack, NULL)
        while message != NULL:
            oldest = message
            message = oldest.next
            oldest.next = newer
            newer = oldest
    if oldest.next != NULL:
        prefetch(oldest.next)
    store_ptr_relaxed(&box.ready, oldest.next)
    return oldest

# Consumer only: give back the message just popped, to be the next popped one again.
# OWNERSHIP: the mailbox owns it again.
cdef inline void mailbox_unpop(Mailbox* box, Message* message) noexcept nogil:
    # SAFETY: ready holds Message* only.
    message.next = <Message*>load_ptr_relaxed(&box.ready)
    store_ptr_relaxed(&box.ready, message)
