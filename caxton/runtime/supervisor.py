"""What the core tells about agents, followed in the registry.

The core itself replaces an instance after a fault, as often as the agent's restart policy allows: that
takes microseconds and no Python. Here each such event becomes a state, a count, an event for whoever
watches, and the answer that an operation under way waits for.
"""

import logging
from typing import final

from caxton.clock import Clock
from caxton.domain.agent import (
    Draining,
    Failed,
    Fault,
    Loaded,
    Running,
    StateName,
    Stopped,
    fail,
    restart,
    start,
    stop,
)
from caxton.domain.errors.agent import FaultKind
from caxton.domain.errors.request import ParseError
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.events import EventType, LifecycleData
from caxton.domain.ids import parse_capability
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.registry import Registry
from caxton.runtime.seam import CoreEvent, EventCode
from caxton.telemetry.events import EventRing

Held = Loaded | Running | Draining | Failed | Stopped

_log = logging.getLogger("caxton.runtime.supervisor")


@final
class Supervisor:
    """Follows the core. All methods are for the thread of the event loop."""

    def __init__(self, registry: Registry, events: EventRing, clock: Clock) -> None:
        self._registry = registry
        self._events = events
        self._clock = clock

    def follow(self, event: CoreEvent) -> None:
        """Take an event of the core; one of an agent that has gone is passed over."""
        record = self._registry.by_slot(event.slot)
        if record is None:
            return
        match event.code:
            case EventCode.STARTED | EventCode.START_FAILED:
                self._on_start(record, event)
                resolve(record, event)
            case EventCode.FAULT:
                self._on_fault(record, event)
            case EventCode.FAILED:
                self._on_failed(record, event)
                resolve(record, event)
            case EventCode.STOPPED:
                self._on_stopped(record)
                resolve(record, event)
            case EventCode.REMOVED:
                if record.removed is not None and not record.removed.done():
                    record.removed.set_result(None)

    def add_capability(self, record: AgentRecord, name: str) -> None:
        """Note a capability that a guest registered."""
        try:
            capability = parse_capability(name)
        except ParseError as error:
            _log.warning(
                "agent %s registered no valid capability: %s",
                record.name,
                error,
                extra=log_fields(record, "capability_refused"),
            )
            return
        try:
            self._registry.add_capability(record, capability)
        except ResourceLimitExceeded as error:
            _log.warning(
                "agent %s: %s, no more are taken",
                record.name,
                error,
                extra=log_fields(record, "capability_refused"),
            )

    def swap(self, record: AgentRecord, seen: Held, new: Held, event: EventType | None, reason: str) -> None:
        """Move an agent from the state `seen` to `new`, and tell, if there is an event to tell."""
        old_state = record.state
        self._registry.swap(record, seen, new)
        if record.shown and event is not None:
            self.note(record, event, old_state, record.state, reason)

    def give_up(self, record: AgentRecord, agent: Loaded, error: CaxtonError) -> None:
        """Let an agent that cannot be started be failed, with the reason."""
        now_ns = self._clock.wall_ns()
        record.note_fault(FaultKind.START, error.message, now_ns)
        fault = Fault(kind=FaultKind.START, reason=error.message)
        self.swap(record, agent, fail(agent, fault, now_ns=now_ns), EventType.AGENT_FAILED, error.message)
        _log.warning(
            "agent %s cannot be started: %s",
            record.name,
            error.message,
            extra=log_fields(record, "agent_failed"),
        )

    def note(
        self,
        record: AgentRecord,
        event: EventType,
        old_state: StateName | None,
        new_state: StateName | None,
        reason: str,
    ) -> None:
        """Count a lifecycle event and show it to whoever watches."""
        record.note_event(event.partition(".")[2])
        data = LifecycleData(old_state=old_state, new_state=new_state, reason=reason)
        self._events.record(event, data, self._clock.wall_ns(), record.agent.id)

    def _on_start(self, record: AgentRecord, event: CoreEvent) -> None:
        agent = record.agent
        if not isinstance(agent, Loaded):
            return
        now_ns = self._clock.wall_ns()
        if event.code is EventCode.STARTED:
            self.swap(
                record, agent, start(agent, now_ns=now_ns), EventType.AGENT_STARTED, "the instance is up"
            )
        elif record.shown:
            # A first start that fails undoes the whole deployment; this one was asked for later.
            self._fail(record, agent, event)

    def _on_fault(self, record: AgentRecord, event: CoreEvent) -> None:
        record.note_fault(event.fault, event.text, self._clock.wall_ns())
        agent = record.agent
        if isinstance(agent, Running):
            record.restarts += 1
            new = restart(agent, now_ns=self._clock.wall_ns())
            self.swap(record, agent, new, EventType.AGENT_FAULT, f"{event.fault}: {event.text}")

    def _on_failed(self, record: AgentRecord, event: CoreEvent) -> None:
        agent = record.agent
        if isinstance(agent, Running | Draining):
            self._fail(record, agent, event)

    def _fail(self, record: AgentRecord, agent: Loaded | Running | Draining, event: CoreEvent) -> None:
        now_ns = self._clock.wall_ns()
        record.note_fault(event.fault, event.text, now_ns)
        fault = Fault(kind=fault_kind(event.fault), reason=event.text)
        self.swap(
            record,
            agent,
            fail(agent, fault, now_ns=now_ns),
            EventType.AGENT_FAILED,
            f"{event.fault}: {event.text}",
        )
        _log.warning("agent %s failed: %s", record.name, event.text, extra=log_fields(record, "agent_failed"))

    def _on_stopped(self, record: AgentRecord) -> None:
        agent = record.agent
        if isinstance(agent, Draining):
            self.swap(
                record, agent, stop(agent, now_ns=self._clock.wall_ns()), EventType.AGENT_STOPPED, "drained"
            )


def resolve(record: AgentRecord, event: CoreEvent) -> None:
    """Give an event to the operation that waits for one."""
    if record.outcome is not None and not record.outcome.done():
        record.outcome.set_result(event)


def fault_kind(word: str) -> FaultKind:
    """Return the kind for a word of the core; what is no kind of a handler's fault counts as its error."""
    try:
        return FaultKind(word)
    except ValueError:
        return FaultKind.AGENT_ERROR


def log_fields(record: AgentRecord, event: str) -> dict[str, object]:
    """Return what a log line about an agent carries."""
    return {"event": event, "agent_id": str(record.agent.id), "agent": record.name}
