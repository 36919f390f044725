"""Settings that are good alone and wrong together."""

from pathlib import Path

import pytest

from caxton.config import is_loopback, load_config
from caxton.domain.errors import ConfigurationInvalid


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.yaml"
    path.touch()
    return path


def contradictions(empty: Path, *overrides: str) -> list[str]:
    try:
        load_config(empty, {}, overrides)
    except ConfigurationInvalid as error:
        return [problem.field for problem in error.problems if problem.kind == "contradiction"]
    return []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "::1", "[::1]"])
def test_loopback_is_what_only_this_machine_reaches(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", "128.0.0.1", ""]
)
def test_anything_else_counts_as_reachable(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("overrides", "fields"),
    [
        ([], []),
        (["security.auth=none"], []),
        (["messaging.platform=plant-7.example:80"], []),
        (["messaging.platform=a@b"], ["messaging.platform"]),
        (["messaging.platform=a b"], ["messaging.platform"]),
        (["server.host=0.0.0.0"], ["server.host, security.behind_proxy"]),
        (["server.host=0.0.0.0", "security.behind_proxy=true"], []),
        (["server.host=0.0.0.0", "server.tls.cert=c", "server.tls.key=k"], []),
        (["server.host=::", "security.auth=none"], ["server.host, security.auth"]),
        (
            ["server.host=::", "security.auth=none", "security.behind_proxy=true"],
            ["server.host, security.auth"],
        ),
        (["server.port=9090"], ["server.port, server.metrics_port"]),
        (["server.port=0", "server.metrics_port=0"], []),
        (["server.tls.cert=c"], ["server.tls.cert, server.tls.key"]),
        (["server.tls.client_ca=c"], ["server.tls.client_ca, server.tls.cert"]),
        (
            ["runtime.default_limits.message_bytes_max=2 MiB"],
            ["runtime.default_limits.message_bytes_max, messaging.message_bytes_max"],
        ),
        (["runtime.allowed_profiles="], ["runtime.allowed_profiles"]),
        (["runtime.allowed_profiles=strict,strict"], ["runtime.allowed_profiles"]),
        (
            ["runtime.default_limits.cpu_ms_max=null"],
            ["runtime.default_limits.cpu_ms_max, runtime.default_limits.fuel_max"],
        ),
        (["deployment.canary.percentages=5,50"], ["deployment.canary.percentages"]),
        (["deployment.canary.percentages=50,5,100"], ["deployment.canary.percentages"]),
        (["cluster.enabled=true"], ["cluster.enabled, cluster.secret"]),
        (["security.oidc.issuer=https://id.example.org"], ["security.oidc.issuer, security.oidc.audience"]),
    ],
)
def test_what_does_not_go_together_is_refused(empty: Path, overrides: list[str], fields: list[str]) -> None:
    assert contradictions(empty, *overrides) == fields


def test_a_tool_server_is_started_or_reached_and_has_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "tools:\n  mcp_servers:\n"
        "    - {name: a}\n    - {name: b, command: [x], url: u}\n    - {name: b, url: u}\n"
    )
    with pytest.raises(ConfigurationInvalid) as caught:
        load_config(path, {})
    assert [problem.field for problem in caught.value.problems] == [
        "tools.mcp_servers[0]",
        "tools.mcp_servers[1]",
        "tools.mcp_servers[2]",
    ]
