"""Operations on an agent whose state is known only at run time.

An operation is a value, so that a call from outside, a decision of the supervisor and a record in
the journal go through the same door, `transition`, and fold to the same states.
"""

from typing import Final, assert_never, final

import msgspec

from caxton.domain.agent import (
    Agent,
    Draining,
    Failed,
    Fault,
    Loaded,
    OperationName,
    Program,
    Running,
    StateName,
    Stopped,
    Unloaded,
    drain,
    fail,
    load,
    restart,
    revive,
    start,
    stop,
)
from caxton.domain.errors.agent import InvalidState


@final
class Load(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """See `agent.load`."""

    program: Program
    now_ns: int


@final
class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """See `agent.start`; a stopped or failed agent is revived first."""

    now_ns: int


@final
class Drain(msgspec.Struct, frozen=True, kw_only=True, tag="drain"):
    """See `agent.drain`."""

    now_ns: int
    deadline_ns: int


@final
class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """See `agent.stop`."""

    now_ns: int


@final
class Fail(msgspec.Struct, frozen=True, kw_only=True, tag="fail"):
    """See `agent.fail`."""

    fault: Fault
    now_ns: int


@final
class Restart(msgspec.Struct, frozen=True, kw_only=True, tag="restart"):
    """See `agent.restart`; a failed agent is revived and started."""

    now_ns: int


@final
class Revive(msgspec.Struct, frozen=True, kw_only=True, tag="revive"):
    """See `agent.revive`."""

    now_ns: int


Operation = Load | Start | Drain | Stop | Fail | Restart | Revive

ALLOWED: Final[dict[StateName, tuple[OperationName, ...]]] = {
    "unloaded": ("load",),
    "loaded": ("start", "fail"),
    "running": ("drain", "restart", "fail"),
    "draining": ("stop", "fail"),
    "failed": ("start", "restart", "revive"),
    "stopped": ("start", "revive"),
}
"""The operations that a state allows; everything else raises InvalidState."""


def state_name(agent: Agent) -> StateName:
    """Return the word for the agent's state, as the API and the journal write it."""
    match agent:
        case Unloaded():
            return "unloaded"
        case Loaded():
            return "loaded"
        case Running():
            return "running"
        case Draining():
            return "draining"
        case Failed():
            return "failed"
        case Stopped():
            return "stopped"
        case _:
            assert_never(agent)


def operation_name(operation: Operation) -> OperationName:
    """Return the word for the operation, as the API and the journal write it."""
    match operation:
        case Load():
            return "load"
        case Start():
            return "start"
        case Drain():
            return "drain"
        case Stop():
            return "stop"
        case Fail():
            return "fail"
        case Restart():
            return "restart"
        case Revive():
            return "revive"
        case _:
            assert_never(operation)


def transition(agent: Agent, operation: Operation) -> Agent:
    """Apply the operation.

    Raises:
        InvalidState: the agent's state does not allow it; names the state, the operation, and what is
            allowed instead.
    """
    match (agent, operation):
        case (Unloaded(), Load(program=program, now_ns=now_ns)):
            return load(agent, program, now_ns=now_ns)
        case (Loaded(), Start(now_ns=now_ns)):
            return start(agent, now_ns=now_ns)
        case (Failed() | Stopped(), Start(now_ns=now_ns)):
            return start(revive(agent, now_ns=now_ns), now_ns=now_ns)
        case (Running(), Drain(now_ns=now_ns, deadline_ns=deadline_ns)):
            return drain(agent, now_ns=now_ns, deadline_ns=deadline_ns)
        case (Draining(), Stop(now_ns=now_ns)):
            return stop(agent, now_ns=now_ns)
        case (Loaded() | Running() | Draining(), Fail(fault=fault, now_ns=now_ns)):
            return fail(agent, fault, now_ns=now_ns)
        case (Running(), Restart(now_ns=now_ns)):
            return restart(agent, now_ns=now_ns)
        case (Failed(), Restart(now_ns=now_ns)):
            return start(revive(agent, now_ns=now_ns), now_ns=now_ns)
        case (Failed() | Stopped(), Revive(now_ns=now_ns)):
            return revive(agent, now_ns=now_ns)
        case _:
            raise invalid_state(agent, operation_name(operation))


def invalid_state(agent: Agent, operation: str) -> InvalidState:
    """Return the error for an operation that the agent's state does not allow."""
    state = state_name(agent)
    return InvalidState(state, operation, subject=f"agent {agent.spec.name}", allowed=ALLOWED[state])
