"""The order of the whole: who is judged how, what is applied, which answer a refused message gets."""

from caxton._core.atomics cimport add_u64_relaxed, load_u32_relaxed, load_u64_relaxed
from caxton._core.conversation cimport (
    FLAG_RESERVED_AHEAD, Conversation, Session, Stripe, cited_expect, cited_find, conversation_find,
    conversation_near, session_find, session_near, stripe_give, stripe_of, stripe_take,
)
from caxton._core.deadline cimport deadline_send
from caxton._core.performative cimport CANCEL, NOT_UNDERSTOOD, PROPOSE
from caxton._core.progress cimport apply, apply_free, open_ahead, open_conversation, open_conversation_free, open_new
from caxton._core.protocol cimport (
    AUCTION, OUTCOME_BUDGET_EXCEEDED, OUTCOME_CANCELLED, PROTOCOLS_MAX, PROTOCOL_ABSENT, PROTOCOL_FREE,
    PROTOCOL_UNKNOWN, REASON_DEADLINE_IN_PAST, REASON_DUPLICATE_MESSAGE, REASON_DUPLICATE_RESPONSE,
    REASON_INVALID_PRICE, REASON_LATE, REASON_MISSING_CONVERSATION_ID, REASON_NONE, REASON_NOT_PARTICIPANT,
    REASON_PROTOCOL_MISMATCH, REASON_RECEIVER_UNAVAILABLE, REASON_UNEXPECTED_PERFORMATIVE,
    REASON_UNKNOWN_CONVERSATION, REASON_UNKNOWN_IN_REPLY_TO, REASON_UNKNOWN_PERFORMATIVE, REASON_UNKNOWN_PROTOCOL,
    REASON_WRONG_ROLE, ROLE_INITIATOR, ROLE_PARTICIPANT, Protocol,
)
from caxton._core.settlement cimport bury, conversation_end, due_next, is_over, settle
from caxton._core.weighing cimport calls_too_late, is_opening, weigh_ended, weigh_live

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
    verdict.sequence = <uint64_t>conversation.messages + conversation.refused


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


cdef bint asks_for_content(const Conversations* table, const Conversation* conversation,
                           const Said* said) noexcept nogil:
    cdef uint8_t protocol = conversation.protocol if conversation != NULL else said.protocol
    return protocol < PROTOCOLS_MAX and said.act < 32 and table.protocols.tells[protocol] >> said.act & 1


cdef void judge(Conversations* table, Deadlines* deadlines, const Said* said, Verdict* verdict) noexcept nogil:
    cdef Stripe* stripe = stripe_of(table, said.key_low)
    cdef Conversation* conversation
    cdef Conversation* made = NULL
    verdict_clear(verdict)
    stripe_take(stripe)
    conversation = conversation_near(table, said.key_high, said.key_low, said.near, said.near_generation)
    if said.flags & SAID_UNREAD and asks_for_content(table, conversation, said):
        verdict.reason = REASON_UNREAD
        stripe_give(stripe)
        return
    if conversation != NULL:
        cited_expect(conversation)
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
