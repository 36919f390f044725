"""Who calls, and what they may do."""

from typing import Literal, final

from caxton.domain.errors.taxonomy import SecurityError


@final
class Unauthorized(SecurityError):
    """The call carries no token, or one that is wrong, expired or revoked."""

    code = "UNAUTHORIZED"
    http_status = 401

    def __init__(self, reason: Literal["missing", "malformed", "unknown", "expired", "revoked"]) -> None:
        super().__init__()
        self.reason = reason

    def _message(self) -> str:
        return f"the bearer token is {self.reason}"

    def _hint(self) -> str:
        return "send `Authorization: Bearer <token>`; the first token lies in <data_dir>/root.token"

    def _details(self) -> dict[str, object]:
        return {"reason": self.reason}


@final
class Forbidden(SecurityError):
    """The token is good, but does not allow this."""

    code = "FORBIDDEN"
    http_status = 403

    def __init__(self, permission: str, *, role: str, subject: str | None = None) -> None:
        super().__init__()
        self.permission = permission
        self.role = role
        self.subject = subject

    def _message(self) -> str:
        about = f" on {self.subject}" if self.subject else ""
        return f"the role `{self.role}` does not have the permission `{self.permission}`{about}"

    def _hint(self) -> str:
        return "use a token of a role that has it, or ask an administrator for one"

    def _details(self) -> dict[str, object]:
        return {"permission": self.permission, "role": self.role, "subject": self.subject}
