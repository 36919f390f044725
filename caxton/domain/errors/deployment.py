"""A new version of an agent does not get in."""

from collections.abc import Sequence
from typing import final

from caxton.domain.errors.taxonomy import DeploymentError, clipped
from caxton.domain.suggestion import did_you_mean


@final
class DeploymentNotFound(DeploymentError):
    """No deployment has this id."""

    code = "DEPLOYMENT_NOT_FOUND"
    http_status = 404

    def __init__(self, deployment_id: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.deployment_id = deployment_id
        self.suggestions = tuple(suggestions)

    def _message(self) -> str:
        return f"there is no deployment `{clipped(self.deployment_id)}`"

    def _hint(self) -> str:
        return (
            did_you_mean(self.suggestions)
            or "list an agent's deployments with GET /api/v1/deployments?agent="
        )

    def _details(self) -> dict[str, object]:
        return {"deployment_id": clipped(self.deployment_id), "suggestions": list(self.suggestions)}


@final
class DeploymentFailed(DeploymentError):
    """The new version did not come up; the agent is as it was before."""

    code = "DEPLOYMENT_FAILED"
    http_status = 422
    fault = "agent"

    def __init__(self, agent: str, stage: str, reason: str, *, deployment_id: str | None = None) -> None:
        super().__init__()
        self.agent = agent
        self.stage = stage
        self.reason = reason
        self.deployment_id = deployment_id

    def _message(self) -> str:
        return f"agent {self.agent} could not be deployed ({self.stage}): {self.reason}"

    def _hint(self) -> str:
        return "read the agent's log, mend the module, deploy again"

    def _details(self) -> dict[str, object]:
        return {
            "agent": self.agent,
            "stage": self.stage,
            "reason": self.reason,
            "deployment_id": self.deployment_id,
        }
