"""Timers of live agents: set, moved, cancelled, gone off; and when their instance or agent goes."""

import pytest

from caxton._core import core as names
from tests.core.live_core import Agent, LiveCore, running

pytestmark = pytest.mark.sanitize

# The content of a message is "@O DDDDDDD IIII": operation (0 set, 1 cancel, 2 trap), delay in ms, and id, as
# digits at fixed places behind the marker. The agent replies what the host said.
# A timer that goes off tells the agent "me" its id.
TIMEKEEPER = """(module
  @import reply send set_timer cancel_timer
  @include agent
  @include answer
  (func $digits (param $at i32) (param $count i32) (result i64)
    (local $value i64)
    (loop $again
      (local.set $value (i64.add
        (i64.mul (local.get $value) (i64.const 10))
        (i64.sub (i64.load8_u (local.get $at)) (i64.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $value))
  (func (export "handle_message") (param $at i32) (param $length i32) (result i32)
    (loop $find
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $find (i32.ne (i32.load8_u (local.get $at)) (i32.const 64))))
    (if (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 49))
      (then (return (call $reply_number (i64.extend_i32_s
        (call $cancel_timer (call $digits (i32.add (local.get $at) (i32.const 11)) (i32.const 4))))))))
    (if (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 50)) (then unreachable))
    (call $reply_number (i64.extend_i32_s (call $set_timer
      (call $digits (i32.add (local.get $at) (i32.const 3)) (i32.const 7))
      (call $digits (i32.add (local.get $at) (i32.const 11)) (i32.const 4))))))
  (func (export "caxton_timer") (param $id i64) (result i32)
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"me","content":{"timer":`)
    (call $put_number (local.get $id))
    (call $put `}}`)
    (call $send (i32.const 8192) (call $text_len))))"""


def _do(live: LiveCore, agent: Agent, op: int, delay_ms: int = 0, number: int = 0) -> object:
    letter = live.ask(agent, f"@{op} {delay_ms:07} {number:04}")
    if letter.performative == "failure":
        return letter.error_kind
    return letter.body["content"]["value"]


def _set(live: LiveCore, agent: Agent, delay_ms: int, number: int) -> object:
    return _do(live, agent, 0, delay_ms, number)


def _cancel(live: LiveCore, agent: Agent, number: int) -> object:
    return _do(live, agent, 1, 0, number)


def _gone_off(live: LiveCore) -> int:
    return live.letter(
        lambda it: isinstance(it.body["content"], dict) and "timer" in it.body["content"]
    ).body["content"]["timer"]


def test_timers_go_off_in_the_order_of_their_deadlines() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        for delay_ms, number in ((400, 3), (200, 1), (300, 2)):
            assert _set(live, agent, delay_ms, number) == 0
        assert [_gone_off(live) for _ in range(3)] == [1, 2, 3]


def test_a_timer_that_is_moved_goes_off_once_at_its_new_time() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        # Later: the wake-up that was under way goes on. Earlier: a second one is sent.
        for first_ms, then_ms in ((20, 150), (700, 20)):
            assert _set(live, agent, first_ms, 7) == 0
            assert _set(live, agent, then_ms, 7) == 0
            assert _set(live, agent, 250, 8) == 0
            assert [_gone_off(live), _gone_off(live)] == [7, 8]


def test_a_cancelled_timer_never_goes_off_and_cannot_be_cancelled_twice() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        assert _set(live, agent, 30, 1) == 0
        assert _cancel(live, agent, 1) == 0
        assert _cancel(live, agent, 1) == -2
        assert _set(live, agent, 100, 2) == 0
        assert _gone_off(live) == 2


def test_sixteen_timers_and_no_more() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        assert [_set(live, agent, 100 + number, number) for number in range(16)] == [0] * 16
        assert _set(live, agent, 100, 16) == -4
        # Moving one of them is no new one.
        assert _set(live, agent, 90, 0) == 0
        assert sorted(_gone_off(live) for _ in range(16)) == list(range(16))


def test_wake_ups_under_way_are_bounded_and_a_refused_move_leaves_the_timer_as_it_was() -> None:
    with running(wakeups_left=64) as live:
        agent = live.up(TIMEKEEPER)
        # Each move to an earlier time sends another wake-up; the late ones stay under way.
        moves = [_set(live, agent, 900_000 - 2000 * step, 1) for step in range(80)]
        assert moves == [0] * 64 + [-4] * 16
        # Not set at all, and not lost: the timer can be cancelled, so it still stands.
        assert _set(live, agent, 5, 2) == -4
        assert _cancel(live, agent, 2) == -2
        assert _cancel(live, agent, 1) == 0


def test_timers_of_a_replaced_instance_do_not_reach_the_next() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        assert _set(live, agent, 60, 1) == 0
        assert _do(live, agent, 2) == "trap"
        assert _cancel(live, agent, 1) == -2
        assert _set(live, agent, 200, 2) == 0
        assert _gone_off(live) == 2
        live.waiting.clear()


def test_timers_of_a_removed_agent_do_not_reach_the_next_in_its_slot() -> None:
    with running(agents_max=2) as live:
        old = live.up(TIMEKEEPER)
        assert _set(live, old, 60, 1) == 0
        live.remove(old)
        new = live.once_free(lambda: live.up(TIMEKEEPER))
        assert new.index == old.index
        assert _set(live, new, 200, 2) == 0
        assert _gone_off(live) == 2


def test_timers_of_a_drained_agent_are_gone_and_it_starts_without_them() -> None:
    with running() as live:
        agent = live.up(TIMEKEEPER)
        assert _set(live, agent, 60, 1) == 0
        assert live.request(agent, names.REQUEST_DRAIN)
        live.event(agent, names.EVENT_STOPPED)
        live.until(lambda: live.core.live_messages() == 0)
        assert live.request(agent, names.REQUEST_START)
        live.event(agent, names.EVENT_STARTED)
        assert _cancel(live, agent, 1) == -2


def test_delays_out_of_range_are_refused() -> None:
    with running() as live:
        lives_on = """(module
          @import reply set_timer
          @include agent
          @include answer
          (func (export "caxton_timer") (param i64) (result i32) (i32.const 0))
          (func (export "handle_message") (param i32 i32) (result i32)
            (call $reply_number (i64.extend_i32_s (i32.add
              (i32.mul (call $set_timer (i64.const -1) (i64.const 1)) (i32.const 10))
              (call $set_timer (i64.const 0x80000000) (i64.const 2)))))))"""
        assert live.ask(live.up(lives_on)).body["content"]["value"] == -11
