"""The one holder of agents: who is there, under which name, in which state, with which capabilities.

States are values of `caxton.domain.agent`; Python cannot consume a value, so a swap here compares the
agent's id and generation first: whoever holds an old state gets an error instead of overwriting a newer
one. A name is reserved from the moment a deployment begins until nothing of its agent is left.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple, final

from caxton.domain.agent import Agent, Running, StateName
from caxton.domain.errors.agent import AgentAlreadyExists, AgentNotFound
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import ParseError
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.ids import AgentId, AgentName, Capability, parse_agent_ref
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.directory import CAPABILITIES_MAX, Directory, Place
from caxton.runtime.resemblance import resembling
from caxton.runtime.seam import Slot

PAGE_AGENTS_MAX: Final = 1000


@final
class StaleState(Exception):
    """A swap started from a state that the agent has left."""


class Query(NamedTuple):
    """Which agents a caller wants to see; None, or no capability, matches all."""

    state: StateName | None = None
    capabilities: Collection[str] = ()
    label: str | None = None


@final
class Registry:
    """Agents by id, name, slot and capability. All methods are for the thread of the event loop."""

    def __init__(self) -> None:
        self._by_id: dict[AgentId, AgentRecord] = {}
        self._by_name: dict[AgentName, AgentRecord] = {}
        self._by_slot: dict[Slot, AgentRecord] = {}
        self._reserved: dict[AgentName, AgentId] = {}
        self._directory = Directory()
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
        self._directory.enter(Place(record.sequence), record.capabilities, runs=isinstance(agent, Running))

    def withdraw(self, record: AgentRecord) -> None:
        """Hide an agent; its name stays reserved until `release`."""
        agent = record.agent
        if self._by_id.pop(agent.id, None) is None:
            return
        del self._by_name[agent.spec.name]
        del self._by_sequence[record.sequence]
        self._listed.pop(bisect_right(self._listed, record.sequence) - 1)
        self._directory.leave(Place(record.sequence))

    def swap(self, record: AgentRecord, seen: Agent, new: Agent) -> None:
        """Replace the state `seen` by `new`.

        Raises:
            StaleState: the agent has left that state, or the states are of different agents.
        """
        held = record.agent
        if held.id != new.id or held.id != seen.id or held.generation != seen.generation:
            raise StaleState
        record.agent = new
        if new.id in self._by_id:
            self._directory.set_running(Place(record.sequence), isinstance(new, Running))

    def add_capability(self, record: AgentRecord, capability: Capability) -> None:
        """Note that an agent can do something.

        Raises:
            ResourceLimitExceeded: it can do as much already as one agent may.
        """
        if capability in record.capabilities:
            return
        if len(record.capabilities) >= CAPABILITIES_MAX:
            raise ResourceLimitExceeded(f"capabilities of agent {record.name}", CAPABILITIES_MAX)
        record.capabilities = (*record.capabilities, capability)
        if record.agent.id in self._by_id:
            self._directory.add(Place(record.sequence), capability)

    def remove_capability(self, record: AgentRecord, capability: str) -> bool:
        """Note that an agent cannot do something any more; False when it could not anyway."""
        if capability not in record.capabilities:
            return False
        record.capabilities = tuple(held for held in record.capabilities if held != capability)
        if record.agent.id in self._by_id:
            self._directory.remove(Place(record.sequence), capability)
        return True

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

    @property
    def directory(self) -> Directory:
        """What the shown agents can do; only the registry writes there, but for whose turn it is."""
        return self._directory

    def at(self, places: Iterable[Place]) -> Iterator[AgentRecord]:
        """Yield the agents at these places of the directory."""
        return (self._by_sequence[place] for place in places)

    def capable(self, capabilities: Collection[str]) -> Iterator[AgentRecord]:
        """Yield the running agents that have all of these capabilities, in the order of deployment."""
        return self.at(self._directory.holders(capabilities, running_only=True))

    def near_capabilities(self, word: str) -> tuple[str, ...]:
        """Return capabilities that look like `word`."""
        return resembling(word, self._directory.names())

    def page(self, query: Query, limit: int, cursor: str | None) -> tuple[list[AgentRecord], str | None]:
        """Return up to `limit` agents in the order of their deployment, and the cursor of the rest.

        Raises:
            CursorUnknown: the cursor is none of ours.
        """
        after = _sequence_of(cursor)
        limit = min(max(limit, 1), PAGE_AGENTS_MAX)
        found: list[AgentRecord] = []
        for record in self._candidates(query, after):
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

    def _candidates(self, query: Query, after: int) -> Iterator[AgentRecord]:
        """Yield, in order, the agents behind a place that are worth a look: of capabilities, the holders."""
        if query.capabilities:
            running_only = query.state == "running"
            return self.at(
                self._directory.holders(query.capabilities, after=Place(after), running_only=running_only)
            )
        behind = range(bisect_right(self._listed, after), len(self._listed))
        return (self._by_sequence[self._listed[index]] for index in behind)


def _matches(record: AgentRecord, query: Query) -> bool:
    if query.state is not None and record.state != query.state:
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
