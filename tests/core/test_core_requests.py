"""Starting, draining and removing while other things happen: no request is lost, none is answered twice."""

import pytest

from caxton._core import core as names
from tests.core.live_core import Agent, LiveCore, running

pytestmark = pytest.mark.sanitize

# Sends one message to the agent named by config "to" and then loops until it is stopped: what it sent holds
# a place for that long and is discarded in the end.
HOLDER = """(module
  @import reply send config_get fetch
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $length i32)
    (local.set $length (call $config_get `to`))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $length)))
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"`)
    (call $put (i32.const 0) (local.get $length))
    (call $put `"}`)
    (drop (call $send (i32.const 8192) (call $text_len)))
    (loop $again (br $again))
    (unreachable)))"""
# Sends a message to itself (its name is "self") and answers.
TO_SELF = """(module
  @import send reply
  @include agent
  (global $told (mut i32) (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32)
    (if (global.get $told) (then (return (i32.const 0))))
    (global.set $told (i32.const 1))
    (if (call $send `{"performative":"inform","receiver":["self","self"]}`) (then unreachable))
    (drop (call $reply `{"performative":"inform"}`))
    (i32.const 1)))"""


def _drained(live: LiveCore, agent: Agent) -> None:
    assert live.request(agent, names.REQUEST_DRAIN)
    live.event(agent, names.EVENT_STOPPED)
    assert live.state(agent) == names.SLOT_STOPPED


def test_removal_right_after_the_spawn_takes_the_place_of_the_start() -> None:
    with running() as live:
        for _ in range(50):
            agent = live.spawn("echo")
            assert live.request(agent, names.REQUEST_REMOVE)
            live.event(agent, names.EVENT_REMOVED)
            live.core.retire(agent.index, agent.generation)
            assert live.state(agent) == names.SLOT_FREE
        live.waiting.clear()


def test_nothing_replaces_a_removal() -> None:
    # Seen: a drain or start that came before a worker had taken the removal overwrote it.
    with running() as live:
        for later in (names.REQUEST_DRAIN, names.REQUEST_START, names.REQUEST_REMOVE):
            agent = live.up("echo")
            if later == names.REQUEST_START:
                _drained(live, agent)
            assert live.request(agent, names.REQUEST_REMOVE)
            assert not live.request(agent, later)
            live.event(agent, names.EVENT_REMOVED)
            live.core.retire(agent.index, agent.generation)
        live.ask(live.up("echo"))
        assert live.waiting == []


def test_each_state_takes_only_the_requests_that_fit_it() -> None:
    with running() as live:
        agent = live.up("echo")
        assert not live.request(agent, names.REQUEST_START)
        _drained(live, agent)
        assert not live.request(agent, names.REQUEST_DRAIN)
        assert live.request(agent, names.REQUEST_START)
        live.event(agent, names.EVENT_STARTED)
        assert live.ask(agent).performative == "inform"
        with pytest.raises(names.CoreError, match="no request"):
            live.request(agent, 7)
        with pytest.raises(names.CoreError, match="after its removal"):
            live.core.retire(agent.index, agent.generation)


def test_an_external_agent_is_only_removed() -> None:
    # Seen: a start of an external agent would have followed the pointer to a module that it does not have.
    with running() as live:
        agent = live.outside("person")
        assert not live.request(agent, names.REQUEST_START)
        assert not live.request(agent, names.REQUEST_DRAIN)
        live.remove(agent)
        assert not live.request(agent, names.REQUEST_REMOVE)


def test_a_drain_ends_when_the_last_place_is_given_back_unused() -> None:
    # Seen: the place was released without a turn for the draining agent, which then drained for ever.
    with running() as live:
        target = live.up("silent", "target")
        holder = live.up(HOLDER, config={b"to": b"target"}, fuel_max=0, execution_ms_max=300)
        live.post(holder)
        live.until(lambda: live.depth(target) == 1)
        assert live.request(target, names.REQUEST_DRAIN)
        live.until(lambda: live.state(target) == names.SLOT_DRAINING)
        assert live.letter().error_kind == "time"
        live.event(target, names.EVENT_STOPPED)
        assert live.depth(target) == 0


def test_an_agent_that_is_removed_while_a_place_of_it_is_held_goes_when_it_is_free() -> None:
    with running(agents_max=4) as live:
        target = live.up("silent", "target")
        holder = live.up(HOLDER, config={b"to": b"target"}, fuel_max=0, execution_ms_max=300)
        live.post(holder)
        live.until(lambda: live.depth(target) == 1)
        live.remove(target)
        assert live.letter().error_kind == "time"
        # The slot is used again once nobody holds a place in it: all four are in use then.
        live.up("silent")
        live.once_free(lambda: live.up("silent"))


def test_what_waits_for_a_failed_agent_is_answered_and_a_start_brings_it_back() -> None:
    with running() as live:
        agent = live.up("trap", restart_intensity=0)
        # Those that came after the fault were refused at once.
        posts = [live.post(agent)[0] for _ in range(50)]
        waited = posts.count(names.POST_ACCEPTED)
        assert posts[waited:] == [names.POST_NOT_RUNNING] * (50 - waited)
        kinds = [live.letter().error_kind for _ in range(waited)]
        assert kinds == ["trap", *["agent_failed"] * (waited - 1)]
        assert live.event(agent).code == names.EVENT_FAILED
        answer = live.post(agent)
        assert (answer[0], answer[3]) == (names.POST_NOT_RUNNING, (agent.id, names.SLOT_FAILED))
        assert live.request(agent, names.REQUEST_START)
        assert live.event(agent).code == names.EVENT_STARTED
        assert live.ask(agent).error_kind == "trap"
        assert live.event(agent).code == names.EVENT_FAILED


def test_a_drain_during_a_fault_still_ends() -> None:
    with running() as live:
        agent = live.up("trap", restart_intensity=5)
        for _ in range(4):
            live.post(agent)
        assert live.request(agent, names.REQUEST_DRAIN)
        live.event(agent, names.EVENT_STOPPED)
        assert [live.letter().error_kind for _ in range(4)] == ["trap"] * 4
        live.waiting.clear()


def test_what_waits_for_a_removed_agent_is_answered() -> None:
    with running(workers=1) as live:
        busy = live.up("infinite_loop", fuel_max=0, execution_ms_max=2000)
        agent = live.up("echo")
        live.post(busy)
        for _ in range(5):
            live.post(agent)
        live.remove(agent)
        kinds = sorted(live.letter().body["content"]["error"]["kind"] for _ in range(6))
        assert kinds == [*["agent_removed"] * 5, "time"]


def test_a_message_to_itself_comes_after_the_one_in_hand_and_as_often_as_named() -> None:
    with running() as live:
        agent = live.up(TO_SELF, "self")
        assert live.ask(agent).performative == "inform"
        live.until(lambda: live.handled(agent) == 3)
        assert live.depth(agent) == 0


def test_a_stale_handle_reaches_nobody_after_the_slot_is_used_again() -> None:
    with running(agents_max=2) as live:
        old = live.up("echo")
        live.remove(old)
        new = live.once_free(lambda: live.up("echo"))
        assert (new.index, new.generation) == (old.index, old.generation + 1)
        assert live.state(old) == names.SLOT_FREE
        assert not live.request(old, names.REQUEST_REMOVE)
        live.core.acknowledge(old.index, old.generation, 1)
        for call in (live.core.retire, live.core.totals):
            with pytest.raises(names.CoreError, match="another agent"):
                call(old.index, old.generation)
        assert live.post(old)[0] == names.POST_NO_ROUTE
        assert live.ask(new).performative == "inform"
        with pytest.raises(names.CoreError, match="no slot"):
            live.core.state(2, 0)


def test_agents_come_and_go_under_load_and_nothing_is_left() -> None:
    with running() as live:
        steady = live.up("echo")
        for turn in range(60):
            agent = live.spawn(("trap", "echo", "counter")[turn % 3])
            live.event(agent)
            for _ in range(5):
                live.post(agent)
                live.post([agent.id, steady.id, agent.id])
            if turn % 2:
                live.request(agent, names.REQUEST_DRAIN)
            assert live.request(agent, names.REQUEST_REMOVE)
            live.event(agent, names.EVENT_REMOVED)
            live.core.retire(agent.index, agent.generation)
        live.until(lambda: live.depth(steady) == 0)
        assert live.ask(steady).performative == "inform"
