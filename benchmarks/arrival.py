"""A new agent: of a module that the server knows, and of one that it has never seen.

Method: agents are deployed and deleted again one after the other, by `Runtime.deploy` in this process, which keeps
them in memory, and by `POST /agents` over one kept connection to a real server, which keeps them on the disk. The new modules have 5 KB of code that differs in a
constant. Floor of the known one: store and instance by wasmtime's Python package; of the new one: its
compilation by that package.
"""

import base64
import time
from collections.abc import Callable
from typing import Final

import httpx
import wasmtime

from benchmarks import house
from benchmarks.figure import Figure
from benchmarks.server_process import serving
from benchmarks.spread import Spread
from caxton.domain.ids import Digest
from tests.guests.corpus import guest

KNOWN: Final = 1500
NEW: Final = 60
MODULE_BYTES: Final = 5000
_STEP: Final = "(local.set $x (i32.add (i32.mul (local.get $x) (i32.const {a})) (i32.const {b})))"


def measure(effort: float) -> list[Figure]:
    """Measure for about 20 seconds times `effort`."""
    known, new = max(200, round(KNOWN * effort)), max(20, round(NEW * effort))
    inside, inside_new = house.run(lambda: _inside(known, new))
    with serving() as server, server.client() as client:
        outside = _outside(client, known // 2)
        outside_new = _outside_new(client, new)
    store = Spread.of_ns(_instances(known))
    compiled = Spread.of_ns(_compilations(new))
    return [
        _figure(
            "new agent, known module, in process",
            0.5,
            inside,
            None,
            store,
            "wasmtime-py instance",
            gated=True,
        ),
        _figure("new agent, known module, in process", 0.99, inside, 1.0, store, "wasmtime-py instance"),
        _figure(
            "new agent, known module, through the API", 0.5, outside, None, store, "wasmtime-py instance"
        ),
        _figure(
            "new agent, known module, through the API", 0.99, outside, 10.0, store, "wasmtime-py instance"
        ),
        _figure(
            "new agent, new module of 5 KB, in process",
            0.5,
            inside_new,
            50.0,
            compiled,
            "wasmtime-py compile",
        ),
        _figure(
            "new agent, new module of 5 KB, through the API",
            0.5,
            outside_new,
            50.0,
            compiled,
            "wasmtime-py compile",
        ),
        _figure(
            "new agent, new module of 5 KB, through the API",
            0.99,
            outside_new,
            50.0,
            compiled,
            "wasmtime-py compile",
        ),
    ]


def module(number: int) -> bytes:
    """Assemble an agent whose code has about 5 KB and is like no other's."""
    steps = "\n".join(_STEP.format(a=2**21 + number * 613 + i, b=2**22 + i) for i in range(310))
    made = bytes(
        wasmtime.wat2wasm(f"""
        (module (memory (export "memory") 1) (func (export "caxton_abi_v1"))
          (func (export "caxton_alloc") (param i32) (result i32) (i32.const 4096))
          (func (export "handle_message") (param i32 i32) (result i32) (local $x i32)
            {steps} (i32.and (local.get $x) (i32.const 0))))""")
    )
    assert MODULE_BYTES * 0.8 < len(made) < MODULE_BYTES * 1.2, len(made)
    return made


async def _inside(known: int, new: int) -> tuple[Spread, Spread]:
    # What the disk adds is measured through the API.
    async with house.housed(storage__durability="memory") as runtime:
        first = await house.deploy(runtime, "first", guest("echo"))
        digest = Digest(first.module_digest or "")
        taken: list[int] = []
        for number in range(known):
            begun = time.perf_counter_ns()
            await house.deploy(runtime, f"known-{number}", None, digest)
            taken.append(time.perf_counter_ns() - begun)
            await runtime.delete(f"known-{number}")
        taken_new: list[int] = []
        for number in range(new):
            wasm = module(number)
            begun = time.perf_counter_ns()
            await house.deploy(runtime, f"new-{number}", wasm)
            taken_new.append(time.perf_counter_ns() - begun)
            await runtime.delete(f"new-{number}")
    return Spread.of_ns(taken), Spread.of_ns(taken_new)


def _outside(client: httpx.Client, count: int) -> Spread:
    digest = str(_create(client, {"name": "first", "module": _text(guest("echo"))})["module_digest"])
    return _timed(client, count, lambda number: {"name": f"known-{number}", "module_digest": digest})


def _outside_new(client: httpx.Client, count: int) -> Spread:
    bodies = [{"name": f"new-{number}", "module": _text(module(1000 + number))} for number in range(count)]
    return _timed(client, count, lambda number: bodies[number])


def _timed(client: httpx.Client, count: int, body: Callable[[int], dict[str, str]]) -> Spread:
    taken: list[int] = []
    for number in range(count):
        asked = body(number)
        begun = time.perf_counter_ns()
        _create(client, asked)
        taken.append(time.perf_counter_ns() - begun)
        client.delete(f"/agents/{asked['name']}").raise_for_status()
    return Spread.of_ns(taken)


def _create(client: httpx.Client, body: dict[str, str]) -> dict[str, object]:
    answer = client.post("/agents", json=body)
    answer.raise_for_status()
    return answer.json()


def _text(wasm: bytes) -> str:
    return base64.b64encode(wasm).decode()


def _instances(count: int) -> list[int]:
    engine = wasmtime.Engine()
    known = wasmtime.Module(engine, module(0))
    taken: list[int] = []
    for _ in range(count):
        begun = time.perf_counter_ns()
        wasmtime.Instance(wasmtime.Store(engine), known, [])
        taken.append(time.perf_counter_ns() - begun)
    return taken


def _compilations(count: int) -> list[int]:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    engine = wasmtime.Engine(config)
    taken: list[int] = []
    for number in range(count):
        wasm = module(2000 + number)
        begun = time.perf_counter_ns()
        wasmtime.Module(engine, wasm)
        taken.append(time.perf_counter_ns() - begun)
    return taken


def _figure(
    name: str,
    share: float,
    taken: Spread,
    aim_ms: float | None,
    beside: Spread,
    beside_name: str,
    *,
    gated: bool = False,
) -> Figure:
    return Figure(
        name=f"{name}, p{share * 100:g}",
        claim="known module: p99 below 1 ms in process, below 10 ms through the API; new one below 50 ms",
        measured=taken.quantile_ns(share) / 1e6,
        unit="ms",
        aim=aim_ms,
        beside=beside.quantile_ns(share) / 1e6,
        beside_name=beside_name,
        gated=gated,
        method=f"{len(taken):,} deployments in a row, each deleted again, wall clock",
    )
