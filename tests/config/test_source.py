"""Values on their way in: where they stood and what they were."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.config.source import (
    FILE_BYTES_MAX,
    read_environment,
    read_file,
    read_flags,
    read_overrides,
    substitute,
)

ENVIRON = {"HOME": "/home/a", "EMPTY": "", "PORT": "8081"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${HOME}/x", "/home/a/x"),
        ("${PORT:-1}", "8081"),
        ("${NONE:-1}", "1"),
        ("${EMPTY:-1}", "1"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("$$HOME $${HOME}", "$HOME ${HOME}"),
        ("$HOME", "$HOME"),
        ("${}", "${}"),
        ("${a b}", "${a b}"),
        ("${NONE:-a:-b}", "a:-b"),
    ],
)
def test_variables_are_replaced_like_in_a_shell(text: str, result: str) -> None:
    assert substitute(text, ENVIRON) == (result, [])


def test_unset_variables_are_named() -> None:
    assert substitute("${A}-${B}-${HOME}", ENVIRON)[1] == ["A", "B"]


@given(st.text())
def test_a_text_without_a_dollar_stays_as_it_is(text: str) -> None:
    plain = text.replace("$", "")
    assert substitute(plain, ENVIRON) == (plain, [])


def test_a_value_of_a_variable_is_not_replaced_again() -> None:
    assert substitute("${A}", {"A": "${B}"}) == ("${B}", [])


def test_variables_in_lists_are_replaced_and_their_lines_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text('cluster:\n  join:\n    - "${HOST}:1"\n    - b\n')
    entries, problems = read_file(path, {"HOST": "h"})
    assert problems == []
    (entry,) = entries
    assert (entry.key, entry.value, entry.source.place) == ("cluster.join", ["h:1", "b"], f"{path}:2")


def test_the_environment_is_read_by_its_prefix() -> None:
    environ = {"CAXTON__SERVER__PORT": "1", "CAXTON_TOKEN": "x", "PATH": "/bin", "CAXTON__A__B__C": "2"}
    rows = [(entry.path, entry.value, entry.as_text) for entry in read_environment(environ)]
    assert rows == [(("a", "b", "c"), "2", True), (("server", "port"), "1", True)]


def test_overrides_are_cut_at_the_first_equals_sign() -> None:
    entries, problems = read_overrides(["a.b=c=d", " a . b = x"])
    assert [(entry.path, entry.value) for entry in entries] == [(("a", "b"), "c=d"), (("a", "b"), " x")]
    assert problems == []


@pytest.mark.parametrize("override", ["", "a", "=b", " =b"])
def test_an_override_without_key_or_value_is_a_problem(override: str) -> None:
    entries, problems = read_overrides([override])
    assert (entries, len(problems)) == ([], 1)


def test_an_option_that_was_not_given_says_nothing() -> None:
    entries = read_flags({"server.metrics_port": 1, "server.port": None})
    assert [(entry.key, str(entry.source)) for entry in entries] == [
        ("server.metrics_port", "--metrics-port")
    ]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("c.yaml", b"server: [\n", "2"),
        ("c.yaml", b"a: 1\n b: 2\n", "2"),
        ("c.yaml", b"server:\n  port: 1\n  port: 2\n", "3"),
        ("c.yaml", b"server:\n  1: x\n", "2"),
        ("c.yaml", b"- a\n", "1"),
        ("c.yaml", b"a: &x [*x]\n", "1"),
        ("c.yaml", b"a: !!python/object:os.system x\n", "1"),
        ("c.yaml", b"a: 1\n---\nb: 1\n", "2"),
        ("c.yaml", b"\x00", "1"),
        ("c.yaml", b"a: \xff", None),
        ("c.toml", b"server = [\n", None),
        ("c.toml", b"[server]\nport = 1\nport = 2\n", None),
        ("c.json", b"{}", None),
        ("c", b"", None),
        ("c.yaml", b"#" * (FILE_BYTES_MAX + 1), None),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_place(
    tmp_path: Path, name: str, content: bytes, line: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    entries, problems = read_file(path, {})
    assert entries == []
    assert problems[0].where == (f"{path}:{line}" if line else str(path))
    assert problems[0].problem


def test_a_directory_or_nothing_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        entries, problems = read_file(path, {})
        assert (entries, len(problems)) == ([], 1)


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from([".yaml", ".toml"]))
def test_any_text_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, extension: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{extension}"
    path.write_text(text)
    read_file(path, {})
