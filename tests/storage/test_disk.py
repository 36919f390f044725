"""A disk that fails: nothing is acknowledged that is not on it, and the store recovers as soon as it does."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Final, final

import pytest

from caxton.storage.database import open_database
from tests.storage.faulty_disk import ALL, SHORT, SYNCS, WRITES, FaultyDisk
from tests.storage.shelf import things

PROGRAM: Final = """
import asyncio, os, sys
from pathlib import Path
from caxton.domain.errors.taxonomy import CaxtonError
from tests.storage.shelf import open_store, thing

async def main():
    store = open_store(Path(sys.argv[1]))
    store.start()
    for line in sys.stdin:
        name = line.strip()
        try:
            await store.append([thing(name, 1, bytes(30_000)), thing(name + "'", 1)])
            print("kept", flush=True)
        except CaxtonError as error:
            print(error.code, flush=True)
    os._exit(0)  # as if it had been killed

asyncio.run(main())
"""


@final
class Child:
    """A store in a process whose disk may fail."""

    def __init__(self, path: Path, disk: FaultyDisk) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **disk.environ},
        )

    def keep(self, name: str) -> str:
        """Have a thing kept; returns `kept`, or the code of the refusal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        """Let the process go without any farewell."""
        self._process.communicate(timeout=20)


def found(path: Path) -> set[str]:
    opened = open_database(path, "full")
    names = set(things(opened.connection))
    opened.connection.close()
    return names


@pytest.mark.parametrize(
    ("calls", "why", "code"),
    [
        (SYNCS, errno.EIO, "UNAVAILABLE"),
        (WRITES, errno.EIO, "UNAVAILABLE"),
        (WRITES, errno.ENOSPC, "STORAGE_FULL"),
        (WRITES | SHORT, errno.ENOSPC, "STORAGE_FULL"),
    ],
    ids=["fsync", "write", "no-space", "cut"],
)
def test_a_failing_disk_is_told_and_recovered_from_without_a_restart(
    tmp_path: Path, calls: int, why: int, code: str
) -> None:
    path = tmp_path / "data" / "caxton.db"
    path.parent.mkdir()
    disk = FaultyDisk(tmp_path, path.parent)
    child = Child(path, disk)
    assert child.keep("before") == "kept"
    disk.fail(calls, why, times=ALL)
    assert [child.keep(f"lost-{number}") for number in range(3)] == [code] * 3
    disk.heal()
    assert child.keep("after") == "kept"
    child.end()
    assert found(path) == {"before", "before'", "after", "after'"}


@pytest.mark.parametrize("calls", [SYNCS, WRITES, WRITES | SHORT], ids=["fsync", "write", "cut"])
def test_one_failure_at_each_call_in_turn_loses_nothing_that_was_acknowledged(
    tmp_path: Path, calls: int
) -> None:
    path = tmp_path / "data" / "caxton.db"
    path.parent.mkdir()
    disk = FaultyDisk(tmp_path, path.parent)
    child = Child(path, disk)
    answers = {"first": child.keep("first")}
    for number in range(60):
        disk.fail(calls, errno.EIO, after=number % 12, times=1)
        answers[f"{number}"] = child.keep(f"{number}")
    disk.heal()
    answers["last"] = child.keep("last")
    child.end()
    kept = {name for name, answer in answers.items() if answer == "kept"}
    assert "last" in kept
    assert len(kept) < len(answers), "some did fail"
    assert set(answers.values()) == {"kept", "UNAVAILABLE"}
    assert found(path) == kept | {f"{name}'" for name in kept}
