"""How a new version comes in, as values."""

import msgspec
import pytest

from caxton.domain.deployment import (
    DEFAULT_CANARY,
    STAGES_MAX,
    BlueGreen,
    Canary,
    CanaryStage,
    Deployed,
    Deploying,
    DeploymentDraining,
    DeploymentFault,
    DeploymentState,
    DeploymentStrategy,
    Direct,
    RolledBack,
    Rolling,
    Shadow,
    Validating,
    deployment_state_name,
)
from caxton.domain.errors import InvalidRequest
from caxton.domain.quantities import Percentage, duration_from_s

STRATEGIES: dict[str, DeploymentStrategy] = {
    "direct": Direct(),
    "blue_green": BlueGreen(warm_up=duration_from_s(5)),
    "canary": DEFAULT_CANARY,
    "shadow": Shadow(duration=duration_from_s(60)),
    "rolling": Rolling(batch_percentage=Percentage(20)),
}
STATES: dict[str, DeploymentState] = {
    "validating": Validating(),
    "deploying": Deploying(2),
    "running": Deployed(),
    "draining": DeploymentDraining(),
    "failed": DeploymentFault("caxton_init returned -1"),
    "rolled_back": RolledBack("error rate 2 %"),
}


def stage(percent: float) -> CanaryStage:
    return CanaryStage(percentage=Percentage(percent), duration=duration_from_s(30))


@pytest.mark.parametrize("kind", list(STRATEGIES))
def test_a_strategy_survives_being_written_down_under_its_kind(kind: str) -> None:
    text = msgspec.json.encode(STRATEGIES[kind])
    assert msgspec.json.decode(text, type=DeploymentStrategy) == STRATEGIES[kind]
    assert msgspec.json.decode(text, type=dict[str, object])["type"] == kind


@pytest.mark.parametrize("name", list(STATES))
def test_a_state_survives_being_written_down_under_its_name(name: str) -> None:
    text = msgspec.json.encode(STATES[name])
    assert msgspec.json.decode(text, type=DeploymentState) == STATES[name]
    assert deployment_state_name(STATES[name]) == name


def test_a_canary_goes_by_5_25_50_100_and_ends_at_one_percent_of_errors_or_100_ms() -> None:
    assert [stage.percentage.percent for stage in DEFAULT_CANARY.stages] == [5, 25, 50, 100]
    assert DEFAULT_CANARY.rollback.error_rate_max == Percentage.from_ratio(0.01)
    assert DEFAULT_CANARY.rollback.latency_p99_ms_max == 100.0


@pytest.mark.parametrize("shares", [[], [5, 5], [25, 5], [1] * (STAGES_MAX + 1)])
def test_the_stages_of_a_canary_rise_and_are_few(shares: list[float]) -> None:
    with pytest.raises(InvalidRequest):
        Canary(stages=tuple(stage(share) for share in shares))
