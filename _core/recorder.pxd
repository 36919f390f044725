"""The flight recorder: endless tapes that keep what was said lately, each written by one thread, the oldest overwritten.

A position counts all bytes that were ever written; a record lies in one piece, and what it leaves at the end of the
memory is a filler. Readers take no lock and stop no writer: they copy, and look afterwards whether the copy stands.

INVARIANT: what lies from ``tail`` to ``head`` is whole. The only writer moves ``tail`` past a record before it writes
over it, and every word of the memory is stored with release and loaded with acquire: whoever has read a new word
finds the new tail, so a reader that finds the tail behind its record afterwards has read nothing of a later one.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    TAPE_BYTES_LEAST = 65536    # a quarter holds a record of the most receivers
    RECORD_FILLER = 0xffffffff  # in place of ``text_bytes``

cdef enum RecordFlag:
    RECORD_HOST = 1             # made by the host for an agent: it goes out whatever its verdict is
    RECORD_UNJUDGED = 2         # likewise, about the message whose sequence it shares, without a verdict of its own
    RECORD_RAW = 4              # the text is what the sender wrote: nothing was made of it for a receiver
    RECORD_CUT = 8              # the text was too long for the tape and is left out

# A record's beginning; receivers and text follow, each a multiple of eight bytes.
cdef struct Record:
    uint32_t bytes              # of all of it
    uint32_t text_bytes
    uint64_t key_high           # of the conversation's id
    uint64_t key_low
    uint32_t conversation       # number of its record, and which one that was
    uint32_t generation
    uint64_t sequence           # counts the messages of a conversation, accepted and refused, from 1; no gaps
    int64_t at_ns               # Unix
    uint64_t id_high
    uint64_t id_low
    uint64_t sender
    uint32_t receiver_count
    uint8_t act
    uint8_t reason              # 0 = accepted
    uint8_t flags               # set of RecordFlag
    uint8_t pad

cdef struct Tape:
    char* memory                # OWNERSHIP: owned (mmap'd, touched when used); its words are atomic
    uint64_t size               # 0 = nothing is kept
    char pad_constant[48]
    uint64_t head               # atomic; position behind the newest record
    uint64_t tail               # atomic; position of the oldest
    # The writer's own: where head and tail lie in the memory.
    uint64_t head_at
    uint64_t tail_at
    char pad_shared[32]

# What a reader looks for: records of one conversation that come after a sequence, of each tape so many and so many
# bytes, one at least, and the answers that share the last one's.
cdef struct Sought:
    uint64_t key_high
    uint64_t key_low
    uint32_t conversation       # 0 = whichever has this key
    uint32_t generation
    uint64_t after
    uint64_t bytes_max
    uint32_t count_max

cdef struct Found:
    char* records               # OWNERSHIP: owned by whoever looks; freed with free()
    uint64_t used               # bytes of it
    uint64_t room
    uint64_t seen               # messages of the conversation, copied or not, that have a verdict of their own
    uint64_t sequence_max
    uint64_t complete_to        # sequence up to which no tape has kept anything back
    int64_t newest_ns           # of all, and whose it was
    uint32_t newest_conversation
    uint32_t newest_generation
    uint32_t overwritten        # 1 = the tape has lost records, of whatever conversation
    uint32_t starved            # 1 = there was no memory for a copy

# A tape of about so many bytes; 0 is none. 0, or -1 when memory is refused.
cdef int tape_open(Tape* tape, uint64_t size) noexcept nogil
cdef void tape_close(Tape* tape) noexcept nogil

# The tape's writer: keep a message. ``record`` without ``bytes``; receivers and text are borrowed for the call.
cdef void tape_write(Tape* tape, Record* record, const uint64_t* receivers, const char* text) noexcept nogil

# Any thread: add to ``found`` what the tape holds of what is sought.
cdef void tape_search(Tape* tape, const Sought* sought, Found* found) noexcept nogil
