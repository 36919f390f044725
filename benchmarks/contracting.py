"""A Contract Net as one call of the service, among a thousand sandboxed bidders, and a thousand at once.

Method: a whole runtime in this process, two workers, bidders of the demonstration (C), each with a price of
its own. A call takes from `TaskService.open` to the end of the task: one multicast, a proposal from each, one
award, 999 rejections, one report. Every award is checked. Floor: the same multicast and the same proposals,
counted by a listener that does nothing else.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final, final

import orjson

from benchmarks import house
from benchmarks.figure import Figure, median
from caxton.clock import SystemClock
from caxton.domain.ids import AgentId, Digest, parse_agent_name, parse_capability
from caxton.runtime.deploy_request import DeployRequest
from caxton.runtime.runtime import Runtime
from caxton.server import spare_collections
from caxton.tasks.assembly import ProtocolServices
from caxton.tasks.award import Ranked
from caxton.tasks.request import Invited, TaskRequest
from caxton.tasks.task_view import TaskView
from tests.sdk.built import demo_agent

BIDDERS: Final = 1000
NETS: Final = 1000
NET_BIDDERS: Final = 10
CALLS: Final = 20
CAPABILITY: Final = "count-primes"
CHEAPEST: Final = ("lowest", "price")


def measure(effort: float) -> list[Figure]:
    """Measure for about two seconds times `effort`."""
    spare_collections()
    return house.run(lambda: _measure(max(3, round(CALLS * effort))))


async def _measure(calls: int) -> list[Figure]:
    async with _market() as (runtime, services):
        floors: list[float] = []
        singles: list[float] = []
        counter = _Counter(runtime)
        for _ in range(calls):
            floors.append(await counter.round_trip())
            singles.append(await _one(services))
        crowds = [await _many(services) for _ in range(max(2, calls // 5))]
    nets = NETS / median(crowds)
    return [
        Figure(
            name=f"a task among {BIDDERS:,} bidders, one call",
            unit="ms",
            measured=median(singles) * 1000,
            aim=100.0,
            beside=median(floors) * 1000,
            beside_name="call and proposals alone",
            claim="the right award, rejections and report included, within 100 ms",
            method=f"TaskService.open to the end of the task, two workers, middle of {calls}",
        ),
        Figure(
            name=f"{NETS:,} Contract Nets of {NET_BIDDERS} at once",
            unit="nets/s",
            better="more",
            measured=nets,
            beside=BIDDERS / NET_BIDDERS / median(singles),
            beside_name="the one call, by tens of bidders",
            claim="every award is right; no aim of its own",
            method=f"all opened in one turn of the loop, {NETS * NET_BIDDERS:,} proposals, two workers",
        ),
    ]


@asynccontextmanager
async def _market() -> AsyncGenerator[tuple[Runtime, ProtocolServices]]:
    async with house.housed(runtime__workers=2, runtime__agents_max=BIDDERS + 100) as runtime:
        services = ProtocolServices(runtime, SystemClock())
        await services.start()
        try:
            await _deploy(runtime)
            yield runtime, services
        finally:
            await services.stop()


async def _deploy(runtime: Runtime) -> None:
    digest: Digest | None = None
    for number in range(BIDDERS):
        request = DeployRequest(
            name=parse_agent_name(f"bidder-{number}"),
            module_digest=digest,
            capabilities=(parse_capability(CAPABILITY),),
            config={"price_base": str(_price(number)), "price_per_1000": "0"},
        )
        made = await runtime.deploy(request, demo_agent("bidder") if digest is None else None)
        digest = Digest(made.module_digest or "")


def _price(number: int) -> int:
    """Return a price that no other bidder has; the cheapest is neither the first nor the last."""
    return (number * 617 + 311) % BIDDERS


def _request(invited: Invited) -> TaskRequest:
    return TaskRequest(task=b'{"size":100}', invited=invited, rule=Ranked(*CHEAPEST))


async def _one(services: ProtocolServices) -> float:
    request = _request(Invited(capability=parse_capability(CAPABILITY)))
    begun = time.perf_counter()
    task = await services.tasks.wait(services.tasks.open(request), 60.0)
    taken = time.perf_counter() - begun
    _check(task, range(BIDDERS))
    assert len(task.rejected) == BIDDERS - 1
    return taken


async def _many(services: ProtocolServices) -> float:
    """Open all nets in one turn of the loop; each asks ten bidders of its own, each bidder takes part in ten."""
    asked = [[(net + place * 97) % BIDDERS for place in range(NET_BIDDERS)] for net in range(NETS)]
    begun = time.perf_counter()
    opened = [
        services.tasks.open(_request(Invited(agents=tuple(f"bidder-{number}" for number in numbers))))
        for numbers in asked
    ]
    tasks = await asyncio.gather(*(services.tasks.wait(task_id, 60.0) for task_id in opened))
    taken = time.perf_counter() - begun
    for task, numbers in zip(tasks, asked, strict=True):
        _check(task, numbers)
    return taken


def _check(task: TaskView, numbers: Sequence[int]) -> None:
    cheapest = min(numbers, key=_price)
    assert task.outcome == "result", task.outcome
    assert len(task.proposals) == len(numbers)
    assert [winner.name for winner in task.winners] == [f"bidder-{cheapest}"]
    assert task.result is not None
    assert orjson.loads(bytes(task.result))["primes"] == 25


@final
class _Counter:
    """Sends the call and counts the proposals, nothing else."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._left = 0
        self._done = asyncio.Event()
        self._agent: AgentId = runtime.service_agent("counter", lambda _: self._count())
        ids = [str(runtime.agent_id(f"bidder-{number}")) for number in range(BIDDERS)]
        self._body = orjson.dumps({"performative": "cfp", "receiver": ids, "content": {"size": 100}})

    async def round_trip(self) -> float:
        self._left = BIDDERS
        self._done.clear()
        begun = time.perf_counter()
        self._runtime.post(self._body, self._agent, house.nobody_else)
        await self._done.wait()
        return time.perf_counter() - begun

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._done.set()
