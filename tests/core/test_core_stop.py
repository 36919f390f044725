"""Stopping and closing: whatever guests do, workers end and memory is freed in the right order."""

import time

import pytest

from caxton._core import core as names
from tests.core.live_core import Event, LiveCore, running
from tests.guests.corpus import guest

pytestmark = pytest.mark.sanitize


SAYS_SO_AND_LOOPS = """(module
  @import log
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $log (i32.const 2) `here`)
    (loop $again (br $again))
    (unreachable)))"""


def _live(**settings: int) -> LiveCore:
    live = LiveCore(**settings)
    live.core.start()
    return live


def test_closing_with_agents_messages_and_timers_alive_frees_everything() -> None:
    live = _live()
    for name in ("echo", "timer", "counter"):
        live.up(name)
    live.spawn("echo")
    echo = live.up("echo", copy_on_write=True)
    for _ in range(20):
        live.post(echo)
        live.post(live.me)
    live.close()


def test_a_handler_that_loops_is_hurried_when_the_core_stops() -> None:
    live = _live(workers=1)
    agent = live.up(SAYS_SO_AND_LOOPS, fuel_max=0, execution_ms_max=300_000)
    live.post(agent)
    live.post(agent)
    live.wait(lambda it: not isinstance(it, Event) and it[0] == names.KIND_LOG)
    begun = time.monotonic()
    assert live.core.stop(0.2) is False
    assert time.monotonic() - begun < 15
    live.core.close()


def test_a_start_that_loops_is_hurried_when_the_core_stops() -> None:
    live = _live(workers=1)
    live.spawn("initialize_loops", fuel_max=0, execution_ms_max=300_000)
    live.until(lambda: live.core.live_instances() == 1)
    assert live.core.stop(0.2) is False
    live.core.close()


def test_a_core_is_closed_only_when_it_is_stopped_and_everything_after_it_is_refused() -> None:
    live = _live()
    agent = live.up("echo")
    code = live.code("echo")
    with pytest.raises(names.CoreError, match="stop the core"):
        live.core.close()
    with pytest.raises(names.CoreError, match="agents use this code"):
        code.close()
    with pytest.raises(names.CoreError, match="runs already"):
        live.core.start()
    assert live.core.stop(5.0)
    assert live.core.stop(5.0)
    # Seen: a second start brought workers that ended at once, so that no agent ever came up.
    with pytest.raises(names.CoreError, match="make a new one"):
        live.core.start()
    live.core.close()
    live.core.close()
    assert live.core.event_fd == -1
    for call in (
        live.core.start,
        live.core.telemetry,
        live.core.live_messages,
        live.core.live_instances,
        lambda: live.core.take_completions(1),
        lambda: live.post(agent),
        lambda: live.state(agent),
        lambda: live.spawn("echo"),
        lambda: live.core.validate(b"", profile=0),
        lambda: live.core.compile(b"", profile=0, copy_on_write=False),
    ):
        with pytest.raises(names.CoreError, match="closed"):
            call()


def test_machine_code_of_another_core_is_refused() -> None:
    # Seen: it keeps a pointer to the engine of the core that compiled it, which may be gone.
    first = _live()
    code = first.code("echo")
    assert first.core.stop(5.0)
    first.core.close()
    with running() as second:
        second.codes["echo", False] = code
        with pytest.raises(names.CoreError, match="another core"):
            second.spawn("echo")
        assert code.serialize()


def test_closed_machine_code_is_refused() -> None:
    with running() as live:
        code = live.code("echo")
        code.close()
        code.close()
        with pytest.raises(names.CoreError, match="closed"):
            live.spawn("echo")
        with pytest.raises(names.CoreError, match="closed"):
            code.serialize()


def test_machine_code_travels_through_bytes() -> None:
    with running() as live:
        stored = live.code("echo").serialize()
        live.codes["echo", False].close()
        live.codes["echo", False] = live.core.deserialize(stored, profile=0, copy_on_write=False)
        assert live.ask(live.up("echo")).performative == "inform"


@pytest.mark.parametrize("bad", [b"", b"\x00", b"\x7fELF", b"x" * 4096])
def test_bytes_that_are_no_machine_code_are_refused(bad: bytes) -> None:
    with running() as live, pytest.raises(names.CoreError) as caught:
        live.core.deserialize(bad, profile=0, copy_on_write=False)
    assert caught.value.args[0] == "wasmtime"


def test_machine_code_of_a_wider_profile_is_refused() -> None:
    with running() as live:
        code = live.core.compile(guest("bulk_memory"), profile=1, copy_on_write=False)
        stored = code.serialize()
        with pytest.raises(names.CoreError, match="reference_types"):
            live.core.deserialize(stored, profile=0, copy_on_write=False)
        with pytest.raises(names.CoreError, match="profile"):
            live.core.deserialize(stored, profile=2, copy_on_write=False)


def test_a_core_that_was_never_started_closes() -> None:
    live = LiveCore()
    live.spawn("echo")
    live.core.close()


def test_two_cores_in_one_process_do_not_meet() -> None:
    with running() as one, running() as two:
        first, second = one.up("counter"), two.up("counter")
        assert first.id == second.id
        one.ask(first)
        assert one.ask(first).body["content"] != two.ask(second).body["content"]
