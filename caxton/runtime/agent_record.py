"""What the shell keeps about one agent beside its state: its place in the core, its code, its faults."""

import asyncio
from typing import Final, final

import msgspec

from caxton.domain.agent import (
    Agent,
    AgentKind,
    Draining,
    ExternalProgram,
    Failed,
    GuestProgram,
    Loaded,
    Running,
    StateName,
    Stopped,
    Unloaded,
)
from caxton.domain.ids import Capability, DeploymentId, Digest
from caxton.domain.timestamp import format_timestamp
from caxton.runtime.agent_log import AgentLog
from caxton.runtime.agent_view import AgentUsage, AgentView, LastError
from caxton.runtime.inbox import Inbox
from caxton.runtime.modules import CodeLease
from caxton.runtime.seam import CoreEvent, Slot, Totals
from caxton.storage.agents import Wanted

_STATE_NAMES: Final[dict[type[Agent], StateName]] = {
    Unloaded: "unloaded",
    Loaded: "loaded",
    Running: "running",
    Draining: "draining",
    Failed: "failed",
    Stopped: "stopped",
}


@final
class AgentRecord(msgspec.Struct, eq=False, gc=False):
    """One agent. Only the registry, the lifecycle and the supervisor write here.

    The collector passes records over, or each of its full rounds would stop the loop for longer the more
    agents there are. So nothing may refer back to a record for good: `outcome` and `removed` are cleared at
    the end.
    """

    agent: Agent
    deployment_id: DeploymentId
    wasi: bool = False
    # What it is to be after a restart, as the store has it or is about to.
    wanted: Wanted = "running"
    # Whether the store has it: what the runtime makes by itself is made anew after a start.
    kept: bool = False
    capabilities: tuple[Capability, ...] = ()
    slot: Slot | None = None
    lease: CodeLease | None = None
    inbox: Inbox | None = None
    log: AgentLog | None = None
    # Place in the order of deployment; 0 until the agent is shown.
    sequence: int = 0
    # Faults by kind and lifecycle events by name, made with the first: most agents never have any.
    faults: dict[str, int] | None = None
    events: dict[str, int] | None = None
    restarts: int = 0
    last_error: LastError | None = None
    # What the operation under way waits for; there is at most one, and removal ends it.
    outcome: asyncio.Future[CoreEvent] | None = None
    # What its removal waits for.
    removed: asyncio.Future[None] | None = None

    @property
    def state(self) -> StateName:
        """The contract's word for the state."""
        return _STATE_NAMES[type(self.agent)]

    @property
    def shown(self) -> bool:
        """Tell whether others see the agent, or saw it."""
        return self.sequence != 0

    @property
    def name(self) -> str:
        """The agent's unique name."""
        return self.agent.spec.name

    @property
    def digest(self) -> Digest | None:
        """The module's digest; None for an external agent."""
        program = getattr(self.agent, "program", None)
        return program.digest if isinstance(program, GuestProgram) else None

    def note_fault(self, kind: str, message: str, wall_ns: int) -> None:
        """Count a fault and keep it as the latest."""
        if self.faults is None:
            self.faults = {}
        self.faults[kind] = self.faults.get(kind, 0) + 1
        self.last_error = LastError(kind=kind, message=message, at=format_timestamp(wall_ns))

    def note_event(self, name: str) -> None:
        """Count a lifecycle event."""
        if self.events is None:
            self.events = {}
        self.events[name] = self.events.get(name, 0) + 1

    def view(self, totals: Totals | None, last_fault: str | None) -> AgentView:
        """Return what a caller sees; without totals the agent has no place in the core any more.

        `last_fault` is the core's word for the latest fault, also one that left the instance in place.
        """
        agent = self.agent
        spec = agent.spec
        guest = spec.kind is AgentKind.GUEST
        return AgentView(
            agent_id=str(agent.id),
            name=spec.name,
            kind=spec.kind,
            state=self.state,
            version=spec.version if guest else None,
            module_digest=self.digest,
            deployment_id=self.deployment_id,
            profile=spec.profile if guest else None,
            limits=spec.limits,
            restart=spec.restart if guest else None,
            owner=_owner(agent),
            usage=self._usage(totals, last_fault),
            capabilities=self.capabilities,
            labels=spec.labels,
            created_at=format_timestamp(agent.created_ns),
        )

    def _usage(self, totals: Totals | None, last_fault: str | None) -> AgentUsage:
        last_error = self.last_error
        if last_fault is not None and (last_error is None or last_error.kind != last_fault):
            last_error = LastError(
                kind=last_fault, message="the latest message ended with this error", at=None
            )
        return AgentUsage(
            memory_bytes=totals.memory_bytes if totals else 0,
            fuel_used=totals.fuel_used if totals else 0,
            messages_handled=totals.messages_handled if totals else 0,
            mailbox_depth=totals.mailbox_depth if totals else 0,
            faults=totals.faults if totals else 0,
            restarts=self.restarts,
            logs_dropped=totals.logs_dropped if totals else 0,
            last_error=last_error,
        )


def _owner(agent: Agent) -> str | None:
    match getattr(agent, "program", None):
        case ExternalProgram(owner=owner):
            return owner
        case _:
            return None
