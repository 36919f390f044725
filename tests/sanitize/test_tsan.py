"""The judge of the runs under ThreadSanitizer: what counts as clean, and what as caught.

The runs themselves are ``make tsan``.
"""

import subprocess

import pytest

from tests.sanitize import run_tsan, stress


def verdict_on(program: str, returncode: int, stderr: str = "") -> str:
    return run_tsan.judge(program, subprocess.CompletedProcess([], returncode, "", stderr))


@pytest.mark.parametrize("program", stress.SOUND)
def test_a_report_on_a_sound_program_is_a_fault_and_so_is_any_other_end(program: str) -> None:
    assert verdict_on(program, 0) == ""
    assert "race" in verdict_on(program, run_tsan.REPORTED)
    assert "ended with -11" in verdict_on(program, -11)


def test_a_broken_twin_that_is_not_reported_or_elsewhere_is_a_fault() -> None:
    report = "WARNING: ThreadSanitizer: data race\n #0 {}"
    assert verdict_on("broken_mailbox", run_tsan.REPORTED, report.format("MailboxDoor_22consume")) == ""
    assert "did not report" in verdict_on("broken_mailbox", 0)
    assert "did not report" in verdict_on("broken_mailbox", 1)
    assert "not in" in verdict_on("broken_mailbox", run_tsan.REPORTED, report.format("elsewhere"))


def test_every_broken_twin_has_a_place_where_it_must_be_seen() -> None:
    assert set(run_tsan.CULPRITS) == set(stress.BROKEN)


def test_an_unknown_program_is_named_and_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tsan.main(["no_such_program"]) == 2
    assert "no_such_program" in capsys.readouterr().err
