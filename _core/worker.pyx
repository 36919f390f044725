"""The loop of a worker, one agent's turn, and what follows from each way a handler can end.

Who moves a slot's state: the control thread claims (STARTING) and asks (request); the worker that runs the slot
answers: STARTING -> RUNNING or STOPPED, RUNNING -> DRAINING -> STOPPED, any -> FAILED, any -> REMOVING.
"""

from libc.stdint cimport UINT32_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf

from caxton._core.atomics cimport (
    add_u32_seq, cas_u32, futex_wait, load_ptr_relaxed, load_u32_acquire, load_u32_relaxed, load_u32_seq,
    load_u64_relaxed, monotonic_ns, pause, prefetch, realtime_ns, store_u32_release, store_u32_seq, sub_u32_seq,
    swap_u32_seq, unlikely,
)
from caxton._core.bounds cimport AGENT_BATCH_MAX, ENGINE_COUNT
from caxton._core.conversation cimport conversation_expect
from caxton._core.hearing cimport answer_error, charge_for
from caxton._core.machine cimport (
    EVENT_FAILED, EVENT_FAULT, EVENT_REMOVED, EVENT_STARTED, EVENT_START_FAILED, EVENT_STOPPED,
    FAULT_AGENT_ERROR, FAULT_AGENT_FAILED, FAULT_AGENT_REMOVED, FAULT_AGENT_STOPPED, FAULT_BUSY, FAULT_FAILURE,
    FAULT_MALFORMED, FAULT_NONE, FAULT_REPLY, fault_name, machine_bury, machine_event, machine_wake,
)
from caxton._core.message cimport HEADER_BYTES, KIND_ACL, KIND_TIMER, Message, cache_flush, message_free
from caxton._core.outbox cimport outbox_commit, outbox_discard, outbox_expect
from caxton._core.performative cimport FAILURE, NOT_UNDERSTOOD, REFUSE
from caxton._core.queue cimport mailbox_is_empty, mailbox_pop, mailbox_release
from caxton._core.routing cimport (
    REQUEST_DRAIN, REQUEST_NONE, REQUEST_REMOVE, REQUEST_START, SLOT_DRAINING, SLOT_FAILED, SLOT_FREE,
    SLOT_REMOVING, SLOT_RUNNING, SLOT_STARTING, SLOT_STOPPED, Slot, routing_park, routing_quiet, slot_generation,
)
from caxton._core.runqueue cimport RunRing, injector_drain, ring_length, ring_push, ring_steal, ring_take
from caxton._core.sandbox cimport Outcome, fault_destroys, sandbox_close, sandbox_handle, sandbox_open, sandbox_timer
from caxton._core.telemetry cimport STATUS_DEAD_LETTERED, STATUS_FAILED, STATUS_SUCCESS, count_message, counter_add, histogram_add
from caxton._core.timers cimport TIMER_GONE, TIMER_LATER, timers_due, wheel_turn
from caxton._core.watch cimport conversations_turn
from caxton._core.wasmtime_c cimport Wasmtime, wasmtime_table

cdef const Wasmtime* wt = wasmtime_table()

cdef enum:
    SPINS = 200                 # looks for work before parking, about 10 us
    PARK_NS = 500000000         # a parked worker looks up by itself now and then
    TICKS_IN_A_HURRY = 100000   # of deadline that a tick takes away while the machine must stop
    CLOCK_EVERY = 1024          # turns between looks at how wall and monotonic clock differ
    INJECTOR_EVERY = 32         # turns between looks at the injector while the ring has work
    TURN_NS_MAX = 1000000       # after so long an agent's turn is over, however much waits for it


cdef void free_handled(Worker* worker, Slot* slot, Message* message) noexcept nogil:
    mailbox_release(&slot.mailbox)
    message_free(&worker.machine.pool, &worker.cache, message)


cdef void reject(Worker* worker, Slot* slot, Message* message, int32_t fault, const char* text) noexcept nogil:
    # A message that its agent will never see: the sender hears why.
    if message.kind == KIND_ACL:
        count_message(&worker.telemetry, message.performative, STATUS_DEAD_LETTERED)
        if answer_error(worker.machine, worker, message, FAILURE, fault_name(fault), text):
            mailbox_release(&slot.mailbox)
            return
    elif message.kind == KIND_TIMER and message.receiver_generation == slot_generation(slot):
        # ORDERING: a count; it orders nothing.
        sub_u32_seq(&slot.wakeups, 1)
    free_handled(worker, slot, message)


cdef void reject_all(Worker* worker, Slot* slot, int32_t fault, const char* text) noexcept nogil:
    cdef Message* message = mailbox_pop(&slot.mailbox)
    while message != NULL:
        reject(worker, slot, message, fault, text)
        message = mailbox_pop(&slot.mailbox)


cdef bint may_restart(Slot* slot, uint64_t now_ns) noexcept nogil:
    # Restart intensity as in OTP: so many within the period.
    if now_ns - slot.restart_window_ns > slot.restart_period_ns:
        slot.restart_window_ns = now_ns
        slot.restart_count = 0
    slot.restart_count += 1
    return slot.restart_count <= slot.restart_intensity


# ORDERING: both stores release; they pair with the senders' acquire before they reserve a place.
cdef void replace_instance(Worker* worker, Slot* slot, Outcome* why) noexcept nogil:
    # After a fault the instance is never entered again; a new one starts from the module's own image.
    cdef Outcome outcome
    counter_add(&slot.faults, 1)
    slot.last_fault = why.fault
    sandbox_close(worker.machine, slot)
    if not may_restart(slot, worker.now_ns):
        store_u32_release(&slot.state, SLOT_FAILED)
        machine_bury(worker.machine, &worker.cache, slot)
        machine_event(worker.machine, &worker.cache, slot, EVENT_FAILED, why.fault, why.text)
        return
    if sandbox_open(worker.machine, worker, slot, &outcome) != 0:
        outbox_discard(worker)
        slot.last_fault = outcome.fault
        store_u32_release(&slot.state, SLOT_FAILED)
        machine_bury(worker.machine, &worker.cache, slot)
        machine_event(worker.machine, &worker.cache, slot, EVENT_FAILED, outcome.fault, outcome.text)
        return
    outbox_commit(worker, slot)
    counter_add(&slot.restarts, 1)
    machine_event(worker.machine, &worker.cache, slot, EVENT_FAULT, why.fault, why.text)


cdef void judge_code(Worker* worker, Outcome* outcome) noexcept nogil:
    # Whether what the handler returned fits what it did.
    cdef int32_t code = outcome.code
    if outcome.fault != FAULT_NONE:
        return
    if code == 0 and worker.handling.reply != NULL:
        outcome.fault = FAULT_REPLY
        snprintf(outcome.text, sizeof(outcome.text), b"handle_message set a reply and returned 0")
    elif code == 1 and worker.handling.reply == NULL:
        outcome.fault = FAULT_REPLY
        if worker.handling.error_bytes == 0:
            worker.handling.error[0] = 0
        snprintf(outcome.text, sizeof(outcome.text), b"handle_message returned 1 without a reply: %.200s",
                 worker.handling.error)
    elif code > 1:
        outcome.fault = FAULT_AGENT_ERROR
        snprintf(outcome.text, sizeof(outcome.text), b"handle_message returned the reserved code %d", <int>code)
    elif code < 0:
        outcome.fault = FAULT_AGENT_ERROR
        if code == -1:
            outcome.fault = FAULT_MALFORMED
        elif code == -4:
            outcome.fault = FAULT_FAILURE
        elif code == -5:
            outcome.fault = FAULT_BUSY
        snprintf(outcome.text, sizeof(outcome.text), b"handle_message returned %d", <int>code)


cdef bint answer_fault(Worker* worker, Message* message, Outcome* outcome) noexcept nogil:
    if outcome.code == -2 and not fault_destroys(outcome.fault):
        return answer_error(
            worker.machine, worker, message, NOT_UNDERSTOOD, b"not_understood", outcome.text)
    if outcome.code == -3 and not fault_destroys(outcome.fault):
        return answer_error(worker.machine, worker, message, REFUSE, b"refused", outcome.text)
    return answer_error(worker.machine, worker, message, FAILURE, fault_name(outcome.fault), outcome.text)


cdef void count_end(Worker* worker, Slot* slot, Outcome* outcome) noexcept nogil:
    counter_add(&slot.fuel_used, outcome.fuel)
    counter_add(&worker.telemetry.fuel, outcome.fuel)
    worker.now_ns = monotonic_ns()


cdef void settle_outbox(Worker* worker, Slot* slot, Outcome* outcome) noexcept nogil:
    # Effects of a handler that returned; a faulty one has none.
    if outcome.fault == FAULT_NONE:
        outbox_commit(worker, slot)
    else:
        outbox_discard(worker)


# OWNERSHIP: takes the message, and gives its place back.
cdef void handle_message(Worker* worker, Slot* slot, Message* message) noexcept nogil:
    cdef Outcome outcome
    cdef uint64_t begun = worker.now_ns
    histogram_add(&worker.telemetry.queue_wait, begun - message.accepted_ns if begun > message.accepted_ns else 0)
    if message.held != 0:
        # It will be charged when the handler returns.
        conversation_expect(&worker.machine.conversations, message.held)
    sandbox_handle(worker, slot, message, &outcome)
    outbox_expect(worker)
    judge_code(worker, &outcome)
    # Counted first: whoever has the answer finds it counted.
    count_end(worker, slot, &outcome)
    histogram_add(&worker.telemetry.processing[message.performative], worker.now_ns - message.accepted_ns)
    counter_add(&worker.telemetry.handled, 1)
    counter_add(&slot.messages_handled, 1)
    count_message(&worker.telemetry, message.performative,
                  STATUS_SUCCESS if outcome.fault == FAULT_NONE else STATUS_FAILED)
    if message.held != 0:
        # Before anything goes out: what exhausts a conversation's budget says nothing more in it.
        charge_for(worker, slot, message, outcome.fuel)
    settle_outbox(worker, slot, &outcome)
    if unlikely(outcome.fault != FAULT_NONE):
        # The instance is replaced first, so that whoever hears of the fault can ask about the state.
        if fault_destroys(outcome.fault):
            replace_instance(worker, slot, &outcome)
            worker.now_ns = monotonic_ns()
        else:
            slot.last_fault = outcome.fault
        if answer_fault(worker, message, &outcome):
            mailbox_release(&slot.mailbox)
            return
    free_handled(worker, slot, message)


cdef void handle_timer(Worker* worker, Slot* slot, Message* message) noexcept nogil:
    cdef Outcome outcome
    cdef int64_t timer_id
    cdef int what = timers_due(worker, slot, message, &timer_id)
    if what == TIMER_LATER:
        # The wake-up is on its way again; only the place is given back.
        mailbox_release(&slot.mailbox)
        return
    free_handled(worker, slot, message)
    if what == TIMER_GONE:
        return
    sandbox_timer(worker, slot, timer_id, &outcome)
    judge_code(worker, &outcome)
    count_end(worker, slot, &outcome)
    settle_outbox(worker, slot, &outcome)
    if outcome.fault == FAULT_NONE:
        return
    if fault_destroys(outcome.fault):
        replace_instance(worker, slot, &outcome)
        worker.now_ns = monotonic_ns()
    else:
        slot.last_fault = outcome.fault
        machine_event(worker.machine, &worker.cache, slot, EVENT_FAULT, outcome.fault, outcome.text)


# ORDERING: both stores release and so publish the instance's state to senders and to the control thread.
cdef void start_slot(Worker* worker, Slot* slot) noexcept nogil:
    cdef Outcome outcome
    if slot.sandbox != NULL:
        return
    slot.restart_count = 0
    slot.restart_window_ns = worker.now_ns
    if sandbox_open(worker.machine, worker, slot, &outcome) != 0:
        outbox_discard(worker)
        slot.last_fault = outcome.fault
        store_u32_release(&slot.state, SLOT_STOPPED)
        machine_event(worker.machine, &worker.cache, slot, EVENT_START_FAILED, outcome.fault, outcome.text)
        return
    store_u32_release(&slot.state, SLOT_RUNNING)
    worker.now_ns = monotonic_ns()
    outbox_commit(worker, slot)
    machine_event(worker.machine, &worker.cache, slot, EVENT_STARTED, FAULT_NONE, b"")


cdef void stop_drained(Worker* worker, Slot* slot) noexcept nogil:
    # ORDERING: release, after the sandbox is closed: who sees STOPPED may ask for a new start.
    sandbox_close(worker.machine, slot)
    store_u32_release(&slot.state, SLOT_STOPPED)
    machine_event(worker.machine, &worker.cache, slot, EVENT_STOPPED, FAULT_NONE, b"")


# ORDERING: the swap takes the control thread's release of the request; states are released to senders.
cdef void answer_request(Worker* worker, Slot* slot) noexcept nogil:
    cdef uint32_t request = swap_u32_seq(&slot.request, REQUEST_NONE)
    cdef uint32_t state = load_u32_acquire(&slot.state)
    if request == REQUEST_START:
        if state in (SLOT_STARTING, SLOT_STOPPED, SLOT_FAILED):
            start_slot(worker, slot)
    elif request == REQUEST_DRAIN:
        if state == SLOT_RUNNING:
            # ORDERING: seq_cst, see give_back in acceptance.pyx; senders that saw RUNNING before may still push.
            store_u32_seq(&slot.state, SLOT_DRAINING)
    elif request == REQUEST_REMOVE and state != SLOT_REMOVING:
        # ORDERING: likewise; what they push is rejected by the turn it causes.
        store_u32_release(&slot.state, SLOT_REMOVING)
        sandbox_close(worker.machine, slot)
        machine_bury(worker.machine, &worker.cache, slot)
        reject_all(worker, slot, FAULT_AGENT_REMOVED, b"the agent was removed before it handled the message")
        machine_event(worker.machine, &worker.cache, slot, EVENT_REMOVED, FAULT_NONE, b"")


cdef void turn(Worker* worker, Slot* slot) noexcept nogil:
    # One agent's turn: its request, then up to a batch of its messages.
    # ORDERING: a hint only; answer_request swaps the request.
    cdef Message* message
    cdef uint32_t state
    cdef uint64_t begun = worker.now_ns
    slot.home = worker.index
    if unlikely(load_u32_acquire(&slot.request) != REQUEST_NONE):
        answer_request(worker, slot)
    for _ in range(AGENT_BATCH_MAX):
        # ORDERING: a hint only. Whoever wants the agent stopped or gone does not wait for a whole batch.
        if unlikely(load_u32_acquire(&slot.request) != REQUEST_NONE):
            break
        message = mailbox_pop(&slot.mailbox)
        if message == NULL:
            break
        state = slot.state
        if unlikely(message.receiver_generation != slot_generation(slot) or state == SLOT_REMOVING or state == SLOT_FREE):
            reject(worker, slot, message, FAULT_AGENT_REMOVED, b"the agent was removed before it handled the message")
        elif unlikely(state == SLOT_FAILED):
            reject(worker, slot, message, FAULT_AGENT_FAILED, b"the agent has failed")
        elif unlikely(state != SLOT_RUNNING and state != SLOT_DRAINING):
            reject(worker, slot, message, FAULT_AGENT_STOPPED, b"the agent is stopped")
        elif message.kind == KIND_ACL:
            handle_message(worker, slot, message)
        else:
            handle_timer(worker, slot, message)
        # Each handler's end has read the clock. A batch is meant for handlers of microseconds: one of slow ones
        # would keep every other agent of this worker waiting for the sum of their deadlines.
        if unlikely(worker.now_ns - begun > TURN_NS_MAX):
            # Who was injected meanwhile comes before this one: turns until the next look may be as long as this.
            injector_drain(&worker.injector, &worker.ring)
            break
    # ORDERING: seq_cst, see give_back in acceptance.pyx.
    if unlikely(slot.state == SLOT_DRAINING) and load_u32_seq(&slot.mailbox.depth) == 0:
        stop_drained(worker, slot)
    release_turn(worker, slot)


cdef void release_turn(Worker* worker, Slot* slot) noexcept nogil:
    # ORDERING: while the slot stays scheduled nobody else runs it, so this look needs none.
    if not mailbox_is_empty(&slot.mailbox) or load_u32_seq(&slot.request) != REQUEST_NONE:
        ring_push(&worker.ring, slot.index)
        return
    # ORDERING: the store of 0 comes before the last look (both seq_cst); a sender pushes before it looks at
    # ``scheduled``. So either this look sees the message, or the sender sees 0 and schedules the slot again.
    store_u32_seq(&slot.scheduled, 0)
    if not mailbox_is_empty(&slot.mailbox) or load_u32_seq(&slot.request) != REQUEST_NONE:
        if swap_u32_seq(&slot.scheduled, 1) == 0:
            ring_push(&worker.ring, slot.index)


cdef void look_ahead(Worker* worker) noexcept nogil:
    # Agents are spread over far more memory than the caches hold: what the next turns touch first is fetched while
    # this one runs. A thief may take those slots meanwhile, which makes the fetch useless but not wrong.
    cdef RunRing* ring = &worker.ring
    cdef uint64_t head = load_u64_relaxed(&ring.head)
    cdef uint64_t waiting = load_u64_relaxed(&ring.tail) - head
    cdef Slot* slot
    cdef char* line
    if waiting > 2:
        line = <char*>&worker.machine.routing.slots[load_u32_relaxed(&ring.entries[(head + 2) & ring.mask])]
        prefetch(line)
        prefetch(line + 64)
        prefetch(line + 128)
        prefetch(line + 192)
        prefetch(line + 256)
    if waiting > 1:
        slot = &worker.machine.routing.slots[load_u32_relaxed(&ring.entries[(head + 1) & ring.mask])]
        line = <char*>load_ptr_relaxed(&slot.mailbox.stack)
        prefetch(line)
        prefetch(line + 64)
        prefetch(line + HEADER_BYTES)
        prefetch(load_ptr_relaxed(&slot.hot[0]))
        line = <char*>load_ptr_relaxed(&slot.hot[1])
        prefetch(line)
        prefetch(line + 64)
        prefetch(line + 128)
        prefetch(load_ptr_relaxed(&slot.hot[2]))


cdef bint find_work(Worker* worker, uint32_t* index) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef Worker* other
    cdef uint32_t i
    worker.turn += 1
    if worker.turn % INJECTOR_EVERY == 0:
        injector_drain(&worker.injector, &worker.ring)
    if ring_take(&worker.ring, index):
        return True
    if injector_drain(&worker.injector, &worker.ring) != 0 and ring_take(&worker.ring, index):
        return True
    for i in range(1, machine.worker_count):
        other = machine.workers[(worker.index + i) % machine.worker_count]
        if ring_steal(&other.ring, &worker.ring) != 0 or injector_drain(&other.injector, &worker.ring) != 0:
            counter_add(&worker.telemetry.stolen, 1)
            if ring_take(&worker.ring, index):
                return True
    return False


# 1 when work was found after all. ORDERING: all seq_cst; the wake word is read before ``parked`` is set, so a waker's
# change of it makes futex_wait return at once; whoever turns ``parked`` from 1 to 0 takes the sleeper off the count.
cdef bint park(Worker* worker, uint32_t* index) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef uint32_t seen = load_u32_seq(&worker.wake)
    cdef uint64_t begun = monotonic_ns()
    cdef uint32_t expected = 1
    add_u32_seq(&machine.sleepers, 1)
    # ORDERING: seq_cst store before the last look; a producer pushes before it looks at ``parked``.
    store_u32_seq(&worker.parked, 1)
    if find_work(worker, index) or load_u32_seq(&machine.stopping) != 0:
        if cas_u32(&worker.parked, &expected, 0):
            sub_u32_seq(&machine.sleepers, 1)
        worker.now_ns = monotonic_ns()
        return index[0] != UINT32_MAX
    routing_park(&machine.routing, worker.index)
    futex_wait(&worker.wake, seen, PARK_NS)
    routing_quiet(&machine.routing, worker.index)
    expected = 1
    if cas_u32(&worker.parked, &expected, 0):
        sub_u32_seq(&machine.sleepers, 1)
    worker.now_ns = monotonic_ns()
    worker.wall_offset_ns = <int64_t>(realtime_ns() - worker.now_ns)
    counter_add(&worker.telemetry.parked_ns, worker.now_ns - begun)
    return False


cdef void worker_run(Worker* worker) noexcept nogil:
    cdef Machine* machine = worker.machine
    cdef uint32_t index
    cdef uint32_t spins = 0
    cdef uint64_t busy_from
    worker.now_ns = monotonic_ns()
    while load_u32_relaxed(&machine.stopping) == 0:
        routing_quiet(&machine.routing, worker.index)
        index = UINT32_MAX
        if not find_work(worker, &index):
            spins += 1
            if spins < SPINS:
                pause()
                continue
            spins = 0
            if not park(worker, &index):
                continue
        if spins != 0:
            spins = 0
            worker.now_ns = monotonic_ns()
        if worker.turn % CLOCK_EVERY == 0:
            worker.wall_offset_ns = <int64_t>(realtime_ns() - monotonic_ns())
        look_ahead(worker)
        # Each handler's end reads the clock, so it is stale after an idle spell only.
        busy_from = worker.now_ns
        turn(worker, &machine.routing.slots[index])
        counter_add(&worker.telemetry.busy_ns, worker.now_ns - busy_from)
    routing_park(&machine.routing, worker.index)
    cache_flush(&machine.pool, &worker.cache)
    # ORDERING: publishes the flushed cache to whoever looks after the end.
    store_u32_release(&worker.ended, 1)


cdef extern from "<time.h>" nogil:
    int nanosleep(const timespec*, timespec*)
    struct timespec:
        long tv_sec
        long tv_nsec


cdef void ticker_run(Machine* machine, Wheel* wheel) noexcept nogil:
    cdef timespec nap
    cdef uint64_t now
    cdef uint32_t i
    cdef int e
    wheel.start_ns = monotonic_ns()
    while load_u32_relaxed(&machine.ticker_stopping) == 0:
        now = monotonic_ns()
        nap.tv_sec = 0
        nap.tv_nsec = <long>(machine.tick_ns - (now - wheel.start_ns) % machine.tick_ns)
        routing_park(&machine.routing, machine.worker_count)
        nanosleep(&nap, NULL)
        routing_quiet(&machine.routing, machine.worker_count)
        # When the machine must stop now, an epoch is as long as any handler may take.
        for _ in range(TICKS_IN_A_HURRY if load_u32_relaxed(&machine.hurry) else 1):
            for e in range(ENGINE_COUNT):
                if machine.engines[e].engine != NULL:
                    wt.engine_increment_epoch(machine.engines[e].engine)
        wheel_turn(machine, wheel, monotonic_ns())
        conversations_turn(machine, &wheel.cache, monotonic_ns())
        # A slot may wait behind a long handler in a ring too short to have called for help.
        if load_u32_relaxed(&machine.sleepers) != 0:
            for i in range(machine.worker_count):
                if ring_length(&machine.workers[i].ring) != 0 or load_u64_relaxed(&machine.workers[i].injector.head) != 0:
                    machine_wake(machine)
                    break
