"""How a new version of an agent comes in, and where it stands on its way.

Values only: which state follows on which is the business of the deployment room.
"""

from itertools import pairwise
from typing import Final, Literal, assert_never, final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import AgentId, DeploymentId, Digest
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import DurationNs, Percentage, Version

STAGES_MAX: Final = 100
_MINUTE_NS: Final = 60 * 10**9


@final
class Direct(msgspec.Struct, frozen=True, kw_only=True, tag="direct"):
    """Replace the old revision at once."""


@final
class BlueGreen(msgspec.Struct, frozen=True, kw_only=True, tag="blue_green"):
    """Start the new revision beside the old one, switch over after it has warmed up."""

    warm_up: DurationNs


@final
class CanaryStage(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the traffic for a span of time."""

    percentage: Percentage
    duration: DurationNs


@final
class RollbackConditions(msgspec.Struct, frozen=True, kw_only=True):
    """When a candidate is taken back. Nothing is judged before `min_messages` have been handled."""

    error_rate_max: Percentage = Percentage(1.0)
    latency_p99_ms_max: float = 100.0
    violations_max: int | None = None
    min_messages: int = 0


@final
class Canary(msgspec.Struct, frozen=True, kw_only=True, tag="canary"):
    """Give the new revision a growing share; conversations stay on the revision they began with.

    Raises:
        InvalidRequest: there is no stage, there are too many, or the shares do not rise.
    """

    stages: tuple[CanaryStage, ...]
    rollback: RollbackConditions = RollbackConditions()
    manual_gate: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.stages) <= STAGES_MAX:
            raise InvalidRequest(
                [
                    Problem(
                        field="strategy.stages",
                        kind=ProblemKind.OUT_OF_BOUNDS,
                        problem=f"{len(self.stages)} stages are out of bounds",
                        fix=f"give 1 to {STAGES_MAX} stages",
                    )
                ]
            )
        for index, (before, after) in enumerate(pairwise(self.stages), 1):
            if before.percentage >= after.percentage:
                raise InvalidRequest(
                    [
                        Problem(
                            field=f"strategy.stages[{index}].percentage",
                            kind=ProblemKind.CONTRADICTION,
                            problem=f"{after.percentage.percent:g} does not rise above the stage before",
                            fix="let the percentages rise, like 5, 25, 50, 100",
                        )
                    ]
                )


@final
class Shadow(msgspec.Struct, frozen=True, kw_only=True, tag="shadow"):
    """Let the new revision handle a copy of the traffic and compare; its answers go nowhere."""

    duration: DurationNs
    compare: tuple[Literal["content", "latency", "fuel"], ...] = ("content",)


@final
class Rolling(msgspec.Struct, frozen=True, kw_only=True, tag="rolling"):
    """Replace the instances of an agent in batches."""

    batch_percentage: Percentage


DeploymentStrategy = Direct | BlueGreen | Canary | Shadow | Rolling

DEFAULT_CANARY: Final = Canary(
    stages=tuple(
        CanaryStage(percentage=Percentage(share), duration=DurationNs(_MINUTE_NS))
        for share in (5.0, 25.0, 50.0, 100.0)
    )
)


@final
class Validating(msgspec.Struct, frozen=True, tag="validating"):
    """The module is looked at; nothing has changed."""


@final
class Deploying(msgspec.Struct, frozen=True, tag="deploying"):
    """The new revision comes up or takes over, stage by stage (counted from 0)."""

    stage: int = 0


@final
class Deployed(msgspec.Struct, frozen=True, tag="running"):
    """The new revision is the agent's revision; its state is written `running`."""


@final
class DeploymentDraining(msgspec.Struct, frozen=True, tag="draining"):
    """The old revision finishes what it has."""


@final
class DeploymentFault(msgspec.Struct, frozen=True, tag="failed"):
    """The new revision did not come up; its state is written `failed`."""

    error: str


@final
class RolledBack(msgspec.Struct, frozen=True, tag="rolled_back"):
    """The old revision is the agent's revision again."""

    reason: str


DeploymentState = Validating | Deploying | Deployed | DeploymentDraining | DeploymentFault | RolledBack
DeploymentStateName = Literal["validating", "deploying", "running", "draining", "failed", "rolled_back"]


@final
class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment as it is shown and kept."""

    id: DeploymentId
    agent_id: AgentId
    version: Version
    digest: Digest
    strategy: DeploymentStrategy
    state: DeploymentState
    created_ns: int


def deployment_state_name(state: DeploymentState) -> DeploymentStateName:
    """Return the word for the state, as the API writes it."""
    match state:
        case Validating():
            return "validating"
        case Deploying():
            return "deploying"
        case Deployed():
            return "running"
        case DeploymentDraining():
            return "draining"
        case DeploymentFault():
            return "failed"
        case RolledBack():
            return "rolled_back"
        case _:
            assert_never(state)
