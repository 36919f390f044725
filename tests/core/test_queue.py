"""The mailbox against a plain deque, and between threads."""

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("mailbox_door")

MESSAGES = 200


def test_a_new_mailbox_is_empty_and_gives_nothing() -> None:
    box = door.MailboxDoor(4, 1)
    assert box.is_empty()
    assert box.depth() == 0
    assert box.pop() is None


def test_messages_come_out_in_the_order_of_acceptance_across_several_takes() -> None:
    box = door.MailboxDoor(100, 6)
    for number in (0, 1, 2):
        box.push(number)
    assert box.pop() == 0
    for number in (3, 4, 5):
        box.push(number)
    assert [box.pop() for _ in range(6)] == [1, 2, 3, 4, 5, None]


def test_a_full_mailbox_refuses_and_leaves_its_depth_as_it_was() -> None:
    box = door.MailboxDoor(2, 1)
    assert [box.reserve() for _ in range(4)] == [True, True, False, False]
    assert box.depth() == 2
    box.release()
    assert box.reserve()


def test_a_mailbox_without_places_refuses_everything() -> None:
    assert not door.MailboxDoor(0, 1).reserve()


def test_a_message_given_back_is_the_next_one_again() -> None:
    box = door.MailboxDoor(4, 3)
    for number in range(3):
        box.push(number)
    first = box.pop()
    box.unpop(first)
    assert not box.is_empty()
    assert [box.pop() for _ in range(3)] == [0, 1, 2]


def test_the_only_message_can_be_given_back() -> None:
    box = door.MailboxDoor(4, 1)
    box.push(0)
    box.unpop(box.pop())
    assert not box.is_empty()
    assert box.pop() == 0
    assert box.is_empty()


class MailboxModel(RuleBasedStateMachine):
    """A deque, the places taken, and the messages in the consumer's hand."""

    def __init__(self) -> None:
        super().__init__()
        self.capacity = 5
        self.box = door.MailboxDoor(self.capacity, MESSAGES)
        self.waiting: deque[int] = deque()
        self.in_hand: list[int] = []
        self.places = 0
        self.idle = set(range(MESSAGES))

    @rule()
    def reserve(self) -> None:
        taken = self.box.reserve()
        assert taken == (self.places < self.capacity)
        self.places += taken

    @precondition(lambda self: self.places > len(self.waiting) + len(self.in_hand))
    @rule()
    def push(self) -> None:
        number = self.idle.pop()
        self.box.push(number)
        self.waiting.append(number)

    @rule()
    def pop(self) -> None:
        number = self.box.pop()
        assert number == (self.waiting.popleft() if self.waiting else None)
        if number is not None:
            self.in_hand.append(number)

    @precondition(lambda self: self.in_hand)
    @rule()
    def give_back_the_last(self) -> None:
        number = self.in_hand.pop()
        self.box.unpop(number)
        self.waiting.appendleft(number)

    @precondition(lambda self: self.in_hand)
    @rule()
    def finish(self) -> None:
        self.idle.add(self.in_hand.pop(0))
        self.box.release()
        self.places -= 1

    @rule(capacity=st.integers(0, 8))
    def change_the_capacity(self, capacity: int) -> None:
        self.capacity = capacity
        self.box.set_capacity(capacity)

    @invariant()
    def depth_and_emptiness_agree(self) -> None:
        assert self.box.depth() == self.places
        assert self.box.is_empty() == (not self.waiting)


TestMailboxModel = MailboxModel.TestCase
TestMailboxModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@pytest.mark.sanitize
def test_each_producers_order_is_kept_and_every_message_comes_once() -> None:
    stress.mailbox()


@pytest.mark.sanitize
def test_a_mailbox_of_one_place_passes_all_messages() -> None:
    stress.mailbox(producers=2, capacity=1, count=stress.ROUNDS)
