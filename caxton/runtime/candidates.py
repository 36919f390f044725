"""Who gets a message to a capability: the least loaded of the running agents that have it, equals in turn.

The load of an agent is what lies in its mailbox. Of very many agents the next `COMPARED_MAX` in turn are
compared, then, if all of those are full, the next as many, up to `LOOKED_AT_MAX`: near the best, at a
bounded price. An idle agent ends the search, since nobody is less loaded.
"""

from collections.abc import Iterator
from typing import Final, final

from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.bridge import Bridge
from caxton.runtime.directory import Place
from caxton.runtime.registry import Registry
from caxton.runtime.seam import SlotState

COMPARED_MAX: Final = 64
LOOKED_AT_MAX: Final = 1024
assert COMPARED_MAX <= LOOKED_AT_MAX, "the first comparison is among those that may be looked at"


@final
class Candidates:
    """The choice among agents with one capability. For the thread of the event loop."""

    def __init__(self, bridge: Bridge, registry: Registry) -> None:
        self._bridge = bridge
        self._registry = registry

    def in_order(self, capability: str) -> Iterator[AgentRecord]:
        """Yield the running agents with a capability, best first; those with a full mailbox are left out.

        Holds for the moment: to be used up, or dropped, without awaiting.
        """
        for window in self._registry.directory.turns(capability, COMPARED_MAX, LOOKED_AT_MAX):
            busy: list[tuple[int, int, AgentRecord]] = []
            for record in self._registry.at(window):
                depth = self._depth(record)
                if depth == 0:
                    yield record
                elif depth is not None:
                    busy.append((depth, len(busy), record))
            for _, _, record in sorted(busy):
                yield record

    def chosen(self, capability: str, record: AgentRecord) -> None:
        """Note who got the message: it is the others' turn."""
        self._registry.directory.took_turn(capability, Place(record.sequence))

    def _depth(self, record: AgentRecord) -> int | None:
        """Return how much waits for an agent; None when it cannot take a message now."""
        if record.slot is None:
            return None
        totals = self._bridge.totals(record.slot)
        if totals.state != SlotState.RUNNING:
            return None
        return totals.mailbox_depth if totals.mailbox_depth < record.agent.spec.limits.mailbox_max else None
