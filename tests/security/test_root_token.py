"""The root token's file."""

import stat
from pathlib import Path

import pytest

from caxton.domain.errors import ConfigurationInvalid
from caxton.security.root_token import load_root_token


def test_the_first_start_makes_the_file_and_the_next_ones_read_it(tmp_path: Path) -> None:
    token, source = load_root_token(tmp_path, {})
    path = tmp_path / "root.token"
    assert source == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == token + "\n"
    assert load_root_token(tmp_path, {}) == (token, source)
    assert [found.name for found in tmp_path.iterdir()] == ["root.token"]


def test_the_environment_wins_and_no_file_is_made(tmp_path: Path) -> None:
    token, source = load_root_token(tmp_path, {"CAXTON_ROOT_TOKEN": " given-by-the-operator \n"})
    assert token == "given-by-the-operator"
    assert "CAXTON_ROOT_TOKEN" in source
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "root.token"
    path.write_text("a-token-from-a-careless-copy\n")
    path.chmod(0o644)
    load_root_token(tmp_path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_half_made_file_of_an_earlier_crash_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "root.new").write_text("cxt_root_ha")
    token, _ = load_root_token(tmp_path, {})
    assert load_root_token(tmp_path, {})[0] == token
    assert len(token) > 40


@pytest.mark.parametrize(
    "bad", ["", "short", "x" * 513, "with a space in the token", "t\u00f6ken-that-is-not-ascii"]
)
def test_a_token_that_cannot_be_used_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        load_root_token(tmp_path, {"CAXTON_ROOT_TOKEN": bad})
    (tmp_path / "root.token").write_text(bad)
    with pytest.raises(ConfigurationInvalid) as refused:
        load_root_token(tmp_path, {})
    assert "fresh one" in refused.value.problems[0].fix
