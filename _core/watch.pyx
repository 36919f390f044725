"""One look at whatever is due, and a bounded piece of a round through all records where one is under way."""

from libc.stdint cimport int64_t, uint32_t

from caxton._core.acceptance cimport Author
from caxton._core.atomics cimport load_u32_acquire, load_u32_relaxed, load_u64_relaxed, realtime_ns, store_u32_seq, swap_u32_seq
from caxton._core.conversation cimport (
    STATE_NONE, Conversation, Conversations, Session, Stripe, conversation_free, conversation_name, session_at,
    stripe_give, stripe_of, stripe_take,
)
from caxton._core.deadline cimport deadline_again, deadline_done, deadline_send, deadlines_due
from caxton._core.hearing cimport CONVERSATION_ENDED, tell
from caxton._core.machine cimport DYING_AT_ONCE
from caxton._core.message cimport Message, message_free
from caxton._core.queue cimport mailbox_pop
from caxton._core.routing cimport SLOT_FAILED, SLOT_REMOVING, Slot, routing_find_id
from caxton._core.settlement cimport bury, due_next, is_forgettable, is_over, settle
from caxton._core.verdict cimport Verdict

cdef enum:
    RECORDS_AT_ONCE = 1024


cdef void ended(Machine* machine, Author* author, Conversation* conversation) noexcept nogil:
    # Under the stripe: the name is copied before it is given back.
    cdef Verdict verdict
    verdict.protocol = conversation.protocol
    verdict.state = conversation.state
    verdict.initiator = conversation.initiator
    verdict.messages = conversation.messages
    tell(machine, author, &verdict, CONVERSATION_ENDED, conversation.outcome, 0, 0, conversation.initiator, 0, 0,
         conversation_name(conversation), conversation.name_bytes)


cdef Stripe* hold(Conversations* table, uint32_t index, Conversation** conversation) noexcept nogil:
    # The stripe of a record as its key says now; whoever needs that very record compares its generation.
    cdef Stripe* stripe
    conversation[0] = &table.records[index]
    stripe = stripe_of(table, load_u64_relaxed(&conversation[0].key_low))
    stripe_take(stripe)
    return stripe


cdef void look(Machine* machine, Author* author, uint32_t number) noexcept nogil:
    # A node came due.
    cdef Conversations* table = &machine.conversations
    cdef Conversation* conversation
    cdef uint64_t due_ns = machine.deadlines.nodes[number - 1].due_ns
    cdef uint32_t generation = machine.deadlines.nodes[number - 1].generation
    cdef Stripe* stripe = hold(table, machine.deadlines.nodes[number - 1].conversation, &conversation)
    cdef bint again = False
    if load_u32_relaxed(&conversation.generation) == generation:
        if settle(table, conversation, author.now_ns):
            ended(machine, author, conversation)
        if is_forgettable(table, conversation, author.now_ns):
            conversation_free(table, conversation)
        elif conversation.armed_ns == due_ns:
            due_ns = due_next(table, conversation)
            conversation.armed_ns = due_ns
            again = due_ns != <uint64_t>-1
    stripe_give(stripe)
    if again:
        deadline_again(&machine.deadlines, number, due_ns)
    else:
        deadline_done(&machine.deadlines, number)


cdef bint is_gone(Machine* machine, uint64_t agent) noexcept nogil:
    # ORDERING: acquire pairs with the release of the state by the slot's worker.
    cdef Slot* slot = routing_find_id(&machine.routing, agent)
    return slot == NULL or load_u32_acquire(&slot.state) in (SLOT_FAILED, SLOT_REMOVING)


cdef bint bury_unknown(Machine* machine, Conversation* conversation, uint64_t now_ns) noexcept nogil:
    # Some death was not told: each member is looked for.
    cdef Session* session
    cdef uint32_t i
    if is_gone(machine, conversation.initiator):
        return bury(&machine.conversations, conversation, conversation.initiator, now_ns)
    for i in range(conversation.session_count):
        session = session_at(conversation, i)
        if is_gone(machine, session.agent) and bury(&machine.conversations, conversation, session.agent, now_ns):
            return True
    return False


cdef void bury_in(Machine* machine, Author* author, Conversation* conversation) noexcept nogil:
    cdef uint32_t i
    cdef bint over = False
    if is_over(conversation) or conversation.state == STATE_NONE:
        return
    if machine.dying_all:
        over = bury_unknown(machine, conversation, author.now_ns)
    for i in range(machine.dying_count):
        if not over and not is_over(conversation):
            over = bury(&machine.conversations, conversation, machine.dying[i], author.now_ns)
    if over:
        ended(machine, author, conversation)


cdef void deaths(Machine* machine, Author* author) noexcept nogil:
    cdef Message* message
    cdef Conversation* conversation
    cdef Stripe* stripe
    cdef uint32_t looks = 0
    if machine.dying_left == 0:
        machine.dying_count = 0
        message = mailbox_pop(&machine.deaths)
        while message != NULL:
            machine.dying[machine.dying_count] = message.sender_id
            machine.dying_count += 1
            message_free(&machine.pool, author.cache, message)
            message = mailbox_pop(&machine.deaths) if machine.dying_count < DYING_AT_ONCE else NULL
        # ORDERING: seq_cst, pairs with the store after the slot's state.
        machine.dying_all = swap_u32_seq(&machine.deaths_untold, 0)
        if machine.dying_count == 0 and machine.dying_all == 0:
            return
        machine.dying_left = load_u32_relaxed(&machine.conversations.frontier)
    while machine.dying_left != 0 and looks < RECORDS_AT_ONCE:
        looks += 1
        machine.dying_left -= 1
        stripe = hold(&machine.conversations, machine.dying_left, &conversation)
        bury_in(machine, author, conversation)
        stripe_give(stripe)


cdef void unarmed(Machine* machine, Author* author) noexcept nogil:
    # The wheel had no node for somebody: look at all records, and arm again what is not armed.
    cdef Conversation* conversation
    cdef Stripe* stripe
    cdef uint64_t due_ns
    cdef uint32_t looks = 0
    if machine.deadlines.swept == 0:
        if load_u32_relaxed(&machine.deadlines.starved) == 0:
            return
        # ORDERING: a flag alone; whoever raises it after this is looked for in the next round.
        store_u32_seq(&machine.deadlines.starved, 0)
        machine.deadlines.swept = load_u32_relaxed(&machine.conversations.frontier)
    while machine.deadlines.swept != 0 and looks < RECORDS_AT_ONCE:
        looks += 1
        machine.deadlines.swept -= 1
        stripe = hold(&machine.conversations, machine.deadlines.swept, &conversation)
        if conversation.state != STATE_NONE:
            if settle(&machine.conversations, conversation, author.now_ns):
                ended(machine, author, conversation)
            due_ns = due_next(&machine.conversations, conversation)
            if is_forgettable(&machine.conversations, conversation, author.now_ns):
                conversation_free(&machine.conversations, conversation)
            elif due_ns != <uint64_t>-1:
                # A node too many does no harm: it finds that it is not the one.
                conversation.armed_ns = due_ns
                deadline_send(&machine.deadlines, due_ns, machine.deadlines.swept, conversation.generation)
        stripe_give(stripe)


cdef void conversations_turn(Machine* machine, MessageCache* cache, uint64_t now_ns) noexcept nogil:
    cdef Author author
    cdef uint32_t number
    cdef uint32_t following
    if machine.conversations.count_max == 0:
        return
    author.slot = NULL
    author.current = NULL
    author.cache = cache
    author.random = machine.ticker_random
    author.telemetry = &machine.ticker_telemetry
    author.now_ns = now_ns
    author.wall_offset_ns = <int64_t>(realtime_ns() - now_ns)
    author.id_high = author.id_low = 0
    number = deadlines_due(&machine.deadlines, now_ns)
    while number != 0:
        following = machine.deadlines.nodes[number - 1].next
        look(machine, &author, number)
        number = following
    deaths(machine, &author)
    unarmed(machine, &author)
