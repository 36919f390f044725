"""The checks, in their order; which answer a refused message gets."""

from caxton._core.atomics cimport add_u64_relaxed, load_u32_relaxed, load_u64_relaxed
from caxton._core.conversation cimport (
    FLAG_BY_DEADLINE, FLAG_RESERVED_AHEAD, Conversation, Session, Stripe, cited_find, cited_is, conversation_find,
    session_at, session_find, session_near, stripe_give, stripe_of, stripe_take,
)
from caxton._core.deadline cimport deadline_send
from caxton._core.performative cimport ACCEPT_PROPOSAL, CANCEL, CFP, FAILURE, INFORM, NOT_UNDERSTOOD, PROPOSE, REFUSE
from caxton._core.protocol cimport (
    AUCTION, CITES_AWARD, CITES_CALL, CITES_LAST, CITES_OFFER, EFFECT_AWARD, GUARD_AWARDS_LEFT, GUARD_CALL_OVER,
    GUARD_NO_AWARD, GUARD_PRICE_EQUALS, GUARD_PRICE_FALLS, GUARD_PRICE_MEETS, GUARD_PRICE_RISES, GUARD_ROUND_FREE,
    GUARD_WINNER, ITERATED, ONE_TO_ONE, OUTCOME_BUDGET_EXCEEDED, OUTCOME_CANCELLED, OUTCOME_TTL, PHASE_CLOSED,
    PHASE_WON, PROTOCOLS_MAX, PROTOCOL_ABSENT, PROTOCOL_FREE, PROTOCOL_UNKNOWN, REASON_AWARD_LIMIT_EXCEEDED,
    REASON_BUDGET_EXCEEDED, REASON_CONVERSATION_CLOSED, REASON_CONVERSATION_EXPIRED, REASON_CONVERSATION_ID_REUSE,
    REASON_DEADLINE_IN_PAST, REASON_DUPLICATE_MESSAGE, REASON_DUPLICATE_RESPONSE, REASON_INVALID_PRICE,
    REASON_LATE, REASON_MISMATCHED_IN_REPLY_TO, REASON_MISSING_CONVERSATION_ID, REASON_NONE,
    REASON_NOT_PARTICIPANT, REASON_NO_PENDING_PROPOSAL, REASON_NOT_WINNER, REASON_PROTOCOL_MISMATCH,
    REASON_RECEIVER_UNAVAILABLE, REASON_UNEXPECTED_PERFORMATIVE, REASON_UNKNOWN_CONVERSATION,
    REASON_UNKNOWN_IN_REPLY_TO, REASON_UNKNOWN_PERFORMATIVE, REASON_UNKNOWN_PROTOCOL, REASON_WRONG_ROLE,
    ROLE_INITIATOR, ROLE_PARTICIPANT, SESSION_BID, SESSION_CALLED, SESSION_DEAD, SESSION_PROPOSED, SESSION_SENT,
    SESSION_SILENT, Protocol, Row, protocol_row, session_is_over,
)
from caxton._core.progress cimport (
    answers_cancel, apply, apply_free, open_ahead, open_conversation, open_conversation_free, open_new,
    state_before,
)
from caxton._core.settlement cimport bury, conversation_end, due_next, is_over, settle

REASON_WORDS = (
    b"", b"unknown_performative", b"unknown_protocol", b"missing_conversation_id", b"duplicate_message",
    b"unknown_conversation", b"deadline_in_past", b"conversation_id_reuse", b"late", b"conversation_expired",
    b"conversation_closed", b"not_participant", b"protocol_mismatch", b"wrong_role", b"unknown_in_reply_to",
    b"unexpected_performative", b"mismatched_in_reply_to", b"duplicate_response", b"no_pending_proposal",
    b"award_limit_exceeded", b"receiver_unavailable", b"invalid_price", b"not_winner", b"too_many_participants",
    b"budget_exceeded", b"conversations_exhausted",
)
cdef const char* reason_words[26]
for _i in range(26):
    # The tuple lives as long as the module, so the pointers stay valid.
    reason_words[_i] = REASON_WORDS[_i]


cdef const char* reason_word(uint8_t reason) noexcept nogil:
    return reason_words[reason if reason < 26 else 0]


cdef bint is_opening(const Protocol* protocol, const Said* said) noexcept nogil:
    return said.act < 32 and protocol.opening_acts >> said.act & 1 and protocol.opening_kinds >> said.kind & 1


cdef uint8_t weigh_ended(const Conversation* conversation, const Protocol* protocol, const Said* said) noexcept nogil:
    # Checks 6 and 7.
    if protocol != NULL and said.sender == conversation.initiator and is_opening(protocol, said):
        return REASON_CONVERSATION_ID_REUSE
    if conversation.flags & FLAG_BY_DEADLINE:
        return REASON_LATE
    if conversation.outcome == OUTCOME_TTL:
        return REASON_CONVERSATION_EXPIRED
    return REASON_CONVERSATION_CLOSED


cdef bint receivers_belong(Conversation* conversation, const Said* said, uint8_t role) noexcept nogil:
    # Check 8: a participant or target speaks to the initiator alone, the initiator to participants only.
    cdef Session* session
    cdef uint32_t i
    cdef bint belong = said.receiver_count != 0
    if role != ROLE_INITIATOR:
        return said.receiver_count == 1 and said.receivers[0] == conversation.initiator
    for i in range(said.receiver_count):
        session = session_near(conversation, said.receivers[i], i)
        if session == NULL or session.role != ROLE_PARTICIPANT or session.seen:
            belong = False
        else:
            session.seen = 1
    for i in range(said.receiver_count):
        session = session_near(conversation, said.receivers[i], i)
        if session != NULL:
            session.seen = 0
    return belong


cdef uint8_t weigh_role(const Protocol* protocol, const Session* session, const Said* said,
                        uint8_t role) noexcept nogil:
    # Check 13.
    cdef uint32_t act = <uint32_t>1 << said.act
    cdef uint8_t other
    if said.act == NOT_UNDERSTOOD or said.act == CANCEL or protocol.acts[role] & act:
        return REASON_NONE
    if session != NULL and session.cancelling and (said.act == INFORM or said.act == FAILURE):
        return REASON_NONE
    for other in range(3):
        if other != role and protocol.acts[other] & act:
            return REASON_WRONG_ROLE
    return REASON_UNEXPECTED_PERFORMATIVE


cdef uint8_t weigh_guard(const Conversation* conversation, const Row* row, const Said* said,
                         uint32_t place) noexcept nogil:
    # The guards of check 16; those of prices and winners come after them.
    cdef uint8_t guard = row.guard
    cdef bint passed = conversation.reply_by_ns != 0 and said.now_ns > conversation.reply_by_ns
    if guard == GUARD_AWARDS_LEFT:
        if conversation.max_awards != 0 and conversation.awards + place >= conversation.max_awards:
            return REASON_AWARD_LIMIT_EXCEEDED
    elif guard == GUARD_NO_AWARD:
        if conversation.awards != 0:
            return REASON_UNEXPECTED_PERFORMATIVE
    elif guard == GUARD_ROUND_FREE:
        if conversation.phase == PHASE_WON or place != 0:
            return REASON_AWARD_LIMIT_EXCEEDED
    elif guard == GUARD_CALL_OVER:
        if conversation.phase != PHASE_WON and (not passed or has_open_bids(conversation)):
            return REASON_UNEXPECTED_PERFORMATIVE
    elif guard == GUARD_PRICE_FALLS:
        if has_open_bids(conversation):
            return REASON_UNEXPECTED_PERFORMATIVE
    return REASON_NONE


cdef bint has_open_bids(const Conversation* conversation) noexcept nogil:
    cdef uint32_t i
    # SAFETY: only the type loses its const; nothing is written.
    cdef Session* session = session_at(<Conversation*>conversation, 0)
    for i in range(conversation.session_count):
        if session[i].state == SESSION_BID and not session[i].cancelling:
            return True
    return False


cdef uint8_t weigh_price(Conversation* conversation, const Session* session, const Row* row,
                         const Said* said) noexcept nogil:
    # Check 17.
    cdef uint8_t guard = row.guard
    cdef bint priced = said.flags & SAID_HAS_PRICE
    if guard == GUARD_PRICE_RISES:
        if not priced or (conversation.has_price and said.price <= conversation.price):
            return REASON_INVALID_PRICE
    elif guard == GUARD_PRICE_FALLS:
        if not priced or (conversation.has_price and said.price >= conversation.price):
            return REASON_INVALID_PRICE
    elif guard == GUARD_PRICE_MEETS:
        if not priced or said.price < conversation.price:
            return REASON_INVALID_PRICE
    elif guard == GUARD_PRICE_EQUALS:
        if not priced or said.price != conversation.price:
            return REASON_INVALID_PRICE
    elif guard == GUARD_WINNER:
        if conversation.winner == 0 or session != session_at(conversation, conversation.winner - 1):
            return REASON_NOT_WINNER
    return REASON_NONE


cdef uint8_t weigh_late(const Conversation* conversation, const Protocol* protocol, const Session* session,
                        const Said* said, uint8_t role) noexcept nogil:
    # Check 14.
    cdef bint passed = conversation.reply_by_ns != 0 and said.now_ns > conversation.reply_by_ns
    if role == ROLE_INITIATOR:
        if (said.act == ACCEPT_PROPOSAL and session.offer_by_ns != 0 and said.now_ns > session.offer_by_ns
                and (session.state == SESSION_PROPOSED or session.state == SESSION_BID) and not session.cancelling):
            return REASON_LATE
    elif protocol.flags & ONE_TO_ONE:
        # A cancel keeps the deadline from ending it, not from passing.
        if passed and role == ROLE_PARTICIPANT and session.cancelling and session.state == SESSION_SENT:
            return REASON_LATE
    elif said.act == PROPOSE:
        if passed:
            return REASON_LATE
    elif session.state == SESSION_SILENT or (passed and session.state == SESSION_CALLED):
        if said.act == REFUSE or said.act == NOT_UNDERSTOOD or said.act == FAILURE:
            return REASON_LATE
    return REASON_NONE


cdef bint cites_well(Conversation* conversation, const Session* session, const Row* row, const Said* said,
                     uint32_t cited) noexcept nogil:
    # Check 15.
    cdef uint32_t right = 0
    if row.cites == CITES_CALL:
        right = session.call
    elif row.cites == CITES_OFFER:
        right = session.offer
    elif row.cites == CITES_AWARD:
        right = session.award
    elif row.cites == CITES_LAST:
        right = session.last
    return cited == 0 or right == 0 or cited_is(conversation, said.in_reply_to, cited, right)


cdef uint8_t weigh_bidder(Conversation* conversation, const Session* session, const Said* said,
                          uint32_t cited) noexcept nogil:
    # Of checks 15 and 16, what holds for whatever a bidder says: it speaks about the call that it got, which is the
    # current one and open.
    if cited != 0 and session.call != 0 and not cited_is(conversation, said.in_reply_to, cited, session.call):
        return REASON_MISMATCHED_IN_REPLY_TO
    if session.call != conversation.call or conversation.call == 0 or conversation.phase == PHASE_CLOSED:
        return REASON_UNEXPECTED_PERFORMATIVE
    if conversation.reply_by_ns != 0 and said.now_ns > conversation.reply_by_ns:
        return REASON_UNEXPECTED_PERFORMATIVE
    return REASON_NONE


cdef uint8_t weigh_session(Conversation* conversation, const Protocol* protocol, Session* session, const Said* said,
                           uint8_t role, uint32_t cited, uint32_t place) noexcept nogil:
    # Checks 14 to 17 for one session, before which ``place`` others have passed.
    cdef const Row* row
    cdef uint8_t reason
    if answers_cancel(conversation, session, said, role, cited):
        return REASON_NONE
    reason = weigh_late(conversation, protocol, session, said, role)
    if reason == REASON_NONE and protocol.flags & AUCTION and role == ROLE_PARTICIPANT and (
            said.act == PROPOSE or said.act == NOT_UNDERSTOOD):
        reason = weigh_bidder(conversation, session, said, cited)
    if reason == REASON_NONE and role == ROLE_INITIATOR and session.state == SESSION_DEAD:
        reason = REASON_RECEIVER_UNAVAILABLE
    if reason != REASON_NONE:
        return reason
    row = protocol_row(protocol, state_before(session, role), role, said.act, said.kind, conversation.phase)
    if row == NULL:
        return REASON_UNEXPECTED_PERFORMATIVE
    if not cites_well(conversation, session, row, said, cited):
        return REASON_MISMATCHED_IN_REPLY_TO
    if row.cites == CITES_LAST and session.last == 0:
        return REASON_UNEXPECTED_PERFORMATIVE
    if row.effect == EFFECT_AWARD and session.call != conversation.call:
        # A proposal of an older round can only be rejected.
        return REASON_MISMATCHED_IN_REPLY_TO if cited != 0 else REASON_NO_PENDING_PROPOSAL
    reason = weigh_guard(conversation, row, said, place)
    if reason == REASON_NONE:
        reason = row.refuse
    if reason == REASON_NONE:
        reason = weigh_price(conversation, session, row, said)
    return reason


cdef uint8_t weigh_cancel(Conversation* conversation, const Said* said) noexcept nogil:
    # A cancel passes over sessions that have finished, and needs one that has not.
    cdef Session* session
    cdef bint live = False
    cdef uint32_t i
    for i in range(said.receiver_count):
        session = session_near(conversation, said.receivers[i], i)
        if session.state == SESSION_DEAD:
            return REASON_RECEIVER_UNAVAILABLE
        if session.cancelling:
            return REASON_UNEXPECTED_PERFORMATIVE
        live = live or not session_is_over(session.state)
    return REASON_NONE if live else REASON_UNEXPECTED_PERFORMATIVE


cdef uint8_t weigh_sessions(Conversation* conversation, const Protocol* protocol, Session* own, const Said* said,
                            uint8_t role, uint32_t cited) noexcept nogil:
    cdef uint8_t reason
    cdef uint32_t i
    if said.act == CANCEL:
        return weigh_cancel(conversation, said)
    if role != ROLE_INITIATOR:
        return weigh_session(conversation, protocol, own, said, role, cited, 0)
    for i in range(said.receiver_count):
        reason = weigh_session(conversation, protocol, session_near(conversation, said.receivers[i], i), said, role, cited,
                               i)
        if reason != REASON_NONE:
            return reason
    return REASON_NONE


cdef uint8_t weigh_live(Conversations* table, Conversation* conversation, const Protocol* protocol, const Said* said,
                        Session** own, uint8_t* role, uint32_t* cited) noexcept nogil:
    # Checks 8 to 17, and the budget.
    cdef uint8_t reason
    own[0] = NULL
    role[0] = ROLE_INITIATOR
    if said.sender != conversation.initiator:
        own[0] = session_find(conversation, said.sender)
        if own[0] == NULL:
            return REASON_NOT_PARTICIPANT
        role[0] = own[0].role
    if not receivers_belong(conversation, said, role[0]):
        return REASON_NOT_PARTICIPANT
    if said.protocol != PROTOCOL_ABSENT and said.protocol != conversation.protocol:
        return REASON_PROTOCOL_MISMATCH
    if role[0] == ROLE_INITIATOR and not protocol.flags & ITERATED and is_opening(protocol, said):
        return REASON_CONVERSATION_ID_REUSE
    if said.act == CANCEL and role[0] != ROLE_INITIATOR:
        return REASON_WRONG_ROLE
    cited[0] = 0
    if said.in_reply_to != 0:
        cited[0] = cited_find(conversation, said.in_reply_to, False)
        if cited[0] == 0:
            return REASON_UNKNOWN_IN_REPLY_TO
    reason = weigh_role(protocol, own[0], said, role[0])
    if reason == REASON_NONE:
        reason = weigh_sessions(conversation, protocol, own[0], said, role[0], cited[0])
    if reason == REASON_NONE and conversation.messages_max != 0 and conversation.messages >= conversation.messages_max:
        conversation_end(table, conversation, OUTCOME_BUDGET_EXCEEDED, said.now_ns)
        reason = REASON_BUDGET_EXCEEDED
    return reason


cdef bint calls_too_late(const Conversation* conversation, const Protocol* protocol, const Said* said) noexcept nogil:
    # Check 5 where a conversation is known: its opening act again, or a further call.
    if (protocol == NULL or said.reply_by_ns == 0 or said.reply_by_ns >= said.now_ns
            or said.sender != conversation.initiator):
        return False
    return is_opening(protocol, said) or (said.act == CFP and protocol.flags & (AUCTION | ITERATED))


cdef uint8_t answer_to(uint8_t reason, const Protocol* protocol, const Said* said, uint8_t role) noexcept nogil:
    # What the sender of a refused message is told by an automatic message.
    if said.act == NOT_UNDERSTOOD:
        return ANSWER_NONE
    if reason == REASON_LATE:
        return ANSWER_REJECT_PROPOSAL if said.act == PROPOSE else ANSWER_NONE
    if reason == REASON_INVALID_PRICE:
        return ANSWER_REJECT_PROPOSAL if said.act == PROPOSE else ANSWER_NONE
    if reason in (REASON_UNKNOWN_PERFORMATIVE, REASON_UNKNOWN_PROTOCOL, REASON_MISSING_CONVERSATION_ID,
                  REASON_UNKNOWN_CONVERSATION, REASON_DEADLINE_IN_PAST, REASON_PROTOCOL_MISMATCH, REASON_WRONG_ROLE,
                  REASON_UNKNOWN_IN_REPLY_TO):
        return ANSWER_NOT_UNDERSTOOD
    if reason == REASON_UNEXPECTED_PERFORMATIVE:
        # Check 13 answers everybody, check 16 participants only.
        if role != ROLE_INITIATOR or (protocol != NULL and not (
                said.act == CANCEL or protocol.acts[<int>ROLE_INITIATOR] >> said.act & 1)):
            return ANSWER_NOT_UNDERSTOOD
    if reason == REASON_DUPLICATE_RESPONSE and not protocol.flags & AUCTION:
        return ANSWER_NOT_UNDERSTOOD
    return ANSWER_NONE


cdef void fill(Conversations* table, Conversation* conversation, Verdict* verdict) noexcept nogil:
    verdict.state = conversation.state
    verdict.outcome = conversation.outcome
    verdict.protocol = conversation.protocol
    verdict.conversation = <uint32_t>(conversation - table.records) + 1
    verdict.generation = conversation.generation
    verdict.initiator = conversation.initiator
    verdict.messages = conversation.messages


cdef void arm(Conversations* table, Deadlines* deadlines, Conversation* conversation) noexcept nogil:
    cdef uint64_t due = due_next(table, conversation)
    if due < conversation.armed_ns:
        conversation.armed_ns = due
        deadline_send(deadlines, due, <uint32_t>(conversation - table.records), conversation.generation)


cdef uint8_t judge_known(Conversations* table, Conversation* conversation, const Said* said,
                         Verdict* verdict) noexcept nogil:
    # Checks 1 and 3 onwards in a conversation that is known.
    cdef const Protocol* protocol = NULL
    cdef Session* own = NULL
    cdef uint8_t role = ROLE_PARTICIPANT
    cdef uint32_t cited = 0
    cdef uint8_t reason
    if conversation.protocol < PROTOCOLS_MAX:
        protocol = &table.protocols.tables[conversation.protocol]
    if said.act == ACT_UNKNOWN:
        reason = REASON_UNKNOWN_PERFORMATIVE
    elif said.protocol == PROTOCOL_UNKNOWN:
        reason = REASON_UNKNOWN_PROTOCOL
    elif not said.flags & SAID_NEW_ID and cited_find(conversation, said.id, True) != 0:
        reason = REASON_DUPLICATE_MESSAGE
    elif calls_too_late(conversation, protocol, said):
        reason = REASON_DEADLINE_IN_PAST
    elif is_over(conversation):
        reason = weigh_ended(conversation, protocol, said)
    elif protocol == NULL:
        reason = apply_free(table, conversation, said, verdict)
    elif conversation.flags & FLAG_RESERVED_AHEAD:
        reason = open_reserved(table, conversation, protocol, said)
        if reason == REASON_UNKNOWN_CONVERSATION:
            verdict.answer = answer_to(reason, protocol, said, role)
            return reason
    else:
        reason = weigh_live(table, conversation, protocol, said, &own, &role, &cited)
        if reason == REASON_NONE:
            apply(table, conversation, protocol, own, said, role, cited, verdict)
    if reason != REASON_NONE:
        conversation.refused += 1
        verdict.answer = answer_to(reason, protocol, said, role)
    return reason


cdef uint8_t open_reserved(Conversations* table, Conversation* conversation, const Protocol* protocol,
                           const Said* said) noexcept nogil:
    # The opening message of a conversation that was opened by hand: it must be the one that was announced.
    if said.protocol != PROTOCOL_ABSENT and said.protocol != conversation.protocol:
        return REASON_PROTOCOL_MISMATCH
    if not is_opening(protocol, said):
        return REASON_UNKNOWN_CONVERSATION
    if said.sender != conversation.initiator or said.receiver_count != conversation.session_count:
        return REASON_NOT_PARTICIPANT
    for i in range(said.receiver_count):
        if session_near(conversation, said.receivers[i], i) == NULL:
            return REASON_NOT_PARTICIPANT
    if said.reply_by_ns != 0 and said.reply_by_ns < said.now_ns:
        return REASON_DEADLINE_IN_PAST
    return open_conversation(table, conversation, protocol, said)


cdef uint8_t judge_unknown(Conversations* table, const Said* said, Conversation** made,
                           Verdict* verdict) noexcept nogil:
    # Checks 1, 2, 4 and 5 where no conversation is known.
    cdef const Protocol* protocol
    cdef uint8_t reason
    if said.act == ACT_UNKNOWN:
        reason = REASON_UNKNOWN_PERFORMATIVE
    elif said.protocol == PROTOCOL_UNKNOWN:
        reason = REASON_UNKNOWN_PROTOCOL
    elif said.protocol == PROTOCOL_ABSENT:
        return open_conversation_free(table, said, made)
    else:
        protocol = &table.protocols.tables[said.protocol]
        if said.flags & SAID_NO_CONVERSATION:
            reason = REASON_MISSING_CONVERSATION_ID
        elif not is_opening(protocol, said):
            reason = REASON_UNKNOWN_CONVERSATION
        elif said.reply_by_ns != 0 and said.reply_by_ns < said.now_ns:
            reason = REASON_DEADLINE_IN_PAST
        else:
            reason = open_new(table, said, protocol, made)
    verdict.answer = answer_to(reason, NULL, said, ROLE_PARTICIPANT)
    return reason


cdef void judge(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef Conversation* conversation
    cdef Conversation* made = NULL
    verdict_clear(verdict)
    stripe_take(stripe)
    conversation = conversation_find(table, said.key_high, said.key_low)
    if conversation != NULL:
        verdict.ended = settle(table, conversation, said.now_ns)
        verdict.reason = judge_known(table, conversation, said, verdict)
    else:
        verdict.reason = judge_unknown(table, said, &made, verdict)
        conversation = made
    if conversation != NULL:
        if is_over(conversation) and conversation.ended_ns == said.now_ns:
            verdict.ended = 1
        arm(table, deadlines, conversation)
        fill(table, conversation, verdict)
    stripe_give(stripe)
    if verdict.reason != REASON_NONE:
        add_u64_relaxed(&table.reasons[verdict.reason], 1)


cdef void judge_ahead(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef Conversation* made = NULL
    verdict_clear(verdict)
    stripe_take(stripe)
    verdict.reason = open_ahead(table, said, &made)
    if made != NULL:
        arm(table, deadlines, made)
        fill(table, made, verdict)
    stripe_give(stripe)


cdef bint end_by_hand(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef Conversation* conversation
    verdict_clear(verdict)
    stripe_take(stripe)
    conversation = conversation_find(table, said.key_high, said.key_low)
    if conversation != NULL:
        verdict.ended = settle(table, conversation, said.now_ns)
        if not is_over(conversation) and (
                conversation.protocol == PROTOCOL_FREE or conversation.flags & FLAG_RESERVED_AHEAD):
            conversation_end(table, conversation, OUTCOME_CANCELLED, said.now_ns)
            arm(table, deadlines, conversation)
            verdict.ended = 1
        fill(table, conversation, verdict)
    stripe_give(stripe)
    return verdict.ended and verdict.outcome == OUTCOME_CANCELLED


cdef void verdict_clear(Verdict* verdict) noexcept nogil:
    verdict.reason = REASON_NONE
    verdict.state = 0
    verdict.outcome = 0
    verdict.protocol = PROTOCOL_ABSENT
    verdict.answer = ANSWER_NONE
    verdict.ended = 0
    verdict.awarded = 0
    verdict.conversation = 0
    verdict.generation = 0
    verdict.initiator = 0
    verdict.outbid_count = 0
    verdict.messages = 0


cdef bint is_known(Conversations* table, const Said* said) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef bint known
    stripe_take(stripe)
    known = conversation_find(table, said.key_high, said.key_low) != NULL
    stripe_give(stripe)
    return known


cdef bint charge(Conversations* table, uint32_t conversation, uint32_t generation, uint64_t fuel, uint64_t now_ns,
                 Verdict* verdict) noexcept nogil:
    cdef Conversation* charged = &table.records[conversation - 1]
    cdef Stripe* stripe = stripe_of(table, load_u64_relaxed(&charged.key_low))
    cdef bint ended = False
    stripe_take(stripe)
    # Under another record's stripe the generation differs: the record was freed in between.
    if load_u32_relaxed(&charged.generation) == generation:
        charged.fuel += fuel
        if charged.fuel_max != 0 and charged.fuel > charged.fuel_max and not is_over(charged):
            conversation_end(table, charged, OUTCOME_BUDGET_EXCEEDED, now_ns)
            verdict_clear(verdict)
            fill(table, charged, verdict)
            ended = True
    stripe_give(stripe)
    return ended


cdef bint judge_unreachable(Conversations* table, Deadlines* deadlines, const Said* said, uint64_t receiver,
                            Verdict* verdict) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef Conversation* conversation
    cdef Session* session
    verdict_clear(verdict)
    stripe_take(stripe)
    conversation = conversation_find(table, said.key_high, said.key_low)
    if conversation != NULL and conversation.protocol < PROTOCOLS_MAX:
        session = session_find(conversation, receiver)
        if session != NULL or conversation.initiator == receiver:
            verdict.ended = bury(table, conversation, receiver, said.now_ns)
            verdict.reason = REASON_RECEIVER_UNAVAILABLE
            if is_over(conversation):
                verdict.reason = weigh_ended(conversation, &table.protocols.tables[conversation.protocol], said)
            conversation.refused += 1
            arm(table, deadlines, conversation)
            fill(table, conversation, verdict)
    stripe_give(stripe)
    if verdict.reason != REASON_NONE:
        add_u64_relaxed(&table.reasons[verdict.reason], 1)
        return True
    return False
