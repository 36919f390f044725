"""From all sources to one configuration, or to every reason why there is none."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from caxton.config import (
    LoadedConfig,
    config_path,
    default_data_dir,
    default_limits,
    limit_maxima,
    load_config,
)
from caxton.domain.errors import ConfigurationInvalid
from caxton.domain.limits import MIB, LimitsRequest, merge_limits
from caxton.domain.problem import Problem

NOTHING: Mapping[str, str] = {}
TOML = """\
[server]
port = 1234
[[tools.mcp_servers]]
name = "a"
command = ["x", "y"]
env = {K = "v"}
"""


def load(
    text: str = "",
    *,
    environ: Mapping[str, str] = NOTHING,
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    folder: Path,
    name: str = "caxton.yaml",
) -> LoadedConfig:
    path = folder / name
    path.write_text(text)
    return load_config(path, environ, overrides, flags)


def problems_of(
    text: str = "",
    *,
    environ: Mapping[str, str] = NOTHING,
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    folder: Path,
    name: str = "caxton.yaml",
) -> list[Problem]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(text, environ=environ, overrides=overrides, flags=flags, folder=folder, name=name)
    return list(caught.value.problems)


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load(folder=tmp_path)
    config = loaded.config
    assert (config.server.host, config.server.port, config.server.metrics_port) == ("127.0.0.1", 8080, 9090)
    assert config.server.grpc_port == 0
    assert 1 <= config.runtime.workers <= 64
    assert (config.runtime.agents_max, config.runtime.module_bytes_max) == (100_000, 32 * MIB)
    assert config.runtime.allowed_profiles == ("strict", "standard")
    assert (config.messaging.message_bytes_max, config.messaging.mailbox_max) == (MIB, 1000)
    assert config.security.auth == "token"
    assert config.deployment.canary.percentages == (5.0, 25.0, 50.0, 100.0)
    assert {str(source) for source in loaded.sources.values()} == {"default"}


def test_each_source_stands_above_the_one_before(tmp_path: Path) -> None:
    text = "server: {port: 1, metrics_port: 11}\nruntime: {workers: 1, agents_max: 1, epoch_tick_ms: 1}\n"
    environ = {
        "CAXTON__SERVER__METRICS_PORT": "12",
        "CAXTON__RUNTIME__WORKERS": "2",
        "CAXTON__RUNTIME__AGENTS_MAX": "2",
        "CAXTON__RUNTIME__EPOCH_TICK_MS": "2",
    }
    overrides = ["runtime.agents_max=3", "runtime.epoch_tick_ms=3"]
    loaded = load(
        text,
        environ=environ,
        overrides=overrides,
        flags={"runtime.epoch_tick_ms": 4, "server.host": None},
        folder=tmp_path,
    )
    runtime = loaded.config.runtime
    assert (loaded.config.server.port, runtime.workers, runtime.agents_max, runtime.epoch_tick_ms) == (
        1,
        2,
        3,
        4,
    )
    assert str(loaded.sources["server.port"]) == f"{tmp_path}/caxton.yaml:1"
    assert str(loaded.sources["server.metrics_port"]) == "CAXTON__SERVER__METRICS_PORT"
    assert str(loaded.sources["runtime.agents_max"]) == "--set runtime.agents_max"
    assert str(loaded.sources["runtime.epoch_tick_ms"]) == "--epoch-tick-ms"
    assert str(loaded.sources["server.host"]) == "default"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "c.yaml",
            "server:\n  port: 1234\ntools:\n  mcp_servers:\n    - {name: a, command: [x, y], env: {K: v}}\n",
        ),
        ("c.yml", "server: {port: 1234}\ntools: {mcp_servers: [{name: a, command: [x, y], env: {K: v}}]}\n"),
        ("c.toml", TOML),
    ],
)
def test_yaml_and_toml_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    config = load(text, folder=tmp_path, name=name).config
    assert config.server.port == 1234
    (server,) = config.tools.mcp_servers
    assert (server.name, server.command, server.env) == ("a", ("x", "y"), {"K": "v"})


def test_everything_that_is_wrong_anywhere_is_told_at_once(tmp_path: Path) -> None:
    text = """\
server:
  prot: 8080
  port: 70000
  metrics_port: "9090"
runtime:
  workers: many
  default_limits: {cpu_ms_max: -1}
messaging: 5
security: {auth: nobody}
storage:
cluster: {secret: "${SECRET}"}
"""
    problems = problems_of(
        text,
        environ={"CAXTON__SERVER__PROT": "1", "CAXTON__RUNTIME": "x"},
        overrides=["novalue", "server.port=x"],
        flags={"server.port": 99999},
        folder=tmp_path,
    )
    file = f"{tmp_path}/caxton.yaml"
    assert {(problem.where, problem.field, str(problem.kind)) for problem in problems} == {
        (f"{file}:2", "server.prot", "unknown_field"),
        (f"{file}:3", "server.port", "out_of_bounds"),
        (f"{file}:4", "server.metrics_port", "wrong_type"),
        (f"{file}:6", "runtime.workers", "wrong_type"),
        (f"{file}:7", "runtime.default_limits.cpu_ms_max", "out_of_bounds"),
        (f"{file}:8", "messaging", "wrong_type"),
        (f"{file}:9", "security.auth", "invalid_value"),
        (f"{file}:11", "cluster.secret", "invalid_value"),
        ("CAXTON__SERVER__PROT", "server.prot", "unknown_field"),
        ("CAXTON__RUNTIME", "runtime", "wrong_type"),
        ("--set novalue", "", "syntax"),
        ("--set server.port", "server.port", "wrong_type"),
        ("--port", "server.port", "out_of_bounds"),
    }


def test_a_fault_is_told_even_where_a_higher_source_hides_it(tmp_path: Path) -> None:
    (problem,) = problems_of("server: {port: x}", flags={"server.port": 8081}, folder=tmp_path)
    assert problem.where.endswith(":1")


def test_an_error_names_the_range_and_a_suggestion(tmp_path: Path) -> None:
    port, host = problems_of("server:\n  port: -1\n  hots: a\n", folder=tmp_path)
    assert "0 to 65535" in port.fix
    assert "`server.host`" in host.fix


def test_the_right_key_in_the_wrong_section_is_found(tmp_path: Path) -> None:
    (problem,) = problems_of("runtime: {drain_timeout_s: 5}", folder=tmp_path)
    assert "`deployment.drain_timeout_s`" in problem.fix


def test_contradictions_are_told_with_the_origins_of_both_sides(tmp_path: Path) -> None:
    (problem,) = problems_of("server: {port: 9090}", folder=tmp_path)
    assert str(problem.kind) == "contradiction"
    assert "server.port from " in problem.problem
    assert "caxton.yaml:1" in problem.problem
    assert "server.metrics_port from default" in problem.problem


def test_a_refused_value_is_not_blamed_for_contradictions_of_its_default(tmp_path: Path) -> None:
    fields = [
        problem.field for problem in problems_of("server: {port: 9090, metrics_port: x}", folder=tmp_path)
    ]
    assert fields == ["server.metrics_port"]


def test_exact_fuel_takes_the_place_of_the_default_of_milliseconds(tmp_path: Path) -> None:
    loaded = load("runtime: {default_limits: {fuel_max: 1000}}", folder=tmp_path)
    limits = default_limits(loaded.config)
    assert (limits.fuel_max, limits.cpu_ms_max) == (1000, None)
    both = problems_of("runtime: {default_limits: {fuel_max: 1000, cpu_ms_max: 5}}", folder=tmp_path)
    assert [str(problem.kind) for problem in both] == ["contradiction"]


def test_agents_inherit_the_limits_of_messaging(tmp_path: Path) -> None:
    config = load("messaging: {mailbox_max: 5, message_bytes_max: 2 MiB}", folder=tmp_path).config
    limits = default_limits(config)
    assert (limits.mailbox_max, limits.message_bytes_max) == (5, 2 * MIB)
    assert limit_maxima(config).message_bytes_max == 2 * MIB
    merged = merge_limits(LimitsRequest(mailbox_max=10), limits, limit_maxima(config))
    assert merged.mailbox_max == 10


def test_the_values_of_secrets_are_not_shown(tmp_path: Path) -> None:
    loaded = load("cluster: {secret: swordfish}", folder=tmp_path)
    assert loaded.config.cluster.secret == "swordfish"
    rows = {key: value for key, value, _ in loaded.rows()}
    assert "swordfish" not in str(rows)
    assert rows["cluster.secret"] == "(hidden)"
    assert rows["server.port"] == 8080
    assert set(rows) == set(loaded.sources)


def test_an_empty_file_and_empty_sections_say_nothing(tmp_path: Path) -> None:
    assert (
        load("", folder=tmp_path).config == load("server:\nruntime: {}\n# nothing\n", folder=tmp_path).config
    )


def test_a_named_file_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load_config(None, {"CAXTON_CONFIG_PATH": str(tmp_path / "none.yaml")})
    assert "none.yaml" in caught.value.problems[0].where


def test_the_file_is_the_given_one_or_the_one_of_the_variable(tmp_path: Path) -> None:
    given, named = tmp_path / "a.yaml", tmp_path / "b.yaml"
    environ = {"CAXTON_CONFIG_PATH": str(named)}
    assert config_path(given, environ) == given
    assert config_path(None, environ) == named


def test_a_user_keeps_the_data_at_home_and_root_where_the_system_does() -> None:
    home = {"HOME": "/home/a"}
    assert default_data_dir(home, user_id=1000) == "/home/a/.local/share/caxton"
    assert default_data_dir(home | {"XDG_DATA_HOME": "/x"}, user_id=1000) == "/x/caxton"
    assert (
        default_data_dir(home | {"XDG_DATA_HOME": "relative"}, user_id=1000) == "/home/a/.local/share/caxton"
    )
    assert default_data_dir({}, user_id=1000) == "/var/lib/caxton"
    assert default_data_dir(home | {"XDG_DATA_HOME": "/x"}, user_id=0) == "/var/lib/caxton"
