"""Errors that only the edge knows, and the one place where an error becomes an answer."""

import logging
import math
from collections.abc import Sequence
from typing import Final, final

from caxton.api.answer import Answer, json_answer
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.security import Unauthorized
from caxton.domain.errors.taxonomy import CaxtonError, ConfigurationError, InternalError
from caxton.domain.problem import Problem, ProblemKind

_LOGGER: Final = logging.getLogger("caxton.api")


@final
class MethodNotAllowed(ConfigurationError):
    """The path exists, but not with this method."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405

    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__()
        self.method = method
        self.path = path
        self.allowed = tuple(allowed)

    def _message(self) -> str:
        return f"{self.path} does not take {self.method}"

    def _hint(self) -> str:
        return f"use {' or '.join(self.allowed)}"

    def _details(self) -> dict[str, object]:
        return {"method": self.method, "allowed": list(self.allowed)}


@final
class RequestTimeout(ConfigurationError):
    """The request did not arrive in the time it is given."""

    code = "REQUEST_TIMEOUT"
    http_status = 408
    retryable = True

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self.timeout_s = timeout_s

    def _message(self) -> str:
        return f"the request was not complete after {self.timeout_s:g} s"

    def _hint(self) -> str:
        return "send the whole request at once; nothing of it was done"

    def _details(self) -> dict[str, object]:
        return {"timeout_s": self.timeout_s}


@final
class HeadersTooLarge(ConfigurationError):
    """Request line and headers have too many bytes."""

    code = "HEADERS_TOO_LARGE"
    http_status = 431

    def __init__(self, header_bytes_max: int) -> None:
        super().__init__()
        self.header_bytes_max = header_bytes_max

    def _message(self) -> str:
        return f"request line and headers have more than {self.header_bytes_max} bytes"

    def _hint(self) -> str:
        return "send fewer or shorter headers; content belongs in the body"

    def _details(self) -> dict[str, object]:
        return {"header_bytes_max": self.header_bytes_max}


@final
class IdempotencyConflict(ConfigurationError):
    """The idempotency key was used before for a different request."""

    code = "IDEMPOTENCY_CONFLICT"
    http_status = 409

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def _message(self) -> str:
        return "this Idempotency-Key was used for a different request"

    def _hint(self) -> str:
        return "use a fresh key for each different request"

    def _details(self) -> dict[str, object]:
        return {"key": self.key}


@final
class UpgradeRequired(ConfigurationError):
    """The path speaks WebSocket only."""

    code = "UPGRADE_REQUIRED"
    http_status = 426

    def _message(self) -> str:
        return "this path is reached with a WebSocket"

    def _hint(self) -> str:
        return "connect with a WebSocket client to the same path"


def invalid_request(
    field: str, problem: str, fix: str, kind: ProblemKind = ProblemKind.INVALID_VALUE
) -> InvalidRequest:
    """Return the refusal of a request with one problem."""
    return InvalidRequest([Problem(field=field, kind=kind, problem=problem, fix=fix)])


def refusal(error: CaxtonError, trace_id: str) -> Answer:
    """Return the answer that tells a caller about an error: status, headers, body."""
    headers: list[tuple[bytes, bytes]] = []
    wait_s = error.retry_after_s
    if wait_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(wait_s))).encode()))
    elif error.http_status in {429, 503}:
        headers.append((b"retry-after", b"1"))
    if isinstance(error, Unauthorized):
        challenge = b'Bearer realm="caxton"'
        if error.reason != "missing":
            challenge += b', error="invalid_token"'
        headers.append((b"www-authenticate", challenge))
    if isinstance(error, UpgradeRequired):
        headers.append((b"upgrade", b"websocket"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    return json_answer(error.http_status, error.document(trace_id), tuple(headers))


def internal_refusal(error: BaseException, trace_id: str, where: str) -> Answer:
    """Log an error that nobody expected and return its answer, which tells nothing of it but the trace id."""
    _LOGGER.error(
        "unexpected error at %s (trace id %s)", where, trace_id, exc_info=error, extra={"trace_id": trace_id}
    )
    return refusal(InternalError(), trace_id)


def stopping() -> Unavailable:
    """Return the refusal of a request that the end of the server cut short."""
    return Unavailable("the server is stopping", components=("server",), retry_after_s=5.0)
