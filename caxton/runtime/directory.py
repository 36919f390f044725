"""The directory of capabilities: which agents can do what (the yellow pages, FIPA SC00023, 4.1).

A pure index. An agent is its place in the order of deployment, a number that is never used again; whoever
keeps the agents turns places into agents. Every answer comes from sorted lists of places, one for each
capability and another for those of its holders that run, so that a look-up costs what it finds: agents
without the capability are never looked at. Entries are bounded by the agents there may be, times
`CAPABILITIES_MAX`.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NewType, final

import msgspec

from caxton.domain.ids import Capability

Place = NewType("Place", int)
"""An agent's place in the order of deployment, from 1."""

# How many capabilities one agent may have, wherever they were declared.
CAPABILITIES_MAX: Final = 64

FIRST: Final = Place(0)
"""Before all places."""


class _Entry(msgspec.Struct, eq=False, gc=False):
    """One agent."""

    runs: bool
    capabilities: set[str]


class _Shelf(msgspec.Struct, eq=False, gc=False):
    """The agents with one capability. `running` is a part of `holders`; both ascend.

    `turn` is the agent that was chosen last: the next choice begins behind it.
    """

    holders: list[Place]
    running: list[Place]
    turn: Place = FIRST


@final
class Directory:
    """What agents can do. Whoever is not entered has no capabilities."""

    def __init__(self) -> None:
        self._entries: dict[Place, _Entry] = {}
        self._shelves: dict[str, _Shelf] = {}
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._shelves)

    # --- coming and going ---

    def enter(self, place: Place, capabilities: Iterable[Capability], *, runs: bool) -> None:
        """Add an agent with what it can do."""
        assert place > FIRST, "places count from 1"
        assert place not in self._entries, f"place {place} is taken"
        self._entries[place] = _Entry(runs, set())
        for capability in capabilities:
            self.add(place, capability)

    def leave(self, place: Place) -> None:
        """Remove an agent and all that it can do."""
        for capability in self._entries.pop(place).capabilities:
            self._take_from_shelf(place, capability)

    def add(self, place: Place, capability: Capability) -> None:
        """Note that an entered agent can do something; idempotent."""
        entry = self._entries[place]
        if capability in entry.capabilities:
            return
        assert len(entry.capabilities) < CAPABILITIES_MAX, "who declares capabilities keeps to the bound"
        entry.capabilities.add(capability)
        shelf = self._shelves.get(capability)
        if shelf is None:
            shelf = self._shelves[capability] = _Shelf([], [])
            insort(self._names, capability)
        insort(shelf.holders, place)
        if entry.runs:
            insort(shelf.running, place)

    def remove(self, place: Place, capability: str) -> None:
        """Note that an entered agent cannot do something any more; idempotent."""
        capabilities = self._entries[place].capabilities
        if capability in capabilities:
            capabilities.remove(capability)
            self._take_from_shelf(place, capability)

    def set_running(self, place: Place, runs: bool) -> None:
        """Note whether an entered agent runs: only then is it found for messages."""
        entry = self._entries[place]
        if entry.runs == runs:
            return
        entry.runs = runs
        for capability in entry.capabilities:
            running = self._shelves[capability].running
            if runs:
                insort(running, place)
            else:
                del running[bisect_left(running, place)]

    # --- names ---

    def __contains__(self, capability: str) -> bool:
        return capability in self._shelves

    def names(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield the capabilities that begin with `prefix` and come behind `after`, in order."""
        start = max(bisect_left(self._names, prefix), bisect_right(self._names, after) if after else 0)
        for index in range(start, len(self._names)):
            if not self._names[index].startswith(prefix):
                return
            yield self._names[index]

    def counts(self, capability: str) -> tuple[int, int]:
        """Return how many agents have a capability, and how many of them run."""
        shelf = self._shelves.get(capability)
        return (0, 0) if shelf is None else (len(shelf.holders), len(shelf.running))

    def tally(self, places: Iterable[Place], counts: dict[str, tuple[int, int]]) -> None:
        """Add to `counts` what the agents at these places can do; one that has left counts no more."""
        for place in places:
            entry = self._entries.get(place)
            if entry is not None:
                for capability in entry.capabilities:
                    agents, running = counts.get(capability, (0, 0))
                    counts[capability] = (agents + 1, running + entry.runs)

    # --- agents ---

    def holders(
        self, capabilities: Collection[str], *, after: Place = FIRST, running_only: bool = False
    ) -> Iterator[Place]:
        """Yield, in order and behind `after`, the agents that have all of one or more capabilities.

        Costs as much as the rarest of them has holders. For one go without awaiting.
        """
        assert capabilities, "a search names at least one capability"
        lists: list[list[Place]] = []
        for capability in capabilities:
            shelf = self._shelves.get(capability)
            if shelf is None:
                return
            lists.append(shelf.running if running_only else shelf.holders)
        rarest = min(lists, key=len)
        for index in range(bisect_right(rarest, after), len(rarest)):
            place = rarest[index]
            if all(capability in self._entries[place].capabilities for capability in capabilities):
                yield place

    def turns(self, capability: str, width: int, looked_at_max: int) -> Iterator[list[Place]]:
        """Yield the running agents with a capability, `width` at a time, beginning with whose turn it is.

        Each comes once, and none beyond the first `looked_at_max`. For one go without awaiting.
        """
        shelf = self._shelves.get(capability)
        if shelf is None:
            return
        running = shelf.running
        start = bisect_right(running, shelf.turn)
        rest = min(len(running), looked_at_max)
        while rest > 0:
            count = min(width, rest)
            window = running[start : start + count]
            window += running[: count - len(window)]
            rest -= count
            start = (start + count) % len(running)
            yield window

    def took_turn(self, capability: str, place: Place) -> None:
        """Note who was chosen: the others come first next time."""
        shelf = self._shelves.get(capability)
        if shelf is not None:
            shelf.turn = place

    def _take_from_shelf(self, place: Place, capability: str) -> None:
        shelf = self._shelves[capability]
        del shelf.holders[bisect_left(shelf.holders, place)]
        index = bisect_left(shelf.running, place)
        if index < len(shelf.running) and shelf.running[index] == place:
            del shelf.running[index]
        if not shelf.holders:
            del self._shelves[capability]
            del self._names[bisect_left(self._names, capability)]
