"""Something of which there is only so much has run out, for now."""

from collections.abc import Sequence
from typing import final

from caxton.domain.errors.taxonomy import ResourceError


@final
class ResourceLimitExceeded(ResourceError):
    """A budget of the server or of an agent is used up; nothing was reserved."""

    code = "RESOURCE_LIMIT_EXCEEDED"
    http_status = 429
    retryable = True
    fault = "operator"

    def __init__(
        self, resource: str, limit: int, *, requested: int | None = None, retry_after_s: float = 5.0
    ) -> None:
        super().__init__()
        self.resource = resource
        self.limit = limit
        self.requested = requested
        self._retry_after_s = retry_after_s

    def _message(self) -> str:
        asked = "" if self.requested is None else f" ({self.requested} asked for)"
        return f"the limit of {self.limit} for {self.resource} is reached{asked}"

    def _hint(self) -> str:
        return f"free some {self.resource}, or have the operator raise the limit"

    def _details(self) -> dict[str, object]:
        return {"resource": self.resource, "limit": self.limit, "requested": self.requested}


@final
class RateLimited(ResourceError):
    """More calls or messages a second than allowed."""

    code = "RATE_LIMITED"
    http_status = 429
    retryable = True

    def __init__(self, subject: str, per_s_max: float, *, retry_after_s: float) -> None:
        super().__init__()
        self.subject = subject
        self.per_s_max = per_s_max
        self._retry_after_s = retry_after_s

    def _message(self) -> str:
        return f"{self.subject} is limited to {self.per_s_max:g} a second"

    def _hint(self) -> str:
        return (
            f"wait {self._retry_after_s:g} s; many messages travel better through POST /api/v1/messages/batch"
        )

    def _details(self) -> dict[str, object]:
        return {"subject": self.subject, "per_s_max": self.per_s_max, "retry_after_s": self._retry_after_s}


@final
class Unavailable(ResourceError):
    """The server starts, drains or lacks a part that this call needs."""

    code = "UNAVAILABLE"
    http_status = 503
    retryable = True
    fault = "server"

    def __init__(self, reason: str, *, components: Sequence[str] = (), retry_after_s: float = 1.0) -> None:
        super().__init__()
        self.reason = reason
        self.components = tuple(components)
        self._retry_after_s = retry_after_s

    def _message(self) -> str:
        return f"not available: {self.reason}"

    def _hint(self) -> str:
        return "try again shortly; GET /ready names what is missing"

    def _details(self) -> dict[str, object]:
        return {"reason": self.reason, "components": list(self.components)}


@final
class StorageFull(ResourceError):
    """The disk under the data directory has no room; nothing was stored."""

    code = "STORAGE_FULL"
    http_status = 507
    retryable = True
    fault = "operator"

    def __init__(self, path: str, *, retry_after_s: float = 60.0) -> None:
        super().__init__()
        self.path = path
        self._retry_after_s = retry_after_s

    def _message(self) -> str:
        return f"there is no room left in {self.path}"

    def _hint(self) -> str:
        return "free disk space, or move storage.data_dir to a larger disk"

    def _details(self) -> dict[str, object]:
        return {"path": self.path}
