"""Test door that times verdicts: a table full of live conversations, looked at in random order by one thread."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, qsort
from libc.string cimport memset

from caxton._core.atomics cimport monotonic_ns
from caxton._core.conversation cimport (
    Conversations, bucket_is_without, citation_of_id, conversations_close, conversations_open, key_of,
)
from caxton._core.deadline cimport (
    Deadlines, deadline_again, deadlines_close, deadlines_due, deadlines_open,
)
from caxton._core.performative cimport AGREE, INFORM, SUBSCRIBE
from caxton._core.protocol cimport PROTOCOL_ABSENT, Protocols, protocol_find, protocols_load
from caxton._core.settlement cimport due_next, settle
from caxton._core.verdict cimport SAID_NEW_ID, Outbid, Said, Verdict, judge
from gate cimport random_next

cdef enum:
    NAME_BYTES = 36


cdef int by_size(const void* a, const void* b) noexcept nogil:
    # SAFETY: called by qsort on words of that size.
    cdef uint32_t x = (<const uint32_t*>a)[0]
    cdef uint32_t y = (<const uint32_t*>b)[0]
    return (x > y) - (x < y)


cdef class PaceDoor:
    """Streams of fipa-subscribe that expire after five minutes without a message.

    Conversation ``n`` is between agents 2n+1, who subscribed, and 2n+2.
    """

    cdef Protocols protocols
    cdef Conversations* table       # OWNERSHIP: owned by the door, closed in __dealloc__
    cdef Deadlines* deadlines       # OWNERSHIP: likewise
    cdef Outbid outbid[8]
    cdef uint32_t count
    cdef uint64_t now_ns

    def __cinit__(self, bytes image, uint32_t count):
        cdef uint64_t start_ns = 1000000000000ULL
        cdef uint32_t number
        # SAFETY: zeroed memory, checked below.
        self.table = <Conversations*>calloc(1, sizeof(Conversations))
        self.deadlines = <Deadlines*>calloc(1, sizeof(Deadlines))
        if self.table == NULL or self.deadlines == NULL:
            raise MemoryError
        if protocols_load(&self.protocols, image, len(image)) != 0:
            raise ValueError("the image is none")
        if (conversations_open(self.table, &self.protocols, max(2 * count, <uint32_t>65536), 8) != 0
                or deadlines_open(self.deadlines, 4 * count, 1_000_000, start_ns) != 0):
            raise MemoryError
        self.table.default_reply_ns = 30_000_000_000
        self.table.default_ttl_ns = 300_000_000_000
        self.now_ns = start_ns
        self.count = count
        cdef uint8_t protocol = protocol_find(&self.protocols, b"fipa-subscribe", 14)
        for number in range(count):
            # Conversations begin one after the other, so their deadlines are spread over a second.
            self.now_ns = start_ns + <uint64_t>number * 1000000000 // count
            if self.say(number, SUBSCRIBE, protocol) != 0:
                raise RuntimeError("an opening was refused")
            if self.say(number, AGREE, PROTOCOL_ABSENT) != 0:
                raise RuntimeError("an agree was refused")

    def __dealloc__(self):
        if self.table != NULL:
            conversations_close(self.table)
            free(self.table)
        if self.deadlines != NULL:
            deadlines_close(self.deadlines)
            free(self.deadlines)

    cdef uint8_t say(self, uint32_t number, uint8_t act, uint8_t protocol) noexcept nogil:
        # One message as the hearing gives it to the judge: the id's key is hashed here as well.
        cdef Said said
        cdef Verdict verdict
        cdef char name[NAME_BYTES + 1]
        cdef uint64_t receiver = 2 * <uint64_t>number + (2 if act == SUBSCRIBE else 1)
        snprintf(name, sizeof(name), b"00000000-0000-4000-8000-%012u", number)
        memset(&said, 0, sizeof(Said))
        verdict.outbid = self.outbid
        said.name = name
        said.name_bytes = NAME_BYTES
        said.protocol = protocol
        said.act = act
        said.flags = SAID_NEW_ID
        said.sender = 2 * <uint64_t>number + (1 if act == SUBSCRIBE else 2)
        said.receivers = &receiver
        said.receiver_count = 1
        said.id_high = number
        said.id_low = self.now_ns + act
        said.now_ns = self.now_ns
        said.ttl_ns = self.table.default_ttl_ns
        return self.judged(&said, &verdict)

    cdef uint8_t judged(self, Said* said, Verdict* verdict) noexcept nogil:
        key_of(self.table, said.name, said.name_bytes, &said.key_high, &said.key_low)
        said.id = citation_of_id(self.table, said.id_high, said.id_low)
        judge(self.table, self.deadlines, said, verdict)
        return verdict.reason

    cdef uint64_t timed(self, uint32_t number, uint64_t id_low) noexcept nogil:
        # Nanoseconds of one verdict on the participant's inform, the two looks at the clock included; 0 = refused.
        cdef Said said
        cdef Verdict verdict
        cdef char name[NAME_BYTES + 1]
        cdef uint64_t receiver = 2 * <uint64_t>number + 1
        cdef uint64_t begun
        snprintf(name, sizeof(name), b"00000000-0000-4000-8000-%012u", number)
        memset(&said, 0, sizeof(Said))
        verdict.outbid = self.outbid
        said.name = name
        said.name_bytes = NAME_BYTES
        said.protocol = PROTOCOL_ABSENT
        said.act = INFORM
        said.flags = SAID_NEW_ID
        said.sender = 2 * <uint64_t>number + 2
        said.receivers = &receiver
        said.receiver_count = 1
        said.id_high = number
        said.id_low = id_low
        said.now_ns = self.now_ns
        begun = monotonic_ns()
        if self.judged(&said, &verdict) != 0:
            return 0
        return monotonic_ns() - begun

    def time_verdicts(self, uint32_t count, uint64_t seed) -> tuple[float, float, float]:
        """Median, 99th percentile and mean of ``count`` informs, in nanoseconds, an empty measurement subtracted."""
        # SAFETY: room for the words that are written below.
        cdef uint32_t* taken = <uint32_t*>calloc(count, sizeof(uint32_t))
        cdef uint32_t* empty = <uint32_t*>calloc(count, sizeof(uint32_t))
        cdef uint32_t i
        cdef uint64_t begun
        cdef uint64_t state = seed
        cdef uint64_t sum = 0
        cdef uint64_t empty_sum = 0
        cdef uint32_t refused = 0
        if taken == NULL or empty == NULL:
            free(taken)
            free(empty)
            raise MemoryError
        # SAFETY: nothing of Python is touched.
        with nogil:
            for i in range(count):
                begun = monotonic_ns()
                empty[i] = <uint32_t>(monotonic_ns() - begun)
                empty_sum += empty[i]
            for i in range(count):
                taken[i] = <uint32_t>self.timed(<uint32_t>(random_next(&state) % self.count), random_next(&state))
                refused += taken[i] == 0
                sum += taken[i]
            qsort(taken, count, sizeof(uint32_t), by_size)
            qsort(empty, count, sizeof(uint32_t), by_size)
        clock = empty[count // 2]
        answer = (
            float(taken[count // 2]) - clock, float(taken[count - 1 - count // 100]) - clock,
            <double>sum / count - <double>empty_sum / count,
        )
        free(taken)
        free(empty)
        if refused:
            raise RuntimeError(f"{refused} informs were refused")
        return answer

    def time_wheel(self, uint32_t seconds) -> int:
        """Processor nanoseconds that the wheel takes while so many virtual seconds pass in ticks of a millisecond.

        Each second a tenth of the conversations says something, so that their time to live moves on; what is due is
        looked at as the ticker does. No conversation ends.
        """
        cdef uint64_t begun
        cdef uint64_t spent = 0
        cdef uint64_t state = 88172645463325252ULL
        cdef uint32_t _tick, _i, number, following
        cdef uint32_t a_tick = self.count // 10_000
        # SAFETY: nothing of Python is touched.
        with nogil:
            for _tick in range(1000 * seconds):
                self.now_ns += 1_000_000
                for _i in range(a_tick):
                    self.timed(<uint32_t>(random_next(&state) % self.count), random_next(&state))
                begun = monotonic_ns()
                number = deadlines_due(self.deadlines, self.now_ns)
                while number != 0:
                    following = self.deadlines.nodes[number - 1].next
                    self.look(number)
                    number = following
                spent += monotonic_ns() - begun
        return spent

    cdef void look(self, uint32_t number) noexcept nogil:
        cdef uint32_t index = self.deadlines.nodes[number - 1].conversation
        settle(self.table, &self.table.records[index], self.now_ns)
        self.table.records[index].armed_ns = due_next(self.table, &self.table.records[index])
        deadline_again(self.deadlines, number, self.table.records[index].armed_ns)

    def time_free(self, uint32_t count) -> int:
        """Nanoseconds that ``count`` looks for conversations take that nobody holds to anything."""
        cdef Said said
        cdef uint32_t i
        cdef uint32_t hits = 0
        cdef uint64_t begun
        cdef char name[NAME_BYTES + 1]
        snprintf(name, sizeof(name), b"00000000-0000-4000-8001-%012u", 0)
        # SAFETY: nothing of Python is touched.
        with nogil:
            begun = monotonic_ns()
            for i in range(count):
                name[NAME_BYTES - 1] = 48 + i % 10
                name[NAME_BYTES - 2] = 48 + i // 10 % 10
                name[NAME_BYTES - 3] = 48 + i // 100 % 10
                name[NAME_BYTES - 4] = 48 + i // 1000 % 10
                key_of(self.table, name, NAME_BYTES, &said.key_high, &said.key_low)
                hits += not bucket_is_without(self.table, said.key_low)
            begun = monotonic_ns() - begun
        assert hits < count
        return begun
