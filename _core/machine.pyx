"""Making and closing the machine; scheduling; the way to the shell."""

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset, strlen

from caxton._core.atomics cimport (
    add_u32_seq, cas_u32, futex_wake, load_u32_acquire, load_u32_relaxed, load_u32_seq, monotonic_ns, realtime_ns,
    store_u32_seq, sub_u32_seq, swap_u32_seq,
)
from caxton._core.conversation cimport conversations_close, conversations_exist, conversations_open
from caxton._core.deadline cimport deadlines_close, deadlines_open
from caxton._core.limiter cimport bucket_init
from caxton._core.message cimport KIND_DEATH, KIND_EVENT, cache_flush, message_body, message_new, pool_close, pool_open
from caxton._core.protocol cimport protocols_load
from caxton._core.queue cimport mailbox_init, mailbox_push
from caxton._core.recorder cimport tape_close
from caxton._core.routing cimport routing_close, routing_open, slot_generation
from caxton._core.runqueue cimport injector_init, injector_push, ring_close, ring_length, ring_open, ring_push

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd(unsigned int, int)
    int eventfd_write(int, uint64_t)
    int EFD_NONBLOCK
    int EFD_CLOEXEC

cdef extern from "<unistd.h>" nogil:
    int close(int)

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void*, size_t, unsigned int)

FAULT_NAMES = (
    "none", "trap", "fuel", "time", "memory", "stack", "alloc", "start", "reply", "agent_error", "malformed",
    "busy", "failure", "no_room", "agent_stopped", "agent_failed", "agent_removed", "mailbox_full", "no_route",
    "rate_limited", "resource",
)
cdef const char* fault_words[FAULT_COUNT]
_encoded_faults = tuple(name.encode() for name in FAULT_NAMES)
assert len(_encoded_faults) == FAULT_COUNT
for _i in range(FAULT_COUNT):
    # The tuple lives as long as the module, so the pointers stay valid.
    fault_words[_i] = _encoded_faults[_i]


cdef const char* fault_name(int32_t fault) noexcept nogil:
    return fault_words[fault] if 0 <= fault < FAULT_COUNT else fault_words[0]


cdef int machine_open(Machine* machine, uint32_t workers, uint32_t slots, uint32_t small_messages,
                      uint64_t message_bytes_max) noexcept nogil:
    cdef uint32_t i
    cdef Worker* worker
    memset(machine, 0, sizeof(Machine))
    machine.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    machine.message_bytes_max = message_bytes_max
    # The delivered text carries the host's fields besides what the sender wrote.
    # The ticker is a reader as well: the one after the workers.
    if machine.event_fd < 0 or pool_open(&machine.pool, small_messages, message_bytes_max + 8192) != 0:
        machine_close(machine)
        return -1
    if routing_open(&machine.routing, slots, workers + 1) != 0:
        machine_close(machine)
        return -1
    # SAFETY: calloc gives zeroed room of the asked type and count.
    machine.links = <uint32_t*>calloc(slots, sizeof(uint32_t))
    if machine.links == NULL:
        machine_close(machine)
        return -1
    if getrandom(machine.shell_random, sizeof(machine.shell_random), 0) < 0:
        machine_close(machine)
        return -1
    mailbox_init(&machine.shell, 0)
    mailbox_init(&machine.timer_inbox, 0)
    mailbox_init(&machine.deaths, 0)
    for i in range(workers):
        worker = <Worker*>calloc(1, sizeof(Worker))
        if worker == NULL:
            machine_close(machine)
            return -1
        machine.workers[i] = worker
        machine.worker_count = i + 1
        worker.machine = machine
        worker.index = i
        if ring_open(&worker.ring, slots) != 0 or getrandom(worker.random, sizeof(worker.random), 0) < 0:
            machine_close(machine)
            return -1
        injector_init(&worker.injector, machine.links)
        worker.now_ns = monotonic_ns()
        worker.wall_offset_ns = <int64_t>(realtime_ns() - worker.now_ns)
    return 0


cdef void machine_close(Machine* machine) noexcept nogil:
    cdef uint32_t i
    for i in range(machine.worker_count):
        tape_close(&machine.workers[i].said)
        cache_flush(&machine.pool, &machine.workers[i].cache)
        ring_close(&machine.workers[i].ring)
        free(machine.workers[i])
        machine.workers[i] = NULL
    machine.worker_count = 0
    tape_close(&machine.shell_said)
    cache_flush(&machine.pool, &machine.shell_cache)
    free(machine.links)
    machine.links = NULL
    conversations_close(&machine.conversations)
    deadlines_close(&machine.deadlines)
    routing_close(&machine.routing)
    pool_close(&machine.pool)
    if machine.event_fd >= 0:
        close(machine.event_fd)
    machine.event_fd = -1


cdef enum:
    EVENTS_PER_S = 1000     # of conversations, to the shell


cdef int machine_converse(Machine* machine, const char* image, uint64_t image_bytes, uint32_t conversations_max,
                          uint32_t participants_max) noexcept nogil:
    if protocols_load(&machine.protocols, image, image_bytes) != 0:
        return -2
    if getrandom(machine.ticker_random, sizeof(machine.ticker_random), 0) < 0:
        return -1
    bucket_init(&machine.conversation_events, EVENTS_PER_S, EVENTS_PER_S)
    if conversations_open(&machine.conversations, &machine.protocols, conversations_max, participants_max) != 0:
        return -1
    # Each record has one node, and some have another for a deadline that came nearer.
    return deadlines_open(&machine.deadlines, conversations_max * 2, machine.tick_ns, monotonic_ns())


cdef void wake_worker(Machine* machine, Worker* worker) noexcept nogil:
    # ORDERING: the swap decides which waker clears ``parked``; the futex word changes before the wake-up, so a
    # worker between its last look and futex_wait does not sleep through it.
    if swap_u32_seq(&worker.parked, 0) == 1:
        sub_u32_seq(&machine.sleepers, 1)
        add_u32_seq(&worker.wake, 1)
        futex_wake(&worker.wake, 1)


cdef void machine_wake(Machine* machine) noexcept nogil:
    cdef uint32_t i
    for i in range(machine.worker_count):
        # ORDERING: seq_cst, pairs with the worker's store of ``parked`` before its last look for work.
        if load_u32_seq(&machine.workers[i].parked) == 1:
            wake_worker(machine, machine.workers[i])
            return


cdef enum:
    WAKE_AT = 8     # slots waiting in a worker's own ring before it calls for help at once


cdef void machine_schedule(Machine* machine, Worker* worker, Slot* slot) noexcept nogil:
    cdef Worker* chosen
    cdef uint32_t i
    # ORDERING: seq_cst load after the push into the mailbox, pairs with the worker's store of 0 before its last
    # look into the mailbox: one of the two sees the other.
    if load_u32_seq(&slot.scheduled) == 1 or swap_u32_seq(&slot.scheduled, 1) == 1:
        return
    if worker != NULL:
        ring_push(&worker.ring, slot.index)
        if load_u32_relaxed(&machine.sleepers) != 0 and ring_length(&worker.ring) >= WAKE_AT:
            machine_wake(machine)
        return
    chosen = machine.workers[slot.home % machine.worker_count]
    if load_u32_relaxed(&chosen.parked) == 0 and load_u32_relaxed(&machine.sleepers) != 0:
        for i in range(machine.worker_count):
            if load_u32_relaxed(&machine.workers[i].parked) == 1:
                chosen = machine.workers[i]
                break
    injector_push(&chosen.injector, slot.index)
    # ORDERING: seq_cst, see machine_wake.
    if load_u32_seq(&chosen.parked) == 1:
        wake_worker(machine, chosen)


cdef void ring_bell(Machine* machine) noexcept nogil:
    # ORDERING: seq_cst swap after the push, pairs with the shell's store of 0 before its last look.
    if swap_u32_seq(&machine.shell_awake, 1) == 0:
        eventfd_write(machine.event_fd, 1)


cdef void machine_to_shell(Machine* machine, Message* message) noexcept nogil:
    mailbox_push(&machine.shell, message)
    ring_bell(machine)


cdef void leave_untold(Machine* machine, Slot* slot, uint32_t event) noexcept nogil:
    cdef uint32_t seen = load_u32_relaxed(&slot.untold)
    # ORDERING: seq_cst, before the machine's word, which comes before the bell: the shell swaps them in the
    # opposite order, so an event is found by this round or by the one that the bell causes.
    while not cas_u32(&slot.untold, &seen, seen | <uint32_t>1 << event):
        pass
    store_u32_seq(&machine.untold, 1)
    ring_bell(machine)


cdef void machine_event(Machine* machine, MessageCache* cache, Slot* slot, uint32_t event, int32_t fault,
                        const char* text) noexcept nogil:
    cdef size_t length = strlen(text)
    cdef Message* message
    if length > 700:
        length = 700
    # An event must not overtake one that waits in the slot.
    # ORDERING: acquire pairs with the shell's swap: what it took is told before what is queued from here on.
    message = NULL if load_u32_acquire(&slot.untold) != 0 else message_new(&machine.pool, cache, length)
    if message == NULL:
        leave_untold(machine, slot, event)
        return
    message.kind = KIND_EVENT
    message.receiver_slot = slot.index
    message.receiver_generation = slot_generation(slot)
    message.receiver_id = slot.id
    message.number = event
    message.id_low = <uint64_t>fault
    memcpy(message_body(message), text, length)
    message.body_bytes = <uint32_t>length
    machine_to_shell(machine, message)


cdef void machine_bury(Machine* machine, MessageCache* cache, Slot* slot) noexcept nogil:
    cdef Message* message
    if not conversations_exist(&machine.conversations):
        return
    message = message_new(&machine.pool, cache, 0)
    if message == NULL:
        # ORDERING: seq_cst; the slot's state was released before, and the ticker looks at states only.
        store_u32_seq(&machine.deaths_untold, 1)
        return
    message.kind = KIND_DEATH
    message.sender_id = slot.id
    mailbox_push(&machine.deaths, message)
