"""A message, its way or its conversation stands in the way."""

from collections.abc import Sequence
from typing import final

from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.taxonomy import RoutingError, clipped, problem_rows, summary
from caxton.domain.errors.violation_hints import VIOLATION_HINTS
from caxton.domain.problem import Problem
from caxton.domain.suggestion import did_you_mean


class NoRoute(RoutingError, AgentNotFound):
    """A message names a receiver that does not exist."""

    def _message(self) -> str:
        return f"the receiver `{clipped(self.agent)}` does not exist"


@final
class NobodyCapable(NoRoute):
    """A message asks for a capability that no running agent has; `holders_count` have it and do not run."""

    def __init__(self, capability: str, holders_count: int, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__(f"capability {capability}", suggestions=suggestions)
        self.capability = capability
        self.holders_count = holders_count

    def _message(self) -> str:
        if self.holders_count == 0:
            return f"no agent has the capability `{clipped(self.capability)}`"
        who = "the agent" if self.holders_count == 1 else f"none of the {self.holders_count} agents"
        runs = "does not run" if self.holders_count == 1 else "runs"
        return f"{who} with the capability `{clipped(self.capability)}` {runs}"

    def _hint(self) -> str:
        if self.holders_count:
            return "start one of them: GET /api/v1/capabilities/{name} lists them with their states"
        return (
            did_you_mean(self.suggestions)
            or "list what agents can do with `caxton capability list` or GET /api/v1/capabilities"
        )

    def _details(self) -> dict[str, object]:
        return {
            **super()._details(),
            "capability": clipped(self.capability),
            "holders_count": self.holders_count,
        }


class InvalidMessage(RoutingError):
    """The message is not a message. Holds every fault that was found."""

    code = "INVALID_MESSAGE"
    http_status = 400

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        assert problems, "a refusal names at least one problem"
        self.problems = tuple(problems)

    def _message(self) -> str:
        return summary("the message is not valid", self.problems)

    def _hint(self) -> str:
        return self.problems[0].fix

    def _details(self) -> dict[str, object]:
        return {"problems": problem_rows(self.problems)}


@final
class InvalidMessageFormat(InvalidMessage):
    """A message in FIPA's string form cannot be read, or says what cannot be said here.

    `offset_bytes` is where in the text; `line` and `column` count from one, the latter in characters.
    """

    def __init__(self, problem: Problem, *, offset_bytes: int, line: int, column: int) -> None:
        super().__init__([problem])
        self.offset_bytes = offset_bytes
        self.line = line
        self.column = column

    def _details(self) -> dict[str, object]:
        position = {"offset_bytes": self.offset_bytes, "line": self.line, "column": self.column}
        return {**super()._details(), "position": position}


@final
class MessageTooLarge(RoutingError):
    """The message, or the body that should hold it, has too many bytes."""

    code = "MESSAGE_TOO_LARGE"
    http_status = 413

    def __init__(self, message_bytes: int | None, message_bytes_max: int) -> None:
        super().__init__()
        self.message_bytes = message_bytes
        self.message_bytes_max = message_bytes_max

    def _message(self) -> str:
        size = "the message" if self.message_bytes is None else f"a message of {self.message_bytes} bytes"
        return f"{size} is above the limit of {self.message_bytes_max} bytes"

    def _hint(self) -> str:
        return "send less, or several messages; the operator's limit is messaging.message_bytes_max"

    def _details(self) -> dict[str, object]:
        return {"message_bytes": self.message_bytes, "message_bytes_max": self.message_bytes_max}


class MailboxFull(RoutingError):
    """The receiver has as many waiting messages as it may have. The message was not taken."""

    code = "MAILBOX_FULL"
    http_status = 429
    retryable = True
    fault = "agent"

    def __init__(self, agent: str, mailbox_max: int, *, retry_after_s: float = 1.0) -> None:
        super().__init__()
        self.agent = agent
        self.mailbox_max = mailbox_max
        self._retry_after_s = retry_after_s

    def _message(self) -> str:
        return f"the mailbox of agent {self.agent} holds its {self.mailbox_max} messages already"

    def _hint(self) -> str:
        return "send again later, or raise limits.mailbox_max of the receiver"

    def _details(self) -> dict[str, object]:
        return {"agent": self.agent, "mailbox_max": self.mailbox_max}


@final
class NobodyFree(MailboxFull):
    """Agents with the capability that a message asks for run, and none of them takes it now."""

    def __init__(self, capability: str, running_count: int, *, retry_after_s: float = 1.0) -> None:
        super().__init__(f"capability {capability}", 0, retry_after_s=retry_after_s)
        self.capability = capability
        self.running_count = running_count

    def _message(self) -> str:
        return (
            f"no mailbox of the running agents with the capability `{clipped(self.capability)}` has room"
            f" ({self.running_count} run)"
        )

    def _hint(self) -> str:
        return "send again later, raise limits.mailbox_max of the agents, or deploy more of them"

    def _details(self) -> dict[str, object]:
        return {"capability": clipped(self.capability), "running_count": self.running_count}


@final
class ProtocolViolation(RoutingError):
    """The message breaks the rules of its conversation's protocol; nothing changed."""

    code = "PROTOCOL_VIOLATION"
    http_status = 409

    def __init__(
        self,
        reason_kind: str,
        state: str,
        *,
        performative: str,
        protocol: str | None,
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__()
        assert reason_kind in VIOLATION_HINTS, f"{reason_kind} is a reason of the protocols"
        self.suggestions = tuple(suggestions)
        self.reason_kind = reason_kind
        self.state = state
        self.performative = performative
        self.protocol = protocol

    def _message(self) -> str:
        where = f" of {self.protocol}" if self.protocol else ""
        reason = self.reason_kind.replace("_", " ")
        return f"`{self.performative}` is refused in state {self.state}{where}: {reason}"

    def _hint(self) -> str:
        return did_you_mean(self.suggestions) or VIOLATION_HINTS[self.reason_kind]

    def _details(self) -> dict[str, object]:
        details: dict[str, object] = {
            "reason_kind": self.reason_kind,
            "state": self.state,
            "performative": self.performative,
            "protocol": self.protocol,
        }
        if self.suggestions:
            details["suggestions"] = list(self.suggestions)
        return details


@final
class ConversationNotFound(RoutingError):
    """No conversation has this id, or it left nothing behind."""

    code = "CONVERSATION_NOT_FOUND"
    http_status = 404

    def __init__(self, conversation_id: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.conversation_id = conversation_id
        self.suggestions = tuple(suggestions)

    def _message(self) -> str:
        return f"there is no conversation `{clipped(self.conversation_id)}`"

    def _hint(self) -> str:
        return (
            did_you_mean(self.suggestions)
            or "list those that are held with `caxton conversation list` or GET /api/v1/conversations; one "
            "without protocol, deadline or budget is not kept, nor one that ended long ago"
        )

    def _details(self) -> dict[str, object]:
        return {"conversation_id": clipped(self.conversation_id), "suggestions": list(self.suggestions)}


@final
class MessageNotFound(RoutingError):
    """No stored message has this id."""

    code = "MESSAGE_NOT_FOUND"
    http_status = 404

    def __init__(self, message_id: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.message_id = message_id
        self.suggestions = tuple(suggestions)

    def _message(self) -> str:
        return f"there is no stored message `{clipped(self.message_id)}`"

    def _hint(self) -> str:
        return did_you_mean(self.suggestions) or "messages are kept as messaging.history says"

    def _details(self) -> dict[str, object]:
        return {"message_id": clipped(self.message_id), "suggestions": list(self.suggestions)}


@final
class DeadlineExceeded(RoutingError):
    """No answer came in time. Whatever was sent may still be handled."""

    code = "DEADLINE_EXCEEDED"
    http_status = 504
    fault = "agent"

    def __init__(
        self, waited_ms: int, *, message_id: str | None = None, conversation_id: str | None = None
    ) -> None:
        super().__init__()
        self.waited_ms = waited_ms
        self.message_id = message_id
        self.conversation_id = conversation_id

    def _message(self) -> str:
        return f"no answer came within {self.waited_ms} ms"

    def _hint(self) -> str:
        return "wait longer, or look for the answer in the conversation; sending again may do the work twice"

    def _details(self) -> dict[str, object]:
        return {
            "waited_ms": self.waited_ms,
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
        }
