"""How long the server's loop is held up while the core is under full load and a thousand asks are under way.

Method: a whole server in this process, on uvloop; a thousand guests pass 256 messages on for ever on all
workers, a thousand tasks ask a guest for ever, and a heartbeat is due on the loop each millisecond. Its
lateness, less the time that this thread waited for a processor (as the kernel counts it), is what the loop's
own work held it up. Beside it: the same heartbeat with the same number of tasks that only wake each other,
without any core.
"""

import asyncio
import itertools
import tempfile
import time
from pathlib import Path
from typing import Final, final

from benchmarks import house, load
from benchmarks.figure import Figure
from benchmarks.spread import Spread
from caxton.domain.ids import Digest
from caxton.runtime.runtime import Runtime
from caxton.server import ServerHandle, spare_collections
from tests.guests.corpus import guest

AGENTS: Final = 1000
IN_FLIGHT: Final = 256
ASKS: Final = 1000
WORKERS: Final = 2
SECONDS: Final = 6.0
SETTLE_S: Final = 0.5
BEAT_NS: Final = 1_000_000
PREFIX: Final = "ring-"
ASK: Final = b'{"performative":"request","receiver":"echo","content":{"ask":"how long does this take?"}}'
_WAITED: Final = Path("/proc/thread-self/schedstat")


@final
class Heartbeat:
    """A date on the loop each millisecond."""

    def __init__(self) -> None:
        self.late_ns: list[int] = []
        self.held_up_ns: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._due_ns = time.monotonic_ns() + BEAT_NS
        self._waited_ns = waited_ns()
        self._beating = True
        self._loop.call_later(BEAT_NS / 1e9, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        self._beating = False

    def _beat(self) -> None:
        if not self._beating:
            return
        waited = waited_ns()
        late = max(time.monotonic_ns() - self._due_ns, 0)
        self.late_ns.append(late)
        self.held_up_ns.append(max(late - (waited - self._waited_ns), 0))
        self._waited_ns = waited
        self._due_ns = time.monotonic_ns() + BEAT_NS
        self._loop.call_later(BEAT_NS / 1e9, self._beat)


def waited_ns() -> int:
    """Return how long this thread has waited for a processor since it began."""
    return int(_WAITED.read_text().split()[1])


def measure(effort: float) -> list[Figure]:
    """Measure for about 20 seconds times `effort`."""
    seconds = max(2.0, SECONDS * effort)
    spare_collections()
    plain = house.run(lambda: _plain(seconds))
    beat, asks = house.run(lambda: _served(seconds))
    held, floor = Spread.of_ns(beat.held_up_ns), Spread.of_ns(plain.held_up_ns)
    method = f"{len(held):,} beats, {asks:,} asks meanwhile, {AGENTS} agents, {WORKERS} workers"
    name = "a thousand tasks without a core"
    return [
        Figure(
            name="loop held up under full load, p99.9",
            unit="ms",
            measured=held.quantile_ns(0.999) / 1e6,
            aim=10.0,
            beside=floor.quantile_ns(0.999) / 1e6,
            beside_name=name,
            claim="the loop is never blocked above 10 ms by the core",
            method=method,
        ),
        Figure(
            name="loop held up under full load, longest",
            unit="ms",
            measured=max(beat.held_up_ns) / 1e6,
            aim=10.0,
            beside=max(plain.held_up_ns) / 1e6,
            beside_name=name,
            claim="the loop is never blocked above 10 ms by the core",
            method=method,
        ),
        Figure(
            name="heartbeat's lateness, waiting for a processor included, p99.9",
            unit="ms",
            measured=Spread.of_ns(beat.late_ns).quantile_ns(0.999) / 1e6,
            beside_name=name,
            beside=Spread.of_ns(plain.late_ns).quantile_ns(0.999) / 1e6,
            claim="no aim of its own: a busy machine is in it",
            method=method,
        ),
    ]


async def _served(seconds: float) -> tuple[Heartbeat, int]:
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as directory:
        settings: dict[str, object] = {
            "runtime.workers": WORKERS,
            "server.port": 0,
            "server.metrics_port": 0,
            "messaging.mailbox_max": 10_000,
        }
        handle = await ServerHandle.start(
            house.configuration(Path(directory), settings), environ={"CAXTON_ROOT_TOKEN": "b" * 24}
        )
        try:
            return await _under_load(handle.runtime, seconds)
        finally:
            await handle.stop()


async def _under_load(runtime: Runtime, seconds: float) -> tuple[Heartbeat, int]:
    ring = load.guest(AGENTS, prefix=PREFIX)
    digest: Digest | None = None
    for number in range(AGENTS):
        name = f"{PREFIX}{load.FIRST_ID + number}"
        made = await house.deploy(runtime, name, ring if digest is None else None, digest)
        digest = Digest(made.module_digest or "")
    await house.deploy(runtime, "echo", guest("echo"))
    sender = runtime.external_for(house.CALLER)
    for number in range(IN_FLIGHT):
        body = b'{"performative":"inform","receiver":"%s%d"}' % (PREFIX.encode(), load.FIRST_ID + number)
        runtime.post(body, sender, house.nobody_else)
    done = itertools.count()
    over = time.monotonic() + seconds

    async def ask_again() -> None:
        while time.monotonic() < over:
            await runtime.ask(ASK, sender, house.nobody_else, 60.0)
            next(done)

    return await _beside(ask_again), next(done)


async def _plain(seconds: float) -> Heartbeat:
    """Run as many tasks, each woken by a future that the loop fulfils."""
    loop, over = asyncio.get_running_loop(), time.monotonic() + seconds

    async def wake_again() -> None:
        while time.monotonic() < over:
            answer: asyncio.Future[None] = loop.create_future()
            loop.call_soon(answer.set_result, None)
            await answer

    return await _beside(wake_again)


async def _beside(task: "house.Task") -> Heartbeat:
    async with asyncio.TaskGroup() as group:
        for _ in range(ASKS):
            group.create_task(task())
        # A thousand tasks that begin at once are a turn of their own.
        await asyncio.sleep(SETTLE_S)
        beat = Heartbeat()
    beat.stop()
    return beat
