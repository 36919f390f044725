"""A load of real agents on a real core: guests that pass messages of 200 bytes to random others.

The guest patches the receiver's digits into a constant message and calls ``send``, so nearly all of the time
is the server's: envelope, routing, limits, fuel and deadline, copies, telemetry. The only page of the
benchmarks that opens the core by hand.
"""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

from caxton._core.core import EVENT_STARTED, KIND_EVENT, Core
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols

if TYPE_CHECKING:
    from caxton._core.core import ModuleCode

MESSAGE_BYTES: Final = 200
FIRST_ID: Final = 1_000_000
CLIENT_ID: Final = 7
ID_DIGITS: Final = 7
LEAD: Final = '{"performative":"inform","receiver":"'
MIDDLE: Final = '","content":{"token":"pass it on","pad":"'
END: Final = '"}}'
TEXT_AT: Final = 16
START_S: Final = 120.0
Act = Callable[[], object]

GUEST: Final = """
(module
  (import "caxton_v1" "send" (func $send (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $state (mut i32) (i32.const 12345))
  (data (i32.const {at}) "{text}")
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "handle_message") (param $in i32) (param i32) (result i32) (local $id i32) (local $digit i32)
    ;; A byte of the incoming message's random id keeps agents of one module from walking in step.
    (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1103515245))
      (i32.add (i32.const 12345) (i32.load8_u (i32.add (local.get $in) (i32.const 20))))))
    (local.set $id (i32.add (i32.const {first})
      (i32.rem_u (i32.shr_u (global.get $state) (i32.const 8)) (i32.const {agents}))))
    (local.set $digit (i32.const {last_digit}))
    (loop $next
      (i32.store8 (local.get $digit) (i32.add (i32.const 48) (i32.rem_u (local.get $id) (i32.const 10))))
      (local.set $id (i32.div_u (local.get $id) (i32.const 10)))
      (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
      (br_if $next (local.get $id)))
    {act}))
"""
SEND: Final = f"(call $send (i32.const {TEXT_AT}) (i32.const {MESSAGE_BYTES}))"
IMPORT_SEND: Final = '(import "caxton_v1" "send" (func $send (param i32 i32) (result i32)))'


def guest(agents: int, *, sends: bool = True, prefix: str = "") -> bytes:
    """Assemble the guest; without ``sends`` it only prepares the text and returns 0 (for the bare loop).

    With a prefix it sends to names: the prefix and the number that would be the id.
    """
    lead = LEAD + prefix
    pad = MESSAGE_BYTES - len(lead) - ID_DIGITS - len(MIDDLE) - len(END)
    text = lead + "0" * ID_DIGITS + MIDDLE + "x" * pad + END
    source = GUEST.format(
        at=TEXT_AT, text=text.replace('"', '\\"'), first=FIRST_ID, agents=agents,
        last_digit=TEXT_AT + len(lead) + ID_DIGITS - 1, act=SEND if sends else "(i32.const 0)",
    )  # fmt: skip
    if not sends:
        source = source.replace(IMPORT_SEND, "")
    return bytes(wasmtime.wat2wasm(source))


@dataclass(frozen=True)
class Figures:
    """What one stretch of load did: messages, wall clock, and the processor seconds of the core's threads."""

    messages: int
    wall_s: float
    cpu_s: float

    def per_second(self) -> float:
        return self.messages / self.wall_s

    def cpu_ns(self) -> float:
        """Processor nanoseconds of workers and ticker for one message."""
        return self.cpu_s / self.messages * 1e9


class Load:
    """Agents that pass messages on for as long as the core runs."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def handled(self) -> int:
        """Return how many messages the workers have handled since the start."""
        return sum(worker["handled"] for worker in self.core.telemetry()["workers"])

    def run(self, seconds: float) -> Figures:
        """Let so much time go by; this thread sleeps, so that the processor time is the core's."""
        before, cpu, begun = self.handled(), core_cpu_s(), time.perf_counter()
        rest(seconds)
        after, wall, spent = self.handled(), time.perf_counter() - begun, core_cpu_s() - cpu
        return Figures(max(after - before, 1), wall, spent)


def core_cpu_s() -> float:
    """Processor seconds of all threads but the calling one."""
    return time.process_time() - time.thread_time()


def rest(seconds: float) -> None:
    """Let time go by without using the processor."""
    threading.Event().wait(seconds)


@contextmanager
def own_processors() -> Generator[None]:
    """Keep this thread on the first processor and the core's workers on the others, where there are others.

    So the scheduler cannot put a worker behind a sender that never sleeps.
    """
    allowed = os.sched_getaffinity(0)
    first, *others = sorted(allowed)
    if others:
        for thread in threading.enumerate():
            if thread.native_id is not None:
                os.sched_setaffinity(thread.native_id, others)
        os.sched_setaffinity(0, [first])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def open_core(
    agents: int,
    *,
    workers: int = 1,
    messages: int = 65536,
    conversations: int = 65536,
    history: int = 64 << 20,
) -> Core:
    """Make a core with room for so many agents."""
    return Core(
        workers=workers, agents_max=agents + 64, pool_messages=messages, message_bytes_max=1 << 20,
        epoch_tick_ms=1, instance_bytes_max=1 << 40, mappings_max=40000, protocols=compile_protocols(PROTOCOLS),
        conversations_max=conversations, participants_max=1000, reply_by_ms=30_000, conversation_ttl_ms=300_000,
        loop_hops=10_000,
        history_bytes=history,
    )  # fmt: skip


def spawn(
    core: Core, number: int, code: "ModuleCode", *, fuel_max: int = 10**8, name: str = ""
) -> tuple[int, int]:
    """Ask for one agent with the limits that agents have by default, and a supervisor that never gives up."""
    return core.spawn(
        agent_id=FIRST_ID + number, name=(name or f"agent-{number}").encode(), module=code, fuel_max=fuel_max,
        memory_bytes_max=16 << 20, execution_ms_max=1000, message_bytes_max=1 << 20, mailbox_max=1000,
        messages_per_s_max=0.0, restart_intensity=1 << 30, restart_period_ms=10_000, config={}, wasi=False,
    )  # fmt: skip


def await_started(core: Core, agents: int) -> None:
    """Wait until so many agents have said that they started.

    Raises:
        RuntimeError: they did not in time.
    """
    started, deadline = 0, time.monotonic() + START_S
    while started < agents:
        events = core.take_completions(10_000)
        started += sum(1 for event in events if event[0] == KIND_EVENT and event[4] == EVENT_STARTED)
        if time.monotonic() > deadline:
            raise RuntimeError(f"{started} of {agents} agents started")
        if not events:
            rest(0.001)


def spawn_all(core: Core, wasm: bytes, agents: int, *, first: int = 0) -> "ModuleCode":
    """Deploy instances of one module, numbered from ``first``, and wait until each has started."""
    code = core.compile(wasm, profile=0, copy_on_write=False)
    for number in range(first, agents):
        spawn(core, number, code)
    await_started(core, agents - first)
    return code


def post(core: Core, body: bytes) -> None:
    """Send a message from the client.

    Raises:
        RuntimeError: it was refused.
    """
    answer = core.post(body, CLIENT_ID, False)
    if answer[0] != 0:
        raise RuntimeError(f"a message was refused: {answer}")


@contextmanager
def opened(agents: int, *, workers: int = 1, messages: int = 65536) -> Generator[Core]:
    """Run a core with a client in it."""
    core = open_core(agents, workers=workers, messages=messages)
    core.start()
    try:
        core.spawn_external(
            agent_id=CLIENT_ID, name=b"client", message_bytes_max=1 << 20, mailbox_max=100_000
        )
        yield core
    finally:
        core.stop(5.0)
        core.close()


def set_going(core: Core, agents: int, in_flight: int) -> None:
    """Put so many messages among agents that pass them on."""
    for i in range(in_flight):
        post(core, b'{"performative":"inform","receiver":"%d"}' % (FIRST_ID + i * 7919 % agents))


def traffic(core: Core, agents: int, in_flight: int, seconds: float) -> float:
    """Let messages go among agents that pass them on; returns messages a second of processor time."""
    set_going(core, agents, in_flight)
    running = Load(core)
    running.run(seconds / 3)
    return 1e9 / running.run(seconds).cpu_ns()


@contextmanager
def load(agents: int, in_flight: int, *, workers: int = 1) -> Generator[Load]:
    """Run ``agents`` guests with ``in_flight`` messages among them."""
    with opened(agents, workers=workers, messages=max(65536, 4 * in_flight)) as core:
        spawn_all(core, guest(agents), agents)
        set_going(core, agents, in_flight)
        yield Load(core)
