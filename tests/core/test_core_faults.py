"""Guests that misbehave, straight on the core: the sender hears of it, and everything comes back."""

import json
from typing import Final

import pytest

from caxton._core import core as names
from tests.core.live_core import Agent, Limits, LiveCore, running
from tests.guests.cases import RUN_CASES, RunCase

pytestmark = pytest.mark.sanitize

# These spend their time in the host: little fuel stands for much of it.
HOST_BOUND: Final[dict[str, Limits]] = {
    "memory_nag": {"fuel_max": 2000, "memory_bytes_max": 1 << 20},
    "send_flood": {"fuel_max": 20_000},
    "log_flood": {"fuel_max": 20_000},
}
FINER = {"failure": "agent_error", "no_room": "alloc"}


def _quiet(live: LiveCore, agent: Agent) -> None:
    live.until(lambda: live.depth(agent) == 0)
    live.waiting.clear()


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: case.name)
def test_a_fault_is_answered_and_nothing_is_lost(case: RunCase) -> None:
    with running() as live:
        agent = live.up(case.name, **HOST_BOUND.get(case.name, {}))
        for _ in range(case.warm_up):
            assert live.ask(agent).performative == "inform"
        letter = live.ask(agent)
        assert (letter.performative, letter.is_host) == (case.answer, True)
        if case.kind is not None:
            assert FINER.get(letter.error_kind, letter.error_kind) == case.kind
            assert letter.error_text
        assert live.state(agent) == names.SLOT_RUNNING
        # It takes the next message as if nothing had been.
        if case.warm_up == 0:
            assert live.ask(agent).performative == case.answer
        _quiet(live, agent)


# (pointer, length): each beyond one page, many only when the sum is not taken in 32 bits and without sign.
OUT_OF_RANGE = [
    (65536, 1),
    (65535, 2),
    (0, 65537),
    (1, 65536),
    (-1, 1),
    (-1, 2),
    (-65536, 65536),
    (-65536, 131072),
    (0, -1),
    (-1, -1),
    (16, -16),
    (-2147483648, -2147483648),
    (2147483647, 2147483647),
]
CALLS = {
    "reply": "(drop (call $reply {0}))",
    "send": "(drop (call $send {0}))",
    "log": "(call $log (i32.const 2) {0})",
    "random": "(drop (call $random {0}))",
    "config_get": "(drop (call $config_get {0}))",
    "register_capability": "(drop (call $register_capability {0}))",
    "fetch": "(drop (call $fetch {1}))",
    "kv_get": "(drop (call $kv_get {0}))",
    "kv_set": "(drop (call $kv_set (i32.const 0) (i32.const 1) {0}))",
    "kv_delete": "(drop (call $kv_delete {0}))",
    "kv_list": "(drop (call $kv_list {0}))",
    "call_tool": "(drop (call $call_tool {0} (i32.const 0) (i32.const 1)))",
}


@pytest.mark.parametrize("name", CALLS)
def test_every_pointer_that_a_guest_gives_is_checked_against_its_memory(name: str) -> None:
    # One agent tries them all: it is thrown away and made anew each time, and calls the next pair.
    tries = "".join(
        f"(if (i32.eq (local.get $which) (i32.const {place})) (then "
        + CALLS[name].format(
            f"(i32.const {pointer}) (i32.const {length})",
            f"(i32.const {pointer}) (i32.const 0) (i32.const {length})",
        )
        + "))"
        for place, (pointer, length) in enumerate(OUT_OF_RANGE)
    )
    # The content is one letter, the last but two of the delivered text's end.
    source = f"""(module
      @import {name} {"last_error" if name == "reply" else "reply"}
      @include agent
      (func (export "handle_message") (param $at i32) (param $length i32) (result i32)
        (local $which i32)
        (loop $find
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $find (i32.ne (i32.load8_u (local.get $at)) (i32.const 64))))
        (local.set $which (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 65)))
        {tries}
        (drop (call $reply `{{"performative":"inform"}}`))
        (i32.const 1)))"""
    with running() as live:
        agent = live.up(source, restart_intensity=100)
        assert live.ask(agent, "@Z").performative == "inform"
        for place, pair in enumerate(OUT_OF_RANGE):
            letter = live.ask(agent, f"@{chr(65 + place)}")
            assert letter.performative == "failure", pair
            assert letter.error_kind == "trap", pair
            assert "out of range" in letter.error_text, pair
        live.waiting.clear()


def test_memory_that_moved_while_it_grew_is_read_where_it_is_now() -> None:
    # It grows by 40 pages, beyond its reservation, so that it moves: in alloc and again in the handler.
    source = """(module
      @import reply
      (memory (export "memory") 1)
      (func (export "caxton_alloc") (param i32) (result i32)
        (drop (memory.grow (i32.const 40)))
        (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4096)))
      (func (export "handle_message") (param $at i32) (param $length i32) (result i32)
        (drop (memory.grow (i32.const 40)))
        (i32.store8 (i32.sub (local.get $at) (i32.const 1)) (i32.const 32))
        (i64.store (i32.sub (local.get $at) (i32.const 35)) (i64.const 0x6f66726570220a7b))
        (drop (call $reply (local.get $at) (local.get $length)))
        (i32.const 1)))"""
    with running() as live:
        agent = live.up(source, memory_bytes_max=1 << 27)
        # The reply is the message itself, read from the moved memory. It names its sender, which no other
        # agent may: so the refusal shows that the host has read the very text.
        letter = live.ask(agent, "x" * 100)
        assert letter.error_kind == "reply"
        assert "only itself as sender" in letter.error_text


def test_a_reply_pulled_from_beyond_the_memory_is_refused() -> None:
    for value in ("0xffffffff_00000001", "0x00000000_ffffffff", "0xffffffff_ffffffff", "0x0000ffff_00000002"):
        source = f"""(module
          @include agent
          (func (export "caxton_reply") (result i64) (i64.const {value}))
          (func (export "handle_message") (param i32 i32) (result i32) (i32.const 1)))"""
        with running() as live:
            letter = live.ask(live.up(source))
            assert letter.error_kind == "reply"
            assert "outside of the memory" in letter.error_text


def test_wasi_pointers_are_checked() -> None:
    vectors = "(i32.store (i32.const 0) (i32.const {0})) (i32.store (i32.const 4) (i32.const {1}))"
    write = "(drop (call $fd_write (i32.const 1) (i32.const {0}) (i32.const {1}) (i32.const {2})))"
    bad = [
        vectors.format(65535, 2) + write.format(0, 1, 16),
        vectors.format(-1, 2) + write.format(0, 1, 16),
        vectors.format(0, -1) + write.format(0, 1, 16),
        write.format(65529, 1, 16),
        write.format(-8, 1, 16),
        vectors.format(16, 1) + write.format(0, 1, 65533),
    ]
    with running() as live:
        for body in bad:
            source = f"""(module
              (import "wasi_snapshot_preview1" "fd_write"
                (func $fd_write (param i32 i32 i32 i32) (result i32)))
              @include agent
              (func (export "handle_message") (param i32 i32) (result i32) {body} (i32.const 0)))"""
            assert live.ask(live.up(source, wasi=True)).error_kind == "trap", body
        live.waiting.clear()


def test_whoever_has_the_answer_finds_it_counted() -> None:
    # Seen: the answer was handed over before the message was counted.
    with running() as live:
        echo, trap = live.up("echo"), live.up("trap", restart_intensity=1000)
        for number in range(1, 200):
            live.ask(echo)
            assert live.handled(echo) == number
        assert sum(map(sum, live.core.telemetry()["processed"])) == 199
        live.ask(trap)
        assert live.handled(trap) == 1
        live.waiting.clear()


def test_instances_of_one_module_share_nothing() -> None:
    with running() as live:
        for copy_on_write in (False, True):
            one, two = (live.up("counter", copy_on_write=copy_on_write) for _ in range(2))
            first = live.ask(one).body["content"]
            assert live.ask(one).body["content"] != first
            assert live.ask(two).body["content"] == first


def test_slow_handlers_of_one_agent_do_not_take_the_turn_for_the_whole_batch() -> None:
    # Seen: with thirty runaway messages in one mailbox, each ended by its deadline, every other agent of that
    # worker waited for all thirty: many seconds, while the machine was busy.
    with running(workers=1) as live:
        hog = live.up("infinite_loop", execution_ms_max=20, fuel_max=0, restart_intensity=1000)
        other = live.up("echo")
        receivers = [hog.id] * 30 + [other.id]
        lines = [
            json.dumps({"performative": "request", "receiver": one, "content": None}) for one in receivers
        ]
        _, answers = live.core.post_lines("\n".join(lines).encode(), 0, 100, live.me.id, False)
        # Answers come in the order in which the one worker made them.
        came = [live.letter() for _ in answers]
        assert [letter.performative for letter in came].count("failure") == 30
        # The handler in hand, maybe the next one: not the batch.
        assert [letter.performative for letter in came].index("inform") <= 3
