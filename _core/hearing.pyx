"""From a message to what the verdict wants to know of it; answers, events and ends that follow."""

from libc.stdio cimport snprintf
from libc.string cimport memcpy, memset

from caxton._core.acceptance cimport Answered, answer_make, answered_of, deliver, drop, may_be_answered
from caxton._core.atomics cimport add_u64_relaxed, unlikely
from caxton._core.bounds cimport TARGETS_MAX
from caxton._core.content cimport Meaning, content_read, target_next
from caxton._core.conversation cimport (
    Conversations, bucket_is_without, citation_of, citation_of_id, conversations_exist, key_of,
)
from caxton._core.envelope cimport FIELD_CONVERSATION_ID, Extent
from caxton._core.history cimport history_keep, history_keep_answer, history_keep_text
from caxton._core.limiter cimport bucket_take
from caxton._core.machine cimport machine_to_shell
from caxton._core.message cimport (
    FLAG_COPY, FLAG_GIVEN_ID, FLAG_HOST, FLAG_INHERITED, FLAG_OWN_CONVERSATION, KIND_ACL, KIND_CONVERSATION,
    message_body, message_new,
)
from caxton._core.outbox cimport author_of
from caxton._core.performative cimport (
    AGREE, CFP, FAILURE, INFORM, NOT_UNDERSTOOD, PROPOSE, PROXY, REJECT_PROPOSAL, word,
)
from caxton._core.protocol cimport (
    KIND_ABSENT, KIND_END, KIND_END_UNSOLD, PROTOCOLS_MAX, PROTOCOL_ABSENT, REASON_NONE, protocol_find,
)
from caxton._core.routing cimport Slot, routing_find_id, routing_find_name, slot_generation
from caxton._core.text cimport uuid_write
from caxton._core.verdict cimport (
    ACT_UNKNOWN, ANSWER_NONE, ANSWER_NOT_UNDERSTOOD, REASON_UNREAD, SAID_HAS_PRICE, SAID_NEW_ID,
    SAID_NO_CONVERSATION, SAID_UNREAD, Said, charge, is_known, judge, judge_unreachable, reason_word,
)

cdef enum:
    DETAIL_BYTES = 256
    # Acts whose content a table may ask for.
    TELLING_ACTS = 1 << AGREE | 1 << CFP | 1 << FAILURE | 1 << INFORM | 1 << PROPOSE | 1 << PROXY


cdef bint may_tell(Message* message) noexcept nogil:
    return TELLING_ACTS >> message.performative & 1 and message_body(message)[message.content.offset] == c'{'


cdef void read_content(Machine* machine, Hearing* hearing, Message* message) noexcept nogil:
    cdef Said* said = &hearing.said
    cdef const char* content = message_body(message) + message.content.offset
    cdef const char* at
    cdef const char* name
    cdef uint32_t length = 0
    cdef Meaning meaning
    cdef Slot* slot
    said.flags &= ~<uint8_t>SAID_UNREAD
    content_read(content, message.content.length, &meaning)
    if said.kind == KIND_ABSENT:
        said.kind = meaning.kind
    if said.kind == KIND_END and meaning.unsold:
        said.kind = KIND_END_UNSOLD
    if meaning.has_price:
        said.flags |= SAID_HAS_PRICE
        said.price = meaning.price
    at = meaning.targets
    while at != NULL and said.target_count < TARGETS_MAX:
        name = target_next(&at, content + message.content.length, &length)
        if name == NULL:
            return
        slot = named(machine, name, length)
        if slot != NULL:
            hearing.targets[said.target_count] = slot.id
            said.target_count += 1


cdef Slot* named(Machine* machine, const char* text, uint32_t length) noexcept nogil:
    # An agent by the text of its id, or by its name.
    cdef uint64_t id = 0
    cdef uint32_t i
    if length == 0 or length > 255:
        return NULL
    for i in range(length):
        if not c'0' <= text[i] <= c'9' or length > 20:
            return routing_find_name(&machine.routing, text, <unsigned short>length)
        id = id * 10 + <uint64_t>(text[i] - c'0')
    return routing_find_id(&machine.routing, id)


cdef inline void said_begin(Said* said) noexcept nogil:
    # All that a message need not have; who_and_where writes the rest. Clearing the whole would cost more.
    said.flags = 0
    said.max_awards = 0
    said.messages_max = 0
    said.fuel_max = 0
    said.reply_with = 0
    said.in_reply_to = 0
    said.reply_by_ns = 0
    said.ttl_ns = 0
    said.price = 0.0
    said.target_count = 0
    said.near = 0
    said.near_generation = 0


cdef void who_and_where(Machine* machine, Author* author, Hearing* hearing, Message* first, uint32_t count) noexcept nogil:
    cdef Said* said = &hearing.said
    cdef Conversations* table = &machine.conversations
    cdef const char* body = message_body(first)
    cdef Message* copy = first
    cdef uint32_t i
    said.act = first.performative
    said.kind = first.content_kind
    said.sender = first.sender_id
    said.receivers = hearing.receivers
    said.receiver_count = count
    for i in range(count):
        hearing.receivers[i] = copy.receiver_id
        copy = copy.next
    said.targets = hearing.targets
    said.now_ns = author.now_ns
    if first.number != 0:
        said.reply_by_ns = monotonic_of(first.number, author)
    said.id_high = first.id_high
    said.id_low = first.id_low
    said.id = citation_of_id(table, first.id_high, first.id_low)
    if not first.flags & FLAG_GIVEN_ID:
        said.flags |= SAID_NEW_ID
    if first.flags & FLAG_OWN_CONVERSATION and not opens(machine, said):
        said.flags |= SAID_NO_CONVERSATION
    if first.reply_with.length != 0:
        said.reply_with = citation_of(table, body + first.reply_with.offset, first.reply_with.length)
    if first.in_reply_to.length != 0:
        said.in_reply_to = citation_of(table, body + first.in_reply_to.offset, first.in_reply_to.length)


cdef bint opens(Machine* machine, const Said* said) noexcept nogil:
    # An opening message may leave its conversation's id to the server; nothing else can mean a new one.
    return (said.protocol < PROTOCOLS_MAX
            and machine.protocols.tables[said.protocol].opening_acts >> said.act & 1)


cdef uint64_t monotonic_of(int64_t wall_ms, Author* author) noexcept nogil:
    # A deadline of the wall clock; one before this machine's start is simply over.
    cdef int64_t at = wall_ms * 1000000 - author.wall_offset_ns
    return <uint64_t>at if at > 1 else 1


cdef uint8_t hear(Machine* machine, Worker* worker, Author* author, Message* first, uint32_t count,
                  const Asked* asked, Hearing* hearing) noexcept nogil:
    cdef Conversations* table = &machine.conversations
    cdef Said* said = &hearing.said
    cdef const char* body
    cdef bint opens = asked != NULL and asked.ttl_ns != 0
    if first.kind != KIND_ACL or table.count_max == 0:
        return REASON_NONE
    if first.protocol.length == 0 and not opens and not conversations_exist(table):
        return REASON_NONE
    if first.flags & FLAG_OWN_CONVERSATION and not first.flags & FLAG_GIVEN_ID and first.protocol.length == 0 and not opens:
        # A conversation that nobody but this message can know of.
        return REASON_NONE
    body = message_body(first)
    if first.key_high | first.key_low == 0:
        key_of(table, body + first.conversation.offset, first.conversation.length, &first.key_high, &first.key_low)
    if first.protocol.length == 0 and not opens and bucket_is_without(table, first.key_low):
        return REASON_NONE
    said_begin(said)
    said.name = body + first.conversation.offset
    said.name_bytes = first.conversation.length
    said.key_high = first.key_high
    said.key_low = first.key_low
    if first.flags & FLAG_INHERITED and author.current != NULL:
        said.near = author.current.held
        said.near_generation = author.current.held_generation
    said.protocol = PROTOCOL_ABSENT
    if first.protocol.length != 0:
        said.protocol = protocol_find(&machine.protocols, body + first.protocol.offset, first.protocol.length)
    who_and_where(machine, author, hearing, first, count)
    if may_tell(first):
        if said.protocol < PROTOCOLS_MAX and machine.protocols.tells[said.protocol] >> said.act & 1:
            read_content(machine, hearing, first)
        else:
            # Whether it is needed is known when the conversation is found.
            said.flags |= SAID_UNREAD
    if asked != NULL:
        said.ttl_ns = asked.ttl_ns
        said.max_awards = asked.max_awards
        if asked.unknown_act:
            if said.protocol == PROTOCOL_ABSENT and not is_known(table, said):
                # Outside of all conversations it is simply no message, which is not for a verdict to say.
                return REASON_NONE
            said.act = ACT_UNKNOWN
    hearing.verdict.outbid = hearing.outbid
    judge(table, &machine.deadlines, said, &hearing.verdict)
    if unlikely(hearing.verdict.reason == REASON_UNREAD):
        read_content(machine, hearing, first)
        judge(table, &machine.deadlines, said, &hearing.verdict)
    if hearing.verdict.reason != REASON_NONE:
        after_refusal(machine, worker, author, first, hearing)
    else:
        after_acceptance(machine, worker, author, first, hearing)
    return hearing.verdict.reason


cdef void mark_copies(Message* first, const Verdict* verdict) noexcept nogil:
    cdef uint64_t key_high = first.key_high
    cdef uint64_t key_low = first.key_low
    while first != NULL:
        first.held = verdict.conversation
        first.held_generation = verdict.generation
        first.key_high = key_high
        first.key_low = key_low
        first = first.next
        if first != NULL and not first.flags & FLAG_COPY:
            return


cdef void after_acceptance(Machine* machine, Worker* worker, Author* author, Message* first,
                           Hearing* hearing) noexcept nogil:
    cdef Verdict* verdict = &hearing.verdict
    cdef uint32_t i
    if verdict.conversation != 0:
        mark_copies(first, verdict)
        history_keep(machine, worker, author, first, hearing.receivers, hearing.said.receiver_count, &hearing.said, verdict)
    if unlikely(verdict.awarded):
        tell_by(machine, author, verdict, CONVERSATION_AWARDED, 0, first)
    for i in range(verdict.outbid_count):
        reject_bid(machine, worker, author, first, hearing, i)
    if unlikely(verdict.ended):
        tell_by(machine, author, verdict, CONVERSATION_ENDED, verdict.outcome, first)


cdef void reject_bid(Machine* machine, Worker* worker, Author* author, Message* call, Hearing* hearing,
                     uint32_t number) noexcept nogil:
    # On the auctioneer's behalf, to a bidder whose bid falls with the round.
    cdef Answered answered
    cdef char id_text[40]
    cdef Slot* bidder = routing_find_id(&machine.routing, hearing.outbid[number].agent)
    cdef Message* answer
    if bidder == NULL:
        return
    answered_of(call, &answered)
    answered.from_id = call.sender_id
    answered.from_slot = call.sender_slot
    answered.from_generation = call.sender_generation
    answered.to_id = bidder.id
    answered.to_slot = bidder.index
    answered.to_generation = slot_generation(bidder)
    answered.in_reply_to = id_text
    answered.in_reply_to_bytes = 36
    uuid_write(id_text, hearing.outbid[number].id_high, hearing.outbid[number].id_low)
    answer = answer_make(machine, author, &answered, REJECT_PROPOSAL, b"outbid", b"another bid has won the round",
                         NULL)
    if answer != NULL:
        history_keep_answer(machine, worker, author, answer, &hearing.said, &hearing.verdict)
        deliver(machine, worker, answer, author.now_ns)


cdef void after_refusal(Machine* machine, Worker* worker, Author* author, Message* first,
                        Hearing* hearing) noexcept nogil:
    cdef Verdict* verdict = &hearing.verdict
    cdef Answered answered
    cdef Message* answer
    cdef uint8_t act = NOT_UNDERSTOOD if verdict.answer == ANSWER_NOT_UNDERSTOOD else REJECT_PROPOSAL
    cdef char detail[DETAIL_BYTES]
    if verdict.conversation != 0:
        history_keep(machine, worker, author, first, hearing.receivers, hearing.said.receiver_count, &hearing.said, verdict)
    if unlikely(verdict.ended):
        tell_by(machine, author, verdict, CONVERSATION_ENDED, verdict.outcome, first)
    if first.flags & FLAG_HOST:
        # What the host says for an agent goes out all the same, as the automatic answer that it is.
        return
    tell_by(machine, author, verdict, CONVERSATION_REFUSED, verdict.reason, first)
    if verdict.answer == ANSWER_NONE:
        return
    answered_of(first, &answered)
    snprintf(detail, sizeof(detail), b"%s was refused: %s", word(first.performative), reason_word(verdict.reason))
    answer = answer_make(machine, author, &answered, act, reason_word(verdict.reason), detail, NULL)
    if answer != NULL:
        history_keep_answer(machine, worker, author, answer, &hearing.said, verdict)
        deliver(machine, worker, answer, author.now_ns)


cdef bint answer_error(Machine* machine, Worker* worker, Message* message, uint8_t act, const char* kind,
                       const char* detail) noexcept nogil:
    cdef Author author
    cdef Answered answered
    cdef Message* answer
    cdef bint reused
    if not may_be_answered(message):
        return False
    author_of(worker, NULL, &author)
    answered_of(message, &answered)
    answer = answer_make(machine, &author, &answered, act, kind, detail, message)
    if answer == NULL:
        return False
    reused = answer == message
    hear(machine, worker, &author, answer, 1, NULL, &worker.hearing)
    deliver(machine, worker, answer, worker.now_ns)
    return reused


cdef void charge_for(Worker* worker, Slot* slot, Message* message, uint64_t fuel) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef Author author
    cdef Verdict* verdict = &worker.hearing.verdict
    if not charge(&machine.conversations, message.held, message.held_generation, fuel, worker.now_ns,
                  verdict):
        return
    author_of(worker, slot, &author)
    tell_by(machine, &author, verdict, CONVERSATION_ENDED, verdict.outcome, message)


cdef void deliver_heard(Machine* machine, Worker* worker, Author* author, Message* first) noexcept nogil:
    cdef Message* message
    cdef Message* next
    cdef Hearing* hearing = &worker.hearing
    cdef uint32_t count
    cdef uint8_t reason
    while first != NULL:
        count = 1
        message = first.next
        while message != NULL and message.flags & FLAG_COPY:
            count += 1
            message = message.next
        reason = hear(machine, worker, author, first, count, NULL, hearing)
        if unlikely(first.hops == machine.loop_hops and first.kind == KIND_ACL):
            tell_by(machine, author, &hearing.verdict, CONVERSATION_LOOPS, first.hops, first)
        for _ in range(count):
            next = first.next
            if reason != REASON_NONE:
                drop(machine, author.cache, first)
            else:
                deliver(machine, worker, first, author.now_ns)
            first = next


cdef void said_of_envelope(Machine* machine, Author* author, const char* text, const Envelope* envelope,
                           Said* said) noexcept nogil:
    # For a message that was never written: what a verdict on whole conversations needs.
    cdef const Extent* name = &envelope.fields[FIELD_CONVERSATION_ID]
    memset(said, 0, sizeof(Said))
    said.act = envelope.performative
    said.sender = author.slot.id
    said.now_ns = author.now_ns
    said.protocol = PROTOCOL_ABSENT
    if envelope.present & (1 << FIELD_CONVERSATION_ID):
        said.name = text + name.offset
        said.name_bytes = name.length
    elif author.current != NULL:
        said.name = message_body(author.current) + author.current.conversation.offset
        said.name_bytes = author.current.conversation.length
    key_of(&machine.conversations, said.name, said.name_bytes, &said.key_high, &said.key_low)


cdef uint8_t hear_unreachable(Machine* machine, Worker* worker, Author* author, const char* text, uint64_t length,
                              const Envelope* envelope, uint64_t receiver, Hearing* hearing) noexcept nogil:
    if receiver == 0 or not conversations_exist(&machine.conversations):
        return REASON_NONE
    said_of_envelope(machine, author, text, envelope, &hearing.said)
    hearing.verdict.outbid = hearing.outbid
    if hearing.said.name_bytes == 0 or not judge_unreachable(
            &machine.conversations, &machine.deadlines, &hearing.said, receiver, &hearing.verdict):
        return REASON_NONE
    history_keep_text(machine, worker, author, text, length, receiver, &hearing.said, &hearing.verdict)
    if hearing.verdict.ended:
        tell(machine, author, &hearing.verdict, CONVERSATION_ENDED, hearing.verdict.outcome, 0, 0, author.slot.id, receiver,
             envelope.performative, hearing.said.name, hearing.said.name_bytes)
    tell(machine, author, &hearing.verdict, CONVERSATION_REFUSED, hearing.verdict.reason, 0, 0, author.slot.id, receiver,
         envelope.performative, hearing.said.name, hearing.said.name_bytes)
    return hearing.verdict.reason


cdef void tell_by(Machine* machine, Author* author, const Verdict* verdict, uint32_t event, uint64_t number,
                  Message* message) noexcept nogil:
    tell(machine, author, verdict, event, number, message.id_high, message.id_low, message.sender_id,
         message.receiver_id, message.performative, message_body(message) + message.conversation.offset,
         message.conversation.length)


cdef void tell(Machine* machine, Author* author, const Verdict* verdict, uint32_t event, uint64_t number,
               uint64_t id_high, uint64_t id_low, uint64_t sender, uint64_t receiver, uint8_t act, const char* name,
               uint32_t name_bytes) noexcept nogil:
    cdef Message* message = NULL
    if bucket_take(&machine.conversation_events, author.now_ns):
        message = message_new(&machine.pool, author.cache, name_bytes)
    if message == NULL:
        add_u64_relaxed(&machine.untold_events, 1)
        return
    message.kind = KIND_CONVERSATION
    message.number = event
    message.id_high = id_high
    message.id_low = id_low
    message.sender_id = sender
    message.receiver_id = receiver
    message.performative = act
    message.trace_high = number
    message.trace_low = verdict.initiator
    message.content_kind = verdict.protocol
    message.hops = verdict.state
    message.accepted_ns = verdict.messages
    memcpy(message_body(message), name, name_bytes)
    message.body_bytes = name_bytes
    machine_to_shell(machine, message)
