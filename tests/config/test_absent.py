"""Settings that ask for what this version does not do."""

from pathlib import Path

import pytest

from caxton.config import ABSENT, load_config, not_yet
from caxton.config.walk import setting_shapes


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.yaml"
    path.touch()
    return path


def test_the_defaults_ask_for_nothing_in_vain(empty: Path) -> None:
    assert not_yet(load_config(empty, {}).config) == []


@pytest.mark.parametrize(
    ("override", "capability"),
    [
        ("server.grpc_port=50051", "gRPC"),
        ("messaging.history=durable", "the store of messages"),
        ("messaging.retry.attempts=5", "durable delivery"),
        ("storage.retention_days=7", "the store of messages"),
        ("observability.otlp_endpoint=http://127.0.0.1:4318", "tracing"),
        ("cluster.expected_nodes=3", "clustering"),
        ("deployment.canary.error_rate_max=0.5", "deployment of new versions"),
    ],
)
def test_a_setting_in_vain_is_named_with_what_is_missing(empty: Path, override: str, capability: str) -> None:
    (problem,) = not_yet(load_config(empty, {}, [override]).config)
    assert problem.field == override.partition("=")[0]
    assert problem.problem == f"{capability} is not part of this version"


@pytest.mark.parametrize("override", ["messaging.history=none"])
def test_asking_for_what_happens_anyway_is_not_in_vain(empty: Path, override: str) -> None:
    assert not_yet(load_config(empty, {}, [override]).config) == []


@pytest.mark.parametrize(
    "override",
    [
        "runtime.workers=1",
        "runtime.epoch_tick_ms=5",
        "messaging.message_bytes_max=64 KiB",
        "messaging.mailbox_max=10",
        "deployment.drain_timeout_s=5",
        "observability.log_level=debug",
        "observability.metrics_agents_max=5",
        "storage.durability=normal",
        "storage.group_commit_ms=0",
        "security.rate_limit=100",
        "security.auth=none",
    ],
)
def test_what_is_acted_upon_is_not_in_vain(empty: Path, override: str) -> None:
    assert not_yet(load_config(empty, {}, [override]).config) == []


def test_every_row_names_settings_that_exist_and_none_is_covered_twice() -> None:
    covered = [
        [row.key for row in ABSENT if key == row.key or key.startswith(f"{row.key}.")]
        for key in setting_shapes()
    ]
    assert all(len(rows) <= 1 for rows in covered)
    assert {row.key for row in ABSENT} == {key for rows in covered for key in rows}
