"""The root and the families of the errors, and the sentences that they share."""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal, final

from caxton.domain.problem import Problem

# Longest part of a caller's own text that an answer repeats.
_ECHO_CHARACTERS_MAX: Final = 100

Fault = Literal["caller", "agent", "operator", "server"]


class CaxtonError(Exception):
    """The root of the taxonomy. Never raised itself; neither are the families below."""

    code: ClassVar[str]
    http_status: ClassVar[int]
    retryable: ClassVar[bool] = False
    fault: ClassVar[Fault] = "caller"
    _retry_after_s: float | None = None

    @property
    def message(self) -> str:
        """Say in one sentence what went wrong."""
        return self._message()

    @property
    def hint(self) -> str:
        """Say what to do next."""
        return self._hint()

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait before another try, or None where waiting does not help."""
        return self._retry_after_s

    def details(self) -> dict[str, object]:
        """Return the fields for machines; every value can be written as JSON."""
        return self._details()

    def document(self, trace_id: str | None = None) -> dict[str, object]:
        """Return the body of the error answer of the management API."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "details": self.details(),
                "hint": self.hint,
                "trace_id": trace_id,
            }
        }

    def __str__(self) -> str:
        return self.message

    # What a class says of itself; the public names above are the same for all.

    def _message(self) -> str:
        return self.code.lower().replace("_", " ")

    def _hint(self) -> str:
        return "look for the trace id in the server's log"

    def _details(self) -> dict[str, object]:
        return {}


class AgentError(CaxtonError):
    """Family: an agent, its module or its state."""


class RoutingError(CaxtonError):
    """Family: a message, its way and its conversation."""


class DeploymentError(CaxtonError):
    """Family: a new version of an agent on its way in."""


class ResourceError(CaxtonError):
    """Family: something of which there is only so much."""


class SecurityError(CaxtonError):
    """Family: who may do what."""


class ConfigurationError(CaxtonError):
    """Family: what the operator or the caller set."""


class ObservabilityError(CaxtonError):
    """Family: events, logs, metrics and traces."""


@final
class InternalError(CaxtonError):
    """Something that should not happen did. The cause is in the server's log, under the trace id."""

    code = "INTERNAL_ERROR"
    http_status = 500
    fault = "server"

    def _message(self) -> str:
        return "an unexpected error happened in the server"


def summary(subject: str, problems: Sequence[Problem]) -> str:
    """Return one sentence: the subject, the first problem, and how many more there are."""
    rest = len(problems) - 1
    more = f" (and {rest} more)" if rest else ""
    first = problems[0]
    where = f"{first.field}: " if first.field else ""
    return f"{subject}: {where}{first.problem}{more}"


def problem_rows(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Return the problems as they stand in `details.problems` of an answer."""
    rows: list[dict[str, object]] = []
    for found in problems:
        row: dict[str, object] = {
            "field": found.field,
            "kind": str(found.kind),
            "problem": found.problem,
            "fix": found.fix,
        }
        if found.where:
            row["where"] = found.where
        if found.code:
            row["code"] = found.code
        rows.append(row)
    return rows


def clipped(text: str) -> str:
    """Return a caller's text, shortened so that an answer does not carry a flood back."""
    return text if len(text) <= _ECHO_CHARACTERS_MAX else f"{text[:_ECHO_CHARACTERS_MAX]}..."
