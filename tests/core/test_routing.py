"""The routing table against dictionaries, its waiting for readers, and look-ups beside a busy writer."""

import os
import signal
import subprocess
import sys
from typing import Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("routing_door")

STARTING = 1
FREE = 0


class Table(Protocol):
    """What the tests' own step needs of the door."""

    def claim(self, agent: int, name: bytes) -> int | None: ...
    def publish(self, index: int) -> None: ...


def standing(table: Table, agent: int, name: bytes) -> int:
    index = table.claim(agent, name)
    assert index is not None
    table.publish(index)
    return index


def test_a_claimed_agent_is_found_only_when_published_and_not_after_retirement() -> None:
    table = door.RoutingDoor(8)
    index = table.claim(42, b"alice")
    assert table.state(index) == STARTING
    assert (table.find_id(42), table.find_name(b"alice")) == (None, None)
    table.publish(index)
    assert (table.find_id(42), table.find_name(b"alice")) == (index, index)
    assert table.identity(index) == (42, b"alice")
    table.retire(index)
    assert (table.find_id(42), table.find_name(b"alice")) == (None, None)


def test_an_agent_without_a_name_is_found_by_id_only() -> None:
    table = door.RoutingDoor(8)
    index = standing(table, 7, b"")
    assert table.find_id(7) == index
    assert table.find_name(b"") is None
    table.retire(index)


def test_names_of_every_length_are_told_apart() -> None:
    table = door.RoutingDoor(1024)
    names = [b"a" * length for length in range(1, 256)]
    names += [name[:-1] + b"b" for name in names] + [b"b" + name[1:] for name in names[1:]]
    places = {name: standing(table, number + 1, name) for number, name in enumerate(names)}
    assert {name: table.find_name(name) for name in names} == places
    assert table.find_name(b"a" * 254 + b"c") is None
    assert table.find_name(b"a\0") is None


def test_a_full_table_refuses_until_a_slot_comes_back() -> None:
    table = door.RoutingDoor(3)
    indexes = [standing(table, agent, b"n%d" % agent) for agent in (1, 2, 3)]
    assert table.claim(4, b"n4") is None
    assert table.used() == 3
    table.retire(indexes[1])
    assert table.claim(4, b"n4") == indexes[1]


def test_a_slot_given_back_unpublished_is_used_again_with_a_new_generation() -> None:
    table = door.RoutingDoor(1)
    index = table.claim(1, b"one")
    before = table.generation(index)
    table.abandon(index)
    assert table.state(index) == FREE
    assert table.used() == 0
    assert table.claim(2, b"two") == index
    assert table.generation(index) == before + 1


def test_retirement_raises_the_generation_at_once() -> None:
    table = door.RoutingDoor(2)
    index = standing(table, 1, b"one")
    before = table.generation(index)
    table.retire(index)
    assert table.generation(index) == before + 1
    assert table.claim(2, b"two") is not None
    assert table.generation(index) == before + 1


def test_a_retired_slot_keeps_its_links_for_readers_that_stand_on_it() -> None:
    table = door.RoutingDoor(64)
    indexes = [standing(table, agent, b"n%d" % agent) for agent in range(1, 65)]
    links = {index: table.links(index) for index in indexes}
    # Among 64 agents in 64 buckets many have a follower; a retired one still leads to it.
    assert any(by_id for by_id, _ in links.values())
    assert any(by_name for _, by_name in links.values())
    for index in reversed(indexes):
        table.retire(index)
        assert table.links(index) == links[index]


def test_a_retired_slot_waits_for_every_reader_that_is_awake() -> None:
    table = door.RoutingDoor(1, 3)
    table.quiet(0)
    table.quiet(1)
    index = standing(table, 1, b"one")
    table.retire(index)
    assert table.claim(2, b"two") is None
    table.quiet(0)
    assert table.claim(2, b"two") is None
    assert table.identity(index) == (1, b"one")
    table.quiet(1)
    assert table.claim(2, b"two") == index


def test_a_parked_reader_holds_nothing_up_and_a_woken_one_does_again() -> None:
    table = door.RoutingDoor(1, 1)
    table.quiet(0)
    table.retire(standing(table, 1, b"one"))
    assert table.claim(2, b"two") is None
    table.park(0)
    index = standing(table, 2, b"two")
    table.quiet(0)
    table.retire(index)
    assert table.claim(3, b"three") is None


def test_a_retired_slot_waits_until_no_run_queue_and_no_sender_has_it() -> None:
    table = door.RoutingDoor(1)
    index = standing(table, 1, b"one")
    table.set_scheduled(index, 1)
    assert table.reserve(index)
    table.retire(index)
    assert table.claim(2, b"two") is None
    table.set_scheduled(index, 0)
    assert table.claim(2, b"two") is None
    table.release(index)
    assert table.claim(2, b"two") == index


def test_one_agent_that_is_still_scheduled_does_not_hold_up_the_others() -> None:
    table = door.RoutingDoor(40)
    indexes = [standing(table, agent, b"n%d" % agent) for agent in range(1, 41)]
    table.set_scheduled(indexes[0], 1)
    for index in indexes:
        table.retire(index)
    again: list[int] = [table.claim(agent, b"m%d" % agent) for agent in range(101, 140)]
    assert sorted(again) == sorted(indexes[1:])
    assert table.claim(140, b"m140") is None
    table.set_scheduled(indexes[0], 0)
    assert table.claim(140, b"m140") == indexes[0]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("t.retire(i)", "is in place 1, not 2"),
        ("t.publish(i); t.publish(i)", "is in place 2, not 1"),
        ("t.publish(i); t.retire(i); t.retire(i)", "is in place 3, not 2"),
        ("t.publish(i); t.abandon(i)", "is in place 2, not 1"),
    ],
)
def test_a_step_out_of_turn_aborts_with_a_message(steps: str, said: str) -> None:
    code = (
        "from tests import core_doors; t = core_doors.load('routing_door').RoutingDoor(2)\n"
        f"i = t.claim(1, b'one'); {steps}"
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
    assert said in done.stderr


@pytest.mark.parametrize(("slots", "readers"), [(0, 1), (2**32 - 1, 1), (10, 65)])
def test_figures_out_of_range_are_refused(slots: int, readers: int) -> None:
    with pytest.raises(MemoryError):
        door.RoutingDoor(slots, readers)


@pytest.mark.parametrize("factor", [1, 2**16, 2**32, 2**47, 0x9E3779B97F4A7C15])
def test_chains_stay_short_for_ids_and_names_in_a_pattern(factor: int) -> None:
    table = door.RoutingDoor(65_536)
    table.add_many(1, 65_536, factor)
    by_id, by_name = table.longest_chains()
    # 65,536 balls thrown into as many bins: the fullest holds 8 or 9, above 14 once in a billion throws.
    assert 3 <= by_id <= 14
    assert 3 <= by_name <= 14


def test_every_table_has_keys_of_its_own() -> None:
    keys = {key for _ in range(8) for key in door.RoutingDoor(1).hash_keys()}
    assert len(keys) == 16


class RoutingModel(RuleBasedStateMachine):
    """Which agents stand, which slots are claimed, and what keeps each retired slot from coming back."""

    SLOTS = 6
    READERS = 2

    def __init__(self) -> None:
        super().__init__()
        self.table = door.RoutingDoor(self.SLOTS, self.READERS)
        self.claimed: dict[int, tuple[int, bytes]] = {}
        self.standing: dict[int, tuple[int, bytes]] = {}
        # Retired slots: the readers that may still hold each.
        self.retired: dict[int, set[int]] = {}
        self.awake: set[int] = set()
        self.scheduled: set[int] = set()
        self.next_id = 1
        self.generations = [self.table.generation(index) for index in range(self.SLOTS)]

    def blocked(self) -> set[int]:
        return {index for index, readers in self.retired.items() if readers or index in self.scheduled}

    @rule(named=st.booleans())
    def claim(self, named: bool) -> None:
        name = b"agent-%d" % self.next_id if named else b""
        taken = self.claimed.keys() | self.standing.keys() | self.blocked()
        index = self.table.claim(self.next_id, name)
        if index is None:
            assert len(taken) == self.SLOTS
            return
        assert index not in taken
        self.retired.pop(index, None)
        self.claimed[index] = (self.next_id, name)
        self.next_id += 1

    @precondition(lambda self: self.claimed)
    @rule(publish=st.booleans(), draw=st.data())
    def decide(self, publish: bool, draw: st.DataObject) -> None:
        index = draw.draw(st.sampled_from(sorted(self.claimed)))
        identity = self.claimed.pop(index)
        if publish:
            self.table.publish(index)
            self.standing[index] = identity
        else:
            self.table.abandon(index)
            self.generations[index] += 1

    @precondition(lambda self: self.standing)
    @rule(scheduled=st.booleans(), draw=st.data())
    def retire(self, scheduled: bool, draw: st.DataObject) -> None:
        index = draw.draw(st.sampled_from(sorted(self.standing)))
        if scheduled:
            self.table.set_scheduled(index, 1)
            self.scheduled.add(index)
        self.table.retire(index)
        del self.standing[index]
        self.retired[index] = set(self.awake)
        self.generations[index] += 1

    @precondition(lambda self: self.scheduled)
    @rule()
    def run_a_retired_one(self) -> None:
        self.table.set_scheduled(self.scheduled.pop(), 0)

    @rule(reader=st.integers(0, READERS - 1), park=st.booleans())
    def pass_a_quiet_point(self, reader: int, park: bool) -> None:
        if park:
            self.table.park(reader)
            self.awake.discard(reader)
        else:
            self.table.quiet(reader)
            self.awake.add(reader)
        for readers in self.retired.values():
            readers.discard(reader)

    @invariant()
    def look_ups_agree(self) -> None:
        for index, (agent, name) in self.standing.items():
            assert self.table.find_id(agent) == index
            assert self.table.find_name(name) == (index if name else None)
        for agent, name in self.claimed.values():
            assert self.table.find_id(agent) is None
            assert self.table.find_name(name) is None

    @invariant()
    def generations_agree(self) -> None:
        assert [self.table.generation(index) for index in range(self.SLOTS)] == self.generations


TestRoutingModel = RoutingModel.TestCase
TestRoutingModel.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


@pytest.mark.sanitize
def test_a_reader_never_finds_a_wrong_agent_while_slots_are_used_again() -> None:
    stress.routing()
