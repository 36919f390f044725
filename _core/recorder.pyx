"""Writing over the oldest, and reading what may be written over meanwhile."""

from libc.stdint cimport UINT32_MAX
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset
from posix.mman cimport (
    MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE, mmap, munmap,
)

cdef extern from "<sys/mman.h>" nogil:
    int madvise(void*, size_t, int)
    int MADV_HUGEPAGE

from caxton._core.atomics cimport load_u64_acquire, load_u64_relaxed, prefetch, store_u64_relaxed, store_u64_release

cdef enum:
    RECORD_BYTES = 80
    RECORD_WORDS = 10
    FETCHED_AHEAD = 512         # bytes behind the newest record that the next one will want

assert sizeof(Record) == RECORD_BYTES, sizeof(Record)
assert RECORD_BYTES == RECORD_WORDS * 8
assert sizeof(Tape) == 128, sizeof(Tape)


cdef int tape_open(Tape* tape, uint64_t size) noexcept nogil:
    cdef void* area
    memset(tape, 0, sizeof(Tape))
    if size == 0:
        return 0
    size = size & ~<uint64_t>4095
    if size < TAPE_BYTES_LEAST:
        size = TAPE_BYTES_LEAST
    # Large pages, where the kernel gives them: the first way round is as fast as the others.
    area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if area == MAP_FAILED:
        return -1
    madvise(area, size, MADV_HUGEPAGE)
    tape.memory = <char*>area   # SAFETY: fresh private pages, page aligned, ``size`` bytes.
    tape.size = size
    return 0


cdef void tape_close(Tape* tape) noexcept nogil:
    if tape.memory != NULL:
        munmap(tape.memory, tape.size)
    memset(tape, 0, sizeof(Tape))


cdef inline uint64_t* word_of(Tape* tape, uint64_t at) noexcept nogil:
    # SAFETY: offsets are multiples of eight below the size.
    return <uint64_t*>(tape.memory + at)


cdef void make_room(Tape* tape, uint64_t length) noexcept nogil:
    # Gives up the oldest records until ``length`` bytes behind the head are free.
    cdef uint64_t tail = tape.tail
    cdef uint64_t bytes
    while tape.head + length - tail > tape.size:
        bytes = word_of(tape, tape.tail_at)[0] & UINT32_MAX
        tail += bytes
        tape.tail_at += bytes
        if tape.tail_at == tape.size:
            tape.tail_at = 0
    # ORDERING: the release of each word that is written next carries this to whoever reads one of them.
    store_u64_relaxed(&tape.tail, tail)
    # The next to give up its length.
    prefetch(word_of(tape, tape.tail_at))


cdef void words_write(Tape* tape, uint64_t at, const char* source, uint64_t count) noexcept nogil:
    cdef uint64_t* target = word_of(tape, at)
    cdef uint64_t value
    cdef uint64_t i
    for i in range(count):
        memcpy(&value, source + 8 * i, 8)
        # ORDERING: release, after the tail; pairs with the readers' acquire.
        store_u64_release(&target[i], value)


cdef inline void word_write(Tape* tape, uint64_t at, uint64_t value) noexcept nogil:
    # ORDERING: as in words_write.
    store_u64_release(word_of(tape, at), value)


cdef void head_write(Tape* tape, uint64_t at, const Record* record) noexcept nogil:
    # Field by field, though the words lie there in this order: a word that is loaded right after its halves were
    # stored waits until they have reached the cache, and all that was stored before them.
    word_write(tape, at, <uint64_t>record.text_bytes << 32 | record.bytes)
    word_write(tape, at + 8, load_u64_relaxed(&record.key_high))
    word_write(tape, at + 16, load_u64_relaxed(&record.key_low))
    word_write(tape, at + 24, <uint64_t>record.generation << 32 | record.conversation)
    word_write(tape, at + 32, load_u64_relaxed(&record.sequence))
    word_write(tape, at + 40, <uint64_t>record.at_ns)
    word_write(tape, at + 48, load_u64_relaxed(&record.id_high))
    word_write(tape, at + 56, load_u64_relaxed(&record.id_low))
    word_write(tape, at + 64, load_u64_relaxed(&record.sender))
    word_write(tape, at + 72, <uint64_t>record.flags << 48 | <uint64_t>record.reason << 40
               | <uint64_t>record.act << 32 | record.receiver_count)


cdef void fill_up(Tape* tape, uint64_t left) noexcept nogil:
    # The end of the memory is too short: the next record begins at the front.
    make_room(tape, left)
    # ORDERING: release, as all words; then the head, as in tape_write.
    store_u64_release(word_of(tape, tape.head_at), <uint64_t>RECORD_FILLER << 32 | left)
    store_u64_release(&tape.head, tape.head + left)
    tape.head_at = 0


cdef void tape_write(Tape* tape, Record* record, const uint64_t* receivers, const char* text) noexcept nogil:
    cdef uint64_t at
    cdef uint64_t length
    cdef uint64_t last = 0
    cdef uint32_t whole
    if tape.size == 0:
        return
    length = RECORD_BYTES + 8 * <uint64_t>record.receiver_count + ((<uint64_t>record.text_bytes + 7) & ~<uint64_t>7)
    if length > tape.size // 4:
        record.flags |= RECORD_CUT
        record.text_bytes = 0
        length = RECORD_BYTES + 8 * <uint64_t>record.receiver_count
    record.bytes = <uint32_t>length
    if tape.size - tape.head_at < length:
        fill_up(tape, tape.size - tape.head_at)
    make_room(tape, length)
    at = tape.head_at
    head_write(tape, at, record)
    at += RECORD_BYTES
    words_write(tape, at, <const char*>receivers, record.receiver_count)
    at += 8 * <uint64_t>record.receiver_count
    whole = record.text_bytes // 8
    words_write(tape, at, text, whole)
    if record.text_bytes % 8 != 0:
        memcpy(&last, text + 8 * whole, record.text_bytes % 8)
        words_write(tape, at + 8 * whole, <const char*>&last, 1)
    tape.head_at += length
    if tape.head_at == tape.size:
        tape.head_at = 0
    # ORDERING: release: a reader that finds the record before the head finds all of it.
    store_u64_release(&tape.head, tape.head + length)
    at = 0
    while at < FETCHED_AHEAD:
        # A hint: behind the end of the memory it is without effect.
        prefetch(tape.memory + tape.head_at + at)
        at += 64


cdef bint still_stands(Tape* tape, uint64_t position) noexcept nogil:
    # ORDERING: after the acquire loads of the words in question, see the invariant.
    return load_u64_acquire(&tape.tail) <= position


cdef char* room_for(Found* found, uint64_t length) noexcept nogil:
    cdef uint64_t room = found.room
    cdef char* grown
    while found.used + length > room:
        room = 65536 if room == 0 else 2 * room
    if room != found.room:
        # SAFETY: plain bytes.
        grown = <char*>realloc(found.records, room)
        if grown == NULL:
            found.starved = 1
            return NULL
        found.records = grown
        found.room = room
    return found.records + found.used


cdef bint record_copy(Tape* tape, uint64_t at, uint64_t length, Found* found) noexcept nogil:
    cdef char* copy = room_for(found, length)
    cdef uint64_t* source = word_of(tape, at)
    cdef uint64_t value
    cdef uint64_t i
    if copy == NULL:
        return False
    for i in range(length // 8):
        # ORDERING: acquire, pairs with words_write.
        value = load_u64_acquire(&source[i])
        memcpy(copy + 8 * i, &value, 8)
    return True


cdef bint is_sought(const Record* record, const Sought* sought) noexcept nogil:
    if record.key_high != sought.key_high or record.key_low != sought.key_low:
        return False
    return sought.conversation == 0 or (
        record.conversation == sought.conversation and record.generation == sought.generation)


cdef bint is_enough(const Sought* sought, uint32_t copied, uint64_t taken) noexcept nogil:
    return copied >= sought.count_max or (copied != 0 and taken > sought.bytes_max)


cdef void note(const Record* record, Found* found) noexcept nogil:
    if not record.flags & RECORD_UNJUDGED:
        found.seen += 1
    if record.sequence > found.sequence_max:
        found.sequence_max = record.sequence
    if record.at_ns >= found.newest_ns:
        found.newest_ns = record.at_ns
        found.newest_conversation = record.conversation
        found.newest_generation = record.generation


cdef void tape_search(Tape* tape, const Sought* sought, Found* found) noexcept nogil:
    cdef Record record
    cdef uint64_t words[RECORD_WORDS]
    cdef uint64_t* source
    # ORDERING: acquire: all up to this head can be read.
    cdef uint64_t head = load_u64_acquire(&tape.head)
    cdef uint64_t position = load_u64_acquire(&tape.tail)
    cdef uint64_t at
    cdef uint64_t length
    cdef uint64_t last = 0
    cdef uint64_t taken = 0
    cdef uint32_t copied = 0
    cdef int i
    if tape.size == 0 or position != 0:
        found.overwritten = 1
    while position < head:
        at = position % tape.size
        source = word_of(tape, at)
        # ORDERING: acquire, as in record_copy.
        words[0] = load_u64_acquire(source)
        length = words[0] & UINT32_MAX
        if words[0] >> 32 != <uint64_t>RECORD_FILLER:
            for i in range(1, RECORD_WORDS):
                words[i] = load_u64_acquire(&source[i])
        if not still_stands(tape, position):
            # The writer has come round: go on where it has not been yet.
            found.overwritten = 1
            # ORDERING: acquire: from this tail on all can be read.
            position = load_u64_acquire(&tape.tail)
            continue
        if words[0] >> 32 != <uint64_t>RECORD_FILLER:
            memcpy(&record, words, sizeof(Record))
            if is_sought(&record, sought):
                note(&record, found)
                if record.sequence <= sought.after:
                    pass
                elif is_enough(sought, copied, taken + length) and record.sequence != last:
                    if last < found.complete_to:
                        found.complete_to = last
                elif record_copy(tape, at, length, found):
                    if still_stands(tape, position):
                        copied += 1
                        taken += length
                        last = record.sequence
                        found.used += length
                    else:
                        found.overwritten = 1
        position += length
