"""What an agent costs while it waits, and a hundred thousand of them.

Method: resident memory of this process before and after agents of one small module were started and have
handled one message each; once in the core alone, once through `Runtime.deploy` with all that the server keeps
about an agent. Floor: a store and an instance of the same module by wasmtime's Python package. Each count
runs in a process of its own. A hundred thousand agents run under the kernel's default settings; then messages
go among all of them.
"""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import wasmtime

from benchmarks import house
from benchmarks.figure import Figure
from benchmarks.load import FIRST_ID, guest, opened, post, rest, spawn_all, traffic
from caxton.domain.ids import Digest
from tests.guests.corpus import guest as corpus_guest

IDLE: Final = 10_000
HOUSED: Final = 4_000
PLAIN: Final = 2_000
CROWD: Final = 100_000
CROWD_IN_FLIGHT: Final = 256
KIB: Final = 1024.0
GIB: Final = 1024.0**3
_PAGE: Final = 4096


def measure(effort: float) -> list[Figure]:
    """Measure for about a minute; `effort` shrinks the crowd, not below a tenth."""
    crowd = max(CROWD // 10, round(CROWD * min(effort, 1.0)))
    plain = _apart(_plain)["bytes"]
    core = _apart(_in_core)["bytes"]
    housed = _apart(_in_house)["bytes"]
    many = _apart(_crowd, crowd)
    return [
        Figure(
            name="idle agent in the core",
            unit="KiB",
            measured=core / KIB,
            aim=20.0,
            beside=plain / KIB,
            beside_name="wasmtime-py store",
            gated=True,
            claim="less than 20 KiB",
            method=f"{IDLE:,} agents that handled one message each, growth of resident memory",
        ),
        Figure(
            name="idle agent with all the server keeps",
            unit="KiB",
            measured=housed / KIB,
            aim=50.0,
            beside=plain / KIB,
            beside_name="wasmtime-py store",
            claim="less than 50 KiB",
            method=f"{HOUSED:,} agents through Runtime.deploy that handled one message each",
        ),
        Figure(
            name=f"{crowd:,} agents, resident",
            unit="GiB",
            measured=many["bytes"] / GIB,
            aim=4.0,
            claim="100,000 agents in less than 4 GiB with default kernel settings",
            method="the whole process after messages went among all of them",
        ),
        Figure(
            name=f"{crowd:,} agents, memory mappings",
            unit="maps",
            measured=many["maps"],
            aim=float(Path("/proc/sys/vm/max_map_count").read_text()) * 0.7,
            claim="under vm.max_map_count as it is",
            method="lines of /proc/self/maps",
        ),
        Figure(
            name=f"{crowd:,} agents started",
            unit="s",
            measured=many["start_s"],
            claim="no aim of its own",
            method="from the first spawn to the last one's event, one worker",
        ),
        Figure(
            name=f"messages among {crowd:,} agents",
            better="more",
            unit="msg/s",
            measured=many["rate"],
            beside=many["rate_of_1000"],
            beside_name="1,000 agents",
            claim="no aim of its own",
            method="one worker, 200 B, 256 in flight, random receivers, by processor time",
        ),
    ]


def _apart(question: Callable[..., dict[str, float]], *arguments: int) -> dict[str, float]:
    """Ask in a fresh process, so that nothing else has touched its memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(question, arguments)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _plain() -> dict[str, float]:
    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, guest(IDLE, sends=False))
    kept: list[object] = []
    before = _resident()
    for _ in range(PLAIN):
        store = wasmtime.Store(engine)
        kept.append((store, wasmtime.Instance(store, module, [])))
    return {"bytes": (_resident() - before) / len(kept)}


def _in_core() -> dict[str, float]:
    with opened(IDLE) as core:
        spawn_all(core, guest(IDLE, sends=False), 1)
        before = _resident()
        spawn_all(core, guest(IDLE, sends=False), IDLE, first=1)
        for number in range(IDLE):
            post(core, b'{"performative":"inform","receiver":"%d"}' % (FIRST_ID + number))
        while sum(worker["handled"] for worker in core.telemetry()["workers"]) < IDLE:
            rest(0.01)
        return {"bytes": (_resident() - before) / IDLE}


def _in_house() -> dict[str, float]:
    async def ask() -> dict[str, float]:
        async with house.housed(runtime__agents_max=HOUSED + 10, storage__durability="memory") as runtime:
            first = await house.deploy(runtime, "first", corpus_guest("silent"))
            digest = Digest(first.module_digest or "")
            sender = runtime.external_for(house.CALLER)
            before = _resident()
            for number in range(HOUSED):
                made = await house.deploy(runtime, f"agent-{number}", None, digest)
                body = b'{"performative":"inform","receiver":"%s"}' % made.agent_id.encode()
                runtime.post(body, sender, house.nobody_else)
            await house.turn()
            return {"bytes": (_resident() - before) / HOUSED}

    return house.run(ask)


def _crowd(agents: int) -> dict[str, float]:
    with opened(1000) as core:
        spawn_all(core, guest(1000), 1000)
        rate_of_1000 = traffic(core, 1000, CROWD_IN_FLIGHT, 1.5)
    with opened(agents) as core:
        begun = time.monotonic()
        spawn_all(core, guest(agents), agents)
        start_s = time.monotonic() - begun
        rate = traffic(core, agents, CROWD_IN_FLIGHT, 4.0)
        maps = Path("/proc/self/maps").read_text().count("\n")
        return {
            "bytes": _resident(),
            "maps": maps,
            "start_s": start_s,
            "rate": rate,
            "rate_of_1000": rate_of_1000,
        }
