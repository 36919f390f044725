"""The control of ThreadSanitizer's silence: sound programs are clean, and broken twins are reported."""

import os
import subprocess
import sys

import pytest

from tests import core_doors
from tests.sanitize import run_tsan, stress

RUN = core_doors.ROOT / "tests" / "sanitize" / "run_tsan.py"

needs_sanitizer = pytest.mark.skipif(run_tsan.sanitizer_library() is None, reason="gcc has no libtsan.so here")


def run(*programs: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in {"LD_PRELOAD", "CAXTON_SANITIZE"}}
    return subprocess.run(
        [sys.executable, str(RUN), *programs], env=environment, capture_output=True, text=True, check=False
    )


@needs_sanitizer
@pytest.mark.sanitize
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sound_programs_are_clean_and_every_broken_twin_is_caught() -> None:
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert {name for name, verdict in verdicts.items() if verdict.endswith("clean")} == set(stress.SOUND)
    assert {name for name, verdict in verdicts.items() if "caught" in verdict} == set(stress.BROKEN)


def verdict_on(program: str, returncode: int, stderr: str = "") -> str:
    return run_tsan.judge(program, subprocess.CompletedProcess([], returncode, "", stderr))


def test_a_report_on_a_sound_program_is_a_fault_and_so_is_any_other_end() -> None:
    assert verdict_on("mailbox", 0) == ""
    assert "race" in verdict_on("mailbox", run_tsan.REPORTED)
    assert "ended with -11" in verdict_on("mailbox", -11)


def test_a_broken_twin_that_is_not_reported_or_elsewhere_is_a_fault() -> None:
    report = "WARNING: ThreadSanitizer: data race\n #0 {}"
    assert verdict_on("broken_mailbox", run_tsan.REPORTED, report.format("MailboxDoor_22consume")) == ""
    assert "did not report" in verdict_on("broken_mailbox", 0)
    assert "did not report" in verdict_on("broken_mailbox", 1)
    assert "not in" in verdict_on("broken_mailbox", run_tsan.REPORTED, report.format("elsewhere"))


def test_an_unknown_program_is_named_and_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tsan.main(["no_such_program"]) == 2
    assert "no_such_program" in capsys.readouterr().err
