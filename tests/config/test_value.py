"""One value against the shape of its setting."""

import math

import pytest

from caxton.config.value import convert
from caxton.config.walk import setting_shapes
from caxton.domain.problem import Problem


def read(key: str, value: object, *, as_text: bool = False) -> tuple[object, list[Problem]]:
    problems: list[Problem] = []
    result = convert(setting_shapes()[key], value, key=key, where="here", as_text=as_text, problems=problems)
    return result, problems


@pytest.mark.parametrize(
    ("key", "value", "result"),
    [
        ("server.port", 0, 0),
        ("server.port", 65535, 65535),
        ("server.port", 80.0, 80),
        ("runtime.module_bytes_max", "16 MiB", 16 * 2**20),
        ("runtime.default_limits.cpu_ms_max", None, None),
        ("deployment.drain_timeout_s", 5, 5.0),
        ("observability.trace_sample", 0.5, 0.5),
        ("security.behind_proxy", True, True),
        ("security.auth", "none", "none"),
        ("cluster.join", ["a:1", "b:2"], ("a:1", "b:2")),
        ("deployment.canary.percentages", [10, 100], (10.0, 100.0)),
    ],
)
def test_a_value_of_its_type_is_taken(key: str, value: object, result: object) -> None:
    assert read(key, value) == (result, [])


@pytest.mark.parametrize(
    ("key", "text", "result"),
    [
        ("server.port", "80", 80),
        ("runtime.agents_max", "10_000", 10_000),
        ("deployment.drain_timeout_s", "2.5", 2.5),
        ("security.behind_proxy", "Yes", True),
        ("security.behind_proxy", "0", False),
        ("runtime.default_limits.fuel_max", "null", None),
        ("runtime.default_limits.fuel_max", "", None),
        ("cluster.join", "a:1, b:2", ("a:1", "b:2")),
        ("cluster.join", "[a:1,b:2]", ("a:1", "b:2")),
        ("cluster.join", "", ()),
        ("deployment.canary.percentages", "5,100", (5.0, 100.0)),
        ("messaging.message_bytes_max", "2MB", 2_000_000),
    ],
)
def test_where_only_text_is_possible_it_stands_for_the_value(key: str, text: str, result: object) -> None:
    assert read(key, text, as_text=True) == (result, [])


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("server.port", "80", "wrong_type"),
        ("server.port", True, "wrong_type"),
        ("server.port", 80.5, "wrong_type"),
        ("server.port", None, "wrong_type"),
        ("server.port", [80], "wrong_type"),
        ("server.port", -1, "out_of_bounds"),
        ("runtime.module_bytes_max", "16 M", "invalid_value"),
        ("runtime.module_bytes_max", "1 GiB", "out_of_bounds"),
        ("deployment.drain_timeout_s", 0, "out_of_bounds"),
        ("deployment.drain_timeout_s", math.nan, "out_of_bounds"),
        ("deployment.drain_timeout_s", math.inf, "out_of_bounds"),
        ("deployment.drain_timeout_s", "5", "wrong_type"),
        ("security.behind_proxy", "yes", "wrong_type"),
        ("security.behind_proxy", 1, "wrong_type"),
        ("security.auth", "tokens", "invalid_value"),
        ("security.auth", 5, "wrong_type"),
        ("server.host", "", "invalid_value"),
        ("server.host", "a\nb", "invalid_value"),
        ("cluster.join", "a:1", "wrong_type"),
        ("cluster.join", [1], "wrong_type"),
        ("deployment.canary.percentages", [0], "out_of_bounds"),
        ("tools.mcp_servers", [{"command": ["x"]}], "missing"),
        ("tools.mcp_servers", [{"name": "a", "kommand": ["x"]}], "unknown_field"),
        ("tools.mcp_servers", ["a"], "wrong_type"),
        ("tools.mcp_servers", [{"name": "a", "env": {"K": 1}}], "wrong_type"),
    ],
)
def test_another_value_is_refused_with_its_place_and_what_would_do(
    key: str, value: object, kind: str
) -> None:
    _, problems = read(key, value)
    (problem,) = problems
    assert (str(problem.kind), problem.where) == (kind, "here")
    assert problem.field.startswith(key)
    assert problem.fix


@pytest.mark.parametrize("text", ["", "x", "1e3", "0x10", "--1", "9" * 50, "\u0661"])
def test_a_text_that_is_no_number_is_no_number(text: str) -> None:
    _, problems = read("server.port", text, as_text=True)
    assert len(problems) == 1


def test_a_wrong_choice_gets_the_near_one() -> None:
    _, (problem,) = read("security.auth", "tokn")
    assert "`token`" in problem.fix
