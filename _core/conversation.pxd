"""The conversation table: what is known of each conversation that is held to something.

Records lie in one array for the life of the core. A record is found by the 128-bit keyed hash of the conversation's
id; buckets are guarded by stripes, words that whoever judges holds for the time of one verdict. A message outside
such conversations takes no stripe: it looks at the bucket only, and not even there while the table is empty.

INVARIANT: chains, records and all that hangs on them are read and written under the stripe of their key only. The
adversary chooses ids: the hash's keys are drawn at open, and what one conversation may hold is bounded.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from caxton._core.atomics cimport cas_u32, load_u32_relaxed, load_u64_relaxed, pause, prefetch, store_u32_release
from caxton._core.message cimport Message, MessagePool
from caxton._core.protocol cimport PROTOCOLS_MAX, OUTCOME_COUNT, Protocols

cdef enum:
    STRIPES = 1024              # a power of two
    CITED_INLINE = 5
    CITED_IN_BLOCK = 48
    CITED_BLOCKS_LEAST = 6      # that a conversation may have, besides room for its participants
    NAME_INLINE_BYTES = 64
    BUCKET_INDEX_BITS = 25
    BUCKET_INDEX = 0x1ffffff    # (1 << BUCKET_INDEX_BITS) - 1
    REPLY_WITH = 0x80000000     # in an ordinal: the entry is a reply_with, not an id

cdef enum ConversationState:
    STATE_NONE = 0
    STATE_INITIATED = 1
    STATE_IN_PROGRESS = 2
    STATE_COMPLETED = 3
    STATE_FAILED = 4
    STATE_EXPIRED = 5

cdef enum ConversationFlag:
    FLAG_RESERVED_AHEAD = 1     # opened by hand: the opening message is still to come
    FLAG_DEADLINE_PASSED = 2    # of the current call, and acted upon
    FLAG_BY_DEADLINE = 4        # that is what ended it
    FLAG_OBSERVED = 8           # somebody asked to be told when it ends

# One participant.
cdef struct Session:
    uint64_t agent
    uint64_t offer_high         # id of the pending proposal
    uint64_t offer_low
    uint64_t offer_by_ns        # its own deadline; 0 = none
    double price                # of the bid
    # Ordinals of messages; 0 = there is none.
    uint32_t call               # what this session has to answer
    uint32_t offer
    uint32_t award
    uint32_t cancel             # the cancel that waits for an answer
    uint32_t last               # the participant's last message, while nothing has answered it
    uint8_t state               # SessionState
    uint8_t role
    uint8_t cancelling          # a cancel waits for an answer: the initiator and deadlines do not reach ``state``
    uint8_t seen                # while the receivers of one message are looked at

cdef struct Cited:
    uint64_t hash
    uint32_t ordinal
    uint32_t pad

# Ids and reply_withs of accepted messages, in order; the oldest block is used again when there are too many. Only
# the newest block may be part full.
cdef struct CitedBlock:
    Message* older              # OWNERSHIP: owned
    Cited entries[CITED_IN_BLOCK]

# Six cache lines (asserted at import). A further message between two touches the first three.
cdef struct Conversation:
    uint64_t key_high
    uint64_t key_low
    uint32_t next               # chain or free list: index + 1, 0 = end; atomic where it is free
    uint32_t generation         # atomic; raised when the record is freed
    uint8_t protocol
    uint8_t state               # ConversationState
    uint8_t outcome
    uint8_t phase
    uint8_t flags
    uint8_t has_price           # a call has named one
    uint16_t session_count
    uint64_t initiator
    uint64_t ttl_by_ns          # monotonic; 0 = never
    uint64_t reply_by_ns        # of the current call; 0 = none
    uint64_t armed_ns           # earliest node of the wheel for it; UINT64_MAX = none
    # Second line.
    Session one                 # the only session of a 1:1 protocol without targets
    # Third line.
    Message* many               # OWNERSHIP: owned; Session[session_count] in its body; NULL = ``one`` is all
    Message* blocks             # OWNERSHIP: owned; CitedBlock in its body, newest first
    uint64_t ttl_ns             # 0 = without end
    uint64_t fuel
    uint64_t fuel_max           # 0 = any amount
    uint32_t messages           # accepted
    uint32_t messages_max       # 0 = any number
    uint32_t ordinal            # of the last accepted message
    uint32_t open_count         # sessions that are not over
    uint16_t cited_count        # entries of ``cited``
    uint16_t block_fill         # entries of the newest block
    uint32_t refused            # messages that were refused here
    # Fourth line.
    uint64_t cited[CITED_INLINE]    # the first accepted messages: never forgotten
    uint32_t cited_ordinals[CITED_INLINE]
    uint32_t block_count
    # The rest is for opening, awards, ends and accounts.
    Message* long_name          # OWNERSHIP: owned; the id where it is longer than ``name``
    double price                # of the last call
    uint64_t opened_ns
    uint64_t ended_ns
    uint32_t max_awards         # 0 = any number
    uint32_t awards
    uint32_t winner             # session number + 1
    uint32_t results            # awarded sessions that reported a result
    uint32_t name_bytes
    uint32_t call               # ordinal of the last call, or of the opening message; 0 = an auction has none yet
    uint64_t pad_tail
    char name[NAME_INLINE_BYTES]

cdef struct Stripe:
    uint32_t word               # atomic; 1 = held
    char pad[60]

cdef struct Conversations:
    Conversation* records       # OWNERSHIP: owned (mmap'd, touched when used)
    uint32_t* buckets           # OWNERSHIP: owned; index + 1 of the chain's head, and the tag of a record that is alone
    uint64_t* occupied          # OWNERSHIP: owned; atomic; a bit for each bucket that has a chain: small enough for caches
    Stripe* stripes             # OWNERSHIP: owned
    MessagePool rooms           # sessions, cited ids, long names
    Protocols* protocols        # borrowed
    uint64_t keys[4]            # from the kernel's random source
    uint64_t default_reply_ns
    uint64_t default_ttl_ns
    uint32_t count_max
    uint32_t bucket_mask
    uint32_t participants_max
    uint32_t pad
    char pad_constant[64]
    uint64_t free_head          # atomic: tag << 32 | (index + 1)
    uint32_t frontier           # atomic; records below were used at least once
    uint32_t used               # atomic; records in chains, ended ones too
    char pad_shared[64]
    # Atomic; by protocol, the last row is that of conversations without one.
    uint64_t opened[PROTOCOLS_MAX + 1]
    uint64_t finished[PROTOCOLS_MAX + 1][OUTCOME_COUNT]
    uint64_t reasons[32]

# Room for ``count_max`` conversations, live and remembered. 0, or -1 when memory is refused.
cdef int conversations_open(Conversations* table, Protocols* protocols, uint32_t count_max,
                            uint32_t participants_max) noexcept nogil
cdef void conversations_close(Conversations* table) noexcept nogil

cdef void key_of(const Conversations* table, const char* text, uint32_t length,
                 uint64_t* high, uint64_t* low) noexcept nogil
# Hash of an id or a reply_with as in_reply_to may name it; never 0. A UUID in text hashes like its two halves.
cdef uint64_t citation_of(const Conversations* table, const char* text, uint32_t length) noexcept nogil
cdef uint64_t citation_of_id(const Conversations* table, uint64_t high, uint64_t low) noexcept nogil

# Under the stripe -----------------------------------------------------------------------------------
cdef Conversation* conversation_find(Conversations* table, uint64_t high, uint64_t low) noexcept nogil
# Likewise, first in the record ``number`` (index + 1; 0 = none): most of what is said stays where it was.
cdef Conversation* conversation_near(Conversations* table, uint64_t high, uint64_t low, uint32_t number,
                                     uint32_t generation) noexcept nogil
# A new record in its chain, zero but for its key, name and generation; NULL when there is no room.
cdef Conversation* conversation_new(Conversations* table, uint64_t high, uint64_t low,
                                    const char* name, uint32_t name_bytes) noexcept nogil
# Take a record out of its chain and free what hangs on it.
cdef void conversation_free(Conversations* table, Conversation* conversation) noexcept nogil
# Room for ``count`` sessions. 0, or -1 when there is none.
cdef int sessions_make(Conversations* table, Conversation* conversation, uint32_t count) noexcept nogil
cdef Session* session_find(Conversation* conversation, uint64_t agent) noexcept nogil
# Likewise, first where it most likely is: receivers are mostly named in the order of the sessions.
cdef Session* session_near(Conversation* conversation, uint64_t agent, uint32_t number) noexcept nogil
# Ordinal of the accepted message that has this id or reply_with; 0 = none.
cdef uint32_t cited_find(Conversation* conversation, uint64_t hash, bint ids_only) noexcept nogil
# Whether that hash names the message ``ordinal``: two messages may share a reply_with. ``cited`` is what cited_find said.
cdef bint cited_is(Conversation* conversation, uint64_t hash, uint32_t cited, uint32_t ordinal) noexcept nogil
# Remember one; 0, or -1 when there is no room.
cdef int cited_add(Conversations* table, Conversation* conversation, uint64_t hash, uint32_t ordinal) noexcept nogil

cdef inline Session* session_at(Conversation* conversation, uint32_t number) noexcept nogil:
    # SAFETY: the body of ``many`` holds session_count sessions; the header is a multiple of a line.
    if conversation.many == NULL:
        return &conversation.one
    return <Session*>(<char*>conversation.many + 192) + number

cdef inline const char* conversation_name(const Conversation* conversation) noexcept nogil:
    if conversation.long_name == NULL:
        return conversation.name
    return <const char*>conversation.long_name + 192

cdef void stripe_wait(Stripe* stripe) noexcept nogil

cdef inline Stripe* stripe_of(Conversations* table, uint64_t key_low) noexcept nogil:
    return &table.stripes[key_low & (STRIPES - 1)]

cdef inline void stripe_take(Stripe* stripe) noexcept nogil:
    cdef uint32_t free = 0
    # ORDERING: seq_cst exchange pairs with the release in stripe_give: the last holder's writes are seen.
    if not cas_u32(&stripe.word, &free, 1):
        stripe_wait(stripe)

cdef inline void stripe_give(Stripe* stripe) noexcept nogil:
    # ORDERING: release: what was written under the stripe comes before.
    store_u32_release(&stripe.word, 0)

cdef inline bint conversations_exist(const Conversations* table) noexcept nogil:
    return load_u32_relaxed(&table.used) != 0

cdef inline void conversation_expect(const Conversations* table, uint32_t number) noexcept nogil:
    # The record (index + 1) will be judged in soon: its lines and its stripe are fetched meanwhile.
    cdef const char* line = <const char*>&table.records[number - 1]
    prefetch(line)
    prefetch(line + 64)
    prefetch(line + 128)

cdef inline void cited_expect(Conversation* conversation) noexcept nogil:
    # What is accepted now will be remembered in the newest block.
    # SAFETY: the body of each block holds a CitedBlock; an entry behind the last is as good a hint as any.
    if conversation.blocks != NULL:
        prefetch(&(<CitedBlock*>(<char*>conversation.blocks + 192)).entries[conversation.block_fill])

cdef inline bint bucket_is_empty(const Conversations* table, uint64_t key_low) noexcept nogil:
    cdef uint32_t bucket = <uint32_t>key_low & table.bucket_mask
    return load_u64_relaxed(&table.occupied[bucket >> 6]) >> (bucket & 63) & 1 == 0

cdef inline void key_expect(const Conversations* table, uint64_t key_low) noexcept nogil:
    # Likewise for one that is known by its key only.
    if not bucket_is_empty(table, key_low):
        prefetch(&table.buckets[key_low & table.bucket_mask])

cdef inline void key_expect_more(const Conversations* table, uint64_t key_low) noexcept nogil:
    # The next step, when the bucket has come: the head of its chain most likely is the record.
    cdef uint32_t number
    if not bucket_is_empty(table, key_low):
        number = load_u32_relaxed(&table.buckets[key_low & table.bucket_mask]) & BUCKET_INDEX
        if number != 0:
            conversation_expect(table, number)

cdef inline uint32_t tag_of(uint64_t key_low) noexcept nogil:
    # Seven bits that the bucket's number does not tell, in the place where a bucket keeps them; never 0.
    cdef uint32_t tag = <uint32_t>(key_low >> 57)
    return (tag if tag != 0 else 1) << BUCKET_INDEX_BITS

cdef inline bint bucket_is_without(const Conversations* table, uint64_t key_low) noexcept nogil:
    # A look without the stripe: where no record has the key, nobody is held to anything. 0 = there may be one.
    cdef uint32_t word
    cdef uint32_t tag
    if bucket_is_empty(table, key_low):
        return True
    word = load_u32_relaxed(&table.buckets[key_low & table.bucket_mask])
    tag = word & ~<uint32_t>BUCKET_INDEX
    return word == 0 or (tag != 0 and tag != tag_of(key_low))

cdef inline uint32_t protocol_line(uint8_t protocol) noexcept nogil:
    # Where a protocol's counters stand.
    return protocol if protocol < PROTOCOLS_MAX else PROTOCOLS_MAX
