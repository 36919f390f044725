"""The program as a person runs it: a real process, real pipes, its exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


def run(words: Sequence[str], variables: Mapping[str, str], stdin: bytes = b"") -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "caxton", *words],
        input=stdin,
        capture_output=True,
        timeout=_PATIENCE_S,
        env=environment(**variables),
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def caxton(*words: str, **variables: str) -> Ran:
    return run(words, variables)


def rows(value: object) -> list[dict[str, object]]:
    """Return a list of objects out of a document."""
    return msgspec.convert(value, list[dict[str, object]])


def fields(value: object) -> dict[str, object]:
    """Return an object out of a document."""
    return msgspec.convert(value, dict[str, object])
