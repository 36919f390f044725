"""Wherever a crash cuts it: what the store acknowledged is there, and nothing by halves."""

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton.storage.database import open_database
from caxton.storage.statement import Change
from tests.storage.shelf import gone, shelf, thing, things

Model = dict[str, tuple[int | None, bytes]]
Operation = tuple[str, int | None, bytes] | str

NAMES: Final = st.sampled_from("abcde")
OPERATIONS: Final = st.one_of(
    NAMES, st.tuples(NAMES, st.none() | st.integers(0, 9), st.binary(max_size=30) | st.just(b"\xff" * 40_000))
)
ROUNDS: Final = 6
"""How often a process is killed here; each takes a good half of a second."""


def change(operation: Operation) -> Change:
    return gone(operation) if isinstance(operation, str) else thing(*operation)


def applied(model: Model, batch: list[Operation]) -> Model:
    after = dict(model)
    for operation in batch:
        if isinstance(operation, str):
            after.pop(operation, None)
        else:
            after[operation[0]] = operation[1:]
    return after


@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=5), min_size=1, max_size=8), st.randoms())
@settings(max_examples=30)
def test_a_crash_at_any_byte_of_the_log_leaves_what_was_committed_before_it(
    batches: list[list[Operation]], chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        asyncio.run(_crash_everywhere(directory, batches, chance))


async def _crash_everywhere(directory: Path, batches: list[list[Operation]], chance: random.Random) -> None:
    path = directory / "caxton.db"
    wal = directory / "caxton.db-wal"
    async with shelf(path) as store:
        # The log's length after each commit, and what must be there from then on.
        marks: list[tuple[int, Model]] = [(wal.stat().st_size, {})]
        for batch in batches:
            await store.append([change(operation) for operation in batch])
            marks.append((wal.stat().st_size, applied(marks[-1][1], batch)))
        assert await store.read(things) == marks[-1][1]
        first, last = marks[0][0], marks[-1][0]
        for cut in {first, last, *(chance.randint(first, last) for _ in range(5))}:
            copy = directory / "copy.db"
            shutil.copy(path, copy)
            (directory / "copy.db-wal").write_bytes(wal.read_bytes()[:cut])
            opened = open_database(copy, "full")
            assert things(opened.connection) == [model for size, model in marks if size <= cut][-1]
            opened.connection.close()


def test_a_process_that_is_killed_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20250611)
    path = tmp_path / "caxton.db"
    promised: dict[str, int] = {}
    for number in range(ROUNDS):
        lines = chance.randint(1, 400)
        promised |= _acknowledged(path, f"{number}", lines)
        opened = open_database(path, "full")
        found = things(opened.connection)
        opened.connection.close()
        lost = {name for name, value in promised.items() if name not in found or found[name][0] != value}
        assert not lost, f"round {number}, killed after {lines} acknowledgements"
        halves = {name for name in found if name.endswith("/1") and name[:-1] + "2" not in found}
        assert not halves, "two things of one batch come together"


def _acknowledged(path: Path, prefix: str, lines: int) -> dict[str, int]:
    """Kill a writer after so many acknowledgements; returns all that it made until then."""
    command = [sys.executable, "-m", "tests.storage.busy_writer", str(path), prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    made: dict[str, int] = {}
    for line in told:
        # The last line may have been cut with the process.
        if line.endswith("\n"):
            name, value = line.split()
            made[f"{name}/1"] = made[f"{name}/2"] = int(value)
    assert made
    return made


@pytest.mark.anyio
async def test_what_is_kept_is_bit_for_bit_what_was_given(tmp_path: Path) -> None:
    bodies = {"empty": b"", "large": random.Random(1).randbytes(1 << 20), "zeros": bytes(100)}
    async with shelf(tmp_path / "caxton.db") as store:
        await store.append([thing(name, -(2**63), body) for name, body in bodies.items()])
    async with shelf(tmp_path / "caxton.db") as store:
        assert await store.read(things) == {name: (-(2**63), body) for name, body in bodies.items()}
