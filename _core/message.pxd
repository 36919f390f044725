"""A message and the fixed pool it comes from.

A message is a header and the JSON text that its receiver gets (``body``). The text is written once,
when the message is accepted, and never changed; the header tells where in it the fields lie that a
reply needs. Pools are per size class, reserved at start and touched lazily.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from caxton._core.atomics cimport line_clear, store_u32_relaxed, store_u64_relaxed, unlikely
from caxton._core.bounds cimport CACHE_LINE_BYTES

cdef enum:
    SIZE_CLASS_COUNT = 4

cdef enum MessageKind:
    KIND_ACL = 0            # an ACL message; body is the JSON text for the receiver
    KIND_TIMER = 1          # a guest timer fell due; number = the timer's id
    KIND_LOG = 2            # guest log line for the shell; number = level
    KIND_EVENT = 3          # lifecycle or fault event for the shell; number = EventCode, body = text
    KIND_CAPABILITY = 4     # a guest registered a capability; body = name
    KIND_UNROUTED = 5       # a guest sent to a capability; the shell picks the receiver
    KIND_CONVERSATION = 6   # what happened to a conversation, for the shell; number = ConversationEvent, body = its id
    KIND_DEATH = 7          # an agent is gone for good, for the ticker; sender_id

cdef enum MessageFlag:
    FLAG_HOST = 1       # made by the host on behalf of an agent (automatic failure, not-understood, refuse)
    FLAG_RESERVED = 2   # holds one place in the receiver's mailbox
    FLAG_GIVEN_ID = 4   # the sender chose the id
    FLAG_INHERITED = 32     # nobody named a conversation: it is that of the message which its sender handled
    FLAG_COPY = 16      # a further copy, for another receiver, of the message before it in its list
    FLAG_OWN_CONVERSATION = 8   # nobody named a conversation: the message opens its own, named by its id

# A piece of ``body``: offset from its start, and length. Length 0 = absent.
cdef struct Piece:
    uint32_t offset
    uint32_t length

cdef struct Message:
    Message* next               # link in the one queue that holds this message; borrowed
    uint64_t id_high            # message id (UUID), big-endian halves; 0,0 where kind has none
    uint64_t id_low
    uint64_t sender_id          # agent ids; 0 = the host
    uint64_t receiver_id
    uint32_t sender_slot        # routing slots of the two, with the generation seen at acceptance
    uint32_t receiver_slot
    uint32_t sender_generation
    uint32_t receiver_generation
    uint64_t accepted_ns        # monotonic
    uint64_t trace_high
    uint64_t trace_low
    uint64_t span_id
    int64_t number              # by kind; of an ACL message its reply_by, Unix ms, 0 = none
    uint8_t kind
    uint8_t performative
    uint8_t flags
    uint8_t size_class          # of the pool this came from
    uint32_t index              # in that pool's class
    uint32_t body_bytes
    uint32_t body_capacity
    # The conversation that the message belongs to, where that one is held to something: record index + 1, 0 = none.
    uint32_t held
    uint32_t held_generation
    uint32_t hops               # messages that led to this one, each sent while the one before was handled
    uint8_t content_kind        # ContentKind of the field; KIND_ABSENT where it is left out
    # Raw interiors (no quotes, canonical escapes) of the string fields that a reply needs.
    Piece conversation
    Piece protocol
    Piece reply_with
    Piece in_reply_to
    Piece content               # the whole JSON value
    # Keyed hash of the conversation's id; 0, 0 = nobody has needed it yet.
    uint64_t key_high
    uint64_t key_low

# Bytes before the body: sizeof(Message) rounded up to a cache line; asserted at import.
cdef enum:
    HEADER_BYTES = 192
    SMALL_BYTES = 1024          # stride of the smallest class; a power of two
    SMALL_BODY_BYTES = 832      # SMALL_BYTES - HEADER_BYTES; asserted at import
    CLASS_FREE = 0xff           # ``size_class`` of a message that lies in a free list or a cache

# A thread's private store of free small messages, so that the shared list is rarely touched. Zeroed
# before first use. Only its thread writes it; the scraper may read the three counters (relaxed).
cdef enum:
    CACHE_SLOTS = 64
    CACHE_BATCH = 32            # moved between cache and shared list at a time; half of CACHE_SLOTS

cdef struct MessageCache:
    uint32_t count              # free messages in ``indexes``
    uint32_t indexes[CACHE_SLOTS]
    uint64_t allocated          # messages of any class taken with this cache ...
    uint64_t freed              # ... and given back with it: not always the same messages

# INVARIANT: each index below ``frontier`` is in one place only: the shared free list, one cache, or in
# the hands of an owner. ``links`` entries are changed only by the thread that has the index in hand, so
# the chain below an unchanged ``free_head`` (tag included) is unchanged too. The links live apart from
# the messages because a thread that lost the race for an index may still read its link.
cdef struct SizeClass:
    char* memory                # OWNERSHIP: owned by the pool; mmap'd, unmapped in pool_close
    uint32_t* links             # atomic; OWNERSHIP: owned by the pool; index + 1 of the next free, 0 = end
    uint64_t stride_bytes       # header + body capacity, multiple of a cache line
    uint32_t count              # messages in this class; 0 = class not in use
    uint32_t body_capacity      # stride_bytes - HEADER_BYTES
    char pad_constant[CACHE_LINE_BYTES]     # all threads read the words above; others change those below
    uint64_t free_head          # atomic: tag << 32 | (index + 1); 0 in the low half = empty
    uint64_t live               # atomic: messages of this class out of the shared list, caches included
    uint32_t frontier           # atomic: messages below were handed out at least once
    uint32_t pad
    char pad_shared[CACHE_LINE_BYTES]

cdef struct MessagePool:
    SizeClass classes[SIZE_CLASS_COUNT]
    uint64_t body_bytes_max     # largest body that any class holds

# Reserve address space for the pool: ``small_count`` messages of 1 KiB, an eighth of that of 8 KiB, a
# 64th of 64 KiB, and max(64, a 1024th) that hold ``body_bytes_max`` (none when 64 KiB suffice).
# Returns 0, or -1 when the kernel refuses or a figure is out of range. Nothing is touched yet.
cdef int pool_open(MessagePool* pool, uint32_t small_count, uint64_t body_bytes_max) noexcept nogil
# OWNERSHIP: all messages die with the pool. Idempotent.
cdef void pool_close(MessagePool* pool) noexcept nogil

# The parts of message_new and message_free that touch shared lists, and cache_flush: return a thread's
# cached messages to the shared lists (before the thread ends).
cdef Message* message_new_shared(MessagePool* pool, MessageCache* cache, uint64_t body_bytes) noexcept nogil
cdef void message_free_shared(MessagePool* pool, MessageCache* cache, Message* message) noexcept nogil
cdef void cache_flush(MessagePool* pool, MessageCache* cache) noexcept nogil

# Messages now out of the shared lists. Those that rest in a cache are out too: subtract ``count`` of each
# cache, or flush them first. Exact only when all threads are quiet.
cdef uint64_t pool_live(MessagePool* pool) noexcept nogil

cdef inline void header_clear(Message* message) noexcept nogil:
    # HEADER_BYTES are three cache lines (asserted at import), and messages begin on one.
    line_clear(message)
    line_clear(<char*>message + CACHE_LINE_BYTES)
    line_clear(<char*>message + 2 * CACHE_LINE_BYTES)

cdef inline char* message_body(Message* message) noexcept nogil:
    return <char*>message + HEADER_BYTES

# Take a message with room for ``body_bytes``; NULL when the pool is exhausted or the size too large. When
# a class has run out the next larger one serves. ``cache`` may be NULL.
# OWNERSHIP: the caller owns the message. Its header is zero but for size_class, index, body_capacity.
cdef inline Message* message_new(MessagePool* pool, MessageCache* cache, uint64_t body_bytes) noexcept nogil:
    cdef Message* message
    cdef uint32_t index, count
    if unlikely(cache == NULL or body_bytes > SMALL_BODY_BYTES or cache.count == 0):
        return message_new_shared(pool, cache, body_bytes)
    count = cache.count - 1
    index = cache.indexes[count]
    store_u32_relaxed(&cache.count, count)
    store_u64_relaxed(&cache.allocated, cache.allocated + 1)
    # SAFETY: an index in a cache is below the class's count, and only this thread has it in hand.
    message = <Message*>(pool.classes[0].memory + <uint64_t>index * SMALL_BYTES)
    header_clear(message)
    message.index = index
    message.body_capacity = SMALL_BODY_BYTES
    return message

# Give a message back. Aborts the process when it is free already or not from this pool.
# OWNERSHIP: the pool owns it again; the pointer is dead afterwards.
cdef inline void message_free(MessagePool* pool, MessageCache* cache, Message* message) noexcept nogil:
    cdef uint32_t count
    if unlikely(cache == NULL or message.size_class != 0 or cache.count >= CACHE_SLOTS):
        message_free_shared(pool, cache, message)
        return
    message.size_class = CLASS_FREE
    count = cache.count
    cache.indexes[count] = message.index
    store_u32_relaxed(&cache.count, count + 1)
    store_u64_relaxed(&cache.freed, cache.freed + 1)
