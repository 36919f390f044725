"""From a verdict to a record, and from copies of records to tuples."""

from operator import itemgetter

from libc.stdint cimport UINT64_MAX, int64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from caxton._core.atomics cimport load_u32_relaxed, load_u64_relaxed
from caxton._core.conversation cimport (
    Conversation, Conversations, Stripe, conversation_find, key_of, stripe_give, stripe_of, stripe_take,
)
from caxton._core.message cimport FLAG_HOST, message_body
from caxton._core.recorder cimport (
    RECORD_CUT, RECORD_HOST, RECORD_RAW, RECORD_UNJUDGED, Found, Record, Sought, Tape, tape_open, tape_search, tape_write,
)
from caxton._core.text cimport uuid_write


cdef int history_open(Machine* machine, uint64_t size) noexcept nogil:
    cdef uint64_t share = size // (machine.worker_count + 1)
    cdef uint32_t i
    for i in range(machine.worker_count):
        if tape_open(&machine.workers[i].said, share) != 0:
            return -1
    return tape_open(&machine.shell_said, share)


cdef enum:
    PAGE_BYTES_MAX = 8 << 20    # of what one search gives out


cdef inline Tape* tape_of(Machine* machine, Worker* worker) noexcept nogil:
    return &machine.shell_said if worker == NULL else &worker.said


cdef void record_begin(Record* record, const Author* author, const Said* said, const Verdict* verdict) noexcept nogil:
    # Word by word, by loads that nothing makes wider: what lies behind two stores that are still on their way to the
    # cache is waited for until both are there.
    record.key_high = load_u64_relaxed(&said.key_high)
    record.key_low = load_u64_relaxed(&said.key_low)
    record.conversation = load_u32_relaxed(&verdict.conversation)
    record.generation = load_u32_relaxed(&verdict.generation)
    record.sequence = load_u64_relaxed(&verdict.sequence)
    record.at_ns = <int64_t>author.now_ns + author.wall_offset_ns
    record.reason = verdict.reason
    record.flags = 0
    record.pad = 0


cdef void record_of(Record* record, Message* message) noexcept nogil:
    # As in record_begin.
    record.id_high = load_u64_relaxed(&message.id_high)
    record.id_low = load_u64_relaxed(&message.id_low)
    record.sender = load_u64_relaxed(&message.sender_id)
    record.act = message.performative
    record.text_bytes = message.body_bytes
    if message.flags & FLAG_HOST:
        record.flags |= RECORD_HOST


cdef void history_keep(Machine* machine, Worker* worker, Author* author, Message* first, const uint64_t* receivers,
                       uint32_t receiver_count, const Said* said, const Verdict* verdict) noexcept nogil:
    cdef Record record
    record_begin(&record, author, said, verdict)
    record_of(&record, first)
    record.receiver_count = receiver_count
    tape_write(tape_of(machine, worker), &record, receivers, message_body(first))


cdef void history_keep_answer(Machine* machine, Worker* worker, Author* author, Message* answer, const Said* said,
                              const Verdict* verdict) noexcept nogil:
    cdef Record record
    if verdict.conversation == 0:
        return
    record_begin(&record, author, said, verdict)
    record_of(&record, answer)
    record.reason = 0
    record.flags |= RECORD_UNJUDGED
    record.receiver_count = 1
    tape_write(tape_of(machine, worker), &record, &answer.receiver_id, message_body(answer))


cdef void history_keep_text(Machine* machine, Worker* worker, Author* author, const char* text, uint64_t length,
                            uint64_t receiver, const Said* said, const Verdict* verdict) noexcept nogil:
    cdef Record record
    record_begin(&record, author, said, verdict)
    record.id_high = record.id_low = 0
    record.sender = said.sender
    record.act = said.act
    record.flags = RECORD_RAW
    record.text_bytes = <uint32_t>length
    record.receiver_count = 1
    tape_write(tape_of(machine, worker), &record, &receiver, text)


cdef void search_all(Machine* machine, const Sought* sought, Found* found) noexcept nogil:
    cdef uint32_t i
    for i in range(machine.worker_count):
        tape_search(&machine.workers[i].said, sought, found)
    tape_search(&machine.shell_said, sought, found)


cdef uint64_t standing(Conversations* table, Sought* sought) noexcept nogil:
    # Which record is the conversation's now, and how many messages it has judged; 0 when it is forgotten.
    cdef Stripe* stripe = stripe_of(table, sought.key_low)
    cdef Conversation* conversation
    cdef uint64_t judged = 0
    stripe_take(stripe)
    conversation = conversation_find(table, sought.key_high, sought.key_low)
    if conversation != NULL:
        sought.conversation = <uint32_t>(conversation - table.records) + 1
        sought.generation = conversation.generation
        judged = <uint64_t>conversation.messages + conversation.refused
    stripe_give(stripe)
    return judged


cdef tuple as_tuple(const char* at):
    cdef Record record
    cdef uint64_t receiver
    cdef uint32_t i
    cdef char id_text[36]
    memcpy(&record, at, sizeof(Record))
    receivers = []
    for i in range(record.receiver_count):
        memcpy(&receiver, at + sizeof(Record) + 8 * i, 8)
        receivers.append(receiver)
    uuid_write(id_text, record.id_high, record.id_low)
    text = at + sizeof(Record) + 8 * record.receiver_count
    return (
        record.sequence, record.at_ns, id_text[:36].decode() if record.id_high | record.id_low else None, record.sender,
        receivers, record.act, record.reason, bool(record.flags & RECORD_HOST), bool(record.flags & RECORD_RAW),
        None if record.flags & RECORD_CUT else text[:record.text_bytes],
    )


cdef tuple first_of(list rows, unsigned int count_max, unsigned long long complete_to):
    # So many, and the host's answers to the last one. Each tape has its records in order, and an answer behind the
    # message that it answers, so a stable sort brings all into order.
    rows.sort(key=itemgetter(0))
    count = min(len(rows), count_max)
    while count < len(rows) and rows[count][0] == rows[count - 1][0]:
        count += 1
    while count > 0 and rows[count - 1][0] > complete_to:
        count -= 1
    return (rows[:count], count < len(rows) or complete_to != UINT64_MAX)


cdef tuple history_find(Machine* machine, bytes name, unsigned long long after, unsigned int count_max):
    cdef Sought sought
    cdef Found found
    cdef uint64_t judged = 0
    cdef uint64_t at = 0
    cdef const char* text = name
    cdef uint32_t length = <uint32_t>len(name)
    memset(&sought, 0, sizeof(Sought))
    # SAFETY: the name is kept alive by the caller; the machine is not closed before this has returned.
    with nogil:
        key_of(&machine.conversations, text, length, &sought.key_high, &sought.key_low)
        judged = standing(&machine.conversations, &sought)
        if sought.conversation == 0:
            # It is forgotten: what used the id last is meant.
            memset(&found, 0, sizeof(Found))
            search_all(machine, &sought, &found)
            sought.conversation = found.newest_conversation
            sought.generation = found.newest_generation
        sought.after = after
        sought.count_max = count_max
        sought.bytes_max = PAGE_BYTES_MAX // (machine.worker_count + 1)
        memset(&found, 0, sizeof(Found))
        found.complete_to = UINT64_MAX
        if sought.conversation != 0:
            search_all(machine, &sought, &found)
    rows = []
    try:
        if found.starved:
            raise MemoryError
        while at < found.used:
            rows.append(as_tuple(found.records + at))
            at += (<Record*>(found.records + at)).bytes     # SAFETY: whole records, one after the other.
    finally:
        free(found.records)
    rows, more = first_of(rows, count_max, found.complete_to)
    lost = found.overwritten and found.seen < max(judged, found.sequence_max)
    return (rows, more, bool(lost), sought.conversation != 0)
