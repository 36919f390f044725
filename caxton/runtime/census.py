"""The runtime's numbers, read for the metrics without holding the loop up.

A reading is taken on the loop in slices: after each slice of agents the loop has its turn, since there
may be a hundred thousand of them. Figures of different agents in one reading may thus be some
milliseconds apart.
"""

import asyncio
from collections import Counter
from typing import Final, final

from caxton.protocols.catalogue import FREE, PROTOCOLS
from caxton.protocols.row import OUTCOME_WORDS, REASON_WORDS
from caxton.runtime.bridge import Bridge
from caxton.runtime.modules import Modules
from caxton.runtime.registry import Registry
from caxton.runtime.waiters import Waiters
from caxton.telemetry.reading import AgentReading, CoreNames, CoreReading, Reading, read_core

SLICE_AGENTS: Final = 500
# Shared by all agents of which there is nothing to tell.
NONE: Final[dict[str, int]] = {}


@final
class Census:
    """Reads the numbers. For the thread of the event loop."""

    def __init__(self, bridge: Bridge, registry: Registry, waiters: Waiters, modules: Modules) -> None:
        self._bridge = bridge
        self._registry = registry
        self._waiters = waiters
        self._modules = modules
        self._names = CoreNames(
            performatives=bridge.performatives,
            statuses=bridge.statuses,
            reject_reasons=bridge.reject_reasons,
            protocols=(*(protocol.name for protocol in PROTOCOLS), FREE),
            outcomes=tuple(OUTCOME_WORDS.values()),
            verdicts=tuple(REASON_WORDS.values()),
        )

    async def read(self) -> Reading:
        """Return all numbers of now."""
        states: Counter[str] = Counter()
        agents: list[AgentReading] = []
        for place, record in enumerate(list(self._registry)):
            if place % SLICE_AGENTS == SLICE_AGENTS - 1:
                await asyncio.sleep(0)
            states[record.state] += 1
            if record.slot is None:
                continue
            totals = self._bridge.totals(record.slot)
            agents.append(
                AgentReading(
                    agent_id=record.agent.id,
                    name=record.name,
                    mailbox_depth=totals.mailbox_depth,
                    messages_handled=totals.messages_handled,
                    fuel_used=totals.fuel_used,
                    memory_bytes=totals.memory_bytes,
                    restarts=record.restarts,
                    events=NONE if record.events is None else {**record.events},
                    faults=NONE if record.faults is None else {**record.faults},
                )
            )
        return Reading(
            core=self._core(),
            agents=agents,
            states=dict(states),
            waiting_callers=len(self._waiters),
            instances=self._bridge.live_instances(),
            messages_in_flight=self._bridge.live_messages(),
            modules_compiled=self._modules.compiled_count,
            engine_version=self._bridge.engine_version,
        )

    def _core(self) -> CoreReading:
        return read_core(self._bridge.telemetry(), self._names)
