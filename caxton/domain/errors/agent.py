"""An agent, its module or its state stands in the way."""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final, final

from caxton.domain.errors.taxonomy import AgentError, clipped, problem_rows, summary
from caxton.domain.problem import Problem
from caxton.domain.suggestion import did_you_mean


class AgentNotFound(AgentError):
    """No agent has this id or name."""

    code = "AGENT_NOT_FOUND"
    http_status = 404

    def __init__(self, agent: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.agent = agent
        self.suggestions = tuple(suggestions)

    def _message(self) -> str:
        return f"there is no agent `{clipped(self.agent)}`"

    def _hint(self) -> str:
        return (
            did_you_mean(self.suggestions) or "list the agents with `caxton agent list` or GET /api/v1/agents"
        )

    def _details(self) -> dict[str, object]:
        return {"agent": clipped(self.agent), "suggestions": list(self.suggestions)}


@final
class AgentAlreadyExists(AgentError):
    """The name is taken."""

    code = "AGENT_ALREADY_EXISTS"
    http_status = 409

    def __init__(self, name: str, *, agent_id: str) -> None:
        super().__init__()
        self.name = name
        self.agent_id = agent_id

    def _message(self) -> str:
        return f"an agent named `{self.name}` exists already"

    def _hint(self) -> str:
        return "choose another name, delete that agent first, or deploy a new version of it"

    def _details(self) -> dict[str, object]:
        return {"name": self.name, "agent_id": self.agent_id}


@final
class InvalidState(AgentError):
    """The operation is not possible in the state in which its subject is."""

    code = "INVALID_STATE"
    http_status = 409

    def __init__(self, state: str, operation: str, *, subject: str, allowed: Sequence[str] = ()) -> None:
        super().__init__()
        self.state = state
        self.operation = operation
        self.subject = subject
        self.allowed = tuple(allowed)

    def _message(self) -> str:
        return f"{self.subject} is {self.state}, so `{self.operation}` is not possible"

    def _hint(self) -> str:
        if not self.allowed:
            return f"nothing leads out of the state {self.state}"
        return f"possible now: {', '.join(self.allowed)}"

    def _details(self) -> dict[str, object]:
        return {
            "state": self.state,
            "operation": self.operation,
            "subject": self.subject,
            "allowed": list(self.allowed),
        }


@final
class InvalidWasm(AgentError):
    """The module cannot become an agent. Holds every fault that was found."""

    code = "INVALID_WASM"
    http_status = 400

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        assert problems, "a refusal names at least one problem"
        self.problems = tuple(problems)

    def _message(self) -> str:
        return summary("the module cannot be used", self.problems)

    def _hint(self) -> str:
        return self.problems[0].fix

    def _details(self) -> dict[str, object]:
        return {"problems": problem_rows(self.problems)}


@unique
class FaultKind(StrEnum):
    """How a handler of an agent ended badly."""

    TRAP = "trap"
    FUEL = "fuel"
    TIME = "time"
    MEMORY = "memory"
    STACK = "stack"
    REPLY = "reply"
    ALLOC = "alloc"
    START = "start"
    AGENT_ERROR = "agent_error"
    MALFORMED = "malformed"
    BUSY = "busy"


@final
class AgentFailed(AgentError):
    """The agent did not get through the message; its instance was thrown away unless it said so itself."""

    code = "AGENT_FAILED"
    http_status = 502
    fault = "agent"

    def __init__(self, agent: str, kind: FaultKind, reason: str) -> None:
        super().__init__()
        self.agent = agent
        self.kind = kind
        self.reason = reason

    def _message(self) -> str:
        return f"agent {self.agent} failed while handling the message ({self.kind}): {self.reason}"

    def _hint(self) -> str:
        return _FAULT_HINTS[self.kind]

    def _details(self) -> dict[str, object]:
        return {"agent": self.agent, "kind": str(self.kind), "reason": self.reason}


_FAULT_HINTS: Final[dict[FaultKind, str]] = {
    FaultKind.TRAP: "read the agent's log; a trap is a fault in its code",
    FaultKind.FUEL: "raise limits.cpu_ms_max or limits.fuel_max, or let the agent do less for each message",
    FaultKind.TIME: "raise limits.execution_ms_max, or let the agent do less for each message",
    FaultKind.MEMORY: "raise limits.memory_bytes_max, or let the agent hold less",
    FaultKind.STACK: "let the agent recurse less deeply; the stack of a guest is of a fixed size",
    FaultKind.REPLY: "let the agent hand over a reply that lies in its memory and is a JSON message",
    FaultKind.ALLOC: "let caxton_alloc return room inside of the memory, or 0 to refuse",
    FaultKind.START: "let _initialize and caxton_init return, and not with a negative number",
    FaultKind.AGENT_ERROR: "read the agent's log; the agent itself reported the error",
    FaultKind.MALFORMED: "send content of the form that the agent understands",
    FaultKind.BUSY: "send again later; the agent itself asked for that",
}
