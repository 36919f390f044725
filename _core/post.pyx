"""Accept a client's message: parse, settle the sender, reserve every receiver, hand over."""

from libc.string cimport memcpy, memset

from caxton._core.acceptance cimport (
    ACCEPTED, Author, accept_all, accept_one, answer_unrouted, deliver, drop, resolve,
)
from caxton._core.atomics cimport monotonic_ns, realtime_ns
from caxton._core.envelope cimport (
    ENVELOPE_OK, ENVELOPE_UNKNOWN_PERFORMATIVE, Envelope, FIELD_PERFORMATIVE, FIELD_SENDER, PARSE_ANY_ACT, PARSE_CLIENT,
    RECEIVER_CAPABILITY, RECEIVER_ID,
    RECEIVER_NONE, ReceiverItem, envelope_parse,
    envelope_receiver, envelope_sender,
)
from caxton._core.hearing cimport Asked, hear, hear_unreachable
from caxton._core.message cimport Message, message_body
from caxton._core.protocol cimport PROTOCOL_ABSENT, REASON_DUPLICATE_MESSAGE, REASON_NONE
from caxton._core.routing cimport SLOT_EXTERNAL, Slot, routing_find_id
from caxton._core.telemetry cimport (
    REJECT_INVALID, REJECT_MAILBOX_FULL, REJECT_NOT_RUNNING, REJECT_NO_ROUTE, REJECT_POOL_EXHAUSTED,
    REJECT_RATE_LIMITED, REJECT_TOO_LARGE, REJECT_DENIED, count_reject, histogram_add,
)


cdef int32_t finish(Machine* machine, Posted* out, int32_t code, uint32_t reason) noexcept nogil:
    count_reject(&machine.shell_telemetry, <int>reason)
    out.code = code
    return code


cdef int32_t code_of(int32_t reason) noexcept nogil:
    if reason == REJECT_NO_ROUTE:
        return POST_NO_ROUTE
    if reason == REJECT_MAILBOX_FULL:
        return POST_MAILBOX_FULL
    if reason == REJECT_RATE_LIMITED:
        return POST_RATE_LIMITED
    if reason == REJECT_NOT_RUNNING:
        return POST_NOT_RUNNING
    if reason == REJECT_POOL_EXHAUSTED:
        return POST_POOL_EXHAUSTED
    return POST_INVALID


cdef Slot* settle_sender(Machine* machine, const char* text, uint64_t sender_id, bint any_sender, Posted* out) noexcept nogil:
    # The slot to send as; NULL with out.other_sender when the text names one that this caller did not ask for.
    cdef ReceiverItem item
    cdef Slot* slot
    out.other_sender = 0
    if not out.envelope.present & (1 << FIELD_SENDER):
        return routing_find_id(&machine.routing, sender_id)
    if envelope_sender(text, &out.envelope, &item) != 1:
        return NULL
    slot = resolve(machine, &item)
    if slot == NULL:
        return NULL
    if slot.id == sender_id or (any_sender and slot.kind == SLOT_EXTERNAL):
        return slot
    out.other_sender = slot.id
    return NULL


cdef void author_of_shell(Machine* machine, Slot* sender, Author* author) noexcept nogil:
    author.slot = sender
    author.current = NULL
    author.cache = &machine.shell_cache
    author.random = machine.shell_random
    author.telemetry = &machine.shell_telemetry
    author.now_ns = monotonic_ns()
    author.wall_offset_ns = <long long>(realtime_ns() - author.now_ns)
    author.id_high = author.id_low = 0


cdef bint post_unrouted(Machine* machine, Slot* slot, const char* text, uint64_t length, const char* kind,
                        const char* detail) noexcept nogil:
    cdef Author author
    cdef Envelope envelope
    cdef Message* answer
    if envelope_parse(text, length, 0, &envelope) != ENVELOPE_OK:
        return False
    author_of_shell(machine, slot, &author)
    answer = answer_unrouted(machine, &author, text, &envelope, kind, detail)
    if answer == NULL:
        return False
    deliver(machine, NULL, answer, author.now_ns)
    return True


cdef void drop_all(Machine* machine, Message* first) noexcept nogil:
    cdef Message* next
    while first != NULL:
        next = first.next
        drop(machine, &machine.shell_cache, first)
        first = next


cdef int32_t refused(Machine* machine, Posted* out, uint8_t reason) noexcept nogil:
    out.reason = reason
    out.protocol = machine.shell_hearing.verdict.protocol
    out.state = machine.shell_hearing.verdict.state
    out.outcome = machine.shell_hearing.verdict.outcome
    out.code = POST_DUPLICATE if reason == REASON_DUPLICATE_MESSAGE else POST_REFUSED
    return out.code


cdef int32_t no_act(Machine* machine, Posted* out) noexcept nogil:
    out.envelope.status = ENVELOPE_UNKNOWN_PERFORMATIVE
    out.envelope.error_field = FIELD_PERFORMATIVE
    out.envelope.error_offset = out.envelope.fields[FIELD_PERFORMATIVE].offset
    return finish(machine, out, POST_INVALID, REJECT_INVALID)


cdef int32_t hear_first(Machine* machine, Author* author, Message* first, uint32_t count, Posted* out) noexcept nogil:
    # Code of what the verdict makes of a message that holds its places; it is dropped unless POST_ACCEPTED.
    cdef Asked asked
    cdef uint8_t reason
    asked.ttl_ns = <uint64_t>out.envelope.conversation_ttl_ms * 1000000
    asked.max_awards = out.envelope.max_awards
    asked.unknown_act = out.envelope.unknown_act
    reason = hear(machine, NULL, author, first, count, &asked, &machine.shell_hearing)
    if reason == REASON_NONE and not asked.unknown_act:
        return POST_ACCEPTED
    out.id_high = first.id_high
    out.id_low = first.id_low
    out.conversation_bytes = first.conversation.length
    memcpy(out.conversation, message_body(first) + first.conversation.offset, first.conversation.length)
    drop_all(machine, first)
    if reason == REASON_NONE:
        # It belongs to no conversation that could say so: it is simply no message.
        return no_act(machine, out)
    return refused(machine, out, reason)


cdef int32_t place(Machine* machine, Author* author, const char* text, uint64_t length, uint64_t receiver_id,
                   Posted* out, Message** first, uint32_t* count) noexcept nogil:
    # Find the receivers and take places in their mailboxes.
    cdef uint32_t cursor = 0
    cdef Slot* target
    cdef int32_t reason
    cdef uint8_t verdict
    if receiver_id != 0:
        target = routing_find_id(&machine.routing, receiver_id)
        out.refusal.item.kind = RECEIVER_ID
        out.refusal.item.id = receiver_id
        if target == NULL:
            out.refusal.receiver_id = receiver_id
            return finish(machine, out, POST_NO_ROUTE, REJECT_NO_ROUTE)
        reason = accept_one(machine, author, target, text, &out.envelope, False, first, &out.refusal)
    elif out.envelope.receiver_kind == RECEIVER_NONE:
        return finish(machine, out, POST_NO_RECEIVER, REJECT_INVALID)
    elif out.envelope.receiver_kind == RECEIVER_CAPABILITY:
        envelope_receiver(text, &out.envelope, &cursor, &out.refusal.item)
        out.code = POST_CAPABILITY
        return POST_CAPABILITY
    else:
        reason = accept_all(machine, author, text, &out.envelope, False, first, count, &out.refusal)
    if reason == REJECT_NO_ROUTE and out.refusal.item.kind == RECEIVER_ID:
        verdict = hear_unreachable(
            machine, NULL, author, text, length, &out.envelope, out.refusal.item.id, &machine.shell_hearing)
        if verdict != REASON_NONE:
            return refused(machine, out, verdict)
    if reason != ACCEPTED:
        out.code = code_of(reason)
        return out.code
    return POST_ACCEPTED


cdef int32_t parse(Machine* machine, const char* text, uint64_t length, Posted* out) noexcept nogil:
    if length > machine.message_bytes_max:
        return finish(machine, out, POST_TOO_LARGE, REJECT_TOO_LARGE)
    if envelope_parse(text, length, PARSE_CLIENT, &out.envelope) != ENVELOPE_OK:
        # A word that is no performative breaks the protocol of a conversation, if it stands in one.
        if (out.envelope.status != ENVELOPE_UNKNOWN_PERFORMATIVE
                or envelope_parse(text, length, PARSE_CLIENT | PARSE_ANY_ACT, &out.envelope) != ENVELOPE_OK):
            return finish(machine, out, POST_INVALID, REJECT_INVALID)
    return POST_ACCEPTED


cdef int32_t post(Machine* machine, const char* text, uint64_t length, uint64_t sender_id, bint any_sender,
                  uint64_t receiver_id, Posted* out) noexcept nogil:
    cdef Author author
    cdef Slot* sender
    cdef Message* first = NULL
    cdef Message* next
    cdef uint32_t count = 1
    out.conversation_bytes = 0
    out.protocol = PROTOCOL_ABSENT
    out.envelope.status = ENVELOPE_OK
    memset(&out.refusal, 0, sizeof(out.refusal))
    if parse(machine, text, length, out) != POST_ACCEPTED:
        return out.code
    sender = settle_sender(machine, text, sender_id, any_sender, out)
    if sender == NULL:
        return finish(machine, out, POST_OTHER_SENDER, REJECT_DENIED)
    if length > sender.message_bytes_max:
        return finish(machine, out, POST_TOO_LARGE, REJECT_TOO_LARGE)
    author_of_shell(machine, sender, &author)
    if place(machine, &author, text, length, receiver_id, out, &first, &count) != POST_ACCEPTED:
        # A text that is no message is told so first.
        return no_act(machine, out) if out.envelope.unknown_act else out.code
    if hear_first(machine, &author, first, count, out) != POST_ACCEPTED:
        return out.code
    out.id_high = first.id_high
    out.id_low = first.id_low
    out.conversation_bytes = first.conversation.length
    memcpy(out.conversation, message_body(first) + first.conversation.offset, first.conversation.length)
    while first != NULL:
        # Once handed over, a message may be handled and freed at any moment.
        next = first.next
        deliver(machine, NULL, first, author.now_ns)
        first = next
    histogram_add(&machine.shell_telemetry.routing, monotonic_ns() - author.now_ns)
    out.code = POST_ACCEPTED
    return POST_ACCEPTED
