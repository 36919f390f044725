"""Looking things up in the directory, and what external agents tell it.

Guests register at run time through the core; an external agent, or whoever answers for it, does it here.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Collection
from contextlib import suppress
from itertools import islice
from typing import Final, final

import msgspec

from caxton.domain.agent import AgentKind
from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId, Capability
from caxton.domain.suggestion import near_names
from caxton.runtime.agent_ledger import AgentLedger
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.registry import Registry

# Agents that are counted in one go; after each slice the loop has its turn.
SLICE_AGENTS: Final = 500


class CapabilityCount(msgspec.Struct, frozen=True, kw_only=True):
    """A capability, how many agents have it, and how many of those run."""

    name: str
    agents_count: int
    running_count: int


Page = tuple[list[CapabilityCount], str | None]


@final
class YellowPages:
    """What agents can do, and who. For the thread of the event loop."""

    def __init__(self, registry: Registry, ledger: AgentLedger) -> None:
        self._registry = registry
        self._ledger = ledger

    async def page(self, prefix: str, has: Collection[str], limit: int, after: str) -> Page:
        """Return up to `limit` capabilities by name behind `after`, and the name to go on behind.

        With `has`, those of the agents that have all of these, counted among them.
        """
        directory = self._registry.directory
        if not has:
            names = list(islice(directory.names(prefix, after), limit + 1))
            counts = {name: directory.counts(name) for name in names}
        else:
            counts = await self._counts_among(has)
            wanted = sorted(name for name in counts if name.startswith(prefix))
            start = bisect_right(wanted, after) if after else 0
            names = wanted[start : start + limit + 1]
        rows = [
            CapabilityCount(name=name, agents_count=counts[name][0], running_count=counts[name][1])
            for name in names[:limit]
        ]
        return rows, names[limit - 1] if len(names) > limit else None

    def counts(self, capability: str) -> CapabilityCount:
        """Return how many agents have a capability.

        Raises:
            NotFound: none has; with near names.
        """
        agents, running = self._registry.directory.counts(capability)
        if agents == 0:
            suggestions = self._registry.near_capabilities(capability)
            raise NotFound("capability", capability, suggestions=suggestions)
        return CapabilityCount(name=capability, agents_count=agents, running_count=running)

    def capable(self, has: Collection[str], limit: int) -> list[AgentId]:
        """Return up to `limit` running agents that have all of one or more capabilities, oldest first."""
        return [record.agent.id for record in islice(self._registry.capable(has), limit)]

    async def register(self, agent: str, capability: Capability) -> AgentRecord:
        """Note that an external agent can do something, and keep it; idempotent.

        Raises:
            AgentNotFound, InvalidState: there is no such agent, or it is a module, which registers itself.
            ResourceLimitExceeded: it can do as much already as one agent may.
            StorageFull: it could not be kept; the agent can do what it could before.
        """
        record = self._external(agent, "register capability")
        is_new = capability not in record.capabilities
        self._registry.add_capability(record, capability)
        try:
            await self._ledger.declare(record)
        except CaxtonError:
            if is_new:
                self._registry.remove_capability(record, capability)
            raise
        return record

    async def deregister(self, agent: str, capability: Capability) -> None:
        """Note that an external agent cannot do something any more.

        Raises:
            AgentNotFound, InvalidState, StorageFull: as for `register`.
            NotFound: it could not anyway.
        """
        record = self._external(agent, "deregister capability")
        if not self._registry.remove_capability(record, capability):
            raise NotFound("capability", capability, suggestions=near_names(capability, record.capabilities))
        try:
            await self._ledger.declare(record)
        except CaxtonError:
            # Full in the meantime: others were registered in its place.
            with suppress(ResourceLimitExceeded):
                self._registry.add_capability(record, capability)
            raise

    def _external(self, agent: str, operation: str) -> AgentRecord:
        record = self._registry.find(agent)
        if record.agent.spec.kind is not AgentKind.EXTERNAL:
            subject = f"agent {record.name}, whose module declares what it can do,"
            raise InvalidState(record.state, operation, subject=subject)
        return record

    async def _counts_among(self, has: Collection[str]) -> dict[str, tuple[int, int]]:
        directory = self._registry.directory
        counts: dict[str, tuple[int, int]] = {}
        found = list(directory.holders(has))
        for start in range(0, len(found), SLICE_AGENTS):
            if start:
                await asyncio.sleep(0)
            directory.tally(found[start : start + SLICE_AGENTS], counts)
        return counts
