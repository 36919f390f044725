"""Drain the shell's queue: messages for external agents, log lines, events, capabilities, unrouted messages."""

import json

from libc.stdint cimport uint32_t, uint64_t

from caxton._core.atomics cimport load_u32_relaxed, store_u32_seq, sub_u32_seq, swap_u32_seq
from caxton._core.machine cimport EVENT_REMOVED, EVENT_STARTED, Machine
from caxton._core.message cimport (
    FLAG_HOST, KIND_ACL, KIND_CONVERSATION, KIND_EVENT, KIND_LOG, KIND_UNROUTED, Message, Piece, message_body,
    message_free,
)
from caxton._core.queue cimport mailbox_pop, mailbox_release
from caxton._core.routing cimport Slot
from caxton._core.text cimport uuid_write

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd_read(int, uint64_t*)
    int eventfd_write(int, uint64_t)


cdef enum:
    UNTOLD_LOOKS = 16384        # slots that one call looks at for events that wait in them: below a millisecond


cdef str plain(bytes text):
    # The interior of a JSON string as text; escapes are rare.
    if b"\\" in text:
        return json.loads(b'"' + text + b'"')
    return text.decode()


cdef object piece(Message* message, Piece* where):
    if where.length == 0:
        return None
    return plain((message_body(message) + where.offset)[:where.length])


cdef tuple as_tuple(Machine* machine, Message* message):
    cdef char id_text[36]
    cdef int kind = message.kind
    cdef char* body = message_body(message)
    if kind == KIND_ACL:
        uuid_write(id_text, message.id_high, message.id_low)
        return (
            kind, message.receiver_slot, message.receiver_generation, message.receiver_id, message.sender_id,
            bool(message.flags & FLAG_HOST), message.performative, id_text[:36].decode(),
            piece(message, &message.conversation), piece(message, &message.in_reply_to), body[:message.body_bytes],
        )
    text = body[:message.body_bytes]
    if kind == KIND_CONVERSATION:
        uuid_write(id_text, message.id_high, message.id_low)
        return (kind, message.number, message.trace_high, plain(text), message.sender_id, message.receiver_id,
                message.performative, message.content_kind, message.hops, message.trace_low, message.accepted_ns,
                id_text[:36].decode() if message.id_high | message.id_low else None)
    if kind == KIND_LOG:
        # ORDERING: a plain bound; it orders nothing.
        sub_u32_seq(&machine.shell_logs, 1)
        return (kind, message.receiver_slot, message.receiver_generation, message.receiver_id, message.number,
                text, message.accepted_ns)
    if kind == KIND_EVENT:
        return (kind, message.receiver_slot, message.receiver_generation, message.receiver_id, message.number,
                message.id_low, text.decode(errors="replace"))
    if kind == KIND_UNROUTED:
        name = body[message.body_bytes:message.body_bytes + message.number]
        return (kind, message.sender_slot, message.sender_generation, message.sender_id,
                name.decode(errors="replace"), text)
    return (kind, message.receiver_slot, message.receiver_generation, message.receiver_id,
            text.decode(errors="replace"))


cdef bint untold_take(Machine* machine, list taken, int count_max):
    # Events that found no message to travel in, oldest kind first. 1 = there may be more.
    cdef Slot* slot
    cdef uint32_t events
    cdef uint32_t code
    cdef int looks = 0
    # ORDERING: the machine's word is taken before the slots', see leave_untold.
    if load_u32_relaxed(&machine.untold) != 0 and swap_u32_seq(&machine.untold, 0) != 0:
        machine.untold_left = machine.routing.frontier
    while machine.untold_left != 0 and looks < UNTOLD_LOOKS and (
            len(taken) == 0 or len(taken) + <int>EVENT_REMOVED <= count_max):
        looks += 1
        machine.untold_left -= 1
        slot = &machine.routing.slots[machine.untold_left]
        if load_u32_relaxed(&slot.untold) == 0:
            continue
        # ORDERING: as above; what is told here comes before what the slot's worker queues after it sees 0.
        events = swap_u32_seq(&slot.untold, 0)
        for code in range(EVENT_STARTED, EVENT_REMOVED + 1):
            if events >> code & 1:
                taken.append((<int>KIND_EVENT, slot.index, slot.generation, slot.id, code, slot.last_fault,
                              "the message pool was exhausted: the details are lost"))
    return machine.untold_left != 0


cdef list completion_take(Machine* machine, int count_max):
    cdef list taken = []
    cdef Message* message
    cdef Slot* slot
    cdef uint64_t signals
    eventfd_read(machine.event_fd, &signals)
    # ORDERING: seq_cst store before the last look; a producer pushes before it swaps ``shell_awake``.
    store_u32_seq(&machine.shell_awake, 0)
    while len(taken) < count_max:
        message = mailbox_pop(&machine.shell)
        if message == NULL:
            if not untold_take(machine, taken, count_max):
                return taken
            break
        try:
            taken.append(as_tuple(machine, message))
        finally:
            slot = &machine.routing.slots[message.receiver_slot]
            if message.kind == KIND_ACL:
                if slot.generation == message.receiver_generation:
                    slot.unacknowledged += 1
                else:
                    # Nobody is left to acknowledge it.
                    mailbox_release(&slot.mailbox)
            message_free(&machine.pool, &machine.shell_cache, message)
    # ORDERING: as a producer's: whoever turns 0 into 1 rings the bell.
    if swap_u32_seq(&machine.shell_awake, 1) == 0:
        eventfd_write(machine.event_fd, 1)
    return taken
