"""Bodies of the message pool: address space at open, tagged free lists, and the thread caches' refills.

A free list is a stack of indexes behind one word that holds a tag and the top. Every successful change
raises the tag, so that a top which left and came back is not taken for one that stayed.
"""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort
from libc.string cimport memmove, memset
from posix.mman cimport (
    MADV_DONTNEED, MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise,
    mmap, munmap,
)
from caxton._core.atomics cimport (
    add_u64_relaxed, cas_u32, cas_u64, load_u32_relaxed, load_u64_acquire, load_u64_relaxed,
    store_u32_relaxed, store_u64_relaxed,
)

cdef enum:
    MEDIUM_BYTES = 8 * 1024
    LARGE_BYTES = 64 * 1024
    PAGE_BYTES = 4096
    HUGE_CLASS = 3              # holds body_bytes_max; gives its pages back
    HUGE_COUNT_MIN = 64

if sizeof(Message) > HEADER_BYTES or HEADER_BYTES != 3 * CACHE_LINE_BYTES:
    raise ImportError(f"a message header takes {sizeof(Message)} bytes, HEADER_BYTES allows {HEADER_BYTES}")
if SMALL_BODY_BYTES != SMALL_BYTES - HEADER_BYTES or CACHE_BATCH * 2 != CACHE_SLOTS:
    raise ImportError("the bounds of the message pool contradict each other")


cdef int class_open(SizeClass* it, uint64_t stride_bytes, uint64_t count) noexcept nogil:
    """Map one class; -1 when the kernel refuses or the indexes would not fit."""
    cdef void* area
    if count >= UINT32_MAX:
        return -1
    # Neither product can overflow: count < 2**32 and stride_bytes < 2**32.
    area = mmap(NULL, count * stride_bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if area == MAP_FAILED:
        return -1
    it.memory = <char*>area     # SAFETY: fresh private pages, count * stride_bytes long, page aligned.
    it.stride_bytes = stride_bytes
    it.count = <uint32_t>count  # from here on class_close has something to unmap
    it.body_capacity = <uint32_t>(stride_bytes - HEADER_BYTES)
    area = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if area == MAP_FAILED:
        return -1
    it.links = <uint32_t*>area  # SAFETY: fresh private pages, one word a message.
    return 0


cdef void class_close(SizeClass* it) noexcept nogil:
    if it.memory != NULL:
        munmap(it.memory, <uint64_t>it.count * it.stride_bytes)
    if it.links != NULL:
        munmap(it.links, <uint64_t>it.count * sizeof(uint32_t))
    memset(it, 0, sizeof(SizeClass))


cdef int pool_open(MessagePool* pool, uint32_t small_count, uint64_t body_bytes_max) noexcept nogil:
    cdef uint64_t huge_bytes = 0, huge_count
    memset(pool, 0, sizeof(MessagePool))
    # A body's length is a 32-bit word, and so must be the stride that holds the largest.
    if small_count == 0 or body_bytes_max > UINT32_MAX - HEADER_BYTES - PAGE_BYTES:
        return -1
    if (
        class_open(&pool.classes[0], SMALL_BYTES, small_count) != 0
        or class_open(&pool.classes[1], MEDIUM_BYTES, max(1, small_count // 8)) != 0
        or class_open(&pool.classes[2], LARGE_BYTES, max(1, small_count // 64)) != 0
    ):
        pool_close(pool)
        return -1
    pool.body_bytes_max = pool.classes[2].body_capacity
    if body_bytes_max > pool.body_bytes_max:
        huge_bytes = (body_bytes_max + HEADER_BYTES + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        huge_count = max(HUGE_COUNT_MIN, small_count // 1024)
        if class_open(&pool.classes[HUGE_CLASS], huge_bytes, huge_count) != 0:
            pool_close(pool)
            return -1
        pool.body_bytes_max = pool.classes[HUGE_CLASS].body_capacity
    return 0


cdef void pool_close(MessagePool* pool) noexcept nogil:
    cdef int number
    for number in range(SIZE_CLASS_COUNT):
        class_close(&pool.classes[number])
    pool.body_bytes_max = 0


cdef uint32_t class_take(SizeClass* it, uint32_t* indexes, uint32_t wanted) noexcept nogil:
    """Take up to ``wanted`` free indexes in one step; returns how many, 0 when the class has run out."""
    cdef uint32_t taken, link, first
    # ORDERING: acquire pairs with the release in class_give, so the links that the giver wrote are seen.
    cdef uint64_t head = load_u64_acquire(&it.free_head)
    while True:
        taken = 0
        link = <uint32_t>head
        # Reads below a top that another thread takes meanwhile may be stale, but are always indexes of
        # this class; the tag then makes the exchange fail.
        while link != 0 and taken < wanted:
            indexes[taken] = link - 1
            taken += 1
            link = load_u32_relaxed(&it.links[link - 1])
        if taken == 0:
            break
        # ORDERING: success acquires once more from the giver and publishes nothing; failure acquires the new
        # top with its links.
        if cas_u64(&it.free_head, &head, ((head >> 32) + 1) << 32 | link):
            add_u64_relaxed(&it.live, taken)
            return taken
    first = load_u32_relaxed(&it.frontier)
    while first < it.count:
        taken = min(wanted, it.count - first)
        # ORDERING: only the number matters; untouched messages carry nothing to be seen.
        if cas_u32(&it.frontier, &first, first + taken):
            for link in range(taken):
                # Highest first: the cache hands out from its end, so memory is touched upwards.
                indexes[taken - 1 - link] = first + link
            add_u64_relaxed(&it.live, taken)
            return taken
    return 0


cdef void class_give(SizeClass* it, const uint32_t* indexes, uint32_t count) noexcept nogil:
    """Put ``count`` (at least 1) indexes onto the free list in one step."""
    cdef uint32_t position
    cdef uint64_t head
    for position in range(count - 1):
        store_u32_relaxed(&it.links[indexes[position]], indexes[position + 1] + 1)
    head = load_u64_relaxed(&it.free_head)
    while True:
        store_u32_relaxed(&it.links[indexes[count - 1]], <uint32_t>head)
        # ORDERING: release publishes the links and the giver's last writes to the messages; pairs with
        # the acquire in class_take.
        if cas_u64(&it.free_head, &head, ((head >> 32) + 1) << 32 | (indexes[0] + 1)):
            break
    add_u64_relaxed(&it.live, -<uint64_t>count)


cdef Message* message_make(SizeClass* it, uint8_t number, uint32_t index) noexcept nogil:
    # SAFETY: index < it.count and this thread alone has it in hand.
    cdef Message* message = <Message*>(it.memory + <uint64_t>index * it.stride_bytes)
    header_clear(message)
    message.size_class = number
    message.index = index
    message.body_capacity = it.body_capacity
    return message


cdef Message* message_new_shared(MessagePool* pool, MessageCache* cache, uint64_t body_bytes) noexcept nogil:
    cdef uint8_t number
    cdef uint32_t index = 0, taken
    cdef SizeClass* it
    for number in range(SIZE_CLASS_COUNT):
        it = &pool.classes[number]
        if body_bytes > it.body_capacity:
            continue
        if number == 0 and cache != NULL:
            taken = cache.count
            if taken == 0:
                taken = class_take(it, cache.indexes, CACHE_BATCH)
            if taken == 0:
                continue
            store_u32_relaxed(&cache.count, taken - 1)
            index = cache.indexes[taken - 1]
        elif class_take(it, &index, 1) == 0:
            continue
        if cache != NULL:
            store_u64_relaxed(&cache.allocated, cache.allocated + 1)
        return message_make(it, number, index)
    return NULL


cdef void message_free_shared(MessagePool* pool, MessageCache* cache, Message* message) noexcept nogil:
    cdef uint8_t number = message.size_class
    cdef uint32_t index = message.index
    cdef SizeClass* it
    if number >= SIZE_CLASS_COUNT:
        fprintf(stderr, "caxton: message %u is given back twice (size class %u)\n", index, <uint32_t>number)
        abort()
    it = &pool.classes[number]
    if index >= it.count or <char*>message != it.memory + <uint64_t>index * it.stride_bytes:
        fprintf(stderr, "caxton: message %u of size class %u is not of this pool\n", index, <uint32_t>number)
        abort()
    message.size_class = CLASS_FREE
    if cache != NULL:
        store_u64_relaxed(&cache.freed, cache.freed + 1)
    if number == 0 and cache != NULL:
        if cache.count == CACHE_SLOTS:
            # The older half leaves: what was freed last is what the processor's caches still hold.
            class_give(it, cache.indexes, CACHE_BATCH)
            cache_keep_newest(cache)
        cache.indexes[cache.count] = index
        store_u32_relaxed(&cache.count, cache.count + 1)
        return
    if number == HUGE_CLASS:
        # Rare and large: better faulted in again than kept resident. The first page holds the header.
        madvise(<char*>message + PAGE_BYTES, it.stride_bytes - PAGE_BYTES, MADV_DONTNEED)
    class_give(it, &index, 1)


cdef void cache_keep_newest(MessageCache* cache) noexcept nogil:
    memmove(&cache.indexes[0], &cache.indexes[CACHE_BATCH], (CACHE_SLOTS - CACHE_BATCH) * sizeof(uint32_t))
    store_u32_relaxed(&cache.count, CACHE_SLOTS - CACHE_BATCH)


cdef void cache_flush(MessagePool* pool, MessageCache* cache) noexcept nogil:
    if cache.count > 0:
        class_give(&pool.classes[0], cache.indexes, cache.count)
        store_u32_relaxed(&cache.count, 0)


cdef uint64_t pool_live(MessagePool* pool) noexcept nogil:
    cdef uint64_t total = 0
    cdef int number
    for number in range(SIZE_CLASS_COUNT):
        total += load_u64_relaxed(&pool.classes[number].live)
    return total
