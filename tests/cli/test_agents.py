"""Agents from the command line, against a real server."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.cli.program import environment, fields, rows
from tests.cli.serving import Served, module, serving


@pytest.fixture(scope="module")
def served() -> Generator[Served]:
    with serving() as served:
        yield served


def test_an_agent_is_deployed_listed_shown_and_deleted(served: Served, tmp_path: Path) -> None:
    ran = served.run("agent", "deploy", str(module(tmp_path, "echo")), "--name", "life", "--version", "1.2.0")
    assert ran.code == 0, ran.err
    assert "running" in ran.out
    listed = served.run("agent", "list")
    assert any(line.split()[0] == "life" and "running" in line for line in listed.out.splitlines())
    shown = served.run("agent", "get", "life", "-o", "json").document()
    assert (shown["name"], shown["version"], shown["state"]) == ("life", "1.2.0", "running")
    assert served.run("agent", "delete", "life").out == "deleted life\n"
    gone = served.run("agent", "get", "life", "-o", "json")
    assert gone.code == 1
    assert gone.error()["code"] == "AGENT_NOT_FOUND"


def test_the_file_names_the_agent_when_nobody_else_does(served: Served, tmp_path: Path) -> None:
    ran = served.run("agent", "deploy", str(module(tmp_path, "echo_bare")), "-o", "json")
    assert ran.document()["name"] == "echo_bare"


def test_what_was_asked_for_reaches_the_agent(served: Served, tmp_path: Path) -> None:
    served.deployed(
        tmp_path, "echo", "asked", "--limit", "memory_bytes_max=2MiB", "--limit", "execution_ms_max=2s",
        "--label", "team=red", "--capability", "echo",
    )  # fmt: skip
    shown = served.run("agent", "get", "asked", "-o", "json").document()
    assert shown["labels"] == {"team": "red"}
    assert shown["capabilities"] == ["echo"]
    limits = fields(shown["limits"])
    assert (limits["memory_bytes_max"], limits["execution_ms_max"]) == (2 * 1024 * 1024, 2000)
    found = served.run("agent", "list", "--label", "team=red", "-o", "json").document()["agents"]
    assert [agent["name"] for agent in rows(found)] == ["asked"]


def test_a_near_name_is_offered(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "echo", "bidder-one")
    ran = served.run("agent", "get", "bidder-onw")
    assert ran.code == 1
    assert "bidder-one" in ran.err


def test_a_bad_module_is_refused_with_every_problem(served: Served, tmp_path: Path) -> None:
    ran = served.run("agent", "deploy", str(module(tmp_path, "many_problems")), "-o", "json")
    assert ran.code == 1
    error = ran.error()
    assert error["code"] == "INVALID_WASM"
    told = served.run("agent", "deploy", str(module(tmp_path, "many_problems"))).err
    problems = rows(fields(error["details"])["problems"])
    assert len(problems) > 3
    assert told.count("  - ") == len(problems)


def test_draining_stops_an_agent_and_starting_brings_it_back(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "echo", "worker")
    assert (
        served.run("agent", "drain", "worker", "--timeout", "5s", "-o", "json").document()["state"]
        == "stopped"
    )
    again = served.run("agent", "drain", "worker", "-o", "json")
    assert (again.code, again.error()["code"]) == (1, "INVALID_STATE")
    assert served.run("agent", "start", "worker", "-o", "json").document()["state"] == "running"
    assert served.run("agent", "restart", "worker", "-o", "json").document()["state"] == "running"


def test_a_message_is_answered(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "echo", "parrot")
    content = '{"price": 1.10}'
    ran = served.run("send", "parrot", "-p", "request", "-c", content, "--wait", "5s", "-o", "json")
    assert ran.code == 0, ran.err
    reply = fields(ran.document()["reply"])
    assert reply["performative"] == "inform"
    told = served.run("send", "parrot", "-c", "-", "--wait", "5s", stdin=b'{"from": "pipe"}')
    assert told.out.startswith("inform from ")


def test_a_message_that_nobody_waits_for_is_accepted(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "silent", "quiet")
    ran = served.run("send", "quiet", "-p", "inform", "-c", '"hello"', "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.document()["status"] == "accepted"


def test_an_answer_that_does_not_come_is_a_missed_deadline(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "silent", "mute")
    ran = served.run("send", "mute", "-c", "1", "--wait", "100ms", "-o", "json")
    assert (ran.code, ran.error()["code"]) == (1, "DEADLINE_EXCEEDED")


def test_logs_are_shown(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "logger", "diary")
    served.run("send", "diary", "-p", "inform", "-c", "1")
    with following(served, "diary") as follower:
        assert follower.stdout is not None
        line = msgspec.json.decode(follower.stdout.readline(), type=dict[str, object])
    assert isinstance(line["message"], str)
    assert line in rows(served.run("agent", "logs", "diary", "-o", "json").document()["lines"])
    assert str(line["message"]) in served.run("agent", "logs", "diary").out


def test_following_goes_on_with_new_lines_and_ends_at_an_interrupt(served: Served, tmp_path: Path) -> None:
    served.deployed(tmp_path, "logger", "ticker")
    with following(served, "ticker") as follower:
        assert follower.stdout is not None
        for _ in range(3):
            served.run("send", "ticker", "-p", "inform", "-c", "1")
            assert b"message" in follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert follower.wait(20) == 130


@contextmanager
def following(served: Served, agent: str) -> Generator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "caxton", "agent", "logs", agent, "--follow", "-o", "json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(**served.variables)) as follower:
        try:
            yield follower
        finally:
            follower.kill()


def test_status_tells_versions_and_agents(served: Served) -> None:
    document = served.run("status", "-o", "json").document()
    assert document["ready"] is True
    assert "ready" in served.run("status").out


def test_a_wrong_token_is_a_no(served: Served) -> None:
    ran = served.run("agent", "list", "--token", "wrong", "-o", "json")
    assert (ran.code, ran.error()["code"]) == (1, "UNAUTHORIZED")


def test_the_health_check_says_yes(served: Served) -> None:
    assert served.run("health").code == 0
    assert served.run("health", "--ready").out == "ready\n"


def test_a_second_server_on_the_same_data_directory_is_refused(served: Served) -> None:
    directory = served.server.directory / "data"
    ran = served.run("serve", "--data-dir", str(directory), "--port", "0", "--metrics-port", "0")
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert str(directory) in ran.err


def test_a_server_stops_in_order_when_it_is_told_to() -> None:
    with serving() as served:
        served.server.stop()
    assert served.server.exit_code == 0
