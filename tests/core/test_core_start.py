"""How an instance comes up or does not: of a start that fails nothing is left, and the server lives on."""

import pytest

from caxton._core import core as names
from tests.core.live_core import binary, running

pytestmark = pytest.mark.sanitize

# One per import that takes a pointer, with arguments that would be in range of the memory of one page.
POINTERS = {
    "reply": "(drop (call $reply (i32.const 0) (i32.const 4)))",
    "send": "(drop (call $send (i32.const 0) (i32.const 4)))",
    "log": "(call $log (i32.const 2) (i32.const 0) (i32.const 4))",
    "random": "(drop (call $random (i32.const 0) (i32.const 4)))",
    "config_get": "(drop (call $config_get (i32.const 0) (i32.const 4)))",
    "register_capability": "(drop (call $register_capability (i32.const 0) (i32.const 4)))",
    "fetch": "(drop (call $fetch (i32.const 0) (i32.const 0) (i32.const 4)))",
    "kv_get": "(drop (call $kv_get (i32.const 0) (i32.const 4)))",
    "kv_set": "(drop (call $kv_set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4)))",
    "call_tool": "(drop (call $call_tool (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4)))",
}
# These touch no memory: they answer in a start function as anywhere.
HARMLESS = {
    "now_ms": "(drop (call $now_ms))",
    "monotonic_ns": "(drop (call $monotonic_ns))",
    "set_timer": "(drop (call $set_timer (i64.const 1) (i64.const 1)))",
    "cancel_timer": "(drop (call $cancel_timer (i64.const 1)))",
    "last_error": "(drop (call $last_error))",
}


def _starting(name: str, call: str) -> str:
    return f"""(module
      @import {name}
      @include agent
      (func $start {call})
      (start $start)
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""


def _with_exports(*functions: str) -> str:
    return f'(module (memory (export "memory") 1) {" ".join(functions)})'


ALLOC = '(func (export "caxton_alloc") (param i32) (result i32) (i32.const 16))'
HANDLE = '(func (export "handle_message") (param i32 i32) (result i32) (i32.const 0))'


def test_a_start_function_that_hands_a_pointer_to_the_host_traps() -> None:
    # Seen: the engine looked up a memory that belongs to no store, and ended the process.
    with running() as live:
        for name, call in POINTERS.items():
            event = live.refused(_starting(name, call))
            assert event.fault == "start", name
            assert "not in the start function" in event.text, name


def test_a_start_function_may_call_what_takes_no_pointer() -> None:
    with running() as live:
        for name, call in HARMLESS.items():
            live.up(_starting(name, call))


def test_wasi_calls_in_a_start_function_trap() -> None:
    calls = {
        "fd_write": ("i32 i32 i32 i32", "(i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)"),
        "clock_time_get": ("i32 i64 i32", "(i32.const 0) (i64.const 0) (i32.const 0)"),
        "random_get": ("i32 i32", "(i32.const 0) (i32.const 4)"),
        "args_sizes_get": ("i32 i32", "(i32.const 0) (i32.const 4)"),
        "fd_fdstat_get": ("i32 i32", "(i32.const 1) (i32.const 0)"),
    }
    with running() as live:
        for name, (types, arguments) in calls.items():
            source = f"""(module
              (import "wasi_snapshot_preview1" "{name}" (func $it (param {types}) (result i32)))
              @include agent
              (func $start (drop (call $it {arguments})))
              (start $start)
              (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
            assert "not in the start function" in live.refused(source, wasi=True).text, name


@pytest.mark.parametrize(
    ("exports", "named"),
    [
        ((ALLOC,), "handle_message"),
        ((HANDLE,), "caxton_alloc"),
        ((ALLOC, HANDLE.replace("param i32 i32", "param i32 i64")), "handle_message"),
        ((ALLOC, HANDLE.replace("param i32 i32", "param i32 i32 i32")), "handle_message"),
        ((ALLOC, HANDLE.replace("(result i32) (i32.const 0)", "")), "handle_message"),
        ((HANDLE, ALLOC.replace("(param i32)", "")), "caxton_alloc"),
        (
            (HANDLE, ALLOC.replace("result i32", "result f32").replace("i32.const", "f32.const")),
            "caxton_alloc",
        ),
        ((ALLOC, HANDLE, '(func (export "caxton_reply") (result i32) (i32.const 0))'), "caxton_reply"),
        ((ALLOC, HANDLE, '(func (export "caxton_init"))'), "caxton_init"),
        (
            (ALLOC, HANDLE, '(func (export "caxton_timer") (param i32) (result i32) (i32.const 0))'),
            "caxton_timer",
        ),
        ((ALLOC, HANDLE, '(func (export "_initialize") (param i32))'), "_initialize"),
        ((ALLOC, HANDLE, '(global (export "caxton_init") i32 (i32.const 0))'), "caxton_init"),
    ],
)
def test_an_export_of_another_type_never_gets_an_instance(exports: tuple[str, ...], named: str) -> None:
    # The shell's inspection refuses these; guest functions are entered unchecked, so the core looks as well.
    with running() as live:
        with pytest.raises(names.CoreError) as caught:
            live.spawn(_with_exports(*exports))
        assert caught.value.args[0] == "wasmtime"
        assert named in caught.value.args[1]


def test_many_results_in_place_of_one_never_get_an_instance() -> None:
    # Called unchecked it would write seven values behind the array that holds two.
    wide = HANDLE.replace(
        "(result i32) (i32.const 0)", "(result i32 i64 i64 i64 i64 i64 i64 i64) unreachable"
    )
    with running() as live:
        code = live.core.compile(binary(_with_exports(ALLOC, wide)), profile=1, copy_on_write=False)
        with pytest.raises(names.CoreError, match="handle_message"):
            live.core.spawn(
                agent_id=99,
                name=b"wide",
                module=code,
                fuel_max=0,
                memory_bytes_max=1 << 20,
                execution_ms_max=100,
                message_bytes_max=1000,
                mailbox_max=1,
                messages_per_s_max=0.0,
                restart_intensity=0,
                restart_period_ms=1,
                config={},
                wasi=False,
            )
        code.close()


def test_a_memory_under_another_name_is_no_memory() -> None:
    with running() as live, pytest.raises(names.CoreError, match="no memory"):
        live.spawn(f'(module (memory (export "mem") 1) {ALLOC} {HANDLE})')


@pytest.mark.parametrize(
    ("guest", "fault"),
    [
        ("start_traps", "trap"),
        ("start_loops", "fuel"),
        ("initialize_traps", "trap"),
        ("initialize_loops", "fuel"),
        ("init_refuses", "start"),
        ("alloc_traps", "trap"),
        ("alloc_zero", "alloc"),
        ("alloc_out_of_range", "alloc"),
        ("alloc_wraps", "alloc"),
        ("data_out_of_range", "trap"),
    ],
)
def test_a_start_that_goes_wrong_says_how_and_leaves_nothing(guest: str, fault: str) -> None:
    with running() as live:
        event = live.refused(guest, fuel_max=2_000_000)
        assert event.fault == fault
        assert event.text


def test_a_memory_limit_below_the_module_s_least_memory_is_refused() -> None:
    with running() as live:
        event = live.refused("big_data", memory_bytes_max=1 << 16)
        assert event.fault == "start"
        assert "memory" in event.text


def test_one_unit_of_fuel_is_too_little_to_start_and_harms_nobody() -> None:
    with running() as live:
        assert live.refused("echo", fuel_max=1).fault == "fuel"
        assert live.ask(live.up("echo")).performative == "inform"


def test_the_shortest_deadline_is_kept_or_missed_but_never_ignored() -> None:
    with running() as live:
        event = live.refused("initialize_loops", fuel_max=0, execution_ms_max=1)
        assert event.fault == "time"


@pytest.mark.parametrize("name", ["reply", "send"])
def test_a_reply_outside_of_a_message_is_refused_to_the_guest(name: str) -> None:
    # From _initialize, caxton_init and twice from caxton_alloc (the trial, the message): each time code -1.
    source = f"""(module
      @import {name} {"last_error" if name == "reply" else "reply"}
      (memory (export "memory") 1)
      (func (export "caxton_alloc") (param i32) (result i32) (call $try) (i32.const 16384))
      (global $refused (mut i32) (i32.const 0))
      (func $try
        (if (i32.eq (call ${name} `{{"performative":"inform"}}`) (i32.const -1))
          (then (global.set $refused (i32.add (global.get $refused) (i32.const 1))))))
      (func (export "_initialize") (call $try))
      (func (export "caxton_init") (result i32) (call $try) (i32.const 0))
      (func (export "handle_message") (param i32 i32) (result i32)
        (if (i32.eq (global.get $refused) (i32.const 4))
          (then (drop (call $reply `{{"performative":"inform","content":true}}`)))
          (else (drop (call $reply `{{"performative":"inform","content":false}}`))))
        (i32.const 1)))"""
    with running() as live:
        assert live.ask(live.up(source)).body["content"] is True


def test_what_caxton_init_sends_arrives_once_the_agent_runs() -> None:
    source = """(module
      @import send
      @include agent
      (func (export "caxton_init") (result i32)
        (call $send `{"performative":"inform","receiver":"me","content":"up"}`))
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
    with running() as live:
        agent = live.up(source)
        letter = live.letter()
        assert (letter.sender_id, letter.body["content"]) == (agent.id, "up")


def test_what_a_failing_start_has_sent_never_leaves() -> None:
    source = """(module
      @import send
      @include agent
      (func (export "caxton_init") (result i32)
        (drop (call $send `{"performative":"inform","receiver":"me","content":"up"}`)) (i32.const -4))
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
    with running() as live:
        assert live.refused(source).fault == "start"
        assert live.depth(live.me) == 0
        assert live.waiting == []
