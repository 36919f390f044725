"""Test door to the mailbox: single steps for models, and stress loops for threads.

Messages are named by their number in the door's own array; they do not come from a pool.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from caxton._core.atomics cimport add_u32_seq, load_ptr_relaxed, load_u32_seq, monotonic_ns, store_u32_relaxed
from caxton._core.message cimport Message
from caxton._core.queue cimport (
    Mailbox, mailbox_depth, mailbox_init, mailbox_is_empty, mailbox_pop, mailbox_push, mailbox_release,
    mailbox_reserve, mailbox_unpop,
)
from gate cimport gate_pass, sched_yield

cdef extern from * nogil:
    """
    #define door_cas_relaxed(p, e, d) \
        __atomic_compare_exchange_n((p), (e), (void *)(d), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
    """
    bint door_cas_relaxed(void** word, void** expected, void* desired) noexcept


cdef void push_broken(Mailbox* box, Message* message) noexcept nogil:
    """Push without publishing what the message holds: the twin that ThreadSanitizer must catch."""
    cdef void* top = load_ptr_relaxed(&box.stack)
    while True:
        message.next = <Message*>top    # SAFETY: stack holds Message* only
        if door_cas_relaxed(&box.stack, &top, message):
            return


cdef uint64_t mark_of(uint64_t producer, uint64_t number) noexcept nogil:
    """Return what the producer writes into a message and the consumer must find there."""
    return (producer << 32 | number) * 0x9E3779B1u


cdef class MailboxDoor:
    cdef Mailbox box
    cdef Message* messages      # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef uint32_t message_count
    cdef uint32_t arrived
    cdef uint32_t finished

    def __cinit__(self, uint32_t capacity, uint32_t message_count):
        mailbox_init(&self.box, capacity)
        # SAFETY: zeroed headers, checked below.
        self.messages = <Message*>calloc(message_count, sizeof(Message))
        if self.messages == NULL:
            raise MemoryError
        self.message_count = message_count

    def __dealloc__(self):
        free(self.messages)

    def reserve(self) -> bool:
        return mailbox_reserve(&self.box)

    def release(self) -> None:
        mailbox_release(&self.box)

    def push(self, uint32_t number) -> None:
        assert number < self.message_count
        mailbox_push(&self.box, &self.messages[number])

    def pop(self) -> int | None:
        cdef Message* message = mailbox_pop(&self.box)
        return None if message == NULL else <uint32_t>(message - self.messages)

    def unpop(self, uint32_t number) -> None:
        assert number < self.message_count
        mailbox_unpop(&self.box, &self.messages[number])

    def is_empty(self) -> bool:
        return mailbox_is_empty(&self.box)

    def depth(self) -> int:
        return mailbox_depth(&self.box)

    def set_capacity(self, uint32_t capacity) -> None:
        store_u32_relaxed(&self.box.capacity, capacity)

    def produce(self, uint32_t producer, uint32_t count, uint32_t parties, bint broken=False) -> int:
        """Push ``count`` messages of this producer; return how often the depth was above the capacity."""
        cdef uint32_t number, over = 0
        cdef Message* message
        assert (producer + 1) * count <= self.message_count
        # SAFETY: only C state of this door is touched, and the mailbox is made for many producers.
        with nogil:
            gate_pass(&self.arrived, parties)
            for number in range(count):
                while not mailbox_reserve(&self.box):
                    sched_yield()
                over += mailbox_depth(&self.box) > self.box.capacity
                message = &self.messages[producer * count + number]
                message.sender_id = producer
                message.number = number
                message.accepted_ns = mark_of(producer, number)
                if broken:
                    push_broken(&self.box, message)
                else:
                    mailbox_push(&self.box, message)
            add_u32_seq(&self.finished, 1)
        return over

    def consume(self, uint32_t producers, uint32_t count, uint32_t parties) -> tuple[int, int, int]:
        """Pop until every producer is done and nothing is left; return (received, disordered, damaged)."""
        cdef uint32_t received = 0, disordered = 0, damaged = 0
        cdef Message* message
        cdef bint last_look = False
        cdef int64_t* expected = <int64_t*>calloc(producers, sizeof(int64_t))  # SAFETY: zeroed, checked below
        if expected == NULL:
            raise MemoryError
        # SAFETY: as in produce; this is the only consumer.
        with nogil:
            gate_pass(&self.arrived, parties)
            while True:
                message = mailbox_pop(&self.box)
                if message == NULL:
                    if last_look:
                        break
                    last_look = load_u32_seq(&self.finished) == producers
                    sched_yield()
                    continue
                if received % 7 == 0:
                    mailbox_unpop(&self.box, message)
                    message = mailbox_pop(&self.box)
                disordered += message.number != expected[message.sender_id]
                expected[message.sender_id] = message.number + 1
                damaged += message.accepted_ns != mark_of(message.sender_id, <uint64_t>message.number)
                received += 1
                mailbox_release(&self.box)
        free(expected)
        return received, disordered, damaged

    def time_push_pop(self, uint32_t rounds, uint32_t batch) -> int:
        """Reserve, push, pop and release ``batch`` messages ``rounds`` times; return nanoseconds."""
        cdef uint32_t number
        cdef uint64_t start
        assert batch <= self.message_count
        # SAFETY: only C state of this door is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                for number in range(batch):
                    if mailbox_reserve(&self.box):
                        mailbox_push(&self.box, &self.messages[number])
                while mailbox_pop(&self.box) != NULL:
                    mailbox_release(&self.box)
            start = monotonic_ns() - start
        return start
