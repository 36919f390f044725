"""A load of real agents on a real core: rings of guests that pass messages of 200 bytes to random others.

The guest patches the receiver's digits into a constant message and calls ``send``, so nearly all of the time
is the server's: envelope, routing, limits, fuel and deadline, copies, telemetry.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import wasmtime

from caxton._core.core import Core

MESSAGE_BYTES = 200
FIRST_ID = 1_000_000
ID_DIGITS = 7
LEAD = '{"performative":"inform","receiver":"'
MIDDLE = '","content":{"token":"pass it on","pad":"'
END = '"}}'
TEXT_AT = 16

GUEST = """
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
SEND = f"(call $send (i32.const {TEXT_AT}) (i32.const {MESSAGE_BYTES}))"


def guest(agents: int, *, sends: bool = True) -> bytes:
    """Assemble the guest; without ``sends`` it only prepares the text and returns 0 (for the bare loop)."""
    pad = MESSAGE_BYTES - len(LEAD) - ID_DIGITS - len(MIDDLE) - len(END)
    text = LEAD + "0" * ID_DIGITS + MIDDLE + "x" * pad + END
    source = GUEST.format(
        at=TEXT_AT, text=text.replace('"', '\\"'), first=FIRST_ID, agents=agents,
        last_digit=TEXT_AT + len(LEAD) + ID_DIGITS - 1, act=SEND if sends else "(i32.const 0)",
    )  # fmt: skip
    if not sends:
        source = source.replace('(import "caxton_v1" "send" (func $send (param i32 i32) (result i32)))', "")
    return bytes(wasmtime.wat2wasm(source))


@dataclass(frozen=True)
class Figures:
    """What one stretch of load did: messages, wall clock and processor seconds, waiting by histogram."""

    messages: int
    wall_s: float
    cpu_s: float
    waits: tuple[int, ...]
    bounds_ns: tuple[int, ...]

    def per_second(self) -> float:
        return self.messages / self.wall_s

    def cpu_ns(self) -> float:
        """Processor nanoseconds of the whole process for one message."""
        return self.cpu_s / self.messages * 1e9

    def wait_ns(self, quantile: float) -> int:
        """Upper bound of the bucket in which that quantile of the waiting times lies, in nanoseconds."""
        wanted, seen = quantile * sum(self.waits), 0
        for bound, count in zip(self.bounds_ns, self.waits, strict=True):
            seen += count
            if seen >= wanted:
                return bound
        return self.bounds_ns[-1]


class Load:
    """Agents that pass messages on for as long as the core runs."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def _read(self) -> tuple[int, list[int], list[int]]:
        reading = self._core.telemetry()
        handled = sum(worker["handled"] for worker in reading["workers"])
        return handled, list(reading["queue_wait"][2]), reading["bucket_upper_ns"]

    def run(self, *, messages: int = 0, seconds: float = 0.0) -> Figures:
        """Let so many messages, or so many seconds, go by."""
        before, waits_before, bounds = self._read()
        cpu, begun = time.process_time(), time.perf_counter()
        while True:
            time.sleep(0.001)
            after, waits, _ = self._read()
            wall = time.perf_counter() - begun
            if after - before >= max(messages, 1) and wall >= seconds:
                break
        spread = tuple(late - early for early, late in zip(waits_before, waits, strict=True))
        return Figures(after - before, wall, time.process_time() - cpu, spread, tuple(bounds))


def open_core(agents: int, *, workers: int = 1, messages: int = 65536) -> Core:
    """Make a core with room for so many agents."""
    return Core(
        workers=workers, agents_max=agents + 16, pool_messages=messages, message_bytes_max=1 << 20,
        epoch_tick_ms=1, instance_bytes_max=1 << 36, mappings_max=40000,
    )  # fmt: skip


def spawn_all(core: Core, wasm: bytes, agents: int) -> None:
    """Deploy ``agents`` instances of one module and wait until each has started."""
    code = core.compile(wasm, profile=0, copy_on_write=False)
    for i in range(agents):
        core.spawn(
            agent_id=FIRST_ID + i, name=b"agent-%d" % i, module=code, fuel_max=10**8, memory_bytes_max=16 << 20,
            execution_ms_max=1000, message_bytes_max=1 << 20, mailbox_max=1000, messages_per_s_max=0.0,
            restart_intensity=5, restart_period_ms=10_000, config={}, wasi=False,
        )  # fmt: skip
    started = 0
    while started < agents:
        events = core.take_completions(10_000)
        started += sum(1 for event in events if event[0] == 3)
        if not events:
            time.sleep(0.001)


@contextmanager
def load(agents: int, in_flight: int, *, workers: int = 1) -> Iterator[Load]:
    """Run ``agents`` guests with ``in_flight`` messages among them."""
    core = open_core(agents, workers=workers, messages=max(65536, 4 * in_flight))
    core.start()
    try:
        spawn_all(core, guest(agents), agents)
        core.spawn_external(agent_id=7, name=b"client", message_bytes_max=1 << 20, mailbox_max=1000)
        for i in range(in_flight):
            code = core.post(
                b'{"performative":"inform","receiver":"%d"}' % (FIRST_ID + i * 7919 % agents), 7, False
            )
            if code[0] != 0:
                raise RuntimeError(f"the first messages were refused: {code}")
        yield Load(core)
    finally:
        core.stop(5.0)
        core.close()
