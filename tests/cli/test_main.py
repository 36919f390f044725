"""The tree of commands: what it lists, what it loads, what it says to a wrong word."""

import subprocess
import sys

import pytest

from caxton import __version__
from tests.cli.program import caxton, environment

COMMANDS = ("demo", "serve", "health", "status", "config", "agent", "send")
AGENT_COMMANDS = ("inspect", "deploy", "list", "get", "logs", "drain", "start", "restart", "delete")


def modules_loaded_by(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "caxton", *words],
        capture_output=True,
        timeout=60,
        env=environment(),
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


def test_help_lists_every_command() -> None:
    ran = caxton("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in ran.out


def test_the_help_of_agent_lists_every_command() -> None:
    ran = caxton("agent", "--help")
    assert ran.code == 0
    for command in AGENT_COMMANDS:
        assert f"\n  {command} " in ran.out


@pytest.mark.parametrize(
    "words", [*((word,) for word in COMMANDS), *(("agent", word) for word in AGENT_COMMANDS)]
)
def test_every_command_has_help_and_takes_output(words: tuple[str, ...]) -> None:
    ran = caxton(*words, "--help")
    assert ran.code == 0
    assert "--output" in ran.out


def test_help_loads_neither_an_http_client_nor_a_server_nor_the_engine() -> None:
    loaded = modules_loaded_by("--help")
    assert "caxton.cli.main" in loaded
    assert loaded.isdisjoint(
        {"httpx", "rich", "uvicorn", "starlette", "wasmtime", "msgspec", "asyncio", "orjson"}
    )


def test_health_loads_no_more_than_a_health_check_needs() -> None:
    loaded = modules_loaded_by("health", "--help")
    assert "http.client" in loaded  # what the command imports is listed, and it was imported
    assert loaded.isdisjoint({"httpx", "rich", "uvicorn", "starlette", "wasmtime", "asyncio"})


def test_version_names_the_program_and_its_version() -> None:
    assert caxton("--version").out == f"caxton {__version__}\n"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("serv",), "'serve'"),
        (("agent", "depoy"), "'deploy'"),  # codespell:ignore depoy
        (("agent", "list", "--stat", "x"), "--state"),
        (("send", "a", "-p", "requst"), "`request`"),  # codespell:ignore requst
        (("send", "a", "--wait", "5x"), "use one of"),
        (("agent", "deploy", "a.wasm", "--limit", "memory_byte_max=1"), "`memory_bytes_max`"),
    ],
)
def test_a_wrong_word_is_a_usage_error_that_offers_the_right_one(words: tuple[str, ...], meant: str) -> None:
    ran = caxton(*words)
    assert ran.code == 2
    assert meant in ran.err
    assert "Traceback" not in ran.err


def test_no_words_at_all_show_the_help_as_a_usage_error() -> None:
    ran = caxton()
    assert ran.code == 2
    assert "Commands" in ran.err or "Server:" in ran.err
