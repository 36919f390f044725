"""Resolve, reserve, write; hand over or take back; and the host's own answers, which take the same way."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset, strlen

from caxton._core.atomics cimport load_u32_acquire, load_u32_seq, sub_u32_seq, unlikely
from caxton._core.content cimport kind_find
from caxton._core.conversation cimport Conversations, conversation_expect, conversations_exist, key_expect, key_of
from caxton._core.envelope cimport (
    FIELD_CONTENT_KIND, FIELD_CONVERSATION_ID, FIELD_ID, FIELD_REPLY_BY, FIELD_REPLY_BY_S, RECEIVER_ID,
    HostFields, envelope_bound, envelope_error, envelope_receiver, envelope_splice,
)
from caxton._core.limiter cimport bucket_take, bucket_wait_ns
from caxton._core.machine cimport machine_schedule, machine_to_shell, random_next
from caxton._core.message cimport (
    FLAG_COPY, FLAG_GIVEN_ID, FLAG_HOST, FLAG_INHERITED, FLAG_OWN_CONVERSATION, FLAG_RESERVED, HEADER_BYTES, KIND_ACL,
    KIND_UNROUTED, message_body, message_free, message_new,
)
from caxton._core.queue cimport mailbox_push, mailbox_reserve
from caxton._core.routing cimport (
    SLOT_DRAINING, SLOT_EXTERNAL, SLOT_RUNNING, routing_expect_id, routing_find_id, routing_find_name,
    slot_generation,
)
from caxton._core.telemetry cimport (
    REJECT_INVALID, REJECT_MAILBOX_FULL, REJECT_NOT_RUNNING, REJECT_NO_ROUTE, REJECT_POOL_EXHAUSTED,
    REJECT_RATE_LIMITED, STATUS_DEAD_LETTERED, count_message, count_reject,
)

cdef enum:
    ID_OFFSET = 7       # the delivered text begins {"id":"
    ID_BYTES = 36
    # The longest answer of the host: three identifiers and the detail with every byte escaped, and what is fixed.
    ANSWER_BYTES_MAX = 8448
    DRAFT_WORDS = 1080
    # What the shortest answer of the host needs beyond its message: the error around its longest word, and the ids of
    # message and conversation where they were not given.
    ANSWER_SPARE_BYTES = 128

if DRAFT_WORDS * sizeof(uint64_t) != HEADER_BYTES + ANSWER_BYTES_MAX:
    raise ImportError("a draft of the host's answers has another size than its parts")


cdef void new_id(uint64_t* random, HostFields* host) noexcept nogil:
    # A random UUID: version 4, variant 1 (RFC 9562).
    host.id_high = (random_next(random) & ~<uint64_t>0xF000) | 0x4000
    host.id_low = (random_next(random) >> 2) | (<uint64_t>1 << 63)


cdef void default_in_reply_to(Message* message, HostFields* host) noexcept nogil:
    cdef const char* body = message_body(message)
    if message.reply_with.length != 0:
        host.in_reply_to = body + message.reply_with.offset
        host.in_reply_to_bytes = message.reply_with.length
    else:
        host.in_reply_to = body + ID_OFFSET
        host.in_reply_to_bytes = ID_BYTES


cdef void default_conversation(Message* message, HostFields* host) noexcept nogil:
    cdef const char* body = message_body(message)
    host.conversation = body + message.conversation.offset
    host.conversation_bytes = message.conversation.length
    host.protocol = body + message.protocol.offset
    host.protocol_bytes = message.protocol.length


cdef void host_fields(Author* author, const Envelope* envelope, bint is_reply, HostFields* host) noexcept nogil:
    cdef Message* current = author.current
    memset(host, 0, sizeof(HostFields))
    if envelope.present & (1 << FIELD_ID):
        host.id_high = envelope.id_high
        host.id_low = envelope.id_low
    elif author.id_high | author.id_low:
        host.id_high = author.id_high
        host.id_low = author.id_low
    else:
        new_id(author.random, host)
    host.sender_id = author.slot.id
    host.span_id = random_next(author.random) | 1
    host.timestamp_ms = (<int64_t>author.now_ns + author.wall_offset_ns) // 1000000
    if current != NULL:
        host.trace_high = current.trace_high
        host.trace_low = current.trace_low
        # What is said while a message is handled belongs to its conversation unless another is named.
        if is_reply or not envelope.present & (1 << FIELD_CONVERSATION_ID):
            default_conversation(current, host)
        if is_reply:
            default_in_reply_to(current, host)
    elif envelope.trace_high | envelope.trace_low:
        host.trace_high = envelope.trace_high
        host.trace_low = envelope.trace_low
    else:
        host.trace_high = random_next(author.random)
        host.trace_low = random_next(author.random) | 1


cdef int32_t count_refusal(Author* author, int32_t reason) noexcept nogil:
    count_reject(author.telemetry, reason)
    return reason


cdef Slot* resolve(Machine* machine, const ReceiverItem* item) noexcept nogil:
    if item.kind == RECEIVER_ID:
        return routing_find_id(&machine.routing, item.id)
    return routing_find_name(&machine.routing, item.name, item.name_bytes)


cdef int32_t reserve(Author* author, Slot* target, Refusal* refusal) noexcept nogil:
    # ORDERING: acquire, pairs with the release that moved the slot into this state.
    cdef uint32_t state = load_u32_acquire(&target.state)
    refusal.receiver_id = target.id
    if state != SLOT_RUNNING:
        refusal.state = state
        return count_refusal(author, REJECT_NOT_RUNNING)
    if not bucket_take(&target.admission, author.now_ns):
        refusal.wait_ns = bucket_wait_ns(&target.admission, author.now_ns)
        return count_refusal(author, REJECT_RATE_LIMITED)
    if not mailbox_reserve(&target.mailbox):
        return count_refusal(author, REJECT_MAILBOX_FULL)
    return ACCEPTED


cdef void give_back(Machine* machine, Slot* target) noexcept nogil:
    # A place that was reserved and will not be used. A draining agent stops when the last place is free, and no
    # message will give it the turn in which it finds that out.
    # ORDERING: both seq_cst, as are the worker's store of DRAINING and its look at the depth after it: one of the
    # two sees the other.
    sub_u32_seq(&target.mailbox.depth, 1)
    if unlikely(load_u32_seq(&target.state) == SLOT_DRAINING):
        machine_schedule(machine, NULL, target)


cdef void mark_conversation(const Conversations* table, Author* author, const Envelope* envelope,
                            const HostFields* host, Message* message) noexcept nogil:
    # The hearing will look for the message's conversation: what it touches is fetched while the handler goes on.
    cdef Message* current = author.current
    if not envelope.present & (1 << FIELD_CONVERSATION_ID):
        if current == NULL or host.conversation_bytes == 0:
            return
        message.flags |= FLAG_INHERITED
        message.key_high = current.key_high
        message.key_low = current.key_low
        if current.held != 0:
            conversation_expect(table, current.held)
            return
    if message.key_high | message.key_low == 0:
        key_of(table, message_body(message) + message.conversation.offset, message.conversation.length,
               &message.key_high, &message.key_low)
    key_expect(table, message.key_low)


cdef Message* write(Machine* machine, Author* author, const char* text, const Envelope* envelope, bint is_reply,
                    uint64_t receiver_id, uint32_t room_behind) noexcept nogil:
    cdef HostFields host
    cdef Message* message
    host_fields(author, envelope, is_reply, &host)
    host.receiver_id = receiver_id
    message = message_new(
        &machine.pool, author.cache, envelope_bound(envelope, &host) + max(room_behind, <uint32_t>ANSWER_SPARE_BYTES))
    if message == NULL:
        return NULL
    envelope_splice(text, envelope, &host, message)
    if envelope.present & (1 << FIELD_REPLY_BY):
        message.number = envelope.reply_by_ms
    elif envelope.present & (1 << FIELD_REPLY_BY_S):
        message.number = host.timestamp_ms + envelope.reply_by_after_ms
    if envelope.present & (1 << FIELD_CONTENT_KIND):
        message.content_kind = kind_find(text + envelope.fields[FIELD_CONTENT_KIND].offset,
                                         envelope.fields[FIELD_CONTENT_KIND].length)
    if envelope.present & (1 << FIELD_ID):
        message.flags |= FLAG_GIVEN_ID
    if not envelope.present & (1 << FIELD_CONVERSATION_ID) and host.conversation_bytes == 0:
        message.flags |= FLAG_OWN_CONVERSATION
    if author.current != NULL:
        message.hops = author.current.hops + 1
    if conversations_exist(&machine.conversations):
        mark_conversation(&machine.conversations, author, envelope, &host, message)
    message.id_high = host.id_high
    message.id_low = host.id_low
    message.trace_high = host.trace_high
    message.trace_low = host.trace_low
    message.span_id = host.span_id
    message.sender_id = author.slot.id
    message.sender_slot = author.slot.index
    message.sender_generation = slot_generation(author.slot)
    return message


cdef void address_to(Message* message, Slot* target) noexcept nogil:
    message.kind = KIND_ACL
    message.flags |= FLAG_RESERVED
    message.receiver_id = target.id
    message.receiver_slot = target.index
    message.receiver_generation = slot_generation(target)
    message.next = NULL


cdef int32_t accept_one(Machine* machine, Author* author, Slot* target, const char* text, const Envelope* envelope,
                        bint is_reply, Message** made, Refusal* refusal) noexcept nogil:
    cdef Message* message
    cdef int32_t reason = reserve(author, target, refusal)
    if reason != ACCEPTED:
        return reason
    message = write(machine, author, text, envelope, is_reply, target.id, 0)
    if message == NULL:
        give_back(machine, target)
        return count_refusal(author, REJECT_POOL_EXHAUSTED)
    address_to(message, target)
    made[0] = message
    return ACCEPTED


cdef int32_t accept_id(Machine* machine, Author* author, const char* text, const Envelope* envelope, bint is_reply,
                       Message** made, Refusal* refusal) noexcept nogil:
    # One receiver, named by its id: most messages. The text is written while the receiver's slot is on its way from
    # memory, so the place in the mailbox is the last to be taken here, not the first.
    cdef Slot* target
    cdef Message* message
    cdef int32_t reason = REJECT_NO_ROUTE
    routing_expect_id(&machine.routing, envelope.receiver_id)
    message = write(machine, author, text, envelope, is_reply, envelope.receiver_id, 0)
    if message == NULL:
        return count_refusal(author, REJECT_POOL_EXHAUSTED)
    target = routing_find_id(&machine.routing, envelope.receiver_id)
    if unlikely(target == NULL):
        count_reject(author.telemetry, REJECT_NO_ROUTE)
    else:
        reason = reserve(author, target, refusal)
    if unlikely(reason != ACCEPTED):
        message_free(&machine.pool, author.cache, message)
        return reason
    address_to(message, target)
    made[0] = message
    return ACCEPTED


cdef int32_t accept_all(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                        bint is_reply, Message** first, uint32_t* count, Refusal* refusal) noexcept nogil:
    cdef Message* last = NULL
    cdef Message* message
    cdef Slot* target
    cdef uint32_t cursor = 0
    cdef int32_t more
    cdef int32_t reason = ACCEPTED
    cdef HostFields shared
    first[0] = NULL
    count[0] = 0
    if envelope.receiver_kind == RECEIVER_ID:
        refusal.item.kind = RECEIVER_ID
        refusal.item.id = envelope.receiver_id
        refusal.receiver_id = 0
        reason = accept_id(machine, author, text, envelope, is_reply, first, refusal)
        count[0] = reason == ACCEPTED
        return reason
    # One message in several copies.
    new_id(author.random, &shared)
    author.id_high = shared.id_high
    author.id_low = shared.id_low
    while reason == ACCEPTED:
        more = envelope_receiver(text, envelope, &cursor, &refusal.item)
        if more == 0:
            return ACCEPTED
        refusal.receiver_id = 0
        if more < 0:
            reason = count_refusal(author, REJECT_INVALID)
            break
        target = resolve(machine, &refusal.item)
        if target == NULL:
            reason = count_refusal(author, REJECT_NO_ROUTE)
            break
        reason = accept_one(machine, author, target, text, envelope, is_reply, &message, refusal)
        if reason == ACCEPTED:
            if last == NULL:
                first[0] = message
            else:
                message.flags |= FLAG_COPY
                last.next = message
            last = message
            count[0] += 1
    while first[0] != NULL:
        message = first[0]
        first[0] = message.next
        drop(machine, author.cache, message)
    count[0] = 0
    return reason


cdef int32_t accept_unrouted(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                             bint is_reply, Message** made) noexcept nogil:
    cdef ReceiverItem item
    cdef uint32_t cursor = 0
    cdef Message* message
    if envelope_receiver(text, envelope, &cursor, &item) != 1:
        return count_refusal(author, REJECT_INVALID)
    # The author's own id keeps the receiver's place; the capability's name follows the text.
    message = write(machine, author, text, envelope, is_reply, author.slot.id, item.name_bytes)
    if message == NULL:
        return count_refusal(author, REJECT_POOL_EXHAUSTED)
    memcpy(message_body(message) + message.body_bytes, item.name, item.name_bytes)
    message.number = item.name_bytes
    message.kind = KIND_UNROUTED
    message.flags = 0
    message.next = NULL
    made[0] = message
    return ACCEPTED


cdef void deliver(Machine* machine, Worker* worker, Message* message, uint64_t now_ns) noexcept nogil:
    cdef Slot* target = &machine.routing.slots[message.receiver_slot]
    message.accepted_ns = now_ns
    if message.kind == KIND_UNROUTED or target.kind == SLOT_EXTERNAL:
        machine_to_shell(machine, message)
        return
    mailbox_push(&target.mailbox, message)
    machine_schedule(machine, worker, target)


cdef void drop(Machine* machine, MessageCache* cache, Message* message) noexcept nogil:
    if message.flags & FLAG_RESERVED:
        give_back(machine, &machine.routing.slots[message.receiver_slot])
    message_free(&machine.pool, cache, message)


cdef bint may_be_answered(Message* message) noexcept nogil:
    if message.kind != KIND_ACL or message.sender_id == 0 or message.flags & FLAG_HOST:
        return False
    # These acts end an exchange: answering them could go on for ever.
    return message.performative not in (ACT_FAILURE, ACT_NOT_UNDERSTOOD, ACT_REFUSE, ACT_REJECT_PROPOSAL)


cdef Message* turned_round(Message* message, uint8_t act, const HostFields* host, const char* kind,
                           const char* detail) noexcept nogil:
    # Without a free message the one to be answered becomes its answer: nobody will read it any more. The text is
    # made beside it, since the host's fields lie in it. Where there is no room for the detail it is left out; the
    # rest fits, see ANSWER_SPARE_BYTES.
    cdef uint64_t room[DRAFT_WORDS]
    # SAFETY: room for a header and ANSWER_BYTES_MAX behind it, aligned to words as a message's fields are.
    cdef Message* draft = <Message*>room
    cdef uint32_t detail_bytes = <uint32_t>strlen(detail)
    if envelope_error(act, host, kind, detail, detail_bytes, NULL) > ANSWER_BYTES_MAX:
        return NULL
    envelope_error(act, host, kind, detail, detail_bytes, draft)
    if draft.body_bytes > message.body_capacity:
        envelope_error(act, host, kind, detail, 0, draft)
    if draft.body_bytes > message.body_capacity:
        return NULL
    message.next = NULL
    message.number = 0
    message.content_kind = 0
    message.performative = draft.performative
    message.body_bytes = draft.body_bytes
    message.conversation = draft.conversation
    message.protocol = draft.protocol
    message.reply_with = draft.reply_with
    message.in_reply_to = draft.in_reply_to
    message.content = draft.content
    memcpy(message_body(message), message_body(draft), draft.body_bytes)
    return message


cdef void answered_of(Message* message, Answered* answered) noexcept nogil:
    cdef HostFields host
    memset(&host, 0, sizeof(HostFields))
    default_conversation(message, &host)
    default_in_reply_to(message, &host)
    answered.from_id = message.receiver_id
    answered.from_slot = message.receiver_slot
    answered.from_generation = message.receiver_generation
    answered.to_id = message.sender_id
    answered.to_slot = message.sender_slot
    answered.to_generation = message.sender_generation
    answered.conversation = host.conversation
    answered.conversation_bytes = host.conversation_bytes
    answered.protocol = host.protocol
    answered.protocol_bytes = host.protocol_bytes
    answered.in_reply_to = host.in_reply_to
    answered.in_reply_to_bytes = host.in_reply_to_bytes
    answered.trace_high = message.trace_high
    answered.trace_low = message.trace_low


cdef Message* answer_make(Machine* machine, Author* author, const Answered* answered, uint8_t act, const char* kind,
                          const char* detail, Message* spare) noexcept nogil:
    cdef HostFields host
    cdef Message* answer
    cdef Slot* target = &machine.routing.slots[answered.to_slot]
    cdef uint32_t detail_bytes = <uint32_t>strlen(detail)
    if slot_generation(target) != answered.to_generation:
        return NULL
    if not mailbox_reserve(&target.mailbox):
        count_message(author.telemetry, act, STATUS_DEAD_LETTERED)
        return NULL
    memset(&host, 0, sizeof(HostFields))
    new_id(author.random, &host)
    host.sender_id = answered.from_id
    host.receiver_id = answered.to_id
    host.trace_high = answered.trace_high
    host.trace_low = answered.trace_low
    host.span_id = random_next(author.random) | 1
    host.timestamp_ms = (<int64_t>author.now_ns + author.wall_offset_ns) // 1000000
    host.conversation = answered.conversation
    host.conversation_bytes = answered.conversation_bytes
    host.protocol = answered.protocol
    host.protocol_bytes = answered.protocol_bytes
    host.in_reply_to = answered.in_reply_to
    host.in_reply_to_bytes = answered.in_reply_to_bytes
    answer = message_new(&machine.pool, author.cache, envelope_error(act, &host, kind, detail, detail_bytes, NULL))
    if answer != NULL:
        envelope_error(act, &host, kind, detail, detail_bytes, answer)
    elif spare != NULL:
        answer = turned_round(spare, act, &host, kind, detail)
    if answer == NULL:
        give_back(machine, target)
        count_message(author.telemetry, act, STATUS_DEAD_LETTERED)
        return NULL
    answer.id_high = host.id_high
    answer.id_low = host.id_low
    answer.trace_high = host.trace_high
    answer.trace_low = host.trace_low
    answer.span_id = host.span_id
    answer.kind = KIND_ACL
    answer.flags = FLAG_HOST | FLAG_RESERVED
    answer.sender_id = answered.from_id
    answer.sender_slot = answered.from_slot
    answer.sender_generation = answered.from_generation
    answer.receiver_id = answered.to_id
    answer.receiver_slot = answered.to_slot
    answer.receiver_generation = answered.to_generation
    return answer


cdef Message* answer_unrouted(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                              const char* kind, const char* detail) noexcept nogil:
    cdef Answered answered
    cdef Message* answer = NULL
    # The message once more, as it went to the shell: the answer refers to its parts.
    cdef Message* message = write(machine, author, text, envelope, False, 0, 0)
    if message == NULL:
        return NULL
    message.kind = KIND_ACL
    # Nobody is the receiver, and so nobody the answer's sender. No slot has the generation before its present one.
    message.receiver_slot = author.slot.index
    message.receiver_generation = slot_generation(author.slot) - 1
    count_message(author.telemetry, message.performative, STATUS_DEAD_LETTERED)
    if may_be_answered(message):
        answered_of(message, &answered)
        answer = answer_make(machine, author, &answered, ACT_FAILURE, kind, detail, NULL)
    message_free(&machine.pool, author.cache, message)
    return answer
