"""The timer wheel under virtual time: never early, at most one tick late, whatever the distance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import core_doors

pytestmark = pytest.mark.sanitize

door = core_doors.load("wheel_door")

TICK = 1_000_000
START = 5_000_000_000
# Where a level of the wheel has turned round once: 256 ticks, and 256 of those.
TURN = 256
LONG_TURN = 65536
DISTANCES = (0, 1, 2, 254, 255, 256, 257, 511, 512, 65279, 65280, 65535, 65536, 65537, 65792, 131072)


def _when(wheel: object, deadline_ns: int, limit_ticks: int) -> int:
    """Turn tick by tick until the one wake-up comes; returns the tick, counted from the wheel's start."""
    for _ in range(limit_ticks):
        wheel.turn(wheel.now_ns + TICK)  # type: ignore[attr-defined] - a door has no stub
        if wheel.come() == [deadline_ns]:  # type: ignore[attr-defined] - likewise
            return (wheel.now_ns - START) // TICK  # type: ignore[attr-defined] - likewise
    raise AssertionError("it never came")


@pytest.mark.parametrize(
    "ticks_done", [0, 1, 254, 255, 256, 257, 65279, 65280, 65535, 65536, 65537, 16777215]
)
@pytest.mark.parametrize("distance", DISTANCES)
def test_a_wake_up_comes_at_its_tick_across_every_turn_of_the_wheel(ticks_done: int, distance: int) -> None:
    wheel = door.WheelDoor(TICK, ticks_done, 10)
    due = ticks_done + distance
    wheel.set(START + due * TICK)
    # What is due already comes with the next tick.
    assert _when(wheel, START + due * TICK, distance + 2) == max(due, ticks_done + 1)
    assert wheel.count() == 0
    assert wheel.live() == 0


@pytest.mark.parametrize("offset_ns", [1, TICK // 2, TICK - 1])
def test_a_deadline_between_two_ticks_waits_for_the_later_one(offset_ns: int) -> None:
    wheel = door.WheelDoor(TICK, 100, 10)
    deadline = START + 110 * TICK + offset_ns
    wheel.set(deadline)
    assert _when(wheel, deadline, 20) == 111


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_against_a_sorted_list_nothing_comes_early_or_more_than_a_tick_late(data: st.DataObject) -> None:
    done = data.draw(st.integers(0, 3 * LONG_TURN), label="ticks done")
    wheel = door.WheelDoor(TICK, done, 1000)
    waiting: list[int] = []
    for _ in range(data.draw(st.integers(1, 12), label="rounds")):
        near = st.integers(0, 3 * TURN * TICK)
        far = st.integers(0, 2 * LONG_TURN * TICK)
        for delay in data.draw(st.lists(near | far, max_size=10), label="delays"):
            waiting.append(wheel.now_ns + delay)
            wheel.set(waiting[-1])
        step = data.draw(st.integers(0, 3 * TURN * TICK) | st.integers(0, LONG_TURN * TICK), label="step")
        wheel.turn(wheel.now_ns + step)
        come = wheel.come()
        for deadline in come:
            assert deadline <= wheel.now_ns
            waiting.remove(deadline)
        # Due at a tick that is over: the tick of the last turn, and of the one that set them.
        late = [it for it in waiting if it <= wheel.now_ns - 2 * TICK and step >= 2 * TICK]
        assert late == []
    wheel.turn(wheel.now_ns + 3 * LONG_TURN * TICK)
    assert sorted(wheel.come()) == sorted(waiting)
    assert wheel.live() == 0


def test_a_full_mailbox_makes_wake_ups_wait_not_vanish() -> None:
    wheel = door.WheelDoor(TICK, 255, 2)
    for _ in range(5):
        wheel.set(START + 256 * TICK)
    come: list[int] = []
    for _ in range(3):
        wheel.turn(wheel.now_ns + TICK)
        come.append(len(wheel.come()))
    assert come == [2, 2, 1]
    assert wheel.live() == 0


def test_wake_ups_of_a_removed_agent_are_given_back() -> None:
    wheel = door.WheelDoor(TICK, 0, 10)
    for ticks in (1, 300, 70000):
        wheel.set(START + ticks * TICK)
    wheel.turn(START)
    wheel.retire()
    wheel.turn(START + 80000 * TICK)
    assert wheel.come() == []
    assert wheel.live() == 0


def test_closing_gives_everything_back() -> None:
    wheel = door.WheelDoor(TICK, 0, 10)
    for ticks in (1, 300, 70000, 20_000_000):
        wheel.set(START + ticks * TICK)
    wheel.turn(START)
    wheel.set(START + TICK)
    wheel.close()
    assert wheel.live() == 0


def test_an_empty_wheel_jumps_over_a_long_sleep() -> None:
    wheel = door.WheelDoor(TICK, 0, 10)
    day = 24 * 3600 * 1000
    wheel.turn(START + day * TICK)
    wheel.set(START + (day + 5) * TICK)
    assert _when(wheel, START + (day + 5) * TICK, 10) == day + 5
