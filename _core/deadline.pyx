"""The wheel of deadlines."""

from libc.stdint cimport UINT32_MAX
from libc.string cimport memset

from caxton._core.atomics cimport (
    add_u32_seq, cas_u64, load_u32_relaxed, load_u64_acquire, load_u64_relaxed, store_u32_relaxed, sub_u32_seq, swap_u64_seq,
)

cdef extern from "<sys/mman.h>" nogil:
    void* mmap(void*, size_t, int, int, int, long)
    int munmap(void*, size_t)
    int PROT_READ
    int PROT_WRITE
    int MAP_PRIVATE
    int MAP_ANONYMOUS
    int MAP_NORESERVE
    void* MAP_FAILED


cdef int deadlines_open(Deadlines* deadlines, uint32_t count_max, uint64_t tick_ns, uint64_t now_ns) noexcept nogil:
    memset(deadlines, 0, sizeof(Deadlines))
    deadlines.count_max = count_max
    deadlines.tick_ns = tick_ns
    deadlines.start_ns = now_ns
    deadlines.nodes = <Node*>mmap(NULL, <size_t>count_max * sizeof(Node), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if deadlines.nodes == MAP_FAILED:
        deadlines.nodes = NULL
        return -1
    return 0


cdef void deadlines_close(Deadlines* deadlines) noexcept nogil:
    if deadlines.nodes != NULL:
        munmap(deadlines.nodes, <size_t>deadlines.count_max * sizeof(Node))
        deadlines.nodes = NULL


cdef uint32_t node_take(Deadlines* deadlines) noexcept nogil:
    # Index + 1, or 0.
    # ORDERING: acquire; pairs with the exchange in deadline_done. The frontier is a count.
    cdef uint64_t head = load_u64_acquire(&deadlines.free_head)
    cdef uint64_t after
    cdef uint32_t index
    while head & UINT32_MAX:
        after = ((head >> 32) + 1) << 32 | load_u32_relaxed(&deadlines.nodes[(head & UINT32_MAX) - 1].next)
        # ORDERING: acquires the node from whoever gave it back. The tag makes a stale ``next`` fail.
        if cas_u64(&deadlines.free_head, &head, after):
            return <uint32_t>(head & UINT32_MAX)
    if load_u32_relaxed(&deadlines.frontier) >= deadlines.count_max:
        return 0
    index = add_u32_seq(&deadlines.frontier, 1)
    if index >= deadlines.count_max:
        sub_u32_seq(&deadlines.frontier, 1)
        return 0
    return index + 1


cdef void deadline_done(Deadlines* deadlines, uint32_t node) noexcept nogil:
    # ORDERING: a first guess, corrected by the exchange.
    cdef uint64_t head = load_u64_acquire(&deadlines.free_head)
    while True:
        store_u32_relaxed(&deadlines.nodes[node - 1].next, <uint32_t>(head & UINT32_MAX))
        # ORDERING: publishes the node to its next taker.
        if cas_u64(&deadlines.free_head, &head, ((head >> 32) + 1) << 32 | node):
            return


cdef void deadline_send(Deadlines* deadlines, uint64_t due_ns, uint32_t conversation, uint32_t generation) noexcept nogil:
    cdef uint32_t number = node_take(deadlines)
    cdef uint64_t top
    cdef Node* node
    if number == 0:
        # ORDERING: a flag alone.
        store_u32_relaxed(&deadlines.starved, 1)
        return
    node = &deadlines.nodes[number - 1]
    node.due_ns = due_ns
    node.conversation = conversation
    node.generation = generation
    top = load_u64_relaxed(&deadlines.inbox)
    while True:
        store_u32_relaxed(&node.next, <uint32_t>top)
        # ORDERING: publishes the node to the ticker, which takes the whole inbox with one exchange.
        if cas_u64(&deadlines.inbox, &top, number):
            return


cdef uint64_t tick_of(Deadlines* deadlines, uint64_t due_ns) noexcept nogil:
    # Rounded up: nobody is told early.
    if due_ns <= deadlines.start_ns:
        return 0
    return (due_ns - deadlines.start_ns + deadlines.tick_ns - 1) // deadlines.tick_ns


cdef void deadline_again(Deadlines* deadlines, uint32_t number, uint64_t due_ns) noexcept nogil:
    cdef Node* node = &deadlines.nodes[number - 1]
    cdef uint64_t due = tick_of(deadlines, due_ns)
    cdef uint64_t distance
    cdef uint64_t place
    cdef int level = 0
    node.due_ns = due_ns
    if due <= deadlines.tick:
        due = deadlines.tick + 1
    distance = due - deadlines.tick
    if distance >= <uint64_t>1 << 8 * DEADLINE_LEVELS:
        # Further than the wheel reaches: it comes by on the way.
        due = deadlines.tick + (<uint64_t>1 << 8 * DEADLINE_LEVELS) - 1
        distance = due - deadlines.tick
    while level < DEADLINE_LEVELS - 1 and distance >= <uint64_t>1 << 8 * (level + 1):
        level += 1
    place = due >> 8 * level & (DEADLINE_SLOTS - 1)
    store_u32_relaxed(&node.next, deadlines.lists[level][place])
    deadlines.lists[level][place] = number
    deadlines.waiting += 1


cdef uint32_t list_take(Deadlines* deadlines, int level, uint64_t place, uint32_t due) noexcept nogil:
    # Empties a list: what is due goes to the head of ``due``, the rest down the levels.
    cdef uint32_t number = deadlines.lists[level][place]
    cdef uint32_t next
    cdef Node* node
    deadlines.lists[level][place] = 0
    while number != 0:
        node = &deadlines.nodes[number - 1]
        next = node.next
        deadlines.waiting -= 1
        if tick_of(deadlines, node.due_ns) <= deadlines.tick:
            store_u32_relaxed(&node.next, due)
            due = number
        else:
            deadline_again(deadlines, number, node.due_ns)
        number = next
    return due


cdef uint32_t deadlines_due(Deadlines* deadlines, uint64_t now_ns) noexcept nogil:
    cdef uint64_t target = 0
    cdef uint32_t due = 0
    cdef uint32_t next
    # ORDERING: acquires the nodes that were sent.
    cdef uint32_t number = <uint32_t>swap_u64_seq(&deadlines.inbox, 0) if load_u64_relaxed(&deadlines.inbox) else 0
    cdef int level
    if now_ns > deadlines.start_ns:
        target = (now_ns - deadlines.start_ns) // deadlines.tick_ns
    while number != 0:
        next = deadlines.nodes[number - 1].next
        deadline_again(deadlines, number, deadlines.nodes[number - 1].due_ns)
        number = next
    if deadlines.waiting == 0:
        if target > deadlines.tick:
            deadlines.tick = target
        return 0
    while deadlines.tick < target:
        deadlines.tick += 1
        for level in range(DEADLINE_LEVELS - 1, 0, -1):
            # Where the level below has turned round, the next list of this one comes down.
            if deadlines.tick & ((<uint64_t>1 << 8 * level) - 1) == 0:
                due = list_take(deadlines, level, deadlines.tick >> 8 * level & (DEADLINE_SLOTS - 1), due)
        due = list_take(deadlines, 0, deadlines.tick & (DEADLINE_SLOTS - 1), due)
    return due
