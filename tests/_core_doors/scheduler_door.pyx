"""Test door to the real scheduler without sandboxes: agents that are stopped, so that each message bounces.

A worker gives such an agent its turn as any other: it takes the message, answers its sender with a failure
(which is scheduled on the worker's own ring), frees it and gives the turn back. The one driving thread does
what the shell does: it sends through the injectors, adds agents, asks for their removal, and retires them.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from caxton._core.atomics cimport (
    add_u32_seq, futex_wake, load_ptr_relaxed, load_u32_acquire, load_u32_relaxed, store_u32_release,
)
from caxton._core.limiter cimport bucket_init
from caxton._core.machine cimport EVENT_REMOVED, Machine, machine_close, machine_open, machine_schedule
from caxton._core.message cimport (
    FLAG_RESERVED, KIND_ACL, KIND_EVENT, Message, message_free, message_new, pool_live,
)
from caxton._core.queue cimport (
    mailbox_depth, mailbox_init, mailbox_pop, mailbox_push, mailbox_release, mailbox_reserve,
)
from caxton._core.routing cimport (
    REQUEST_REMOVE, SLOT_STOPPED, Slot, routing_claim, routing_publish, routing_retire,
)
from caxton._core.telemetry cimport STATUS_DEAD_LETTERED, Telemetry, telemetry_sum
from caxton._core.timers cimport Wheel, wheel_close
from caxton._core.worker cimport ticker_run, worker_run
from gate cimport gate_pass, random_next, sched_yield

cdef enum:
    ACT_REQUEST = 18
    TICK_NS = 1000000
    LOOKS_MAX = 2_000_000       # for quiet: a message was lost, so end instead of hanging


cdef class SchedulerDoor:
    cdef Machine machine
    cdef Wheel* wheel               # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef Slot** places              # OWNERSHIP: owned by the door; the slots are the machine's
    cdef uint32_t place_count
    cdef uint32_t mailbox_max
    cdef uint64_t next_id
    cdef uint32_t arrived
    cdef readonly uint64_t sent
    cdef readonly uint64_t refused
    cdef readonly uint64_t removed
    cdef readonly uint64_t late_calls

    def __cinit__(self, uint32_t workers, uint32_t agents, uint32_t small_messages, uint32_t mailbox_max):
        # SAFETY: zeroed memory, checked below.
        self.wheel = <Wheel*>calloc(1, sizeof(Wheel))
        self.places = <Slot**>calloc(agents, sizeof(void*))
        if self.wheel == NULL or self.places == NULL:
            raise MemoryError
        # Twice the slots: removed agents keep theirs until all workers have moved on.
        if machine_open(&self.machine, workers, agents * 2, small_messages, 4096) != 0:
            raise MemoryError("the machine was refused")
        self.machine.tick_ns = TICK_NS
        self.place_count = agents
        self.mailbox_max = mailbox_max
        self.next_id = 1

    def __dealloc__(self):
        machine_close(&self.machine)
        free(self.wheel)
        free(self.places)

    def work(self, uint32_t worker, uint32_t parties) -> None:
        # SAFETY: a worker's loop touches no Python object.
        with nogil:
            gate_pass(&self.arrived, parties)
            worker_run(self.machine.workers[worker])

    def tick(self, uint32_t parties) -> None:
        # SAFETY: the ticker's loop touches no Python object.
        with nogil:
            gate_pass(&self.arrived, parties)
            ticker_run(&self.machine, self.wheel)

    cdef bint add(self, uint32_t place) noexcept nogil:
        cdef Slot* slot = routing_claim(&self.machine.routing, self.next_id, NULL, 0)
        if slot == NULL:
            return False
        self.next_id += 1
        mailbox_init(&slot.mailbox, self.mailbox_max)
        bucket_init(&slot.admission, 0.0, 1)
        store_u32_release(&slot.state, SLOT_STOPPED)
        routing_publish(&self.machine.routing, slot)
        self.places[place] = slot
        return True

    cdef void hear(self) noexcept nogil:
        """Take what workers told the shell; retire agents whose removal is done."""
        cdef Message* message = mailbox_pop(&self.machine.shell)
        while message != NULL:
            if message.kind == KIND_EVENT and message.number == EVENT_REMOVED:
                routing_retire(&self.machine.routing, &self.machine.routing.slots[message.receiver_slot])
                self.removed += 1
            message_free(&self.machine.pool, NULL, message)
            message = mailbox_pop(&self.machine.shell)

    cdef Message* prepare(self, Slot* sender, Slot* receiver, uint32_t sender_generation) noexcept nogil:
        """Reserve a place and write a message for it; NULL when there is no place or no message."""
        cdef Message* message
        if not mailbox_reserve(&receiver.mailbox):
            self.refused += 1
            return NULL
        message = message_new(&self.machine.pool, NULL, 100)
        if message == NULL:
            # Few messages, and workers' caches hold some of them.
            mailbox_release(&receiver.mailbox)
            self.refused += 1
            return NULL
        message.kind = KIND_ACL
        message.performative = ACT_REQUEST
        message.flags = FLAG_RESERVED
        message.id_low = self.sent + 1
        message.sender_id = sender.id
        message.sender_slot = sender.index
        message.sender_generation = sender_generation
        message.receiver_id = receiver.id
        message.receiver_slot = receiver.index
        message.receiver_generation = receiver.generation
        return message

    cdef void hand_over(self, Slot* receiver, Message* message) noexcept nogil:
        mailbox_push(&receiver.mailbox, message)
        machine_schedule(&self.machine, NULL, receiver)
        self.sent += 1

    cdef void call_at_the_end_of_turns(self, uint32_t calls, uint64_t seed) noexcept nogil:
        """Send a few messages, and a last one just while a worker gives the turn for them back.

        Whoever overlooks the last one is not saved by a later one.
        """
        cdef uint64_t state = seed
        cdef uint32_t looks, few, delay
        cdef Slot* slot
        cdef Message* message
        cdef Message* late
        while self.places[0] == NULL and not self.add(0):
            # Removed agents still hold all slots.
            self.hear()
            sched_yield()
        slot = self.places[0]
        for _ in range(calls):
            # From a sender that is gone by its generation, so that no answers come between.
            late = self.prepare(slot, slot, slot.generation + 1)
            if late == NULL:
                sched_yield()
                continue
            few = random_next(&state) % 6
            for _ in range(few):
                message = self.prepare(slot, slot, slot.generation + 1)
                if message != NULL:
                    self.hand_over(slot, message)
            looks = 0
            while load_ptr_relaxed(&slot.mailbox.stack) != NULL and looks < LOOKS_MAX:
                looks += 1
                if looks % 1024 == 0:
                    sched_yield()
            # The worker has the few in hand now and needs some 50 ns for each: anything from 0 to 500 ns of delay.
            delay = random_next(&state) % 512
            while delay > 0:
                delay -= 1
                load_u32_relaxed(&self.arrived)
            self.hand_over(slot, late)
            self.late_calls += 1
            looks = 0
            while mailbox_depth(&slot.mailbox) != 0:
                looks += 1
                if looks == LOOKS_MAX:
                    return
                if looks % 1024 == 0:
                    sched_yield()

    cdef uint64_t bounced_requests(self) noexcept nogil:
        cdef Telemetry total
        cdef Telemetry* parts[64]
        cdef uint32_t number
        for number in range(self.machine.worker_count):
            parts[number] = &self.machine.workers[number].telemetry
        telemetry_sum(&total, parts, self.machine.worker_count)
        return total.processed[<uint32_t>ACT_REQUEST][<uint32_t>STATUS_DEAD_LETTERED]

    cdef bint is_quiet(self) noexcept nogil:
        cdef uint32_t index
        for index in range(self.machine.routing.frontier):
            if mailbox_depth(&self.machine.routing.slots[index].mailbox) != 0:
                return False
        return True

    def drive(self, uint32_t steps, uint64_t seed, uint32_t parties) -> bool:
        """Do ``steps`` random steps, wait until all is quiet, stop the machine; False when it never was."""
        cdef uint64_t state = seed, drawn
        cdef uint32_t place, number, looks = 0, quiet = 0
        cdef Slot* slot
        cdef Slot* other
        cdef Message* message
        # SAFETY: only C state is touched; this is the control thread.
        with nogil:
            gate_pass(&self.arrived, parties)
            for _ in range(steps):
                drawn = random_next(&state)
                place = drawn % self.place_count
                slot = self.places[place]
                if slot == NULL:
                    if not self.add(place):
                        sched_yield()
                elif drawn >> 40 & 255 == 0:
                    store_u32_release(&slot.request, REQUEST_REMOVE)
                    machine_schedule(&self.machine, NULL, slot)
                    self.places[place] = NULL
                else:
                    other = self.places[(drawn >> 20) % self.place_count]
                    message = NULL if other == NULL else self.prepare(other, slot, other.generation)
                    if message != NULL:
                        self.hand_over(slot, message)
                    else:
                        sched_yield()
                self.hear()
            self.call_at_the_end_of_turns(steps // 4, seed)
            # Twice in a row, since an answer may move to a mailbox that was looked at already.
            while quiet < 2 and looks < LOOKS_MAX:
                self.hear()
                looks += 1
                quiet = quiet + 1 if self.bounced_requests() == self.sent and self.is_quiet() else 0
                sched_yield()
            store_u32_release(&self.machine.stopping, 1)
            store_u32_release(&self.machine.ticker_stopping, 1)
            for number in range(self.machine.worker_count):
                add_u32_seq(&self.machine.workers[number].wake, 1)
                futex_wake(&self.machine.workers[number].wake, 1)
        return quiet == 2

    def bounced(self) -> int:
        return self.bounced_requests()

    def live(self) -> int:
        """Return the messages still out, when all threads have ended."""
        wheel_close(&self.machine, self.wheel)
        self.hear()
        return pool_live(&self.machine.pool)

    def scheduled(self) -> int:
        """Return how many slots are still marked as scheduled."""
        slots = self.machine.routing.slots
        return sum(load_u32_acquire(&slots[index].scheduled) for index in range(self.machine.routing.frontier))
