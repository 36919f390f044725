"""A guest that never returns is stopped soon after its deadline, and the others do not feel it.

Method: the guest logs a line (which carries the wall clock) and loops. It has no limit of fuel, and a
deadline of 20 ms; the time from its line to the `failure` that its asker gets, less the deadline, is the
overrun, news on its way included. The tick is 1 ms. Meanwhile a thousand others pass messages on (see
`benchmarks.crowd`).
"""

import select
import time
from typing import Final

import wasmtime

from benchmarks.crowd import ASKER_ID, crowd
from benchmarks.figure import Figure, median
from benchmarks.load import FIRST_ID, Core, await_started, opened
from benchmarks.spread import Spread
from caxton._core.core import KIND_ACL, KIND_LOG

DEADLINE_MS: Final = 20
TIMES: Final = 120
ROUNDS: Final = 5
SECONDS: Final = 0.6
TICK_US: Final = 1000.0
_LOOP: Final = """
(module
  (import "caxton_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "here I go")
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 16) (i32.const 9))
    (loop $for_ever (br $for_ever))
    (unreachable)))
"""


def measure(effort: float) -> list[Figure]:
    """Measure for about 15 seconds times `effort`."""
    overruns = _overruns(max(30, round(TIMES * effort)))
    alone: list[int] = []
    beside: list[int] = []
    with crowd() as made:
        made.bring(bytes(wasmtime.wat2wasm(_LOOP)))
        for _ in range(max(3, round(ROUNDS * effort))):
            alone.append(made.hops(SECONDS).quantile_ns(0.99))
            beside.append(made.hops_beside(SECONDS)[0].quantile_ns(0.99))
    method = f"{len(overruns)} times, deadline {DEADLINE_MS} ms, tick 1 ms, one worker"
    return [
        Figure(
            name="runaway guest stopped after its deadline, p50",
            unit="us",
            aim=2 * TICK_US,
            beside=TICK_US,
            measured=overruns.quantile_ns(0.5) / 1000,
            beside_name="one tick",
            claim="within 2 ticks of its deadline",
            method=method,
        ),
        Figure(
            name="runaway guest stopped after its deadline, p99",
            unit="us",
            aim=2 * TICK_US,
            beside=TICK_US,
            measured=overruns.quantile_ns(0.99) / 1000,
            beside_name="one tick",
            claim="within 2 ticks of its deadline",
            method=method,
        ),
        Figure(
            name="1,000 agents' p99 beside a runaway guest",
            unit="us",
            measured=median(beside) / 1000,
            aim=2 * median(alone) / 1000,
            beside=median(alone) / 1000,
            beside_name="without it",
            claim="others' p99 unharmed",
            method="two workers, one of them always with the runaway; stretches take turns",
        ),
    ]


def _overruns(times: int) -> Spread:
    taken: list[int] = []
    with opened(10) as core:
        asker = core.spawn_external(
            agent_id=ASKER_ID, name=b"asker", message_bytes_max=1 << 20, mailbox_max=1000
        )
        code = core.compile(bytes(wasmtime.wat2wasm(_LOOP)), profile=0, copy_on_write=False)
        core.spawn(
            agent_id=FIRST_ID,
            name=b"runaway",
            module=code,
            fuel_max=0,
            memory_bytes_max=16 << 20,
            execution_ms_max=DEADLINE_MS,
            message_bytes_max=1 << 20,
            mailbox_max=10,
            messages_per_s_max=0.0,
            restart_intensity=1 << 30,
            restart_period_ms=1000,
            config={},
            wasi=False,
        )
        await_started(core, 1)
        for _ in range(times):
            core.post(b'{"performative":"request","receiver":"runaway"}', ASKER_ID, False)
            taken.append(_await_end(core) - DEADLINE_MS * 1_000_000)
            core.acknowledge(*asker, 1)
    return Spread.of_ns(taken)


def _await_end(core: Core) -> int:
    """Return nanoseconds from the guest's line to the failure."""
    begun, deadline = 0, time.monotonic() + 10
    while time.monotonic() < deadline:
        select.select([core.event_fd], [], [], 1.0)
        now = time.time_ns()
        for row in core.take_completions(100):
            if row[0] == KIND_LOG and isinstance(at := row[6], int):
                begun = at
            if row[0] == KIND_ACL:
                return now - begun
    raise RuntimeError("the runaway guest was not stopped")
