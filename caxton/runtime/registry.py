"""The one holder of agents: who is there, under which name, in which state, with which capabilities.

States are values of `caxton.domain.agent`; Python cannot consume a value, so a swap here compares the
agent's id and generation first: whoever holds an old state gets an error instead of overwriting a newer
one. A name is reserved from the moment a deployment begins until nothing of its agent is left.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple, final

from caxton.domain.agent import Agent, StateName
from caxton.domain.errors.agent import AgentAlreadyExists, AgentNotFound
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import ParseError
from caxton.domain.ids import AgentId, AgentName, Capability, parse_agent_ref
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.resemblance import resembling
from caxton.runtime.seam import Slot

PAGE_AGENTS_MAX: Final = 1000
# Of more agents with one capability than this a random sample is compared: near the best, at a bounded price.
CANDIDATES_COMPARED_MAX: Final = 64


@final
class StaleState(Exception):
    """A swap started from a state that the agent has left."""


class Query(NamedTuple):
    """Which agents a caller wants to see; None matches all."""

    state: StateName | None = None
    capability: str | None = None
    label: str | None = None


@final
class Registry:
    """Agents by id, name, slot and capability. All methods are for the thread of the event loop."""

    def __init__(self) -> None:
        self._by_id: dict[AgentId, AgentRecord] = {}
        self._by_name: dict[AgentName, AgentRecord] = {}
        self._by_slot: dict[Slot, AgentRecord] = {}
        self._reserved: dict[AgentName, AgentId] = {}
        self._by_capability: dict[str, dict[AgentId, AgentRecord]] = {}
        # Sequence numbers of listed agents in ascending order, and their records: the order of pages.
        self._sequence = 0
        self._listed: list[int] = []
        self._by_sequence: dict[int, AgentRecord] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[AgentRecord]:
        return iter(self._by_id.values())

    # --- coming and going ---

    def reserve(self, name: AgentName, agent_id: AgentId) -> None:
        """Hold a name for an agent that is on its way.

        Raises:
            AgentAlreadyExists: the name is held.
        """
        holder = self._reserved.get(name)
        if holder is not None:
            raise AgentAlreadyExists(name, agent_id=str(holder))
        self._reserved[name] = agent_id

    def release(self, name: AgentName, agent_id: AgentId) -> None:
        """Give a name back."""
        if self._reserved.get(name) == agent_id:
            del self._reserved[name]

    def is_taken(self, name: AgentName) -> bool:
        """Tell whether a name is held."""
        return name in self._reserved

    def attach(self, record: AgentRecord, slot: Slot) -> None:
        """Let events of a slot find the agent, which nobody else sees yet."""
        record.slot = slot
        self._by_slot[slot] = record

    def detach(self, record: AgentRecord) -> None:
        """Undo `attach`: nothing of the agent is left in the core."""
        if record.slot is not None:
            self._by_slot.pop(record.slot, None)
            record.slot = None

    def publish(self, record: AgentRecord) -> None:
        """Show an agent to everybody."""
        agent = record.agent
        assert self._reserved.get(agent.spec.name) == agent.id, "a name is reserved before its agent is shown"
        self._sequence += 1
        record.sequence = self._sequence
        self._by_id[agent.id] = record
        self._by_name[agent.spec.name] = record
        self._listed.append(record.sequence)
        self._by_sequence[record.sequence] = record
        for capability in record.capabilities:
            self._by_capability.setdefault(capability, {})[agent.id] = record

    def withdraw(self, record: AgentRecord) -> None:
        """Hide an agent; its name stays reserved until `release`."""
        agent = record.agent
        if self._by_id.pop(agent.id, None) is None:
            return
        del self._by_name[agent.spec.name]
        del self._by_sequence[record.sequence]
        self._listed.pop(bisect_right(self._listed, record.sequence) - 1)
        for capability in record.capabilities:
            self._drop_capability(capability, agent.id)

    def swap(self, record: AgentRecord, seen: Agent, new: Agent) -> None:
        """Replace the state `seen` by `new`.

        Raises:
            StaleState: the agent has left that state, or the states are of different agents.
        """
        held = record.agent
        if held.id != new.id or held.id != seen.id or held.generation != seen.generation:
            raise StaleState
        record.agent = new

    def add_capability(self, record: AgentRecord, capability: Capability) -> None:
        """Note that an agent can do something."""
        if capability in record.capabilities:
            return
        record.capabilities = (*record.capabilities, capability)
        if record.agent.id in self._by_id:
            self._by_capability.setdefault(capability, {})[record.agent.id] = record

    # --- finding ---

    def find(self, agent: str) -> AgentRecord:
        """Return the agent with this id or name.

        Raises:
            AgentNotFound: with near names.
        """
        record = self.known(agent)
        if record is None:
            raise AgentNotFound(agent, suggestions=self.near_names(agent))
        return record

    def known(self, agent: str) -> AgentRecord | None:
        """Return the agent with this id or name, if there is one."""
        record = self._by_name.get(AgentName(agent))
        if record is not None:
            return record
        try:
            ref = parse_agent_ref(agent)
        except ParseError:
            return None
        return self._by_id.get(ref) if isinstance(ref, int) else None

    def by_id(self, agent_id: AgentId) -> AgentRecord | None:
        """Return the agent with this id, if it is shown."""
        return self._by_id.get(agent_id)

    def by_name(self, name: str) -> AgentRecord | None:
        """Return the agent with this name, if it is shown."""
        return self._by_name.get(AgentName(name))

    def by_slot(self, slot: Slot) -> AgentRecord | None:
        """Return the agent in this slot, shown or not."""
        return self._by_slot.get(slot)

    def attached(self) -> list[AgentRecord]:
        """Return every agent that has a place in the core, shown or not."""
        return list(self._by_slot.values())

    def near_names(self, name: str) -> tuple[str, ...]:
        """Return names that look like `name`."""
        return resembling(name, self._by_name)

    def capable(self, capability: str) -> list[AgentRecord]:
        """Return the agents with a capability, in the order in which they got it."""
        return list(self._by_capability.get(capability, {}).values())

    def capable_sample(self, capability: str) -> list[AgentRecord]:
        """Return the agents with a capability, or a random sample where there are very many."""
        found = self._by_capability.get(capability)
        if found is None:
            return []
        if len(found) <= CANDIDATES_COMPARED_MAX:
            return list(found.values())
        return random.sample(list(found.values()), CANDIDATES_COMPARED_MAX)

    def capabilities(self) -> dict[str, int]:
        """Return every capability with the number of agents that have it."""
        return {name: len(agents) for name, agents in self._by_capability.items()}

    def page(self, query: Query, limit: int, cursor: str | None) -> tuple[list[AgentRecord], str | None]:
        """Return up to `limit` agents in the order of their deployment, and the cursor of the rest.

        Raises:
            CursorUnknown: the cursor is none of ours.
        """
        after = _sequence_of(cursor)
        limit = min(max(limit, 1), PAGE_AGENTS_MAX)
        found: list[AgentRecord] = []
        for place in range(bisect_right(self._listed, after), len(self._listed)):
            record = self._by_sequence[self._listed[place]]
            if not _matches(record, query):
                continue
            if len(found) == limit:
                return found, str(found[-1].sequence)
            found.append(record)
        return found, None

    # --- words for errors ---

    def words(self, agent_id: AgentId) -> str:
        """Return an agent's name, or its id where it has gone."""
        record = self._by_id.get(agent_id)
        return record.agent.spec.name if record is not None else str(agent_id)

    def mailbox_max(self, agent_id: AgentId) -> int:
        """Return the bound of an agent's mailbox, 0 where it has gone."""
        record = self._by_id.get(agent_id)
        return record.agent.spec.limits.mailbox_max if record is not None else 0

    def messages_per_s_max(self, agent_id: AgentId) -> float:
        """Return an agent's message rate, 0 where it has gone or is not limited."""
        record = self._by_id.get(agent_id)
        rate = record.agent.spec.limits.messages_per_s_max if record is not None else None
        return 0.0 if rate is None else rate

    def _drop_capability(self, capability: str, agent_id: AgentId) -> None:
        holders = self._by_capability.get(capability)
        if holders is not None:
            holders.pop(agent_id, None)
            if not holders:
                del self._by_capability[capability]


def _matches(record: AgentRecord, query: Query) -> bool:
    if query.state is not None and record.state != query.state:
        return False
    if query.capability is not None and query.capability not in record.capabilities:
        return False
    if query.label is None:
        return True
    key, sign, value = query.label.partition("=")
    labels = record.agent.spec.labels
    return key in labels and (not sign or labels[key] == value)


def _sequence_of(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= 18:
        return int(cursor)
    raise CursorUnknown(cursor)
