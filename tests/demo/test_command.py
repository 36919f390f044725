"""The demonstration as a person runs it: real server, real agents, real messages."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.cli.program import ROOT, caxton, environment, fields, rows


def acts(document: dict[str, object]) -> list[tuple[object, object, object]]:
    return [(seen["sender"], seen["receiver"], seen["performative"]) for seen in rows(document["messages"])]


def test_the_cheapest_bidder_wins_and_figures_are_measured() -> None:
    ran = caxton("demo", "--seconds", "0.2", "-o", "json")
    assert ran.code == 0, ran.err
    document = ran.document()
    assert document["faults"] == []
    assert ("manager", "frugal", "accept-proposal") in acts(document)
    assert ("manager", "swift", "reject-proposal") in acts(document)
    assert ("picky", "manager", "refuse") in acts(document)
    (refusal,) = rows(document["refusals"])
    assert (refusal["sender"], refusal["performative"]) == ("clerk", "agree")
    assert (refusal["code"], refusal["reason"]) == ("PROTOCOL_VIOLATION", "duplicate_response")
    figures = fields(document["figures"])
    assert msgspec.convert(figures["messages_per_s"], float) > 0
    assert msgspec.convert(figures["bytes_per_agent"], float) > 0
    # What is for a person goes to the errors, so that a program can read the rest.
    assert "The cheapest bidder won: frugal" in ran.err
    assert "fipa-contract-net: Completed (result) after 7 messages" in ran.err
    assert "refused: duplicate_response" in ran.err


def test_without_the_compiler_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text('import sys\nsys.modules["ziglang"] = None\n')
    done = subprocess.run(
        [sys.executable, "-m", "caxton", "demo"],
        capture_output=True,
        timeout=60,
        env=environment() | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        text=True,
    )
    assert done.returncode == 1
    assert "pip install 'caxton[agents]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_that_is_ended_takes_its_server_with_it(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "caxton", "demo", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED="1"),
        text=True,
    ) as play:
        assert play.stdout is not None
        directory = None
        for line in play.stdout:
            if "data in " in line:
                directory = Path(line.rpartition("data in ")[2].strip())
            if "A Contract Net" in line:
                break
        assert directory is not None
        assert directory.is_dir()
        play.send_signal(ending)
        play.communicate(timeout=30)
    assert play.returncode == 128 + ending
    assert not directory.exists()


def test_kept_it_goes_on_and_can_be_talked_to_as_it_says() -> None:
    ran = caxton("demo", "--keep", "--seconds", "0.1")
    assert ran.code == 0, ran.err
    told = [line.strip() for line in ran.out.splitlines()]
    url = next(line.partition("=")[2] for line in told if line.startswith("export CAXTON_SERVER="))
    end = next(line for line in told if line.startswith("kill ")).split()
    process, directory = int(end[1]), Path(end[-1])
    try:
        token = (directory / "data" / "root.token").read_text().strip()
        sent = caxton(
            "send", "manager", "--content", '{"size": 20000}', "--wait", "10s", "-o", "json",
            CAXTON_SERVER=url, CAXTON_TOKEN=token,
        )  # fmt: skip
        assert sent.code == 0, sent.err
        assert fields(fields(fields(sent.document()["reply"])["content"])["result"])["primes"] == 2262
    finally:
        os.kill(process, signal.SIGTERM)
        subprocess.run(["rm", "-r", str(directory)], check=False)
