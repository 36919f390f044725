"""After a start: every agent that the store has comes back, through the same functions as a new one.

In the order of their deployment, first those with a module that no earlier one brought into memory, many at a
time otherwise. One that cannot come back - its module is gone, does not start, is not allowed any more - is
failed with the reason, can be looked at, started again and deleted, and holds nobody up.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, final

import msgspec

from caxton.domain.agent import Loaded, Profile
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import Digest
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.lifecycle import Lifecycle
from caxton.storage.agents import StoredAgent

COMING_MAX: Final = 256
"""Agents that are on their way at a time: each occupies a worker, and the loop, for a moment."""

_log = logging.getLogger("caxton.runtime.recovery")


@final
class Recovered(msgspec.Struct):
    """What a recovery has done so far."""

    agents: int = 0
    running: int = 0
    stopped: int = 0
    failed: int = 0


@final
class Recovery:
    """Brings agents back. For the thread of the event loop, once, before anybody else changes agents."""

    def __init__(self, lifecycle: Lifecycle, now_ns: Callable[[], int]) -> None:
        self._lifecycle = lifecycle
        self._now_ns = now_ns
        self._coming: set[asyncio.Task[None]] = set()
        self._in_memory: set[tuple[Digest, Profile]] = set()
        self.progress: Final = Recovered()

    async def run(self, agents: list[StoredAgent]) -> None:
        """Bring these agents back; all have come, or are failed, when this returns."""
        begun_ns = self._now_ns()
        try:
            for record in [self._lifecycle.recall(stored) for stored in _latest_by_name(agents)]:
                await self._bring(record)
            await asyncio.gather(*self._coming)
        finally:
            for task in self._coming:
                task.cancel()
        if agents:
            progress = self.progress
            _log.info(
                "%d agents are back: %d running, %d stopped, %d failed",
                progress.agents,
                progress.running,
                progress.stopped,
                progress.failed,
                extra={
                    "event": "agents_recovered",
                    **msgspec.structs.asdict(progress),
                    "seconds": round((self._now_ns() - begun_ns) / 1e9, 3),
                },
            )

    async def _bring(self, record: AgentRecord) -> None:
        self.progress.agents += 1
        agent = record.agent
        if not isinstance(agent, Loaded):
            self.progress.stopped += 1
            return
        digest = record.digest
        code = None if digest is None else (digest, agent.spec.profile)
        if code is not None and code not in self._in_memory:
            # The next one with this module finds it in memory, and does not wait for the compiler.
            await self._come_back(record, agent)
            if record.lease is not None:
                self._in_memory.add(code)
            return
        while len(self._coming) >= COMING_MAX:
            await asyncio.wait(self._coming, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.get_running_loop().create_task(self._come_back(record, agent))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _come_back(self, record: AgentRecord, agent: Loaded) -> None:
        try:
            await self._lifecycle.come_back(record, agent)
        except CaxtonError:
            # The agent is failed, with the reason, and the log says so.
            self.progress.failed += 1
        else:
            self.progress.running += 1


def _latest_by_name(agents: list[StoredAgent]) -> list[StoredAgent]:
    """Return the agents without those whose name a later one has.

    That is an agent whose deployer went before it was told of it, and that could not be taken back.
    """
    latest = {stored.spec.name: stored.agent_id for stored in agents}
    found = [stored for stored in agents if latest[stored.spec.name] == stored.agent_id]
    if len(found) < len(agents):
        _log.warning(
            "%d agents that nobody was told of are left out",
            len(agents) - len(found),
            extra={"event": "agents_left_out"},
        )
    return found
