"""The checks, in their order."""

from caxton._core.conversation cimport (
    FLAG_BY_DEADLINE, Conversation, Session, cited_find, cited_is, session_at, session_find, session_near,
)
from caxton._core.performative cimport ACCEPT_PROPOSAL, CANCEL, CFP, FAILURE, INFORM, NOT_UNDERSTOOD, PROPOSE, REFUSE
from caxton._core.progress cimport answers_cancel, state_before
from caxton._core.protocol cimport (
    AUCTION, CITES_AWARD, CITES_CALL, CITES_LAST, CITES_OFFER, EFFECT_AWARD, GUARD_AWARDS_LEFT, GUARD_CALL_OVER,
    GUARD_NO_AWARD, GUARD_PRICE_EQUALS, GUARD_PRICE_FALLS, GUARD_PRICE_MEETS, GUARD_PRICE_RISES, GUARD_ROUND_FREE,
    GUARD_WINNER, ITERATED, ONE_TO_ONE, OUTCOME_BUDGET_EXCEEDED, OUTCOME_TTL, PHASE_CLOSED, PHASE_WON,
    PROTOCOL_ABSENT, REASON_AWARD_LIMIT_EXCEEDED, REASON_BUDGET_EXCEEDED, REASON_CONVERSATION_CLOSED,
    REASON_CONVERSATION_EXPIRED, REASON_CONVERSATION_ID_REUSE, REASON_INVALID_PRICE, REASON_LATE,
    REASON_MISMATCHED_IN_REPLY_TO, REASON_NONE, REASON_NOT_PARTICIPANT, REASON_NO_PENDING_PROPOSAL,
    REASON_NOT_WINNER, REASON_PROTOCOL_MISMATCH, REASON_RECEIVER_UNAVAILABLE, REASON_UNEXPECTED_PERFORMATIVE,
    REASON_UNKNOWN_IN_REPLY_TO, REASON_WRONG_ROLE, ROLE_INITIATOR, ROLE_PARTICIPANT, SESSION_BID, SESSION_CALLED,
    SESSION_DEAD, SESSION_PROPOSED, SESSION_SENT, SESSION_SILENT, Protocol, Row, protocol_row, session_is_over,
)
from caxton._core.settlement cimport conversation_end
from caxton._core.verdict cimport SAID_HAS_PRICE


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
        if conversation.phase != PHASE_WON and (
                conversation.phase == PHASE_CLOSED or not passed or has_open_bids(conversation)):
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
