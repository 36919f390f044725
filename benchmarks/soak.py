"""A long run with random troubles, and the books at its end.

    python -m benchmarks.soak --seconds 600 [--seed N]

A whole server runs in this process, on uvloop, with real sockets; actors (see `benchmarks.troubles`)
deploy, delete, drain, ask, flood, misuse the API and hang up, while a ring of agents passes messages on.
When the time is over they stop, every agent is deleted, and then must hold: every request of the poster had
one answer; no message and no instance is left in the core; instances equalled agents while both were; files
and tasks are as many as at the start; resident memory, but for what guests hold, grew by less than
GROWTH_BYTES_PER_MIN_MAX, as the line through the second half of a run of 150 s and more sees it; nothing
happened that is no outcome. The exit code is 0 when all of it holds. What fills up by design is filled
before the run (see `benchmarks.filling`).
"""

import argparse
import asyncio
import gc
import inspect
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
import uvloop

from benchmarks import filling, house, ledger, troubles
from benchmarks.ledger import Sample, Tally
from benchmarks.server_process import TOKEN
from benchmarks.troubles import Stage
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.ids import AgentId, parse_agent_name
from caxton.runtime.agent_view import AgentView
from caxton.runtime.deploy_request import ExternalRequest
from caxton.runtime.runtime import Runtime
from caxton.server import ServerHandle, spare_collections

GROWTH_BYTES_PER_MIN_MAX: Final = 2 << 20
# Before that a line through so few readings says little: the growth is shown and not judged.
JUDGED_FROM_S: Final = 150.0
SAMPLE_EVERY_S: Final = 1.0
SETTLE_S: Final = 30.0
WORKERS: Final = 2
SETTINGS: Final[dict[str, object]] = {
    # Actors wait for a drain at most this long, and the run for actors at most SETTLE_S.
    "deployment.drain_timeout_s": 10.0,
    "runtime.workers": WORKERS, "runtime.agents_max": 2000, "runtime.pool_messages": 65_536, "server.port": 0,
    "server.metrics_port": 0, "messaging.mailbox_max": 1000, "observability.log_level": "error",
}  # fmt: skip


class _Listener(logging.Handler):
    """Notes what the server itself calls an error of its own."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(logging.ERROR)
        self._tally = tally

    def emit(self, record: logging.LogRecord) -> None:
        # What guests log comes the same way, without an exception.
        if record.exc_info is not None:
            self._tally.wrong(f"logged: {record.getMessage()}: {record.exc_info[1]!r}")


async def soak(seconds: float, seed: int) -> list[str]:
    """Run it; returns what does not hold, with the figures printed on the way."""
    with tempfile.TemporaryDirectory(prefix="caxton-soak-") as directory:
        config = house.configuration(Path(directory), SETTINGS)
        handle = await ServerHandle.start(config, environ={"CAXTON_ROOT_TOKEN": TOKEN})
        try:
            spare_collections()
            return await _run(handle, seconds, seed)
        finally:
            await handle.stop()


async def _run(handle: ServerHandle, seconds: float, seed: int) -> list[str]:
    files, tasks = ledger.files(), len(asyncio.all_tasks())
    runtime = handle.runtime
    await filling.fill(
        runtime, {*troubles.ANSWERING, *troubles.SILENT}, troubles.NEW_MODULES, troubles.TOKENS
    )
    print("filled what fills up once", flush=True)
    stage = Stage(handle, seed, time.monotonic() + seconds)
    listening = _Listener(stage.tally)
    logging.getLogger("caxton").addHandler(listening)
    logging.getLogger("caxton").propagate = False
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: stage.tally.wrong(f"in the loop: {context}")
    )
    poster = await runtime.create_external(
        ExternalRequest(name=parse_agent_name(troubles.POSTER), owner="root", mailbox_max=100_000)
    )
    await troubles.start_ring(stage)
    samples: list[Sample] = []
    reading = asyncio.create_task(troubles.read(stage, runtime.inbox(troubles.POSTER)))
    sampling = asyncio.create_task(_sample(stage, samples))
    actors = [
        *(troubles.churn(stage, number) for number in range(8)),
        *(troubles.visit(stage, number) for number in range(3)),
        *(troubles.ask(stage, number) for number in range(troubles.ASKERS)),
        troubles.post(stage, AgentId(int(poster.agent_id))),
        *(
            act(stage)
            for act in (troubles.new_modules, troubles.disturb, troubles.hang_up, troubles.come_and_go)
        ),
    ]
    wrong = await _play([asyncio.create_task(actor) for actor in actors], seconds)
    sampling.cancel()
    wrong += await _quiet(stage)
    reading.cancel()
    await asyncio.wait([reading, sampling])
    wrong += await _empty(runtime)
    wrong += await _as_before(files, tasks)
    wrong += _memory(samples)
    wrong += [f"unexpected: {words}" for words in stage.tally.unexpected]
    for deed, count in sorted(stage.tally.done.items()):
        print(f"  {deed:48}{count:>12,}")
    print(f"  {'requests answered':48}{stage.requests.answered:>12,}")
    return wrong


async def _play(actors: list[asyncio.Task[None]], seconds: float) -> list[str]:
    """Wait for the actors; whatever one of them waits for must come."""
    _, stuck = await asyncio.wait(actors, timeout=seconds + SETTLE_S)
    wrong = [
        f"an actor failed: {actor.exception()!r}" for actor in actors if actor.done() and actor.exception()
    ]
    for actor in stuck:
        places = [f"{frame.f_code.co_name}:{frame.f_lineno}" for frame in _frames(actor)]
        wrong.append(f"an actor waits for ever: {' > '.join(places)}")
        actor.cancel()
    return wrong


def _frames(task: asyncio.Task[None]) -> list[FrameType]:
    """Return where a task is, through all that it awaits."""
    frames: list[FrameType] = []
    inner: object = task.get_coro()
    while inspect.iscoroutine(inner):
        if inner.cr_frame is not None:
            frames.append(inner.cr_frame)
        inner = inner.cr_await
    return frames


async def _sample(stage: Stage, samples: list[Sample]) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_EVERY_S)
        agents = _totals(stage.runtime)["agents"]
        sample = Sample(
            time.monotonic() - begun,
            ledger.resident_bytes(),
            sum(view.usage.memory_bytes for view in _agents(stage.runtime)),
            ledger.files(),
            len(asyncio.all_tasks()),
            agents,
        )
        samples.append(sample)
        if len(samples) % 15 == 0:
            print(
                f"{sample.at_s:6.0f} s  {sample.resident_bytes / 2**20:7.1f} MiB, "
                f"{sample.guest_bytes / 2**20:.1f} of them guests', {sample.agents} agents, "
                f"{sample.files} files, {sample.tasks} tasks, {len(stage.requests)} requests open, "
                f"{_totals(stage.runtime)['messages_in_flight']} messages in flight, "
                f"{sum(stage.tally.done.values()):,} deeds",
                flush=True,
            )


async def _until(condition: Callable[[], bool], timeout_s: float = SETTLE_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def _quiet(stage: Stage) -> list[str]:
    """Compare agents with instances and end the ring; the rest of the answers arrives meanwhile."""
    runtime = stage.runtime
    wrong: list[str] = []
    while open_before := len(stage.requests):
        # A busy machine may need long for what waits, but some of it must be answered all the time.
        if not await _until(lambda: len(stage.requests) < open_before):
            break
    if words := stage.requests.leftovers():
        wrong.append(words)
        wrong += [_debtor(runtime, name, owed) for name, owed in stage.requests.waited_for().most_common(10)]

    def differs() -> bool:
        return _totals(runtime)["instances"] != _with_instance(runtime)

    if not await _until(lambda: not differs()):
        wrong.append(f"{_totals(runtime)} but {_with_instance(runtime)} agents that should have an instance")
    return wrong


def _debtor(runtime: Runtime, name: str, owed: int) -> str:
    """Say how an agent is that owes answers."""
    try:
        view = runtime.get(name)
    except AgentNotFound:
        return f"{name} owes {owed} answers and is gone"
    return (
        f"{name} owes {owed} answers: it is {view.state}, {view.usage.mailbox_depth} messages wait, "
        f"{view.usage.messages_handled} were handled, {view.usage.faults} faults, last {view.usage.last_error}"
    )


def _totals(runtime: Runtime) -> dict[str, int]:
    return msgspec.convert(runtime.system()["totals"], dict[str, int])


def _agents(runtime: Runtime) -> Iterator[AgentView]:
    cursor = None
    while True:
        page, cursor = runtime.list(limit=500, cursor=cursor)
        yield from page
        if cursor is None:
            return


def _with_instance(runtime: Runtime) -> int:
    return sum(
        1 for view in _agents(runtime) if view.kind == "guest" and view.state in {"running", "draining"}
    )


async def _empty(runtime: Runtime) -> list[str]:
    """Delete every agent; nothing may be left in the core."""
    while True:
        page, _ = runtime.list(limit=500)
        if not page:
            break
        for view in page:
            await runtime.delete(view.agent_id)

    def rest() -> dict[str, int]:
        return _totals(runtime)

    await _until(lambda: not (rest()["instances"] or rest()["messages_in_flight"] or rest()["agents"]))
    left = rest()
    print(
        "left at the end:",
        {name: left[name] for name in ("agents", "instances", "messages_in_flight", "waiting_callers")},
    )
    return [
        f"{left[name]} {name} are left"
        for name in ("agents", "instances", "messages_in_flight", "waiting_callers")
        if left[name]
    ]


async def _as_before(files: int, tasks: int) -> list[str]:
    gc.collect()
    await _until(lambda: ledger.files() <= files and len(asyncio.all_tasks()) <= tasks, 10.0)
    now_files, now_tasks = ledger.files(), len(asyncio.all_tasks())
    print(f"files {files} at the start, {now_files} at the end; tasks {tasks}, {now_tasks}")
    wrong: list[str] = []
    if now_files > files:
        wrong.append(f"{now_files} files open instead of {files}: {ledger.file_names()}")
    if now_tasks > tasks:
        wrong.append(
            f"{now_tasks} tasks instead of {tasks}: {[task.get_coro() for task in asyncio.all_tasks()]}"
        )
    return wrong


def _memory(samples: list[Sample]) -> list[str]:
    growth = ledger.growth_bytes_per_min(samples)
    half = samples[len(samples) // 2 :]
    late = [sample.resident_bytes for sample in half] or [0]
    own = [sample.resident_bytes - sample.guest_bytes for sample in half] or [0]
    print(
        f"resident memory in the second half: {min(late) / 2**20:.1f} to {max(late) / 2**20:.1f} MiB, "
        f"without the guests' {min(own) / 2**20:.1f} to {max(own) / 2**20:.1f} MiB, "
        f"{growth / 2**20:+.2f} MiB a minute (bound {GROWTH_BYTES_PER_MIN_MAX / 2**20:g})"
    )
    if samples and samples[-1].at_s < JUDGED_FROM_S:
        print(f"too short a run to judge that by: it takes {JUDGED_FROM_S:g} s")
        return []
    if growth > GROWTH_BYTES_PER_MIN_MAX:
        return [f"resident memory grows by {growth / 2**20:.2f} MiB a minute"]
    return []


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    wrong = uvloop.run(soak(options.seconds, options.seed))
    for words in wrong:
        print(f"does not hold: {words}", file=sys.stderr)
    print("soak:", "failed" if wrong else "all holds", f"(seed {options.seed})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
