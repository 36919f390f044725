"""The wheel and the agents' timer tables."""

from libc.stdlib cimport calloc

from caxton._core.atomics cimport add_u32_seq, load_u32_relaxed, load_u64_acquire, monotonic_ns, sub_u32_seq
from caxton._core.bounds cimport TIMERS_PER_AGENT_MAX
from caxton._core.machine cimport GuestTimer, machine_schedule
from caxton._core.message cimport FLAG_RESERVED, KIND_TIMER, cache_flush, message_free, message_new
from caxton._core.outbox cimport HOST_INVALID, HOST_NOT_FOUND, HOST_OK, HOST_QUOTA
from caxton._core.queue cimport mailbox_pop, mailbox_push, mailbox_reserve
from caxton._core.routing cimport slot_generation


cdef enum:
    DELAY_MS_MAX = 0x7FFFFFFF   # about 24 days; the wheel itself reaches twice as far at one tick a millisecond


cdef int32_t wake_at(Sandbox* sandbox, uint32_t index) noexcept nogil:
    # Sends a wake-up for a table entry on its way, unless an earlier one is under way already.
    cdef GuestTimer* entry = &sandbox.timers[index]
    cdef Slot* slot = sandbox.slot
    cdef Machine* machine = sandbox.worker.machine
    cdef Message* message
    if entry.node_ns != 0 and entry.node_ns <= entry.deadline_ns:
        return HOST_OK
    if load_u32_relaxed(&slot.wakeups) >= WAKEUPS_PER_AGENT_MAX:
        return HOST_QUOTA
    message = message_new(&machine.pool, &sandbox.worker.cache, 0)
    if message == NULL:
        return HOST_QUOTA
    # ORDERING: a count; it orders nothing.
    add_u32_seq(&slot.wakeups, 1)
    message.kind = KIND_TIMER
    message.number = index
    message.accepted_ns = entry.deadline_ns
    message.receiver_slot = slot.index
    message.receiver_generation = slot_generation(slot)
    entry.node_ns = entry.deadline_ns
    mailbox_push(&machine.timer_inbox, message)
    return HOST_OK


cdef int32_t timers_set(Sandbox* sandbox, int64_t delay_ms, int64_t id) noexcept nogil:
    cdef uint64_t deadline
    cdef int i
    cdef int chosen = TIMERS_PER_AGENT_MAX
    cdef GuestTimer* entry
    cdef uint64_t before
    cdef int32_t code
    if delay_ms > DELAY_MS_MAX:
        return HOST_INVALID
    if sandbox.timers == NULL:
        # SAFETY: calloc gives zeroed room of the asked type and count.
        sandbox.timers = <GuestTimer*>calloc(TIMERS_PER_AGENT_MAX, sizeof(GuestTimer))
        if sandbox.timers == NULL:
            return HOST_QUOTA
    deadline = monotonic_ns() + <uint64_t>delay_ms * 1000000
    for i in range(TIMERS_PER_AGENT_MAX):
        entry = &sandbox.timers[i]
        if entry.deadline_ns != 0:
            if entry.id == id:
                chosen = i
                break
        elif chosen == TIMERS_PER_AGENT_MAX or (entry.node_ns != 0 and entry.node_ns <= deadline):
            # A free entry whose wake-up is still under way can serve without another one.
            chosen = i
    if chosen == TIMERS_PER_AGENT_MAX:
        return HOST_QUOTA
    entry = &sandbox.timers[chosen]
    before = entry.deadline_ns
    entry.id = id
    entry.deadline_ns = deadline
    code = wake_at(sandbox, <uint32_t>chosen)
    if code != HOST_OK:
        # Refused: a timer that was to be moved stays where it was, a new one is not set.
        entry.deadline_ns = before
    return code


cdef int32_t timers_cancel(Sandbox* sandbox, int64_t id) noexcept nogil:
    cdef int i
    if sandbox.timers != NULL:
        for i in range(TIMERS_PER_AGENT_MAX):
            if sandbox.timers[i].deadline_ns != 0 and sandbox.timers[i].id == id:
                sandbox.timers[i].deadline_ns = 0
                return HOST_OK
    return HOST_NOT_FOUND


cdef int timers_due(Worker* worker, Slot* slot, Message* wakeup, int64_t* id) noexcept nogil:
    # SAFETY: slot.sandbox is NULL or a Sandbox* owned by the worker that runs the slot.
    cdef Sandbox* sandbox = <Sandbox*>slot.sandbox
    cdef GuestTimer* entry
    # ORDERING: a count; it orders nothing.
    sub_u32_seq(&slot.wakeups, 1)
    if sandbox == NULL or sandbox.timers == NULL:
        return TIMER_GONE
    entry = &sandbox.timers[wakeup.number]
    if entry.node_ns == wakeup.accepted_ns:
        entry.node_ns = 0
    if entry.deadline_ns == 0:
        return TIMER_GONE
    if entry.deadline_ns > monotonic_ns():
        if entry.node_ns != 0 and entry.node_ns <= entry.deadline_ns:
            return TIMER_GONE
        # This wake-up goes on: a new one might be refused, and the timer would never go off.
        # ORDERING: a count; it orders nothing.
        add_u32_seq(&slot.wakeups, 1)
        wakeup.flags = 0
        wakeup.accepted_ns = entry.node_ns = entry.deadline_ns
        mailbox_push(&worker.machine.timer_inbox, wakeup)
        return TIMER_LATER
    id[0] = entry.id
    entry.deadline_ns = 0
    return TIMER_DUE


cdef void insert(Machine* machine, Wheel* wheel, Message* message) noexcept nogil:
    cdef uint64_t due
    cdef uint64_t distance
    cdef int level = 0
    cdef uint64_t place
    # Rounded up: a timer never fires early.
    due = 0
    if message.accepted_ns > wheel.start_ns:
        due = (message.accepted_ns - wheel.start_ns + machine.tick_ns - 1) // machine.tick_ns
    if due <= wheel.tick:
        due = wheel.tick + 1
    distance = due - wheel.tick
    while level < WHEEL_LEVELS - 1 and distance >= <uint64_t>1 << (8 * (level + 1)):
        level += 1
    place = (due >> (8 * level)) & (WHEEL_SLOTS - 1)
    message.next = wheel.lists[level][place]
    wheel.lists[level][place] = message
    wheel.count += 1


cdef void fire(Machine* machine, Wheel* wheel, Message* message) noexcept nogil:
    cdef Slot* slot = &machine.routing.slots[message.receiver_slot]
    if slot_generation(slot) != message.receiver_generation:
        message_free(&machine.pool, &wheel.cache, message)
        return
    if not mailbox_reserve(&slot.mailbox):
        # The mailbox is full: try again with the next tick. The wake-up keeps its due time.
        insert(machine, wheel, message)
        return
    message.flags = FLAG_RESERVED
    mailbox_push(&slot.mailbox, message)
    machine_schedule(machine, NULL, slot)


cdef void wheel_step(Machine* machine, Wheel* wheel) noexcept nogil:
    cdef Message* message
    cdef Message* next
    cdef int level
    cdef uint64_t place
    wheel.tick += 1
    # Where a lower level has turned round, the next list of the level above comes down.
    for level in range(1, WHEEL_LEVELS):
        if wheel.tick & ((<uint64_t>1 << (8 * level)) - 1):
            break
        place = (wheel.tick >> (8 * level)) & (WHEEL_SLOTS - 1)
        message = wheel.lists[level][place]
        wheel.lists[level][place] = NULL
        while message != NULL:
            next = message.next
            wheel.count -= 1
            # The wheel stands at this tick already: what is due now goes out with it.
            if (message.accepted_ns - wheel.start_ns + machine.tick_ns - 1) // machine.tick_ns <= wheel.tick:
                fire(machine, wheel, message)
            else:
                insert(machine, wheel, message)
            message = next
    place = wheel.tick & (WHEEL_SLOTS - 1)
    message = wheel.lists[0][place]
    wheel.lists[0][place] = NULL
    while message != NULL:
        next = message.next
        wheel.count -= 1
        fire(machine, wheel, message)
        message = next


cdef void sweep_list(Machine* machine, Wheel* wheel, Message** link) noexcept nogil:
    cdef Message* message
    while link[0] != NULL:
        message = link[0]
        if machine.routing.slots[message.receiver_slot].generation == message.receiver_generation:
            link = &message.next
        else:
            link[0] = message.next
            wheel.count -= 1
            message_free(&machine.pool, &wheel.cache, message)


# A timer may be set for weeks, and its agent be gone the next moment: without this, who comes and goes would
# use up the pool. A wake-up only ever moves down the levels, so a sweep from the highest to the lowest meets all.
cdef void wheel_sweep(Machine* machine, Wheel* wheel) noexcept nogil:
    # ORDERING: acquire pairs with the raise in routing_retire, which comes after the slot's generation.
    cdef uint64_t era = load_u64_acquire(&machine.routing.era)
    if wheel.unswept == 0:
        if era == wheel.swept_era:
            return
        wheel.swept_era = era
        wheel.unswept = WHEEL_LEVELS * WHEEL_SLOTS
    for _ in range(SWEPT_AT_ONCE):
        wheel.unswept -= 1
        sweep_list(machine, wheel, &wheel.lists[wheel.unswept // WHEEL_SLOTS][wheel.unswept % WHEEL_SLOTS])


cdef void wheel_turn(Machine* machine, Wheel* wheel, uint64_t now_ns) noexcept nogil:
    cdef uint64_t target = (now_ns - wheel.start_ns) // machine.tick_ns
    cdef Message* message = mailbox_pop(&machine.timer_inbox)
    while message != NULL:
        # One of an agent that went meanwhile must not come to lie where a sweep has been.
        if machine.routing.slots[message.receiver_slot].generation == message.receiver_generation:
            insert(machine, wheel, message)
        else:
            message_free(&machine.pool, &wheel.cache, message)
        message = mailbox_pop(&machine.timer_inbox)
    if wheel.count != 0:
        wheel_sweep(machine, wheel)
    if wheel.count == 0:
        # Nothing waits: jump.
        if target > wheel.tick:
            wheel.tick = target
        return
    while wheel.tick < target:
        wheel_step(machine, wheel)


cdef void wheel_close(Machine* machine, Wheel* wheel) noexcept nogil:
    cdef Message* message
    cdef Message* next
    cdef int level
    cdef int place
    message = mailbox_pop(&machine.timer_inbox)
    while message != NULL:
        message_free(&machine.pool, &wheel.cache, message)
        message = mailbox_pop(&machine.timer_inbox)
    for level in range(WHEEL_LEVELS):
        for place in range(WHEEL_SLOTS):
            message = wheel.lists[level][place]
            wheel.lists[level][place] = NULL
            while message != NULL:
                next = message.next
                message_free(&machine.pool, &wheel.cache, message)
                message = next
    wheel.count = 0
    cache_flush(&machine.pool, &wheel.cache)
