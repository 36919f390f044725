"""The program as a person runs it: a real process, real pipes, its exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 60


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    def document(self) -> dict[str, object]:
        """Return the JSON object on standard output."""
        return msgspec.json.decode(self.out, type=dict[str, object])

    def error(self) -> dict[str, object]:
        """Return the error object on standard error."""
        return msgspec.json.decode(self.err, type=dict[str, dict[str, object]])["error"]


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment, without what steers the program, with the given variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAXTON")}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **variables}


def caxton(*words: str, stdin: bytes = b"", cwd: Path | None = None, **variables: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "caxton", *words],
        input=stdin,
        capture_output=True,
        timeout=_PATIENCE_S,
        cwd=cwd,
        env=environment(**variables),
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
