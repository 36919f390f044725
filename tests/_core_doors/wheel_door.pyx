"""Test door to the timer wheel under virtual time: one agent without an instance, whose wake-ups come out in its mailbox."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from caxton._core.atomics cimport add_u32_seq
from caxton._core.machine cimport Machine, machine_close, machine_open
from caxton._core.message cimport (
    FLAG_RESERVED, KIND_TIMER, Message, cache_flush, message_free, message_new, pool_live,
)
from caxton._core.queue cimport mailbox_init, mailbox_pop, mailbox_push, mailbox_release
from caxton._core.routing cimport Slot, routing_claim, routing_publish, routing_retire
from caxton._core.timers cimport Wheel, wheel_close, wheel_turn

cdef enum:
    START_NS = 5000000000       # the wheel does not begin with the clock


cdef class WheelDoor:
    cdef Machine machine
    cdef Wheel* wheel           # OWNERSHIP: owned by the door, freed in __dealloc__
    cdef Slot* slot             # borrowed: the machine's
    cdef readonly uint64_t now_ns

    def __cinit__(self, uint64_t tick_ns, uint64_t ticks_done, uint32_t mailbox_max):
        # SAFETY: zeroed memory, checked below.
        self.wheel = <Wheel*>calloc(1, sizeof(Wheel))
        if self.wheel == NULL:
            raise MemoryError
        if machine_open(&self.machine, 1, 4, 4096, 4096) != 0:
            raise MemoryError("the machine was refused")
        self.machine.tick_ns = tick_ns
        self.wheel.start_ns = START_NS
        self.slot = routing_claim(&self.machine.routing, 1, b"sleeper", 7)
        mailbox_init(&self.slot.mailbox, mailbox_max)
        routing_publish(&self.machine.routing, self.slot)
        self.turn(START_NS + ticks_done * tick_ns)

    def __dealloc__(self):
        machine_close(&self.machine)
        free(self.wheel)

    def set(self, uint64_t deadline_ns) -> None:
        """Send a wake-up on its way, as a worker does."""
        cdef Message* message = message_new(&self.machine.pool, NULL, 0)
        if message == NULL:
            raise MemoryError("the pool is exhausted")
        add_u32_seq(&self.slot.wakeups, 1)
        message.kind = KIND_TIMER
        message.accepted_ns = deadline_ns
        message.receiver_slot = self.slot.index
        message.receiver_generation = self.slot.generation
        mailbox_push(&self.machine.timer_inbox, message)

    def turn(self, uint64_t now_ns) -> None:
        """Move time on."""
        assert now_ns >= self.now_ns
        self.now_ns = now_ns
        wheel_turn(&self.machine, self.wheel, now_ns)

    def come(self) -> list[int]:
        """Take the wake-ups that have come: their deadlines."""
        cdef list deadlines = []
        cdef Message* message = mailbox_pop(&self.slot.mailbox)
        while message != NULL:
            assert message.flags & FLAG_RESERVED
            deadlines.append(message.accepted_ns)
            mailbox_release(&self.slot.mailbox)
            message_free(&self.machine.pool, NULL, message)
            message = mailbox_pop(&self.slot.mailbox)
        return deadlines

    def retire(self) -> None:
        """Remove the agent."""
        routing_retire(&self.machine.routing, self.slot)

    def count(self) -> int:
        return self.wheel.count

    def live(self) -> int:
        """Messages out of the pool."""
        cache_flush(&self.machine.pool, &self.wheel.cache)
        return pool_live(&self.machine.pool)

    def close(self) -> None:
        wheel_close(&self.machine, self.wheel)
