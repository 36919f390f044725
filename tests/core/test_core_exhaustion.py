"""What happens when something has run out: a clear refusal, everything given back, nobody waits for ever."""

import functools
from typing import Any

import pytest

from caxton._core import core as names
from tests.core.live_core import SETTINGS, running

pytestmark = pytest.mark.sanitize

PAGE = 65536


def test_events_outlive_an_exhausted_pool() -> None:
    # Seen: a start was told by a message from the pool; without one the deploy waited for ever.
    with running(pool_messages=64, workers=1) as live:
        # A reader that acknowledges nothing does not hold messages; what waits in the core's queue does.
        reader = live.outside("reader", mailbox_max=1000)
        small = 0
        while live.post(reader)[0] == names.POST_ACCEPTED:
            small += 1
        assert small >= 64
        agents = [live.spawn("trap", restart_intensity=0) for _ in range(5)]
        # Nothing was read meanwhile, so that no message was free for an event.
        for agent in agents:
            while live.state(agent) != names.SLOT_RUNNING:
                pass
        for agent in agents:
            event = live.event(agent)
            assert event.code == names.EVENT_STARTED
        for agent in agents:
            assert live.ask(agent).error_kind == "trap"
            assert live.event(agent).code == names.EVENT_FAILED
        assert live.core.telemetry()["rejected"][names.REJECT_REASONS.index("pool_exhausted")] == 1
        live.waiting.clear()


def test_every_way_out_of_an_exhausted_pool_gives_the_place_back() -> None:
    with running(pool_messages=64) as live:
        full = live.outside("full", mailbox_max=1000)
        other = live.up("silent", mailbox_max=1000)
        while live.post(full)[0] == names.POST_ACCEPTED:
            pass
        held = live.depth(full)
        for _ in range(100):
            assert live.post(full)[0] == names.POST_POOL_EXHAUSTED
            assert live.post([other.id, full.id])[0] == names.POST_POOL_EXHAUSTED
        assert live.depth(full) == held
        assert live.depth(other) == 0


def test_a_failure_is_told_when_the_pool_is_exhausted() -> None:
    # The host's own answers came from the pool like any other message: without one the sender heard nothing.
    flooder = """(module
      @import send
      @include agent
      (func (export "handle_message") (param i32 i32) (result i32)
        (loop $again (br_if $again (i32.eqz (call $send `{"performative":"inform","receiver":"reader"}`))))
        (i32.const 0)))"""
    with running(pool_messages=64, workers=1) as live:
        live.outside("reader", mailbox_max=1000)
        holder = live.up("infinite_loop", fuel_max=0, execution_ms_max=200)
        flood = live.up(flooder)
        trap = live.up("trap", restart_intensity=1)
        # While the holder has the only worker, the others get what they will handle one after the other.
        asked = [live.post(agent)[1] for agent in (holder, flood)]
        # Some of these lengths leave no room for a detail in the message that was sent.
        words = [
            letter * length for letter, length in zip("abcdef", (1, 150, 180, 200, 220, 255), strict=True)
        ]
        for word in words:
            assert live.post(trap, conversation_id=word, reply_with=word)[0] == names.POST_ACCEPTED
        # Nothing is read meanwhile, so that no message becomes free.
        while live.depth(trap) != 0:
            pass
        kinds: list[str] = []
        for word in (asked[0], *words):
            letter = live.letter(lambda it: it.body.get("in_reply_to") == word)  # noqa: B023 - used at once
            assert letter.is_host
            kinds.append(letter.error_kind)
        assert kinds == ["time", "trap", "trap", *["agent_failed"] * 4]
        assert live.core.telemetry()["rejected"][names.REJECT_REASONS.index("pool_exhausted")] == 1
        live.until(lambda: live.depth(flood) == 0)
        live.waiting.clear()


def test_a_full_mailbox_refuses_a_whole_list_and_keeps_nothing() -> None:
    with running() as live:
        live.slow_reader = True
        small = live.outside("small", mailbox_max=2)
        echo = live.up("silent")
        for _ in range(2):
            assert live.post(small)[0] == names.POST_ACCEPTED
        answer = live.post([echo.id, small.id, echo.id])
        assert (answer[0], answer[3]) == (names.POST_MAILBOX_FULL, small.id)
        assert live.depth(echo) == 0
        assert live.handled(echo) == 0
        live.until(lambda: len(live.waiting) == 2)
        with pytest.raises(names.CoreError, match="acknowledged"):
            live.core.acknowledge(small.index, small.generation, 3)
        live.core.acknowledge(small.index, small.generation, 2)
        assert live.depth(small) == 0


def test_a_list_that_names_one_agent_often_takes_a_place_for_each() -> None:
    with running() as live:
        live.slow_reader = True
        twin = live.outside("twin", mailbox_max=3)
        assert live.post([twin.id] * 4)[0] == names.POST_MAILBOX_FULL
        assert live.depth(twin) == 0
        assert live.post(["twin", twin.id, "twin"])[0] == names.POST_ACCEPTED
        assert live.depth(twin) == 3
        live.until(lambda: len(live.waiting) == 3)
        live.core.acknowledge(twin.index, twin.generation, 3)


def test_unread_messages_of_a_removed_external_agent_do_not_keep_its_slot() -> None:
    # Seen: what its reader had not acknowledged held places, and the slot was lost for good.
    with running(agents_max=2) as live:
        live.slow_reader = True
        for turn in range(20):
            reader = live.once_free(functools.partial(live.outside, f"reader-{turn}"))
            live.post(reader)
            live.post(reader)
            if turn % 2:
                live.until(lambda: len(live.waiting) == 2)
                live.waiting.clear()
            live.remove(reader)
            live.waiting.clear()


def test_slots_run_out_and_come_back() -> None:
    with running(agents_max=5) as live:
        agents = [live.up("echo") for _ in range(4)]
        with pytest.raises(names.CoreError) as caught:
            live.spawn("echo")
        assert caught.value.args[0] == "resource"
        with pytest.raises(names.CoreError, match="places for agents"):
            live.outside("late")
        live.remove(agents[0])
        assert live.ask(live.once_free(lambda: live.up("echo"))).performative == "inform"


def test_the_budget_for_memory_covers_all_that_an_instance_starts_with() -> None:
    # Seen: only the first page was reserved, so that instances of many pages went on far beyond the budget.
    big = """(module
      (memory (export "memory") 10)
      (func (export "caxton_alloc") (param i32) (result i32) (i32.const 16))
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
    one_page = big.replace(" 10)", " 1)")
    with running(instance_bytes_max=12 * PAGE) as live:
        first = live.up(big)
        event = live.refused(big)
        assert (event.fault, event.text) == ("resource", "the memory for instances is used up")
        live.up(one_page)
        live.up(one_page)
        assert live.refused(one_page).fault == "resource"
        live.remove(first)
        live.up(big)


def test_the_budget_for_mappings_counts_images_only() -> None:
    with running(mappings_max=5) as live:
        images = [live.up("echo", copy_on_write=True) for _ in range(2)]
        agent = live.spawn("echo", copy_on_write=True)
        event = live.event(agent)
        assert (event.code, event.fault) == (names.EVENT_START_FAILED, "resource")
        assert "max_map_count" in event.text
        live.remove(agent)
        live.up("echo")
        live.remove(images[0])
        assert live.ask(live.up("echo", copy_on_write=True)).performative == "inform"


def test_a_message_of_the_largest_size_arrives_and_one_byte_more_is_refused() -> None:
    largest = 1 << 20
    with running(message_bytes_max=largest) as live:
        echo = live.up("echo", message_bytes_max=largest)
        rest = len(b'{"performative": "request", "receiver": 2, "content": ""}')
        assert echo.id == 2
        refused = live.post(echo, "x" * (largest - rest + 1))
        assert (refused[0], refused[3]) == (names.POST_TOO_LARGE, (largest + 1, largest))
        # The echo is longer than what it echoes: the guest hears that, the sender gets a failure.
        assert live.ask(echo, "x" * (largest - rest)).error_kind == "reply"
        letter = live.ask(echo, "x" * (largest - 2000))
        assert len(letter.body["content"]["content"]) == largest - 2000


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": 0},
        {"workers": 64},
        {"agents_max": 0},
        {"pool_messages": 63},
        {"message_bytes_max": 0},
        {"message_bytes_max": (1 << 64) - 1},
        {"message_bytes_max": (1 << 32) - 4096},
        {"epoch_tick_ms": 0},
    ],
)
def test_a_core_of_impossible_measures_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(names.CoreError) as caught:
        names.Core(**{**SETTINGS, **settings})
    assert caught.value.args[0] == "argument"


def test_an_agent_of_impossible_measures_is_refused() -> None:
    with running() as live:
        live.up("echo", "taken")
        for name in ("taken", "", "x" * 256):
            with pytest.raises(names.CoreError, match=r"named|needs"):
                live.core.spawn_external(agent_id=500, name=name.encode(), message_bytes_max=1, mailbox_max=1)
        with pytest.raises(names.CoreError, match="exists"):
            live.core.spawn_external(agent_id=live.me.id, name=b"new", message_bytes_max=1, mailbox_max=1)
        with pytest.raises(names.CoreError, match="needs"):
            live.core.spawn_external(agent_id=0, name=b"zero", message_bytes_max=1, mailbox_max=1)
