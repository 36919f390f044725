"""The agents as the store has them: who is kept, and what each is to be after a restart.

Each method is done when the disk has it, and raises when it has not; then nothing was changed. A caller that
goes while it waits has been told nothing: whatever it began is taken back. Once an agent is leaving, nothing
more is written of it, so that no later change brings its row back.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import final

import msgspec

from caxton.domain.agent import AgentKind, Unloaded
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId
from caxton.runtime.agent_record import AgentRecord
from caxton.storage.agents import StoredAgent, Wanted, agent_comes, agent_goes, agent_is
from caxton.storage.statement import Change
from caxton.storage.store import Store

_log = logging.getLogger("caxton.runtime.agent_ledger")


@final
class AgentLedger:
    """Writes agents into the store. For the thread of the event loop.

    What every method may raise: `StorageFull`, `ResourceLimitExceeded` (too much waits for the disk),
    `Unavailable`.
    """

    def __init__(self, store: Store, deployments_max: int) -> None:
        self._store = store
        self._deployments_max = deployments_max
        self._leaving: set[AgentId] = set()

    async def arrive(self, record: AgentRecord, deployed_by: str) -> None:
        """Keep a new agent, and who brought it."""
        stored = _stored(record, record.wanted)
        try:
            await self._store.append(agent_comes(stored, deployed_by, self._deployments_max))
        except asyncio.CancelledError:
            self._take_back(agent_goes(record.agent.id))
            raise
        record.kept = True

    async def want(self, record: AgentRecord, wanted: Wanted) -> None:
        """Keep what an agent is to be after a restart.

        Raises:
            AgentNotFound: it is leaving.
        """
        self.check_staying(record)
        before = record.wanted
        if wanted == before:
            return
        try:
            await self._store.append([agent_is(_stored(record, wanted))])
        except asyncio.CancelledError:
            if not self.is_leaving(record):
                self._take_back([agent_is(_stored(record, before))])
            raise
        record.wanted = wanted

    async def declare(self, record: AgentRecord) -> None:
        """Keep what an external agent can do, as its record has it; of one that is not kept, nothing.

        A caller that goes meanwhile changes nothing: the record and the store agree at the end.

        Raises:
            AgentNotFound: it is leaving.
        """
        self.check_staying(record)
        if record.kept:
            await self._store.append([agent_is(_stored(record, record.wanted))])

    async def leave(self, record: AgentRecord) -> None:
        """Forget an agent. Must not be cancelled.

        Raises:
            AgentNotFound: it is leaving already.
        """
        self.check_staying(record)
        self._leaving.add(record.agent.id)
        try:
            await self._store.append(agent_goes(record.agent.id))
        finally:
            self._leaving.discard(record.agent.id)

    def is_leaving(self, record: AgentRecord) -> bool:
        """Tell whether an agent is being forgotten at the moment."""
        return record.agent.id in self._leaving

    def check_staying(self, record: AgentRecord) -> None:
        """Let pass what is not leaving. Raises: AgentNotFound."""
        if self.is_leaving(record):
            raise AgentNotFound(record.name)

    def _take_back(self, changes: Sequence[Change]) -> None:
        try:
            self._store.append(changes)
        except CaxtonError as error:
            _log.warning(
                "what a caller began and gave up stays as it is: %s", error, extra={"event": "not_taken_back"}
            )


def _stored(record: AgentRecord, wanted: Wanted) -> StoredAgent:
    agent = record.agent
    assert not isinstance(agent, Unloaded), "an agent without a program is nowhere to be seen"
    spec = agent.spec
    if spec.kind is AgentKind.EXTERNAL:
        # What a guest adds by itself it adds again when it starts; nobody else would tell this one's.
        spec = msgspec.structs.replace(spec, capabilities=record.capabilities)
    return StoredAgent(
        agent_id=agent.id,
        spec=spec,
        program=agent.program,
        wanted=wanted,
        created_ns=agent.created_ns,
        deployment_id=record.deployment_id,
        wasi=record.wasi,
    )
