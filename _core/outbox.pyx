"""Accepting, committing and discarding the messages of a running handler; the host's own answers."""

from libc.stdint cimport int64_t, uint8_t
from libc.stdio cimport snprintf
from libc.string cimport memset, strlen

from caxton._core.atomics cimport load_u32_acquire
from caxton._core.bounds cimport SENDS_PER_HANDLER_MAX
from caxton._core.envelope cimport (
    ENVELOPE_OK, FIELD_CONVERSATION_ID, FIELD_RECEIVER, FIELD_ID, FIELD_SENDER, RECEIVER_CAPABILITY, RECEIVER_ID,
    RECEIVER_NONE, Envelope, HostFields, ReceiverItem, envelope_bound, envelope_error, envelope_parse,
    envelope_receiver, envelope_sender, envelope_splice, envelope_status_text,
)
from caxton._core.limiter cimport bucket_take
from caxton._core.machine cimport Handling, machine_schedule, machine_to_shell, random_next
from caxton._core.message cimport (
    FLAG_HOST, FLAG_RESERVED, KIND_ACL, KIND_UNROUTED, message_body, message_free, message_new,
)
from caxton._core.queue cimport mailbox_push, mailbox_release, mailbox_reserve
from caxton._core.routing cimport (
    SLOT_EXTERNAL, SLOT_RUNNING, SLOT_STARTING, routing_find_id, routing_find_name,
)
from caxton._core.telemetry cimport (
    REJECT_DENIED, REJECT_INVALID, REJECT_MAILBOX_FULL, REJECT_NO_ROUTE, REJECT_NOT_RUNNING,
    REJECT_POOL_EXHAUSTED, REJECT_RATE_LIMITED, REJECT_TOO_LARGE, STATUS_DEAD_LETTERED, STATUS_REJECTED,
    histogram_add,
)


cdef int32_t refuse(Worker* worker, int32_t code, uint32_t reason, const char* text) noexcept nogil:
    cdef Handling* handling = &worker.handling
    handling.error_bytes = <uint32_t>snprintf(handling.error, sizeof(handling.error), b"%s", text)
    if handling.error_bytes >= sizeof(handling.error):
        handling.error_bytes = sizeof(handling.error) - 1
    worker.telemetry.rejected[reason] += 1
    return code


cdef void drop(Machine* machine, Worker* worker, Message* message) noexcept nogil:
    # Gives a message back together with the place that it holds.
    if message.flags & FLAG_RESERVED:
        mailbox_release(&machine.routing.slots[message.receiver_slot].mailbox)
    message_free(&machine.pool, &worker.cache, message)


cdef void host_fields(Worker* worker, Slot* slot, const Envelope* envelope, bint is_reply, HostFields* host) noexcept nogil:
    cdef Message* current = worker.handling.current
    cdef char* body
    memset(host, 0, sizeof(HostFields))
    if envelope.present & (1 << FIELD_ID):
        host.id_high = envelope.id_high
        host.id_low = envelope.id_low
    else:
        # A random UUID: version 4, variant 1 (RFC 9562).
        host.id_high = (random_next(worker.random) & ~<uint64_t>0xF000) | 0x4000
        host.id_low = (random_next(worker.random) >> 2) | (<uint64_t>1 << 63)
    host.sender_id = slot.id
    host.span_id = random_next(worker.random) | 1
    host.timestamp_ms = (<int64_t>worker.now_ns + worker.wall_offset_ns) // 1000000
    if current == NULL:
        host.trace_high = random_next(worker.random)
        host.trace_low = random_next(worker.random) | 1
        return
    body = message_body(current)
    host.trace_high = current.trace_high
    host.trace_low = current.trace_low
    if is_reply or not envelope.present & (1 << FIELD_CONVERSATION_ID):
        host.conversation = body + current.conversation.offset
        host.conversation_bytes = current.conversation.length
        host.protocol = body + current.protocol.offset
        host.protocol_bytes = current.protocol.length
    if is_reply:
        if current.reply_with.length != 0:
            host.in_reply_to = body + current.reply_with.offset
            host.in_reply_to_bytes = current.reply_with.length
        else:
            # The message's own id stands first in its text: {"id":"<36 characters>"
            host.in_reply_to = body + 7
            host.in_reply_to_bytes = 36


cdef int32_t reserve(Machine* machine, Worker* worker, Slot* target) noexcept nogil:
    cdef uint32_t state
    # ORDERING: acquire, pairs with the release that moved the slot into this state.
    state = load_u32_acquire(&target.state)
    if state != SLOT_RUNNING:
        return refuse(worker, HOST_UNAVAILABLE, REJECT_NOT_RUNNING, b"the receiver takes no messages now")
    if not bucket_take(&target.admission, worker.now_ns):
        return refuse(worker, HOST_QUOTA, REJECT_RATE_LIMITED, b"the receiver's message rate is at its limit")
    if not mailbox_reserve(&target.mailbox):
        return refuse(worker, HOST_QUOTA, REJECT_MAILBOX_FULL, b"the receiver's mailbox is full")
    return HOST_OK


cdef int32_t add_one(Worker* worker, Slot* slot, Slot* target, const char* text, const Envelope* envelope,
                     bint is_reply, Message** made) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef HostFields host
    cdef Message* message
    cdef int32_t code = reserve(machine, worker, target)
    if code != HOST_OK:
        return code
    host_fields(worker, slot, envelope, is_reply, &host)
    host.receiver_id = target.id
    message = message_new(&machine.pool, &worker.cache, envelope_bound(envelope, &host))
    if message == NULL:
        mailbox_release(&target.mailbox)
        return refuse(worker, HOST_QUOTA, REJECT_POOL_EXHAUSTED, b"the server's message pool is exhausted")
    envelope_splice(text, envelope, &host, message)
    message.kind = KIND_ACL
    message.flags = FLAG_RESERVED
    message.sender_id = slot.id
    message.sender_slot = slot.index
    message.sender_generation = slot.generation
    message.receiver_id = target.id
    message.receiver_slot = target.index
    message.receiver_generation = target.generation
    made[0] = message
    return HOST_OK


cdef int32_t add_unrouted(Worker* worker, Slot* slot, const char* text, uint64_t length, const Envelope* envelope,
                          Message** made) noexcept nogil:
    # A capability as receiver: the shell, which keeps the directory, picks the agent. The text is spliced with the
    # host's fields but for the receiver, whose place the capability keeps until then.
    cdef Machine* machine = worker.machine
    cdef HostFields host
    cdef Message* message
    host_fields(worker, slot, envelope, False, &host)
    message = message_new(&machine.pool, &worker.cache, envelope_bound(envelope, &host))
    if message == NULL:
        return refuse(worker, HOST_QUOTA, REJECT_POOL_EXHAUSTED, b"the server's message pool is exhausted")
    envelope_splice(text, envelope, &host, message)
    message.kind = KIND_UNROUTED
    message.sender_id = slot.id
    message.sender_slot = slot.index
    message.sender_generation = slot.generation
    made[0] = message
    return HOST_OK


cdef bint names_other_sender(Machine* machine, Slot* slot, const char* text, const Envelope* envelope) noexcept nogil:
    cdef ReceiverItem item
    if not envelope.present & (1 << FIELD_SENDER):
        return False
    if envelope_sender(text, envelope, &item) != 1:
        return True
    if item.kind == RECEIVER_ID:
        return item.id != slot.id
    return routing_find_name(&machine.routing, item.name, item.name_bytes) != slot


cdef void keep(Handling* handling, Message* message) noexcept nogil:
    message.next = NULL
    if handling.first == NULL:
        handling.first = message
    else:
        handling.last.next = message
    handling.last = message
    handling.sends += 1


cdef int32_t add_listed(Worker* worker, Slot* slot, const char* text, uint64_t length, const Envelope* envelope) noexcept nogil:
    # All or nothing: what was made for earlier receivers is taken back when a later one refuses.
    cdef Machine* machine = worker.machine
    cdef Message* first = NULL
    cdef Message* last = NULL
    cdef Message* message
    cdef ReceiverItem item
    cdef Slot* target
    cdef uint32_t cursor = 0
    cdef int32_t code = HOST_OK
    cdef int32_t more
    while code == HOST_OK:
        more = envelope_receiver(text, envelope, &cursor, &item)
        if more == 0:
            break
        if more < 0:
            code = refuse(worker, HOST_INVALID, REJECT_INVALID, b"a receiver is no agent id or name")
            break
        if item.kind == RECEIVER_ID:
            target = routing_find_id(&machine.routing, item.id)
        else:
            target = routing_find_name(&machine.routing, item.name, item.name_bytes)
        if target == NULL:
            code = refuse(worker, HOST_NOT_FOUND, REJECT_NO_ROUTE, b"no such receiver")
            break
        if worker.handling.sends >= SENDS_PER_HANDLER_MAX:
            code = refuse(worker, HOST_QUOTA, REJECT_RATE_LIMITED, b"too many messages from one handler")
            break
        code = add_one(worker, slot, target, text, envelope, False, &message)
        if code == HOST_OK:
            message.next = NULL
            if first == NULL:
                first = message
            else:
                last.next = message
            last = message
            worker.handling.sends += 1
    while first != NULL:
        message = first
        first = message.next
        if code == HOST_OK:
            worker.handling.sends -= 1
            keep(&worker.handling, message)
        else:
            worker.handling.sends -= 1
            drop(machine, worker, message)
    return code


cdef int32_t outbox_add(Worker* worker, Sandbox* sandbox, const char* text, uint64_t length, bint is_reply) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef Handling* handling = &worker.handling
    cdef Slot* slot = sandbox.slot
    cdef Slot* target
    cdef Message* message = NULL
    cdef Envelope envelope
    cdef int32_t code
    if length > slot.message_bytes_max:
        return refuse(worker, HOST_TOO_BIG, REJECT_TOO_LARGE, b"the message is larger than message_bytes_max")
    if envelope_parse(text, length, 0, &envelope) != ENVELOPE_OK:
        return refuse(worker, HOST_INVALID, REJECT_INVALID, envelope_status_text(envelope.status))
    if names_other_sender(machine, slot, text, &envelope):
        return refuse(worker, HOST_DENIED, REJECT_DENIED, b"an agent may name only itself as sender")
    if envelope.receiver_kind == RECEIVER_NONE:
        if not is_reply or handling.current == NULL:
            return refuse(worker, HOST_INVALID, REJECT_INVALID, b"the message names no receiver")
        target = &machine.routing.slots[handling.current.sender_slot]
        if target.generation != handling.current.sender_generation:
            return refuse(worker, HOST_NOT_FOUND, REJECT_NO_ROUTE, b"the sender of the message is gone")
        code = add_one(worker, slot, target, text, &envelope, is_reply, &message)
    elif envelope.receiver_kind == RECEIVER_CAPABILITY:
        code = add_unrouted(worker, slot, text, length, &envelope, &message)
    elif not is_reply:
        return add_listed(worker, slot, text, length, &envelope)
    else:
        return add_reply_elsewhere(worker, slot, text, &envelope)
    if code != HOST_OK:
        return code
    if is_reply:
        if handling.reply != NULL:
            drop(machine, worker, handling.reply)
        handling.reply = message
    elif handling.sends >= SENDS_PER_HANDLER_MAX:
        drop(machine, worker, message)
        return refuse(worker, HOST_QUOTA, REJECT_RATE_LIMITED, b"too many messages from one handler")
    else:
        keep(handling, message)
    return HOST_OK


cdef int32_t add_reply_elsewhere(Worker* worker, Slot* slot, const char* text, const Envelope* envelope) noexcept nogil:
    # A reply that names its receiver goes to exactly one agent.
    cdef Machine* machine = worker.machine
    cdef ReceiverItem item
    cdef uint32_t cursor = 0
    cdef Slot* target
    cdef Message* message
    cdef int32_t code
    if envelope_receiver(text, envelope, &cursor, &item) != 1:
        return refuse(worker, HOST_INVALID, REJECT_INVALID, b"a receiver is no agent id or name")
    if item.kind == RECEIVER_ID:
        target = routing_find_id(&machine.routing, item.id)
    else:
        target = routing_find_name(&machine.routing, item.name, item.name_bytes)
    if envelope_receiver(text, envelope, &cursor, &item) != 0:
        return refuse(worker, HOST_INVALID, REJECT_INVALID, b"a reply has one receiver: use send for several")
    if target == NULL:
        return refuse(worker, HOST_NOT_FOUND, REJECT_NO_ROUTE, b"no such receiver")
    code = add_one(worker, slot, target, text, envelope, True, &message)
    if code != HOST_OK:
        return code
    if worker.handling.reply != NULL:
        drop(machine, worker, worker.handling.reply)
    worker.handling.reply = message
    return HOST_OK


cdef void deliver(Machine* machine, Worker* worker, Message* message) noexcept nogil:
    # Hands an accepted message, whose place is reserved, to its receiver.
    cdef Slot* target
    message.accepted_ns = worker.now_ns
    if message.kind == KIND_UNROUTED:
        machine_to_shell(machine, message)
        return
    target = &machine.routing.slots[message.receiver_slot]
    if target.kind == SLOT_EXTERNAL:
        machine_to_shell(machine, message)
        return
    mailbox_push(&target.mailbox, message)
    machine_schedule(machine, worker, target)


cdef void outbox_commit(Worker* worker) noexcept nogil:
    cdef Handling* handling = &worker.handling
    cdef Message* message = handling.first
    cdef Message* next
    while message != NULL:
        next = message.next
        deliver(worker.machine, worker, message)
        message = next
    if handling.reply != NULL:
        deliver(worker.machine, worker, handling.reply)
    handling.first = handling.last = handling.reply = NULL
    handling.sends = 0


cdef void outbox_discard(Worker* worker) noexcept nogil:
    cdef Handling* handling = &worker.handling
    cdef Message* message = handling.first
    cdef Message* next
    while message != NULL:
        next = message.next
        drop(worker.machine, worker, message)
        message = next
    if handling.reply != NULL:
        drop(worker.machine, worker, handling.reply)
    handling.first = handling.last = handling.reply = NULL
    handling.sends = 0


cdef void answer_error(Machine* machine, Worker* worker, Message* message, uint32_t performative,
                       const char* kind, const char* detail) noexcept nogil:
    cdef HostFields host
    cdef Message* answer
    cdef Slot* target
    cdef char* body
    if message.kind != KIND_ACL or message.sender_id == 0 or message.flags & FLAG_HOST:
        return
    # These acts end an exchange: answering them could go on for ever.
    if message.performative in (ACT_FAILURE, ACT_NOT_UNDERSTOOD, ACT_REFUSE, ACT_REJECT_PROPOSAL):
        return
    target = &machine.routing.slots[message.sender_slot]
    if target.generation != message.sender_generation:
        return
    if not mailbox_reserve(&target.mailbox):
        worker.telemetry.processed[performative][STATUS_DEAD_LETTERED] += 1
        return
    body = message_body(message)
    memset(&host, 0, sizeof(HostFields))
    host.id_high = (random_next(worker.random) & ~<uint64_t>0xF000) | 0x4000
    host.id_low = (random_next(worker.random) >> 2) | (<uint64_t>1 << 63)
    host.sender_id = message.receiver_id
    host.receiver_id = message.sender_id
    host.trace_high = message.trace_high
    host.trace_low = message.trace_low
    host.span_id = random_next(worker.random) | 1
    host.timestamp_ms = (<int64_t>worker.now_ns + worker.wall_offset_ns) // 1000000
    host.conversation = body + message.conversation.offset
    host.conversation_bytes = message.conversation.length
    host.protocol = body + message.protocol.offset
    host.protocol_bytes = message.protocol.length
    host.in_reply_to = body + 7
    host.in_reply_to_bytes = 36
    if message.reply_with.length != 0:
        host.in_reply_to = body + message.reply_with.offset
        host.in_reply_to_bytes = message.reply_with.length
    answer = message_new(&machine.pool, &worker.cache, envelope_error(
        <uint8_t>performative, &host, kind, detail, <uint32_t>strlen(detail), NULL))
    if answer == NULL:
        mailbox_release(&target.mailbox)
        worker.telemetry.processed[performative][STATUS_DEAD_LETTERED] += 1
        return
    envelope_error(<uint8_t>performative, &host, kind, detail, <uint32_t>strlen(detail), answer)
    answer.kind = KIND_ACL
    answer.flags = FLAG_HOST | FLAG_RESERVED
    answer.sender_id = message.receiver_id
    answer.sender_slot = message.receiver_slot
    answer.sender_generation = message.receiver_generation
    answer.receiver_id = message.sender_id
    answer.receiver_slot = message.sender_slot
    answer.receiver_generation = message.sender_generation
    deliver(machine, worker, answer)
