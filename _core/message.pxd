"""A message and the fixed pool it comes from.

A message is a header and the JSON text that its receiver gets (``body``). The text is written once,
when the message is accepted, and never changed; the header tells where in it the fields lie that a
reply needs. Pools are per size class, reserved at start and touched lazily.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    SIZE_CLASS_COUNT = 4

cdef enum MessageKind:
    KIND_ACL = 0        # an ACL message; body is the JSON text for the receiver
    KIND_TIMER = 1      # a guest timer fell due; number = the timer's id
    KIND_LOG = 2        # guest log line for the shell; number = level
    KIND_EVENT = 3      # lifecycle or fault event for the shell; number = EventCode, body = text
    KIND_CAPABILITY = 4 # a guest registered a capability; body = name

cdef enum MessageFlag:
    FLAG_HOST = 1       # made by the host on behalf of an agent (automatic failure, not-understood, refuse)
    FLAG_RESERVED = 2   # holds one place in the receiver's mailbox

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
    int64_t number              # by kind
    uint8_t kind
    uint8_t performative
    uint8_t flags
    uint8_t size_class          # of the pool this came from
    uint32_t index              # in that pool's class
    uint32_t body_bytes
    uint32_t body_capacity
    # Raw interiors (no quotes, canonical escapes) of the string fields that a reply needs.
    Piece conversation
    Piece protocol
    Piece reply_with
    Piece in_reply_to
    Piece content               # the whole JSON value

# A thread's private store of free small messages, so that the shared list is rarely touched.
cdef enum:
    CACHE_SLOTS = 64

cdef struct MessageCache:
    uint32_t count
    uint32_t allocated          # statistics of this thread; sum(allocated) - sum(freed) = live
    uint32_t freed
    uint32_t indexes[CACHE_SLOTS]

cdef struct SizeClass:
    char* memory                # OWNERSHIP: owned by the pool; mmap'd, unmapped in pool_close
    uint64_t stride_bytes       # header + body capacity, multiple of a cache line
    uint32_t count              # messages in this class
    uint32_t frontier           # atomic: messages below were handed out at least once
    uint64_t free_head          # atomic: tag << 32 | (index + 1); 0 in the low half = empty
    uint64_t live               # atomic: messages of this class now out (large classes only)

cdef struct MessagePool:
    SizeClass classes[SIZE_CLASS_COUNT]
    uint64_t body_bytes_max     # largest body that any class holds

# Reserve address space for the pool. Returns 0, or -1 when the kernel refuses. Nothing is touched yet.
cdef int pool_open(MessagePool* pool, uint32_t small_count, uint64_t body_bytes_max) noexcept nogil
cdef void pool_close(MessagePool* pool) noexcept nogil

# Take a message with room for ``body_bytes``; NULL when the pool is exhausted or the size too large.
# The header is zeroed but for size_class, index, body_capacity. The caller owns the message.
cdef Message* message_new(MessagePool* pool, MessageCache* cache, uint64_t body_bytes) noexcept nogil

# Give a message back; the pointer is dead afterwards.
cdef void message_free(MessagePool* pool, MessageCache* cache, Message* message) noexcept nogil

# Return a thread's cached messages to the shared lists (before the thread ends).
cdef void cache_flush(MessagePool* pool, MessageCache* cache) noexcept nogil

# Messages now out of the pool that sit in no cache. Exact only when all threads are quiet.
cdef uint64_t pool_live(MessagePool* pool) noexcept nogil

cdef enum:
    HEADER_BYTES = 192          # sizeof(Message) rounded up to a cache line; asserted at import

cdef inline char* message_body(Message* message) noexcept nogil:
    return <char*>message + HEADER_BYTES
