"""Opening, progress, and what a message brings about besides."""

from libc.stdint cimport uint64_t

from caxton._core.atomics cimport add_u64_relaxed
from caxton._core.conversation cimport (
    FLAG_DEADLINE_PASSED, FLAG_RESERVED_AHEAD, REPLY_WITH, STATE_INITIATED, STATE_IN_PROGRESS, cited_add,
    cited_is, conversation_find, conversation_free, conversation_new, protocol_line, session_at, session_find,
    session_near, sessions_make,
)
from caxton._core.performative cimport CANCEL, CFP, FAILURE, INFORM, NOT_UNDERSTOOD
from caxton._core.protocol cimport (
    AUCTION, EFFECT_AWARD, EFFECT_CALL, EFFECT_CLOSE, EFFECT_OFFER, EFFECT_WIN, KEEP_PHASE, KIND_RESULT, LASTING,
    ONE_TO_ONE, OUTCOME_BUDGET_EXCEEDED, OUTCOME_BY_KIND, OUTCOME_CANCELLED, OUTCOME_DONE, OUTCOME_NONE,
    OUTCOME_RESULT, OUTCOME_SOLD, OUTCOME_UNSOLD, PHASE_CLOSED, PHASE_STARTED, PROTOCOL_ABSENT, PROTOCOL_FREE,
    REASON_BUDGET_EXCEEDED, REASON_CONVERSATIONS_EXHAUSTED, REASON_CONVERSATION_ID_REUSE, REASON_NONE,
    REASON_NOT_PARTICIPANT, REASON_PROTOCOL_MISMATCH, REASON_TOO_MANY_PARTICIPANTS, REASON_UNKNOWN_IN_REPLY_TO,
    RECRUITS, ROLE_INITIATOR, ROLE_PARTICIPANT, ROLE_TARGET, SESSION_BID, SESSION_CANCELLED, SESSION_DONE,
    SESSION_ENDED, SESSION_OUTBID, SESSION_SENT, SESSION_TARGET, Row, protocol_row, session_is_over,
)
from caxton._core.settlement cimport call_passes, conversation_end, finish_if_over, is_over, session_move
from caxton._core.verdict cimport Outbid


cdef void touch(Conversation* conversation, uint64_t now_ns) noexcept nogil:
    # The time to live counts from the last accepted message.
    if conversation.ttl_ns != 0:
        conversation.ttl_by_ns = now_ns + conversation.ttl_ns


cdef void remember(Conversations* table, Conversation* conversation, const Said* said) noexcept nogil:
    # The message may be cited from now on. When there is no room left, its later citation is refused as unknown.
    conversation.messages += 1
    conversation.ordinal += 1
    cited_add(table, conversation, said.id, conversation.ordinal)
    if said.reply_with != 0 and said.reply_with != said.id:
        cited_add(table, conversation, said.reply_with, conversation.ordinal | REPLY_WITH)


cdef uint64_t deadline_of(Conversations* table, const Protocol* protocol, const Said* said) noexcept nogil:
    if said.reply_by_ns != 0:
        return said.reply_by_ns
    return 0 if protocol.flags & LASTING or table.default_reply_ns == 0 else said.now_ns + table.default_reply_ns


cdef bint invites_itself_or_twice(const Said* said) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t k
    for i in range(said.receiver_count):
        if said.receivers[i] == said.sender:
            return True
        for k in range(i):
            if said.receivers[i] == said.receivers[k]:
                return True
    return False


cdef void session_open(Session* session, uint64_t agent, uint8_t role, uint8_t state, uint32_t call) noexcept nogil:
    session.agent = agent
    session.role = role
    session.state = state
    session.call = call


cdef uint8_t open_new(Conversations* table, const Said* said, const Protocol* protocol,
                      Conversation** made) noexcept nogil:
    cdef Conversation* conversation
    cdef uint8_t reason
    if said.receiver_count > table.participants_max or (protocol.flags & ONE_TO_ONE and said.receiver_count > 1):
        return REASON_TOO_MANY_PARTICIPANTS
    if said.receiver_count == 0 or invites_itself_or_twice(said):
        return REASON_NOT_PARTICIPANT
    if said.in_reply_to != 0:
        # A citation never reaches across conversations, and in this one nothing has been said.
        return REASON_UNKNOWN_IN_REPLY_TO
    conversation = conversation_new(table, said.key_high, said.key_low, said.name, said.name_bytes)
    if conversation == NULL:
        return REASON_CONVERSATIONS_EXHAUSTED
    conversation.protocol = said.protocol
    reason = open_conversation(table, conversation, protocol, said)
    if reason != REASON_NONE:
        conversation_free(table, conversation)
        return reason
    add_u64_relaxed(&table.opened[protocol_line(said.protocol)], 1)
    made[0] = conversation
    return REASON_NONE


cdef uint8_t open_conversation(Conversations* table, Conversation* conversation, const Protocol* protocol,
                               const Said* said) noexcept nogil:
    cdef uint32_t i
    if conversation.session_count == 0 and sessions_make(table, conversation, said.receiver_count) != 0:
        return REASON_CONVERSATIONS_EXHAUSTED
    conversation.flags &= ~<uint8_t>FLAG_RESERVED_AHEAD
    conversation.initiator = said.sender
    conversation.state = STATE_INITIATED
    conversation.phase = PHASE_STARTED
    conversation.opened_ns = said.now_ns
    if said.max_awards != 0:
        conversation.max_awards = said.max_awards
    if said.messages_max != 0:
        conversation.messages_max = said.messages_max
    if said.fuel_max != 0:
        conversation.fuel_max = said.fuel_max
    if said.ttl_ns != 0:
        conversation.ttl_ns = said.ttl_ns
    elif conversation.ttl_ns == 0 and not protocol.flags & LASTING:
        conversation.ttl_ns = table.default_ttl_ns
    touch(conversation, said.now_ns)
    remember(table, conversation, said)
    if not protocol.flags & AUCTION:
        conversation.reply_by_ns = deadline_of(table, protocol, said)
        conversation.call = conversation.ordinal
    for i in range(said.receiver_count):
        session_open(session_at(conversation, i), said.receivers[i], ROLE_PARTICIPANT, <uint8_t>protocol.first,
                     conversation.call)
    conversation.open_count = said.receiver_count
    recruit(table, conversation, protocol, said)
    return REASON_NONE


cdef uint8_t open_ahead(Conversations* table, const Said* said, Conversation** made) noexcept nogil:
    cdef Conversation* conversation
    cdef bint pair = False
    cdef uint32_t i
    if said.protocol != PROTOCOL_FREE:
        pair = table.protocols.tables[said.protocol].flags & ONE_TO_ONE
    if said.receiver_count > table.participants_max or (pair and said.receiver_count > 1):
        return REASON_TOO_MANY_PARTICIPANTS
    if said.receiver_count == 0 or invites_itself_or_twice(said):
        return REASON_NOT_PARTICIPANT
    if conversation_find(table, said.key_high, said.key_low) != NULL:
        return REASON_CONVERSATION_ID_REUSE
    conversation = conversation_new(table, said.key_high, said.key_low, said.name, said.name_bytes)
    if conversation == NULL:
        return REASON_CONVERSATIONS_EXHAUSTED
    if sessions_make(table, conversation, said.receiver_count) != 0:
        conversation_free(table, conversation)
        return REASON_CONVERSATIONS_EXHAUSTED
    conversation.protocol = said.protocol
    conversation.flags = FLAG_RESERVED_AHEAD
    conversation.state = STATE_INITIATED
    conversation.initiator = said.sender
    conversation.opened_ns = said.now_ns
    conversation.messages_max = said.messages_max
    conversation.fuel_max = said.fuel_max
    conversation.max_awards = said.max_awards
    conversation.ttl_ns = said.ttl_ns if said.ttl_ns != 0 else table.default_ttl_ns
    touch(conversation, said.now_ns)
    for i in range(said.receiver_count):
        session_open(session_at(conversation, i), said.receivers[i], ROLE_PARTICIPANT, 0, 0)
    conversation.open_count = said.receiver_count
    add_u64_relaxed(&table.opened[protocol_line(said.protocol)], 1)
    made[0] = conversation
    return REASON_NONE


cdef void recruit(Conversations* table, Conversation* conversation, const Protocol* protocol,
                  const Said* said) noexcept nogil:
    # Agents that the proxy, the agree or the done-proxy message names may answer the initiator.
    cdef uint32_t i
    cdef uint32_t count
    if not protocol.flags & RECRUITS or said.target_count == 0:
        return
    for i in range(said.target_count):
        if session_find(conversation, said.targets[i]) != NULL or said.targets[i] == conversation.initiator:
            continue
        count = conversation.session_count
        if count >= table.participants_max or sessions_make(table, conversation, count + 1) != 0:
            return
        session_open(session_at(conversation, count), said.targets[i], ROLE_TARGET, SESSION_TARGET,
                     session_at(conversation, 0).call)
        conversation.open_count += 1


cdef uint8_t open_conversation_free(Conversations* table, const Said* said, Conversation** made) noexcept nogil:
    cdef Conversation* conversation
    if said.ttl_ns == 0:
        return REASON_NONE
    conversation = conversation_new(table, said.key_high, said.key_low, said.name, said.name_bytes)
    if conversation == NULL:
        return REASON_CONVERSATIONS_EXHAUSTED
    conversation.protocol = PROTOCOL_FREE
    conversation.initiator = said.sender
    conversation.state = STATE_INITIATED
    conversation.opened_ns = said.now_ns
    conversation.ttl_ns = said.ttl_ns
    if said.receiver_count != 0 and sessions_make(table, conversation, said.receiver_count) == 0:
        for i in range(said.receiver_count):
            session_open(session_at(conversation, i), said.receivers[i], ROLE_PARTICIPANT, 0, 0)
    touch(conversation, said.now_ns)
    remember(table, conversation, said)
    add_u64_relaxed(&table.opened[protocol_line(PROTOCOL_FREE)], 1)
    made[0] = conversation
    return REASON_NONE


cdef uint8_t apply_free(Conversations* table, Conversation* conversation, const Said* said,
                        Verdict* verdict) noexcept nogil:
    if said.protocol != PROTOCOL_ABSENT:
        return REASON_PROTOCOL_MISMATCH
    if conversation.messages_max != 0 and conversation.messages >= conversation.messages_max:
        conversation_end(table, conversation, OUTCOME_BUDGET_EXCEEDED, said.now_ns)
        return REASON_BUDGET_EXCEEDED
    if conversation.messages != 0:
        conversation.state = STATE_IN_PROGRESS
    touch(conversation, said.now_ns)
    remember(table, conversation, said)
    return REASON_NONE


cdef bint answers_cancel(Conversation* conversation, const Session* session, const Said* said, uint8_t role,
                         uint32_t cited) noexcept nogil:
    if role == ROLE_INITIATOR or not session.cancelling:
        return False
    if said.act == INFORM or said.act == FAILURE:
        return cited == 0 or cited_is(conversation, said.in_reply_to, cited, session.cancel)
    return (said.act == NOT_UNDERSTOOD and cited != 0
            and cited_is(conversation, said.in_reply_to, cited, session.cancel))


cdef uint8_t outcome_of(const Row* row, const Said* said) noexcept nogil:
    if row.outcome == OUTCOME_BY_KIND:
        return OUTCOME_RESULT if said.kind == KIND_RESULT else OUTCOME_DONE
    return row.outcome


cdef void tell_outbid(Conversation* conversation, Verdict* verdict) noexcept nogil:
    # Open bids are rejected on the auctioneer's behalf; one that is being cancelled falls without a word.
    cdef Session* session
    cdef Outbid* entry
    cdef uint32_t i
    for i in range(conversation.session_count):
        session = session_at(conversation, i)
        if session.state == SESSION_BID and not session.cancelling:
            entry = &verdict.outbid[verdict.outbid_count]
            entry.agent = session.agent
            entry.id_high = session.offer_high
            entry.id_low = session.offer_low
            verdict.outbid_count += 1


cdef void close_bids(Conversation* conversation) noexcept nogil:
    cdef Session* session
    cdef uint32_t i
    for i in range(conversation.session_count):
        session = session_at(conversation, i)
        if session.state == SESSION_BID:
            session.state = SESSION_OUTBID
            session.last = 0


cdef void effect_on_session(Conversation* conversation, Session* session, const Row* row, const Said* said,
                            Verdict* verdict) noexcept nogil:
    cdef uint8_t effect = row.effect
    if effect == EFFECT_CALL:
        session.call = conversation.ordinal
        session.offer = 0
    elif effect == EFFECT_OFFER:
        session.offer = conversation.ordinal
        session.offer_high = said.id_high
        session.offer_low = said.id_low
        session.offer_by_ns = said.reply_by_ns
        session.price = said.price
    elif effect == EFFECT_AWARD:
        session.award = conversation.ordinal
        conversation.awards += 1
        verdict.awarded = 1
    elif effect == EFFECT_WIN:
        session.award = conversation.ordinal
        conversation.winner = <uint32_t>(session - session_at(conversation, 0)) + 1
        verdict.awarded = 1


cdef void effect_on_whole(Conversations* table, Conversation* conversation, const Protocol* protocol, const Row* row,
                          const Said* said, Verdict* verdict) noexcept nogil:
    cdef uint8_t outcome = outcome_of(row, said)
    if row.effect == EFFECT_CALL:
        conversation.call = conversation.ordinal
        conversation.reply_by_ns = deadline_of(table, protocol, said)
        conversation.flags &= ~<uint8_t>FLAG_DEADLINE_PASSED
        if protocol.flags & AUCTION:
            conversation.price = said.price
            conversation.has_price = 1
    elif row.effect == EFFECT_CLOSE:
        tell_outbid(conversation, verdict)
        if conversation.winner == 0:
            outcome = OUTCOME_UNSOLD
        else:
            conversation.phase = PHASE_CLOSED
    elif outcome == OUTCOME_SOLD or outcome == OUTCOME_UNSOLD:
        tell_outbid(conversation, verdict)
    if row.effect == EFFECT_CALL or row.effect == EFFECT_CLOSE or verdict.outbid_count != 0:
        close_bids(conversation)
    if row.next_phase != KEEP_PHASE:
        conversation.phase = row.next_phase
    if outcome != OUTCOME_NONE:
        conversation_end(table, conversation, outcome, said.now_ns)


cdef void cancel_sessions(Conversation* conversation, const Said* said) noexcept nogil:
    cdef Session* session
    cdef uint32_t i
    for i in range(said.receiver_count):
        session = session_near(conversation, said.receivers[i], i)
        if not session_is_over(session.state) and not session.cancelling:
            session.cancelling = 1
            session.cancel = conversation.ordinal


cdef void cancel_answered(Conversations* table, Conversation* conversation, const Protocol* protocol, Session* session,
                          const Said* said) noexcept nogil:
    if said.act != INFORM:
        # It cannot be cancelled: everything goes on as if nothing had been said.
        session.cancelling = 0
        if conversation.reply_by_ns != 0 and said.now_ns > conversation.reply_by_ns:
            # A deadline that has passed meanwhile takes effect now.
            call_passes(table, conversation)
        if not is_over(conversation):
            finish_if_over(table, conversation, said.now_ns)
    elif protocol.flags & ONE_TO_ONE:
        session_move(conversation, session, SESSION_ENDED)
        conversation_end(table, conversation, OUTCOME_CANCELLED, said.now_ns)
    else:
        session_move(conversation, session, SESSION_CANCELLED)
        finish_if_over(table, conversation, said.now_ns)


cdef const Row* move_session(Conversation* conversation, const Protocol* protocol, Session* session, const Said* said,
                             uint8_t role, uint8_t phase, Verdict* verdict) noexcept nogil:
    cdef const Row* row = protocol_row(protocol, state_before(session, role), role, said.act, said.kind, phase)
    effect_on_session(conversation, session, row, said, verdict)
    if role != ROLE_INITIATOR:
        session.last = conversation.ordinal
    elif not session.cancelling:
        session.last = 0
    if session.state == SESSION_SENT:
        # The first answer is what ``reply_by`` was for: no deadline runs any longer.
        conversation.reply_by_ns = 0
    if row.next == SESSION_DONE and said.kind == KIND_RESULT:
        conversation.results += 1
    if role != ROLE_INITIATOR or not session.cancelling:
        session_move(conversation, session, row.next)
    return row


cdef void apply(Conversations* table, Conversation* conversation, const Protocol* protocol, Session* own,
                const Said* said, uint8_t role, uint32_t cited, Verdict* verdict) noexcept nogil:
    cdef const Row* row = NULL
    cdef Session* session = own
    # In which every receiver was weighed: a session that moves may change it.
    cdef uint8_t phase = conversation.phase
    cdef uint32_t i
    remember(table, conversation, said)
    conversation.state = STATE_IN_PROGRESS
    touch(conversation, said.now_ns)
    if said.act == CANCEL:
        cancel_sessions(conversation, said)
        return
    if role != ROLE_INITIATOR:
        if answers_cancel(conversation, own, said, role, cited):
            cancel_answered(table, conversation, protocol, own, said)
            return
        row = move_session(conversation, protocol, own, said, role, phase, verdict)
    else:
        if said.act == CFP and protocol.flags & AUCTION:
            # Before the addressed sessions are idle again.
            tell_outbid(conversation, verdict)
        for i in range(said.receiver_count):
            session = session_near(conversation, said.receivers[i], i)
            row = move_session(conversation, protocol, session, said, role, phase, verdict)
    effect_on_whole(table, conversation, protocol, row, said, verdict)
    # ``own`` may have moved: more targets need more room. It is not used any more.
    recruit(table, conversation, protocol, said)
    if not is_over(conversation):
        finish_if_over(table, conversation, said.now_ns)
