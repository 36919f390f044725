"""Test door to a tape of the flight recorder: one writer, readers that look at what is written over meanwhile."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from caxton._core.atomics cimport (
    add_u32_seq, load_u32_seq, monotonic_ns, store_u64_relaxed, store_u64_release,
)
from caxton._core.recorder cimport Found, Record, Sought, Tape, tape_close, tape_open, tape_search, tape_write
from gate cimport gate_pass, random_next

cdef enum:
    TEXT_BYTES_MAX = 600
    RECEIVERS = 2
    CONVERSATIONS = 4
    BROKEN_BYTES = 512          # of each record of the broken twin


cdef void words_copy(uint64_t* target, const uint64_t* source, uint64_t count) noexcept nogil:
    cdef uint64_t i
    for i in range(count):
        target[i] = source[i]


# A writer that says too late, and with plain stores, that it writes over the oldest: ThreadSanitizer must catch it.
cdef void write_broken(Tape* tape, Record* record, const char* text) noexcept nogil:
    record.bytes = BROKEN_BYTES
    if tape.size - tape.head_at < BROKEN_BYTES:
        tape.head_at = 0
    # SAFETY: whole words, both at multiples of eight.
    words_copy(<uint64_t*>(tape.memory + tape.head_at), <const uint64_t*>record, sizeof(Record) // 8)
    words_copy(<uint64_t*>(tape.memory + tape.head_at + sizeof(Record)), <const uint64_t*>text,
               (BROKEN_BYTES - sizeof(Record)) // 8)
    tape.head_at += BROKEN_BYTES
    if tape.head + BROKEN_BYTES > tape.size:
        store_u64_relaxed(&tape.tail, tape.head + BROKEN_BYTES - tape.size)
    store_u64_release(&tape.head, tape.head + BROKEN_BYTES)


cdef class TapeDoor:
    cdef Tape tape
    cdef uint32_t arrived
    cdef uint32_t finished

    def __cinit__(self, uint64_t size):
        if tape_open(&self.tape, size) != 0:
            raise MemoryError

    def __dealloc__(self):
        tape_close(&self.tape)

    def size(self) -> int:
        return self.tape.size

    def kept(self) -> int:
        """Bytes between tail and head."""
        return self.tape.head - self.tape.tail

    def write(self, uint64_t conversation, uint64_t sequence, bytes text, object receivers=(), int flags=0,
              uint32_t generation=1) -> None:
        cdef Record record
        cdef uint64_t agents[1000]
        memset(&record, 0, sizeof(Record))
        for i, receiver in enumerate(receivers):
            agents[i] = receiver
        record.key_low = conversation
        record.conversation = <uint32_t>conversation
        record.generation = generation
        record.sequence = sequence
        record.at_ns = sequence
        record.receiver_count = <uint32_t>len(receivers)
        record.flags = flags
        record.text_bytes = <uint32_t>len(text)
        tape_write(&self.tape, &record, agents, text)

    def search(self, uint64_t conversation, *, uint64_t after=0, uint32_t count_max=1000,
               uint64_t bytes_max=1 << 30, uint32_t generation=1):
        """([(sequence, receivers, flags, text) ...], seen, complete_to, overwritten)."""
        cdef Sought sought
        cdef Found found
        cdef Record record
        cdef uint64_t at = 0
        cdef uint64_t receiver
        cdef uint32_t i
        memset(&sought, 0, sizeof(Sought))
        memset(&found, 0, sizeof(Found))
        sought.key_low = conversation
        sought.conversation = <uint32_t>conversation
        sought.generation = generation
        sought.after = after
        sought.count_max = count_max
        sought.bytes_max = bytes_max
        found.complete_to = <uint64_t>-1
        tape_search(&self.tape, &sought, &found)
        rows = []
        while at < found.used:
            memcpy(&record, found.records + at, sizeof(Record))
            receivers = []
            for i in range(record.receiver_count):
                memcpy(&receiver, found.records + at + sizeof(Record) + 8 * i, 8)
                receivers.append(receiver)
            text = found.records + at + sizeof(Record) + 8 * record.receiver_count
            rows.append((record.sequence, receivers, record.flags, text[:record.text_bytes]))
            at += record.bytes
        free(found.records)
        return (rows, found.seen, found.complete_to, bool(found.overwritten))

    def produce(self, uint32_t count, uint64_t seed, uint32_t parties, bint broken) -> None:
        """Write records of some conversations, of any length; each tells in every part what it must hold."""
        cdef Record record
        cdef uint64_t[75] words         # TEXT_BYTES_MAX bytes
        cdef char* text = <char*>words  # SAFETY: plain bytes
        cdef uint64_t receivers[RECEIVERS]
        cdef uint64_t state = seed
        cdef uint32_t i
        memset(&record, 0, sizeof(Record))
        # SAFETY: only C state of this door is touched; this is the tape's one writer.
        with nogil:
            gate_pass(&self.arrived, parties)
            for i in range(1, count + 1):
                record.flags = 0
                record.key_low = i % CONVERSATIONS + 1
                record.key_high = ~record.key_low
                record.sequence = i
                record.sender = i
                record.at_ns = i
                record.receiver_count = 0 if broken else RECEIVERS
                receivers[0] = receivers[1] = i
                record.text_bytes = BROKEN_BYTES - sizeof(Record) if broken else <uint32_t>(random_next(&state) % TEXT_BYTES_MAX)
                memset(text, <int>(i % 251), TEXT_BYTES_MAX)
                if broken:
                    write_broken(&self.tape, &record, text)
                else:
                    tape_write(&self.tape, &record, receivers, text)
            add_u32_seq(&self.finished, 1)

    def consume(self, uint64_t conversation, uint32_t parties) -> tuple[int, int]:
        """Search until the writer is done: (records read, those that were damaged or out of order)."""
        cdef Sought sought
        cdef Found found
        cdef uint64_t read = 0
        cdef uint64_t damaged = 0
        cdef bint last = False
        memset(&sought, 0, sizeof(Sought))
        memset(&found, 0, sizeof(Found))
        sought.key_low = conversation
        sought.key_high = ~conversation
        sought.count_max = 1 << 30
        sought.bytes_max = 1 << 30
        # SAFETY: only C state of this call is written.
        with nogil:
            gate_pass(&self.arrived, parties)
            while True:
                last = load_u32_seq(&self.finished) != 0
                found.used = 0
                found.complete_to = <uint64_t>-1
                tape_search(&self.tape, &sought, &found)
                damaged += self.damaged(&found, conversation, &read)
                if last:
                    break
        free(found.records)
        return (read, damaged)

    cdef uint64_t damaged(self, const Found* found, uint64_t conversation, uint64_t* read) noexcept nogil:
        cdef Record record
        cdef uint64_t at = 0
        cdef uint64_t before = 0
        cdef uint64_t wrong = 0
        cdef uint64_t receiver
        cdef uint32_t i
        cdef const char* text
        cdef char mark
        while at < found.used:
            memcpy(&record, found.records + at, sizeof(Record))
            mark = <char>(record.sequence % 251)
            wrong += record.sequence <= before or record.sender != record.sequence
            wrong += record.sequence % CONVERSATIONS + 1 != conversation
            for i in range(record.receiver_count):
                memcpy(&receiver, found.records + at + sizeof(Record) + 8 * i, 8)
                wrong += receiver != record.sequence
            text = found.records + at + sizeof(Record) + 8 * record.receiver_count
            for i in range(record.text_bytes):
                wrong += text[i] != mark
            before = record.sequence
            read[0] += 1
            at += record.bytes
        return wrong

    def time_write(self, uint32_t count, uint32_t text_bytes) -> int:
        """Nanoseconds of ``count`` records of a text of so many bytes."""
        cdef Record record
        cdef char text[4096]
        cdef uint64_t receiver = 7
        cdef uint64_t begun
        assert text_bytes <= 4096
        memset(&record, 0, sizeof(Record))
        memset(text, 120, sizeof(text))
        # SAFETY: only C state of this door is touched, by one thread.
        with nogil:
            begun = monotonic_ns()
            for record.sequence in range(count):
                record.flags = 0
                record.receiver_count = 1
                record.text_bytes = text_bytes
                tape_write(&self.tape, &record, &receiver, text)
            begun = monotonic_ns() - begun
        return begun

    def time_search(self) -> int:
        """Nanoseconds of looking through the whole tape for a conversation that is not there."""
        cdef Sought sought
        cdef Found found
        cdef uint64_t begun
        memset(&sought, 0, sizeof(Sought))
        memset(&found, 0, sizeof(Found))
        sought.key_high = 1
        begun = monotonic_ns()
        tape_search(&self.tape, &sought, &found)
        return monotonic_ns() - begun
