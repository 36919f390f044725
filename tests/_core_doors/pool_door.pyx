"""Test door to the message pool: messages are named by their address."""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from caxton._core.atomics cimport monotonic_ns, swap_ptr_seq
from caxton._core.message cimport (
    HEADER_BYTES, SIZE_CLASS_COUNT, Message, MessageCache, MessagePool, cache_flush, message_body,
    message_free, message_new, pool_close, pool_live, pool_open,
)
from gate cimport gate_pass, random_next

cdef enum:
    EXCHANGE_COUNT = 64


cdef bint is_zero(const char* bytes_, uint64_t count) noexcept nogil:
    cdef uint64_t position
    for position in range(count):
        if bytes_[position] != 0:
            return False
    return True


cdef void stamp_write(Message* message, uint64_t stamp) noexcept nogil:
    # Plain stores at both ends of the body: whoever wrongly holds the same message is seen.
    message.number = stamp
    (<uint64_t*>message_body(message))[0] = stamp
    (<uint64_t*>(message_body(message) + message.body_capacity - sizeof(stamp)))[0] = stamp


cdef bint stamp_holds(Message* message) noexcept nogil:
    cdef uint64_t stamp = message.number
    return ((<uint64_t*>message_body(message))[0] == stamp
            and (<uint64_t*>(message_body(message) + message.body_capacity - sizeof(stamp)))[0] == stamp)


cdef class PoolDoor:
    cdef MessagePool pool
    cdef MessageCache* caches           # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef uint32_t cache_count
    cdef void* exchange[EXCHANGE_COUNT]     # atomic; each owns the message it holds
    cdef uint32_t arrived

    def __cinit__(self, uint32_t small_count, uint64_t body_bytes_max, uint32_t cache_count=1):
        # SAFETY: zeroed memory, checked below.
        self.caches = <MessageCache*>calloc(cache_count, sizeof(MessageCache))
        if self.caches == NULL:
            raise MemoryError
        self.cache_count = cache_count
        if pool_open(&self.pool, small_count, body_bytes_max) != 0:
            raise MemoryError("the pool was refused")

    def __dealloc__(self):
        pool_close(&self.pool)
        free(self.caches)

    cdef MessageCache* cache_at(self, object cache) except? NULL:
        if cache is None:
            return NULL
        assert 0 <= cache < self.cache_count
        return &self.caches[<uint32_t>cache]

    def new(self, cache: int | None, uint64_t body_bytes) -> int | None:
        cdef Message* message = message_new(&self.pool, self.cache_at(cache), body_bytes)
        return None if message == NULL else <uintptr_t>message

    def free(self, cache: int | None, uintptr_t address) -> None:
        message_free(&self.pool, self.cache_at(cache), <Message*>address)  # SAFETY: the test's duty

    def header(self, uintptr_t address) -> tuple[int, int, int, bool]:
        """Return size class, index, capacity, and whether all the rest of the header is zero."""
        cdef Message copy = (<Message*>address)[0]   # SAFETY: the test's duty, here and below
        size_class, index, capacity = copy.size_class, copy.index, copy.body_capacity
        copy.size_class = 0
        copy.index = 0
        copy.body_capacity = 0
        return size_class, index, capacity, is_zero(<const char*>&copy, sizeof(Message))

    def fill(self, uintptr_t address, uint8_t value) -> None:
        """Write over the whole header but for what the pool needs, and over the whole body."""
        cdef Message* message = <Message*>address
        cdef Message copy = message[0]
        memset(message, value, HEADER_BYTES + <uint64_t>copy.body_capacity)
        message.size_class = copy.size_class
        message.index = copy.index
        message.body_capacity = copy.body_capacity

    def body(self, uintptr_t address) -> bytes:
        cdef Message* message = <Message*>address
        return message_body(message)[:message.body_capacity]

    def live(self) -> int:
        return pool_live(&self.pool)

    def cached(self, uint32_t cache) -> int:
        return self.cache_at(cache).count

    def allocated(self, uint32_t cache) -> int:
        return self.cache_at(cache).allocated

    def freed(self, uint32_t cache) -> int:
        return self.cache_at(cache).freed

    def flush(self, uint32_t cache) -> None:
        cache_flush(&self.pool, self.cache_at(cache))

    def body_bytes_max(self) -> int:
        return self.pool.body_bytes_max

    def classes(self) -> list[tuple[int, int]]:
        """Return (messages, body capacity) of each class."""
        classes = self.pool.classes
        return [(classes[n].count, classes[n].body_capacity) for n in range(SIZE_CLASS_COUNT)]

    def tag(self, uint32_t size_class) -> int:
        """Return how often the class's free list was changed."""
        return self.pool.classes[size_class].free_head >> 32

    def churn(self, cache: int | None, uint32_t rounds, uint64_t seed, uint32_t parties,
              bint frugal=False) -> tuple[int, int]:
        """Allocate, stamp, swap with other threads and free what came; return (damaged, refused).

        A ``frugal`` thread allocates in one round of four only, so that its cache fills to the brim with
        what others allocated, while theirs run dry.
        """
        cdef MessageCache* own = self.cache_at(cache)
        cdef Message* message = NULL
        cdef uint64_t state = seed, drawn, body_bytes
        cdef uint32_t damaged = 0, refused = 0, place
        # SAFETY: only C state is touched; the pool is shared on purpose, the cache is this thread's own.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _ in range(rounds):
                drawn = random_next(&state)
                place = drawn % EXCHANGE_COUNT
                body_bytes = 100 if drawn >> 32 & 15 else (drawn >> 40) % self.pool.body_bytes_max
                message = NULL
                if not frugal or drawn >> 60 & 3 == 0:
                    message = message_new(&self.pool, own, body_bytes)
                    refused += message == NULL
                if message != NULL:
                    stamp_write(message, drawn)
                # A refused round swaps in nothing, so that others' messages flow back.
                message = <Message*>swap_ptr_seq(&self.exchange[place], message)
                if message != NULL:
                    damaged += not stamp_holds(message)
                    message_free(&self.pool, own, message)
        return damaged, refused

    def drain(self, cache: int | None) -> int:
        """Free what is left in the exchange; return how many were damaged."""
        cdef Message* message
        damaged = 0
        for place in range(EXCHANGE_COUNT):
            message = <Message*>swap_ptr_seq(&self.exchange[place], NULL)
            if message != NULL:
                damaged += not stamp_holds(message)
                message_free(&self.pool, self.cache_at(cache), message)
        return damaged

    def time_new_free(self, cache: int | None, uint64_t body_bytes, uint32_t rounds, uint32_t batch) -> int:
        """Take ``batch`` messages, give them back, ``rounds`` times; return nanoseconds."""
        cdef MessageCache* own = self.cache_at(cache)
        cdef uint32_t number
        cdef uint64_t start
        cdef Message** held = <Message**>calloc(batch, sizeof(void*))   # SAFETY: checked below
        if held == NULL:
            raise MemoryError
        # SAFETY: only C state is touched, by one thread.
        with nogil:
            start = monotonic_ns()
            for _ in range(rounds):
                for number in range(batch):
                    held[number] = message_new(&self.pool, own, body_bytes)
                for number in range(batch):
                    if held[number] != NULL:
                        message_free(&self.pool, own, held[number])
            start = monotonic_ns() - start
        free(held)
        return start


def opens(uint32_t small_count, uint64_t body_bytes_max) -> bool:
    """Tell whether a pool of these figures can be opened, and close it at once."""
    cdef MessagePool pool
    if pool_open(&pool, small_count, body_bytes_max) != 0:
        return False
    pool_close(&pool)
    pool_close(&pool)       # closing is idempotent
    return True


INDEX_MAX = UINT32_MAX
