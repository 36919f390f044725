"""Run rings and the injector against plain deques, and between threads."""

import os
import signal
import subprocess
import sys
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("ring_door")


def stolen_of(length: int, room: int) -> int:
    return min((length + 1) // 2, 64, room)


def test_the_capacity_is_the_next_power_of_two() -> None:
    assert [door.RingDoor(n).capacity() for n in (0, 2, 3, 1000, 1024, 1025)] == [2, 2, 4, 1024, 1024, 2048]


def test_slots_come_out_first_in_first_out_also_across_the_end_of_the_ring() -> None:
    ring = door.RingDoor(4)
    for start in range(0, 40, 3):
        for slot in range(start, start + 3):
            ring.push(slot)
        assert [ring.take() for _ in range(3)] == [start, start + 1, start + 2]
    assert ring.take() is None


def test_a_ring_may_be_filled_to_its_last_place() -> None:
    ring = door.RingDoor(8)
    for slot in range(8):
        ring.push(slot)
    assert ring.length() == 8
    assert [ring.take() for _ in range(9)] == [*range(8), None]


def test_an_agent_scheduled_twice_aborts_instead_of_overwriting_another() -> None:
    code = (
        "from tests import core_doors; ring = core_doors.load('ring_door').RingDoor(4)\n"
        "for slot in range(5): ring.push(slot)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=core_doors.ROOT,
        env=os.environ | {"PYTHONPATH": str(core_doors.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGABRT
    assert "run queue of 4 places is full" in done.stderr


@pytest.mark.parametrize(
    ("length", "stolen"), [(0, 0), (1, 1), (2, 1), (3, 2), (10, 5), (127, 64), (128, 64), (500, 64)]
)
def test_a_thief_takes_the_older_half_but_64_at_most(length: int, stolen: int) -> None:
    victim, own = door.RingDoor(512), door.RingDoor(512)
    for slot in range(length):
        victim.push(slot)
    assert own.steal_from(victim) == stolen
    assert [own.take() for _ in range(stolen)] == list(range(stolen))
    assert victim.length() == length - stolen
    assert victim.take() == (stolen if stolen < length else None)


def test_a_thief_takes_no_more_than_it_has_room_for() -> None:
    victim, own = door.RingDoor(64), door.RingDoor(4)
    for slot in range(64):
        victim.push(slot)
    own.push(99)
    assert own.steal_from(victim) == 3
    assert own.steal_from(victim) == 0
    assert [own.take() for _ in range(4)] == [99, 0, 1, 2]


def test_nobody_steals_from_oneself() -> None:
    ring = door.RingDoor(8)
    ring.push(1)
    assert ring.steal_from(ring) == 0
    assert ring.length() == 1


def test_injected_slots_come_in_order_of_arrival_behind_what_is_there() -> None:
    injector, ring = door.InjectorDoor(10), door.RingDoor(16)
    assert injector.is_empty()
    assert injector.drain_into(ring) == 0
    ring.push(9)
    for slot in (3, 0, 7):
        injector.push(slot)
    assert not injector.is_empty()
    assert injector.drain_into(ring) == 3
    assert injector.is_empty()
    assert [ring.take() for _ in range(5)] == [9, 3, 0, 7, None]


class RunQueueModel(RuleBasedStateMachine):
    """Two workers and an injector; each agent is in one place only."""

    AGENTS = 40

    def __init__(self) -> None:
        super().__init__()
        self.rings = [door.RingDoor(self.AGENTS), door.RingDoor(self.AGENTS)]
        self.capacity = self.rings[0].capacity()
        self.injector = door.InjectorDoor(self.AGENTS)
        self.queues: list[deque[int]] = [deque(), deque()]
        self.injected: list[int] = []
        self.idle = set(range(self.AGENTS))

    @precondition(lambda self: self.idle)
    @rule(worker=st.integers(0, 1), times=st.integers(1, 30))
    def push(self, worker: int, times: int) -> None:
        for _ in range(min(times, len(self.idle))):
            slot = self.idle.pop()
            self.rings[worker].push(slot)
            self.queues[worker].append(slot)

    @precondition(lambda self: self.idle)
    @rule()
    def inject(self) -> None:
        slot = self.idle.pop()
        self.injector.push(slot)
        self.injected.append(slot)

    @rule(worker=st.integers(0, 1))
    def take(self, worker: int) -> None:
        slot = self.rings[worker].take()
        assert slot == (self.queues[worker].popleft() if self.queues[worker] else None)
        if slot is not None:
            self.idle.add(slot)

    @rule(worker=st.integers(0, 1))
    def steal(self, worker: int) -> None:
        own, victim = self.queues[worker], self.queues[1 - worker]
        moved = stolen_of(len(victim), self.capacity - len(own))
        assert self.rings[worker].steal_from(self.rings[1 - worker]) == moved
        own.extend(victim.popleft() for _ in range(moved))

    @rule(worker=st.integers(0, 1))
    def drain(self, worker: int) -> None:
        assert self.injector.drain_into(self.rings[worker]) == len(self.injected)
        self.queues[worker].extend(self.injected)
        self.injected.clear()

    @invariant()
    def lengths_agree(self) -> None:
        assert [ring.length() for ring in self.rings] == [len(queue) for queue in self.queues]
        assert self.injector.is_empty() == (not self.injected)


TestRunQueueModel = RunQueueModel.TestCase
TestRunQueueModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@pytest.mark.sanitize
def test_every_agent_has_exactly_its_turns_whoever_steals_it() -> None:
    stress.run_queues()


@pytest.mark.sanitize
def test_two_workers_fight_over_one_agent() -> None:
    stress.run_queues(workers=2, agents=1)


@pytest.mark.sanitize
def test_each_injecting_threads_order_is_kept() -> None:
    stress.injector()
