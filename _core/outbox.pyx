"""Accepting, committing and discarding the messages of a running handler."""

from libc.stdint cimport uint32_t
from libc.stdio cimport snprintf

from caxton._core.acceptance cimport (
    ACCEPTED, Author, Refusal, accept_all, accept_one, accept_unrouted, drop, resolve,
)
from caxton._core.atomics cimport likely, monotonic_ns
from caxton._core.bounds cimport ROUTING_SAMPLE_EVERY, SENDS_PER_HANDLER_MAX
from caxton._core.conversation cimport key_expect_more
from caxton._core.envelope cimport (
    ENVELOPE_OK, FIELD_SENDER, RECEIVER_CAPABILITY, RECEIVER_NONE, Envelope, ReceiverItem, envelope_parse, envelope_sender,
)
from caxton._core.hearing cimport deliver_heard, hear_unreachable
from caxton._core.machine cimport Handling, Machine
from caxton._core.message cimport FLAG_INHERITED, Message
from caxton._core.routing cimport Slot, slot_generation
from caxton._core.telemetry cimport (
    REJECT_DENIED, REJECT_INVALID, REJECT_MAILBOX_FULL, REJECT_NOT_RUNNING, REJECT_NO_ROUTE,
    REJECT_POOL_EXHAUSTED, REJECT_RATE_LIMITED, REJECT_TOO_LARGE, count_reject, histogram_add,
)

STATUS_TEXTS = (
    b"", b"not JSON", b"not UTF-8", b"nested deeper than 64 levels", b"not a JSON object", b"unknown field",
    b"a field occurs twice", b"a field has the wrong type", b"a field is too long", b"a field has a bad value",
    b"unknown performative", b"the performative is missing", b"too large", b"more than 1000 receivers",
)
cdef const char* status_texts[14]
for _i in range(14):
    # The tuple lives as long as the module, so the pointers stay valid.
    status_texts[_i] = STATUS_TEXTS[_i]


cdef int32_t say(Worker* worker, int32_t code, const char* text) noexcept nogil:
    cdef Handling* handling = &worker.handling
    handling.error_bytes = <uint32_t>snprintf(handling.error, sizeof(handling.error), b"%s", text)
    return code


cdef int32_t refuse(Worker* worker, int32_t code, uint32_t reason, const char* text) noexcept nogil:
    count_reject(&worker.telemetry, <int>reason)
    return say(worker, code, text)


cdef int32_t explain(Worker* worker, int32_t reason) noexcept nogil:
    # A refusal that acceptance has counted already, as a host code and a sentence.
    if reason == REJECT_NO_ROUTE:
        return say(worker, HOST_NOT_FOUND, b"no such receiver")
    if reason == REJECT_NOT_RUNNING:
        return say(worker, HOST_UNAVAILABLE, b"the receiver takes no messages now")
    if reason == REJECT_RATE_LIMITED:
        return say(worker, HOST_QUOTA, b"the receiver's message rate is at its limit")
    if reason == REJECT_MAILBOX_FULL:
        return say(worker, HOST_QUOTA, b"the receiver's mailbox is full")
    if reason == REJECT_POOL_EXHAUSTED:
        return say(worker, HOST_QUOTA, b"the server's message pool is exhausted")
    return say(worker, HOST_INVALID, b"a receiver is no agent id or name")


cdef bint names_other_sender(Machine* machine, Slot* slot, const char* text, const Envelope* envelope) noexcept nogil:
    cdef ReceiverItem item
    return envelope_sender(text, envelope, &item) == 1 and resolve(machine, &item) != slot


cdef void keep(Handling* handling, Message* first, uint32_t count) noexcept nogil:
    # Appends a list that acceptance made.
    if handling.first == NULL:
        handling.first = first
    else:
        handling.last.next = first
    while first.next != NULL:
        first = first.next
    handling.last = first
    handling.sends += count


cdef int32_t keep_reply(Worker* worker, Message* first, uint32_t count) noexcept nogil:
    cdef Handling* handling = &worker.handling
    cdef Message* next
    if count > 1:
        while first != NULL:
            next = first.next
            drop(worker.machine, &worker.cache, first)
            first = next
        return refuse(worker, HOST_INVALID, REJECT_INVALID, b"a reply has one receiver: use send for several")
    if handling.reply != NULL:
        drop(worker.machine, &worker.cache, handling.reply)
    handling.reply = first
    return HOST_OK


cdef void author_of(Worker* worker, Slot* slot, Author* author) noexcept nogil:
    author.slot = slot
    author.current = worker.handling.current
    author.cache = &worker.cache
    author.random = worker.random
    author.telemetry = &worker.telemetry
    author.now_ns = worker.now_ns
    author.wall_offset_ns = worker.wall_offset_ns
    author.id_high = 0
    author.id_low = 0


cdef int32_t add(Worker* worker, Sandbox* sandbox, const char* text, uint64_t length, bint is_reply) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef Handling* handling = &worker.handling
    cdef Slot* slot = sandbox.slot
    cdef Slot* target
    cdef Author author
    cdef Refusal refusal
    cdef Envelope envelope
    cdef Message* first = NULL
    cdef uint32_t count = 1
    cdef int32_t reason
    if length > slot.message_bytes_max:
        return refuse(worker, HOST_TOO_BIG, REJECT_TOO_LARGE, b"the message is larger than message_bytes_max")
    if envelope_parse(text, length, 0, &envelope) != ENVELOPE_OK:
        return refuse(worker, HOST_INVALID, REJECT_INVALID, status_texts[envelope.status])
    if envelope.delivery != 0:
        return refuse(worker, HOST_UNSUPPORTED, REJECT_INVALID, b"this server delivers at most once")
    if envelope.present & (1 << FIELD_SENDER) and names_other_sender(machine, slot, text, &envelope):
        return refuse(worker, HOST_DENIED, REJECT_DENIED, b"an agent may name only itself as sender")
    if not is_reply and handling.sends + (envelope.receiver_count if envelope.receiver_count else 1) > SENDS_PER_HANDLER_MAX:
        return refuse(worker, HOST_QUOTA, REJECT_RATE_LIMITED, b"a handler sends at most 1024 messages")
    author_of(worker, slot, &author)
    if envelope.receiver_kind == RECEIVER_CAPABILITY:
        reason = accept_unrouted(machine, &author, text, &envelope, is_reply, &first)
    elif envelope.receiver_kind != RECEIVER_NONE:
        reason = accept_all(machine, &author, text, &envelope, is_reply, &first, &count, &refusal)
    elif is_reply and handling.current != NULL:
        target = &machine.routing.slots[handling.current.sender_slot]
        if slot_generation(target) != handling.current.sender_generation:
            return refuse(worker, HOST_NOT_FOUND, REJECT_NO_ROUTE, b"the sender of the message is gone")
        reason = accept_one(machine, &author, target, text, &envelope, True, &first, &refusal)
    else:
        return refuse(worker, HOST_INVALID, REJECT_INVALID, b"the message names no receiver")
    if reason != ACCEPTED:
        if reason == REJECT_NO_ROUTE and hear_unreachable(
                machine, worker, &author, text, length, &envelope, refusal.item.id, &worker.hearing) != 0:
            return say(worker, HOST_NOT_FOUND, b"the receiver is gone, and with it its part in the conversation")
        return explain(worker, reason)
    if is_reply:
        return keep_reply(worker, first, count)
    keep(handling, first, count)
    return HOST_OK


cdef int32_t outbox_add(Worker* worker, Sandbox* sandbox, const char* text, uint64_t length, bint is_reply) noexcept nogil:
    cdef uint64_t begun
    cdef int32_t code
    if likely(worker.turn % ROUTING_SAMPLE_EVERY != 0):
        return add(worker, sandbox, text, length, is_reply)
    # Two looks at the clock cost as much as the rest of a small message's envelope: hence a sample.
    begun = monotonic_ns()
    code = add(worker, sandbox, text, length, is_reply)
    histogram_add(&worker.telemetry.routing, monotonic_ns() - begun)
    return code


cdef void outbox_expect(Worker* worker) noexcept nogil:
    cdef Message* message = worker.handling.first if worker.handling.first != NULL else worker.handling.reply
    if message != NULL and message.key_low != 0 and not message.flags & FLAG_INHERITED:
        key_expect_more(&worker.machine.conversations, message.key_low)


cdef void outbox_commit(Worker* worker, Slot* slot) noexcept nogil:
    cdef Handling* handling = &worker.handling
    cdef Author author
    if handling.first == NULL and handling.reply == NULL:
        return
    author_of(worker, slot, &author)
    deliver_heard(worker.machine, worker, &author, handling.first)
    deliver_heard(worker.machine, worker, &author, handling.reply)
    handling.first = handling.last = handling.reply = NULL
    handling.sends = 0


cdef void outbox_discard(Worker* worker) noexcept nogil:
    cdef Handling* handling = &worker.handling
    cdef Message* message = handling.first
    cdef Message* next
    while message != NULL:
        next = message.next
        drop(worker.machine, &worker.cache, message)
        message = next
    if handling.reply != NULL:
        drop(worker.machine, &worker.cache, handling.reply)
    handling.first = handling.last = handling.reply = NULL
    handling.sends = 0
