"""The control of the runs under AddressSanitizer: planted errors are reported and end the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import core_doors

ROOT = Path(__file__).resolve().parent.parent.parent
INSTRUMENTED = os.environ.get("CAXTON_SANITIZE") == "address"
REPORTED = 66
PLANTED = {
    "read_behind(40)": "heap-buffer-overflow",
    "copy_behind(41)": "heap-buffer-overflow",
    "read_freed(True)": "heap-use-after-free",
}
SOUND = (("read_behind", 0, 1), ("copy_behind", 40, 7), ("read_freed", 0, 3))


@pytest.mark.sanitize
@pytest.mark.parametrize(("name", "argument", "answer"), SOUND)
def test_the_sound_twin_of_a_planted_error_passes(name: str, argument: int, answer: int) -> None:
    assert getattr(core_doors.load("planted_door"), name)(argument) == answer


@pytest.mark.sanitize
@pytest.mark.skipif(not INSTRUMENTED, reason="only an instrumented core reports; `make asan` runs this")
@pytest.mark.parametrize("call", PLANTED)
def test_a_planted_error_is_reported(call: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", f"from tests import core_doors; core_doors.load('planted_door').{call}"],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT,
        check=False,
    )
    assert outcome.returncode == REPORTED, outcome.stderr
    assert f"AddressSanitizer: {PLANTED[call]}" in outcome.stderr
    assert call.partition("(")[0] in outcome.stderr
