"""Copies of records for the shell."""

import json

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from caxton._core.atomics cimport load_u32_relaxed, load_u64_relaxed, monotonic_ns, realtime_ns
from caxton._core.conversation cimport (
    FLAG_RESERVED_AHEAD, STATE_NONE, Conversation, Conversations, Session, Stripe, conversation_find,
    conversation_name, key_of, session_at, stripe_give, stripe_of, stripe_take,
)
from caxton._core.protocol cimport PROTOCOL_FREE, PROTOCOL_UNKNOWN, REASON_UNKNOWN_PROTOCOL, protocol_find
from caxton._core.settlement cimport is_over
from caxton._core.verdict cimport Said, end_by_hand, judge_ahead

cdef enum:
    LOOKS_MAX = 65536           # records that one page looks through


cdef struct Copy:
    Conversation whole
    Session* sessions           # OWNERSHIP: owned by whoever has the copy; freed in as_tuple
    char* name                  # OWNERSHIP: likewise


cdef int copy_take(Conversation* source, Copy* copy) noexcept nogil:
    # Under the stripe. 0, or -1 without memory.
    cdef size_t bytes = source.session_count * sizeof(Session)
    copy.whole = source[0]
    # SAFETY: plain bytes, as much as is copied below.
    copy.sessions = <Session*>malloc(bytes + 1)
    copy.name = <char*>malloc(source.name_bytes + 1)
    if copy.sessions == NULL or copy.name == NULL:
        free(copy.sessions)
        free(copy.name)
        return -1
    memcpy(copy.sessions, session_at(source, 0), bytes)
    memcpy(copy.name, conversation_name(source), source.name_bytes)
    return 0


cdef object wall_ns(uint64_t at_ns, int64_t offset_ns):
    return None if at_ns == 0 else <int64_t>at_ns + offset_ns


cdef tuple as_tuple(Copy* copy):
    cdef Conversation* whole = &copy.whole
    cdef int64_t offset_ns = <int64_t>(realtime_ns() - monotonic_ns())
    cdef uint32_t i
    try:
        text = copy.name[:whole.name_bytes]
        name = json.loads(b'"' + text + b'"') if b"\\" in text else text.decode()
        sessions = [
            (copy.sessions[i].agent, copy.sessions[i].state, copy.sessions[i].role, bool(copy.sessions[i].cancelling))
            for i in range(whole.session_count)
        ]
        return (
            name, whole.protocol, whole.state, whole.outcome, whole.phase, whole.initiator, sessions, whole.messages,
            whole.messages_max, whole.fuel, whole.fuel_max, whole.refused, wall_ns(whole.opened_ns, offset_ns),
            wall_ns(whole.ended_ns, offset_ns), wall_ns(whole.reply_by_ns, offset_ns),
            wall_ns(whole.ttl_by_ns, offset_ns), bool(whole.flags & FLAG_RESERVED_AHEAD), whole.opened_ns,
        )
    finally:
        free(copy.sessions)
        free(copy.name)


cdef object account_find(Machine* machine, bytes name):
    cdef Conversations* table = &machine.conversations
    cdef uint64_t high = 0
    cdef uint64_t low = 0
    cdef Stripe* stripe
    cdef Conversation* conversation
    cdef Copy copy
    cdef int taken = 1
    key_of(table, name, <uint32_t>len(name), &high, &low)
    stripe = stripe_of(table, low)
    stripe_take(stripe)
    conversation = conversation_find(table, high, low)
    if conversation != NULL:
        taken = copy_take(conversation, &copy)
    stripe_give(stripe)
    if taken < 0:
        raise MemoryError
    return as_tuple(&copy) if taken == 0 else None


cdef tuple account_page(Machine* machine, unsigned int start, int count_max, bint live_only):
    cdef Conversations* table = &machine.conversations
    cdef Conversation* conversation
    cdef Stripe* stripe
    cdef Copy copy
    cdef int taken
    cdef uint32_t index = start
    cdef uint32_t looks = 0
    found = []
    while index < load_u32_relaxed(&table.frontier) and len(found) < count_max and looks < LOOKS_MAX:
        looks += 1
        conversation = &table.records[index]
        stripe = stripe_of(table, load_u64_relaxed(&conversation.key_low))
        stripe_take(stripe)
        taken = 1
        if conversation.state != STATE_NONE and not (live_only and is_over(conversation)):
            taken = copy_take(conversation, &copy)
        stripe_give(stripe)
        if taken < 0:
            raise MemoryError
        if taken == 0:
            found.append(as_tuple(&copy))
        index += 1
    return (found, index if index < load_u32_relaxed(&table.frontier) else 0)


cdef void said_of(Machine* machine, bytes name, Said* said):
    memset(said, 0, sizeof(Said))
    said.name = name
    said.name_bytes = <uint32_t>len(name)
    said.now_ns = monotonic_ns()
    key_of(&machine.conversations, name, said.name_bytes, &said.key_high, &said.key_low)


cdef tuple account_open(Machine* machine, bytes name, object protocol, unsigned long long initiator,
                        list participants, unsigned int messages_max, unsigned long long fuel_max,
                        unsigned long long ttl_ms):
    cdef Said* said = &machine.shell_hearing.said
    cdef uint32_t i
    said_of(machine, name, said)
    said.protocol = PROTOCOL_FREE
    if protocol is not None:
        said.protocol = protocol_find(&machine.protocols, protocol, <uint32_t>len(protocol))
        if said.protocol == PROTOCOL_UNKNOWN:
            return (<int>REASON_UNKNOWN_PROTOCOL, 0)
    said.sender = initiator
    said.receivers = machine.shell_hearing.receivers
    said.receiver_count = <uint32_t>min(len(participants), 1 << 20)
    for i in range(min(said.receiver_count, <uint32_t>1000)):
        machine.shell_hearing.receivers[i] = participants[i]
    said.messages_max = messages_max
    said.fuel_max = fuel_max
    said.ttl_ns = ttl_ms * 1000000
    judge_ahead(&machine.conversations, &machine.deadlines, said, &machine.shell_hearing.verdict)
    return (machine.shell_hearing.verdict.reason, machine.shell_hearing.verdict.state)


cdef bint account_end(Machine* machine, bytes name):
    said_of(machine, name, &machine.shell_hearing.said)
    return end_by_hand(&machine.conversations, &machine.deadlines, &machine.shell_hearing.said,
                       &machine.shell_hearing.verdict)
