"""Records, chains, sessions and cited ids of conversations."""

from libc.stdint cimport UINT32_MAX, UINT64_MAX
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from caxton._core.atomics cimport (
    add_u32_relaxed, add_u32_seq, add_u64_relaxed, cas_u64, load_u64_acquire, load_u64_relaxed, multiply_fold, store_u32_relaxed,
    store_u64_relaxed, sub_u32_seq,
)
from caxton._core.message cimport HEADER_BYTES, message_body, message_free, message_new, pool_close, pool_open
from caxton._core.text cimport UUID_BYTES, uuid_read

cdef extern from "<sys/mman.h>" nogil:
    void* mmap(void*, size_t, int, int, int, long)
    int munmap(void*, size_t)
    int madvise(void*, size_t, int)
    int MADV_HUGEPAGE
    int PROT_READ
    int PROT_WRITE
    int MAP_PRIVATE
    int MAP_ANONYMOUS
    int MAP_NORESERVE
    void* MAP_FAILED

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void*, size_t, unsigned int)

cdef extern from "<sched.h>" nogil:
    int sched_yield()

cdef enum:
    SPINS_BEFORE_YIELD = 128
    # A block of sessions for the most participants must fit into one room.
    ROOM_BYTES_LEAST = 65536

assert HEADER_BYTES == 192, "session_at and conversation_name reckon with this"
assert sizeof(Session) == 64
assert sizeof(Conversation) == 384, "a record is six cache lines"
assert sizeof(CitedBlock) <= 832, "a block of cited ids fits into the smallest room"
assert sizeof(Stripe) == 64


cdef void stripe_wait(Stripe* stripe) noexcept nogil:
    # The holder decides one message; if it has lost its processor meanwhile, it gets ours.
    cdef uint32_t free_word = 0
    cdef uint32_t spins = 0
    while True:
        while load_u32_relaxed(&stripe.word) != 0:
            spins += 1
            if spins % SPINS_BEFORE_YIELD == 0:
                sched_yield()
            else:
                pause()
        free_word = 0
        # ORDERING: as in stripe_take.
        if cas_u32(&stripe.word, &free_word, 1):
            return


cdef int conversations_open(Conversations* table, Protocols* protocols, uint32_t count_max,
                            uint32_t participants_max) noexcept nogil:
    cdef uint64_t buckets = STRIPES
    cdef uint64_t room = <uint64_t>participants_max * 2 * sizeof(Session)
    memset(table, 0, sizeof(Conversations))
    table.protocols = protocols
    table.count_max = count_max
    table.participants_max = participants_max
    # Four times as many buckets as records: most messages that nobody is held to find theirs empty.
    while buckets < 4 * <uint64_t>count_max and buckets < 1 << 26:
        buckets *= 2
    table.bucket_mask = <uint32_t>(buckets - 1)
    # Records are looked at in random order: large pages, where the kernel gives them, save a walk for each.
    table.records = <Conversation*>mmap(NULL, <size_t>count_max * sizeof(Conversation), PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if table.records == MAP_FAILED:
        table.records = NULL
    else:
        madvise(table.records, <size_t>count_max * sizeof(Conversation), MADV_HUGEPAGE)
    # SAFETY: calloc gives zeroed room of the asked type and count.
    table.buckets = <uint32_t*>calloc(buckets, sizeof(uint32_t))
    table.occupied = <uint64_t*>calloc(buckets // 64, sizeof(uint64_t))
    table.stripes = <Stripe*>calloc(STRIPES, sizeof(Stripe))
    if (table.records == NULL or table.buckets == NULL or table.occupied == NULL or table.stripes == NULL
            or getrandom(table.keys, sizeof(table.keys), 0) < 0
            or pool_open(&table.rooms, max(count_max // 2, <uint32_t>4096),
                         max(room, <uint64_t>ROOM_BYTES_LEAST)) != 0):
        conversations_close(table)
        return -1
    madvise(table.rooms.classes[0].memory, <size_t>table.rooms.classes[0].count * table.rooms.classes[0].stride_bytes,
            MADV_HUGEPAGE)
    return 0


cdef void conversations_close(Conversations* table) noexcept nogil:
    if table.records != NULL:
        munmap(table.records, <size_t>table.count_max * sizeof(Conversation))
        table.records = NULL
    free(table.buckets)
    free(table.occupied)
    free(table.stripes)
    table.buckets = NULL
    table.occupied = NULL
    table.stripes = NULL
    pool_close(&table.rooms)


cdef inline uint64_t word_at(const char* text) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, text, 8)
    return value


cdef inline uint64_t tail_at(const char* text, uint32_t length) noexcept nogil:
    # Fewer than eight bytes, by two loads of fixed size where four are there.
    cdef uint32_t first = 0
    cdef uint32_t last = 0
    if length >= 4:
        memcpy(&first, text, 4)
        memcpy(&last, text + length - 4, 4)
        return <uint64_t>last << 32 | first
    if length == 0:
        return 0
    # SAFETY: as many bytes as the text has; the signs do no harm.
    return <uint64_t><uint8_t>text[0] << 16 | <uint64_t><uint8_t>text[length // 2] << 8 | <uint8_t>text[length - 1]


cdef void key_of(const Conversations* table, const char* text, uint32_t length,
                 uint64_t* high, uint64_t* low) noexcept nogil:
    # Two chains of products with secret numbers, each over all of the text.
    cdef uint64_t a = table.keys[0]
    cdef uint64_t b = table.keys[1]
    cdef uint64_t word
    cdef const char* end = text + (length & ~<uint32_t>7)
    while text < end:
        word = word_at(text)
        a = multiply_fold(a ^ word, table.keys[2] | 1)
        b = multiply_fold(b + word, table.keys[3] | 1)
        text += 8
    if length & 7:
        word = tail_at(text, length & 7)
        a = multiply_fold(a ^ word, table.keys[2] | 1)
        b = multiply_fold(b + word, table.keys[3] | 1)
    # The length comes in where nobody can know what it meets.
    high[0] = multiply_fold(a ^ table.keys[1] ^ length, 0x9E3779B97F4A7C15ULL)
    low[0] = multiply_fold(b ^ table.keys[0] ^ length, 0xD6E8FEB86659FD93ULL)


cdef uint64_t citation_of_id(const Conversations* table, uint64_t high, uint64_t low) noexcept nogil:
    return multiply_fold(multiply_fold(high ^ table.keys[2], table.keys[0] | 1) ^ low, table.keys[3] | 1) | 1


cdef uint64_t citation_of(const Conversations* table, const char* text, uint32_t length) noexcept nogil:
    cdef uint64_t high = 0
    cdef uint64_t low = 0
    if length == UUID_BYTES and uuid_read(text, length, &high, &low):
        return citation_of_id(table, high, low)
    key_of(table, text, length, &high, &low)
    return high | 1


cdef Conversation* conversation_find(Conversations* table, uint64_t high, uint64_t low) noexcept nogil:
    cdef uint32_t link = table.buckets[low & table.bucket_mask] & BUCKET_INDEX
    cdef Conversation* conversation
    while link != 0:
        conversation = &table.records[link - 1]
        conversation_expect(table, link)
        if conversation.key_low == low and conversation.key_high == high:
            return conversation
        link = conversation.next
    return NULL


cdef Conversation* conversation_near(Conversations* table, uint64_t high, uint64_t low, uint32_t number,
                                     uint32_t generation) noexcept nogil:
    cdef Conversation* conversation
    if number != 0:
        conversation = &table.records[number - 1]
        # A record that has been freed since is in other hands: its key may be read, the rest may not.
        if (load_u32_relaxed(&conversation.generation) == generation
                and load_u64_relaxed(&conversation.key_low) == low
                and load_u64_relaxed(&conversation.key_high) == high):
            return conversation
    return conversation_find(table, high, low)


cdef Conversation* record_take(Conversations* table) noexcept nogil:
    # The free list first, then what was never used.
    # ORDERING: acquire; pairs with the exchange in record_give. The frontier is a count.
    cdef uint64_t head = load_u64_acquire(&table.free_head)
    cdef uint64_t after
    cdef Conversation* conversation
    cdef uint32_t index
    while head & UINT32_MAX:
        conversation = &table.records[(head & UINT32_MAX) - 1]
        after = ((head >> 32) + 1) << 32 | load_u32_relaxed(&conversation.next)
        # ORDERING: acquires the record as whoever freed it left it. The tag makes a stale ``next`` fail.
        if cas_u64(&table.free_head, &head, after):
            return conversation
    if load_u32_relaxed(&table.frontier) >= table.count_max:
        return NULL
    index = add_u32_seq(&table.frontier, 1)
    if index >= table.count_max:
        sub_u32_seq(&table.frontier, 1)
        return NULL
    return &table.records[index]


cdef void record_give(Conversations* table, Conversation* conversation) noexcept nogil:
    # ORDERING: a first guess, corrected by the exchange.
    cdef uint64_t head = load_u64_acquire(&table.free_head)
    cdef uint32_t index = <uint32_t>(conversation - table.records)
    while True:
        store_u32_relaxed(&conversation.next, <uint32_t>(head & UINT32_MAX))
        # ORDERING: publishes the freed record to the next taker.
        if cas_u64(&table.free_head, &head, ((head >> 32) + 1) << 32 | (index + 1)):
            return


cdef void bucket_set(Conversations* table, uint32_t* bucket, uint32_t first) noexcept nogil:
    # A chain of one tells whose it is.
    cdef uint32_t word = first
    cdef uint32_t number
    cdef uint64_t bit
    if first != 0 and table.records[first - 1].next == 0:
        word |= tag_of(table.records[first - 1].key_low)
    # ORDERING: read without the stripe as a hint: who comes at the same moment comes before. The bit is this bucket's
    # alone, so that adding it and taking it away is exact.
    if (bucket[0] == 0) != (word == 0):
        number = <uint32_t>(bucket - table.buckets)
        bit = <uint64_t>1 << (number & 63)
        add_u64_relaxed(&table.occupied[number >> 6], bit if word != 0 else 0 - bit)
    store_u32_relaxed(bucket, word)


cdef Conversation* conversation_new(Conversations* table, uint64_t high, uint64_t low,
                                    const char* name, uint32_t name_bytes) noexcept nogil:
    cdef uint32_t* head = &table.buckets[low & table.bucket_mask]
    cdef Message* long_name = NULL
    cdef uint32_t generation
    cdef Conversation* conversation
    if name_bytes > NAME_INLINE_BYTES:
        long_name = message_new(&table.rooms, NULL, name_bytes)
        if long_name == NULL:
            return NULL
        memcpy(message_body(long_name), name, name_bytes)
    conversation = record_take(table)
    if conversation == NULL:
        if long_name != NULL:
            message_free(&table.rooms, NULL, long_name)
        return NULL
    generation = conversation.generation
    memset(<char*>conversation + 24, 0, sizeof(Conversation) - 24)
    # The ticker may look at the key of a record that is used again; it compares the generation afterwards.
    store_u64_relaxed(&conversation.key_high, high)
    store_u64_relaxed(&conversation.key_low, low)
    conversation.generation = generation
    conversation.armed_ns = UINT64_MAX
    conversation.long_name = long_name
    conversation.name_bytes = name_bytes
    if long_name == NULL:
        memcpy(conversation.name, name, name_bytes)
    store_u32_relaxed(&conversation.next, head[0] & BUCKET_INDEX)
    bucket_set(table, head, <uint32_t>(conversation - table.records) + 1)
    add_u32_relaxed(&table.used, 1)
    return conversation


cdef void conversation_free(Conversations* table, Conversation* conversation) noexcept nogil:
    cdef uint32_t* head = &table.buckets[conversation.key_low & table.bucket_mask]
    cdef uint32_t first = head[0] & BUCKET_INDEX
    cdef uint32_t* link = &first
    cdef uint32_t own = <uint32_t>(conversation - table.records) + 1
    cdef Message* block = conversation.blocks
    cdef Message* older
    while link[0] != own:
        link = &table.records[link[0] - 1].next
    link[0] = conversation.next
    bucket_set(table, head, first)
    while block != NULL:
        # SAFETY: the body of each block holds a CitedBlock.
        older = (<CitedBlock*>message_body(block)).older
        message_free(&table.rooms, NULL, block)
        block = older
    if conversation.many != NULL:
        message_free(&table.rooms, NULL, conversation.many)
    if conversation.long_name != NULL:
        message_free(&table.rooms, NULL, conversation.long_name)
    conversation.blocks = conversation.many = conversation.long_name = NULL
    conversation.state = STATE_NONE
    # ORDERING: a reader without the stripe compares the generation only under it again.
    store_u32_release(&conversation.generation, conversation.generation + 1)
    sub_u32_seq(&table.used, 1)
    record_give(table, conversation)


cdef int sessions_make(Conversations* table, Conversation* conversation, uint32_t count) noexcept nogil:
    cdef Message* many
    cdef Message* old = conversation.many
    if count == 1 and old == NULL:
        conversation.session_count = 1
        return 0
    many = message_new(&table.rooms, NULL, count * sizeof(Session))
    if many == NULL:
        return -1
    memset(message_body(many), 0, count * sizeof(Session))
    if conversation.session_count != 0:
        memcpy(message_body(many), session_at(conversation, 0), conversation.session_count * sizeof(Session))
    if old != NULL:
        message_free(&table.rooms, NULL, old)
    conversation.many = many
    conversation.session_count = <uint16_t>count
    return 0


cdef Session* session_find(Conversation* conversation, uint64_t agent) noexcept nogil:
    cdef uint32_t i
    cdef Session* session = session_at(conversation, 0)
    for i in range(conversation.session_count):
        if session[i].agent == agent:
            return &session[i]
    return NULL


cdef Session* session_near(Conversation* conversation, uint64_t agent, uint32_t number) noexcept nogil:
    cdef Session* session
    if number < conversation.session_count:
        session = session_at(conversation, number)
        if session.agent == agent:
            return session
    return session_find(conversation, agent)


cdef inline bint cited_matches(uint64_t entry, uint32_t ordinal, uint64_t hash, bint ids_only) noexcept nogil:
    return entry == hash and not (ids_only and ordinal & REPLY_WITH)


cdef uint32_t cited_find(Conversation* conversation, uint64_t hash, bint ids_only) noexcept nogil:
    cdef uint32_t i
    cdef Message* message = conversation.blocks
    cdef CitedBlock* block
    cdef uint32_t filled = conversation.block_fill
    for i in range(conversation.cited_count):
        if cited_matches(conversation.cited[i], conversation.cited_ordinals[i], hash, ids_only):
            return conversation.cited_ordinals[i] & ~<uint32_t>REPLY_WITH
    while message != NULL:
        # SAFETY: the body of each block holds a CitedBlock.
        block = <CitedBlock*>message_body(message)
        for i in range(filled):
            if cited_matches(block.entries[i].hash, block.entries[i].ordinal, hash, ids_only):
                return block.entries[i].ordinal & ~<uint32_t>REPLY_WITH
        message = block.older
        filled = CITED_IN_BLOCK
    return 0


cdef bint cited_is(Conversation* conversation, uint64_t hash, uint32_t cited, uint32_t ordinal) noexcept nogil:
    cdef uint32_t i
    cdef Message* message = conversation.blocks
    cdef CitedBlock* block
    cdef uint32_t filled = conversation.block_fill
    if cited == ordinal:
        return True
    for i in range(conversation.cited_count):
        if conversation.cited[i] == hash and conversation.cited_ordinals[i] & ~<uint32_t>REPLY_WITH == ordinal:
            return True
    while message != NULL:
        # SAFETY: the body of each block holds a CitedBlock.
        block = <CitedBlock*>message_body(message)
        for i in range(filled):
            if block.entries[i].hash == hash and block.entries[i].ordinal & ~<uint32_t>REPLY_WITH == ordinal:
                return True
        message = block.older
        filled = CITED_IN_BLOCK
    return False


cdef Message* oldest_taken(Conversation* conversation) noexcept nogil:
    # Unlinks the oldest block, which there is.
    cdef Message** link = &conversation.blocks
    # SAFETY: the body of each block holds a CitedBlock.
    while (<CitedBlock*>message_body(link[0])).older != NULL:
        link = &(<CitedBlock*>message_body(link[0])).older
    cdef Message* oldest = link[0]
    link[0] = NULL
    return oldest


cdef int cited_add(Conversations* table, Conversation* conversation, uint64_t hash, uint32_t ordinal) noexcept nogil:
    cdef CitedBlock* block = NULL
    cdef Message* message
    if conversation.cited_count < CITED_INLINE:
        conversation.cited[conversation.cited_count] = hash
        conversation.cited_ordinals[conversation.cited_count] = ordinal
        conversation.cited_count += 1
        return 0
    if conversation.blocks != NULL:
        # SAFETY: as above.
        block = <CitedBlock*>message_body(conversation.blocks)
    if block == NULL or conversation.block_fill == CITED_IN_BLOCK:
        # A round costs each participant at most five entries: none of the current round is ever forgotten.
        if conversation.block_count >= CITED_BLOCKS_LEAST + <uint32_t>conversation.session_count * 5 // CITED_IN_BLOCK:
            message = oldest_taken(conversation)
        else:
            message = message_new(&table.rooms, NULL, sizeof(CitedBlock))
            if message == NULL:
                return -1
            conversation.block_count += 1
        # SAFETY: a room of at least that size, given out by the pool or taken from the list of blocks.
        block = <CitedBlock*>message_body(message)
        conversation.block_fill = 0
        block.older = conversation.blocks
        conversation.blocks = message
    block.entries[conversation.block_fill].hash = hash
    block.entries[conversation.block_fill].ordinal = ordinal
    conversation.block_fill += 1
    return 0
