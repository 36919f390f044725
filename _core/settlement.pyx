"""Deadlines, deaths, ends."""

from libc.stdint cimport UINT64_MAX, uint32_t

from caxton._core.atomics cimport add_u64_relaxed
from caxton._core.conversation cimport (
    FLAG_BY_DEADLINE, FLAG_DEADLINE_PASSED, STATE_COMPLETED, STATE_EXPIRED, STATE_FAILED, protocol_line,
    session_at, session_find,
)
from caxton._core.protocol cimport (
    AUCTION, ONE_TO_ONE, OUTCOME_CANCELLED, OUTCOME_DONE, OUTCOME_FAILURE, OUTCOME_INITIATOR_DIED,
    OUTCOME_NOT_UNDERSTOOD, OUTCOME_NO_PROPOSALS, OUTCOME_PARTIAL, OUTCOME_PARTICIPANT_DIED, OUTCOME_REJECTED,
    OUTCOME_REPLY_TIMEOUT, OUTCOME_RESULT, OUTCOME_TTL, OUTCOME_UNSOLD, PHASE_CLOSED, PHASE_OPEN, PHASE_STARTED,
    PHASE_WON, PROTOCOLS_MAX, ROLE_TARGET, SESSION_CALLED, SESSION_CANCELLED, SESSION_DEAD, SESSION_DONE,
    SESSION_FAILED, SESSION_NOT_UNDERSTOOD, SESSION_OUT, SESSION_REJECTED, SESSION_SENT, SESSION_SILENT,
    session_is_over,
)


cdef uint32_t flags_of(Conversations* table, const Conversation* conversation) noexcept nogil:
    # A conversation without a protocol has no sessions that could end it.
    if conversation.protocol >= PROTOCOLS_MAX:
        return 0
    return table.protocols.tables[conversation.protocol].flags


cdef void conversation_end(Conversations* table, Conversation* conversation, uint8_t outcome,
                           uint64_t now_ns) noexcept nogil:
    conversation.outcome = outcome
    conversation.ended_ns = now_ns
    if outcome >= OUTCOME_REPLY_TIMEOUT:
        conversation.state = STATE_EXPIRED
    elif outcome >= OUTCOME_FAILURE:
        conversation.state = STATE_FAILED
    else:
        conversation.state = STATE_COMPLETED
    add_u64_relaxed(&table.finished[protocol_line(conversation.protocol)][outcome], 1)


cdef void session_move(Conversation* conversation, Session* session, uint8_t state) noexcept nogil:
    if session_is_over(state) and not session_is_over(session.state):
        conversation.open_count -= 1
        session.cancelling = 0
        if conversation.winner != 0 and session == session_at(conversation, conversation.winner - 1):
            bid_falls(conversation)
    session.state = state


cdef void bid_falls(Conversation* conversation) noexcept nogil:
    # The bidder that leaves takes the winning bid along; a round that it had won is open again.
    if conversation.phase == PHASE_CLOSED or is_over(conversation):
        return
    conversation.winner = 0
    if conversation.phase == PHASE_WON:
        conversation.phase = PHASE_OPEN


cdef uint8_t sum_of_ends(Conversation* conversation) noexcept nogil:
    # What the ends of all sessions of a contract net add up to.
    cdef uint32_t done = 0
    cdef uint32_t failed = 0
    cdef uint32_t died = 0
    cdef uint32_t cancelled = 0
    cdef uint32_t cancelled_awards = 0
    cdef uint32_t rejected = 0
    cdef uint32_t not_understood = 0
    cdef Session* session = session_at(conversation, 0)
    for _ in range(conversation.session_count):
        if session.state == SESSION_DONE:
            done += 1
        elif session.state == SESSION_FAILED:
            failed += 1
        elif session.state == SESSION_DEAD:
            died += session.award != 0
        elif session.state == SESSION_CANCELLED:
            cancelled += 1
            cancelled_awards += session.award != 0
        elif session.state == SESSION_REJECTED:
            rejected += 1
        elif session.state == SESSION_NOT_UNDERSTOOD:
            not_understood += 1
        session += 1
    if done != 0:
        if failed + died + cancelled_awards != 0:
            return OUTCOME_PARTIAL
        return OUTCOME_RESULT if conversation.results != 0 else OUTCOME_DONE
    if failed != 0:
        return OUTCOME_FAILURE
    if died != 0:
        return OUTCOME_PARTICIPANT_DIED
    if cancelled != 0:
        return OUTCOME_CANCELLED
    if rejected != 0:
        return OUTCOME_REJECTED
    if not_understood == conversation.session_count:
        return OUTCOME_NOT_UNDERSTOOD
    return OUTCOME_NO_PROPOSALS


cdef uint8_t sum_of_bidders(Conversation* conversation) noexcept nogil:
    # 0 while an auction can go on: most often the first bidder tells.
    cdef uint32_t out = 0
    cdef uint32_t cancelled = 0
    cdef uint32_t not_understood = 0
    cdef Session* session
    if conversation.phase == PHASE_CLOSED and conversation.winner != 0:
        session = session_at(conversation, conversation.winner - 1)
        if session.state == SESSION_DEAD:
            return OUTCOME_PARTICIPANT_DIED
        return OUTCOME_CANCELLED if session.state == SESSION_CANCELLED else 0
    session = session_at(conversation, 0)
    for _ in range(conversation.session_count):
        if not session_is_over(session.state):
            if session.state != SESSION_OUT or session.cancelling:
                return 0
            out += 1
        elif session.state == SESSION_CANCELLED:
            cancelled += 1
        elif session.state == SESSION_NOT_UNDERSTOOD:
            not_understood += 1
        session += 1
    if out != 0:
        return OUTCOME_NOT_UNDERSTOOD if conversation.phase != PHASE_STARTED else 0
    if cancelled != 0:
        return OUTCOME_CANCELLED
    return OUTCOME_NOT_UNDERSTOOD if not_understood == conversation.session_count else OUTCOME_UNSOLD


cdef bint finish_if_over(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil:
    cdef uint32_t flags = flags_of(table, conversation)
    cdef uint8_t outcome
    if flags & AUCTION:
        outcome = sum_of_bidders(conversation)
        if outcome == 0:
            return False
    elif conversation.open_count != 0 or flags & ONE_TO_ONE:
        return False
    else:
        outcome = sum_of_ends(conversation)
    conversation_end(table, conversation, outcome, now_ns)
    return True


cdef bint call_passes(Conversations* table, Conversation* conversation) noexcept nogil:
    cdef uint32_t flags = flags_of(table, conversation)
    cdef Session* session
    cdef uint32_t i
    conversation.flags |= FLAG_DEADLINE_PASSED
    if flags & AUCTION:
        return False
    if flags & ONE_TO_ONE:
        session = session_at(conversation, 0)
        if session.state != SESSION_SENT or session.cancelling:
            return False
        session_move(conversation, session, SESSION_SILENT)
        conversation_end(table, conversation, OUTCOME_REPLY_TIMEOUT, conversation.reply_by_ns)
        conversation.flags |= FLAG_BY_DEADLINE
        return True
    for i in range(conversation.session_count):
        session = session_at(conversation, i)
        if session.state == SESSION_CALLED and not session.cancelling:
            session_move(conversation, session, SESSION_SILENT)
    if finish_if_over(table, conversation, conversation.reply_by_ns):
        conversation.flags |= FLAG_BY_DEADLINE
        return True
    return False


cdef bint settle(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil:
    cdef uint64_t reply_by = conversation.reply_by_ns
    cdef uint64_t ttl_by = conversation.ttl_by_ns
    if is_over(conversation):
        return False
    if (reply_by != 0 and now_ns > reply_by and not conversation.flags & FLAG_DEADLINE_PASSED
            and (ttl_by == 0 or reply_by <= ttl_by)):
        if call_passes(table, conversation):
            return True
    if ttl_by != 0 and now_ns > ttl_by:
        conversation_end(table, conversation, OUTCOME_TTL, ttl_by)
        return True
    return False


cdef bint bury(Conversations* table, Conversation* conversation, uint64_t agent, uint64_t now_ns) noexcept nogil:
    cdef uint32_t flags = flags_of(table, conversation)
    cdef Session* session
    if settle(table, conversation, now_ns):
        return True
    if is_over(conversation):
        return False
    if conversation.initiator == agent:
        conversation_end(table, conversation, OUTCOME_INITIATOR_DIED, now_ns)
        return True
    session = session_find(conversation, agent)
    if session == NULL or session_is_over(session.state):
        return False
    if flags & ONE_TO_ONE:
        if session.role == ROLE_TARGET:
            session_move(conversation, session, SESSION_DEAD)
            return False
        session_move(conversation, session, SESSION_DEAD)
        conversation_end(table, conversation, OUTCOME_PARTICIPANT_DIED, now_ns)
        return True
    session_move(conversation, session, SESSION_DEAD)
    return finish_if_over(table, conversation, now_ns)


cdef uint64_t kept_ns(Conversations* table, const Conversation* conversation) noexcept nogil:
    # An id is not used again for at least the time to live.
    return conversation.ttl_ns if conversation.ttl_ns != 0 else table.default_ttl_ns


cdef uint64_t due_next(Conversations* table, Conversation* conversation) noexcept nogil:
    cdef uint64_t due = UINT64_MAX
    if is_over(conversation):
        return conversation.ended_ns + kept_ns(table, conversation)
    if (conversation.reply_by_ns != 0 and not conversation.flags & FLAG_DEADLINE_PASSED
            and not flags_of(table, conversation) & AUCTION):
        due = conversation.reply_by_ns + 1
    if conversation.ttl_by_ns != 0 and conversation.ttl_by_ns + 1 < due:
        due = conversation.ttl_by_ns + 1
    return due


cdef bint is_forgettable(Conversations* table, Conversation* conversation, uint64_t now_ns) noexcept nogil:
    return is_over(conversation) and now_ns >= conversation.ended_ns + kept_ns(table, conversation)
