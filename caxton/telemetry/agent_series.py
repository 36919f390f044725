"""Which agents have metric series of their own, and what the rest sums up to.

A hundred thousand agents would be as many series, so only some have their own: the busiest, and once
chosen they keep them. All others, and what agents did that have gone, are summed as `other`. A counter
must never go down: what an agent did before it was chosen stays in `other`, and its own series begins
after that.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, final

from caxton.telemetry.reading import AgentReading

OTHER: Final = "other"


class Figures(NamedTuple):
    """One agent's counters, or a sum of them."""

    handled: int
    fuel: int
    restarts: int
    events: Counter[str]
    faults: Counter[str]

    def plus(self, more: "Figures") -> "Figures":
        """Return the sum of both."""
        return Figures(
            self.handled + more.handled,
            self.fuel + more.fuel,
            self.restarts + more.restarts,
            self.events + more.events,
            self.faults + more.faults,
        )

    def minus(self, less: "Figures") -> "Figures":
        """Return what came since an earlier reading."""
        return Figures(
            self.handled - less.handled,
            self.fuel - less.fuel,
            self.restarts - less.restarts,
            self.events - less.events,
            self.faults - less.faults,
        )


NOTHING: Final = Figures(0, 0, 0, Counter(), Counter())


class Series(NamedTuple):
    """What is shown under one label."""

    label: str
    counters: Figures
    mailbox_depth: int
    memory_bytes: int


@final
class AgentSeries:
    """Chooses and sums. One at a time may call `update`."""

    def __init__(self, agents_max: int) -> None:
        self._agents_max = agents_max
        # What each chosen agent had done when it was chosen.
        self._before: dict[int, Figures] = {}
        # The latest figures of every agent seen; when one has gone, they are added to `_gone`.
        self._latest: dict[int, Figures] = {}
        self._gone = NOTHING

    def update(self, agents: Sequence[AgentReading]) -> list[Series]:
        """Take a reading and return the series to show; `other` last, where there is any."""
        present = {agent.agent_id: agent for agent in agents}
        self._let_go(present)
        self._choose(agents)
        rows: list[Series] = []
        rest = self._gone
        rest_depth = rest_memory = 0
        for agent in agents:
            figures = self._latest[agent.agent_id] = _figures(agent)
            before = self._before.get(agent.agent_id)
            if before is None:
                rest = rest.plus(figures)
                rest_depth += agent.mailbox_depth
                rest_memory += agent.memory_bytes
            else:
                rest = rest.plus(before)
                rows.append(
                    Series(agent.name, figures.minus(before), agent.mailbox_depth, agent.memory_bytes)
                )
        if len(agents) > len(rows) or rest != NOTHING:
            rows.append(Series(OTHER, rest, rest_depth, rest_memory))
        return rows

    def _let_go(self, present: dict[int, AgentReading]) -> None:
        for agent_id in [known for known in self._latest if known not in present]:
            # A chosen agent's own series ends with it; only what was summed before goes on.
            figures = self._latest.pop(agent_id)
            self._gone = self._gone.plus(self._before.pop(agent_id, figures))

    def _choose(self, agents: Sequence[AgentReading]) -> None:
        free = self._agents_max - len(self._before)
        if free <= 0:
            return
        candidates = [agent for agent in agents if agent.agent_id not in self._before]
        candidates.sort(key=lambda agent: agent.messages_handled, reverse=True)
        for agent in candidates[:free]:
            # One that is seen for the first time was never summed, so nothing has to stay behind.
            self._before[agent.agent_id] = self._latest.get(agent.agent_id, NOTHING)


def _figures(agent: AgentReading) -> Figures:
    return Figures(
        agent.messages_handled, agent.fuel_used, agent.restarts, Counter(agent.events), Counter(agent.faults)
    )
