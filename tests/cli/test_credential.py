"""Which token goes to which server."""

from pathlib import Path

import click
import pytest

from caxton.cli.address import parse_address
from caxton.cli.credential import find_credential

HERE = parse_address("http://127.0.0.1:8080")
THERE = parse_address("https://agents.example.org")


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("CAXTON_TOKEN", "CAXTON_ROOT_TOKEN", "CAXTON_CONFIG_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CAXTON__STORAGE__DATA_DIR", str(tmp_path))
    return tmp_path


def test_the_option_comes_before_everything(data_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_directory / "root.token").write_text("root")
    monkeypatch.setenv("CAXTON_TOKEN", "variable")
    assert find_credential(HERE, "option").token == "option"


def test_the_variable_comes_before_the_file(data_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_directory / "root.token").write_text("root")
    monkeypatch.setenv("CAXTON_TOKEN", "variable")
    assert find_credential(HERE, None).token == "variable"


def test_the_local_root_token_serves_the_local_server(data_directory: Path) -> None:
    (data_directory / "root.token").write_text("root\n")
    credential = find_credential(HERE, None)
    assert credential.token == "root"
    assert credential.source == f"{data_directory}/root.token"


def test_the_local_root_token_never_goes_to_another_machine(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_directory / "root.token").write_text("root")
    monkeypatch.setenv("CAXTON_ROOT_TOKEN", "root")
    assert find_credential(THERE, None).token is None


def test_a_missing_file_is_named(data_directory: Path) -> None:
    credential = find_credential(HERE, None)
    assert credential.token is None
    assert credential.source == f"there is no {data_directory}/root.token"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "grün"])
def test_a_token_that_no_header_can_carry_is_a_usage_error(token: str) -> None:
    with pytest.raises(click.UsageError, match="--token"):
        find_credential(HERE, token)


def test_a_configuration_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAXTON__SERVER__PORT", "many")
    assert "cannot be told" in find_credential(HERE, None).source
