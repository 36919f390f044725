"""Rows of 300 bytes, acknowledged after the disk has confirmed them, while Python is busy and while it is not.

Method: one loop hands batches of 100 rows to the store as fast as it takes them (durability `full`), and again
with a thread beside it that does nothing but run Python. Foil: `executemany`, a thousand rows to a commit,
beside the same thread. Floor: the same bytes appended to a file of the same disk and confirmed, a thousand
rows at a time. Then 100,000 rows a second are handed in by the clock, and the time to the acknowledgement of
each batch is taken. The file lies in the directory of the checkout, where a disk is, or in CAXTON_BENCH_DISK.
"""

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import house
from benchmarks.figure import Figure
from benchmarks.spread import Spread
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.storage.database import connect
from caxton.storage.statement import Change, Row, add
from caxton.storage.store import Store

ROW_BYTES: Final = 300
BATCH_ROWS: Final = 100
COMMIT_ROWS: Final = 1000
SECONDS: Final = 5.0
PACE_ROWS_PER_S: Final = 100_000
_TABLE: Final = (
    "CREATE TABLE kept (place INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c TEXT, body BLOB) STRICT"
)
_ADD: Final = add("kept", "a", "b", "c", blobs=("body",))
_ONE_ROW: Final = "INSERT INTO kept (a, b, c, body) VALUES (?, ?, ?, ?)"
_ROW: Final[Row] = (1, 1_700_000_000_000_000_000, "inform", b"x" * ROW_BYTES)


def measure(effort: float) -> list[Figure]:
    """Measure for about half a minute times `effort`."""
    seconds = max(1.0, SECONDS * effort)
    floor = _appended(seconds / 2)
    spent_s = time.process_time()
    idle, kept = house.run(lambda: _flooded(seconds))
    spent_s = time.process_time() - spent_s
    with _busy():
        busy, _ = house.run(lambda: _flooded(seconds))
        foil = _by_executemany(seconds)
    paced = house.run(lambda: _paced(seconds))
    aim = float(PACE_ROWS_PER_S)
    claim = "100,000 durable rows a second"
    return [
        Figure(
            name="rows kept, Python idle beside it",
            unit="rows/s",
            better="more",
            measured=idle,
            aim=aim,
            beside=floor,
            beside_name="plain file, fdatasync",
            gated=True,
            claim=claim,
            method=f"batches of {BATCH_ROWS} rows, as many as the store takes, acknowledged after the commit",
        ),
        Figure(
            name="processor time of a row kept",
            unit="us",
            measured=spent_s / kept * 1e6,
            aim=1e6 / aim,
            claim="a core keeps more than 100,000 rows a second",
            method="processor seconds of the process, the loop that hands rows in included",
        ),
        Figure(
            name="rows kept, Python busy beside it",
            unit="rows/s",
            better="more",
            measured=busy,
            aim=aim,
            beside=foil,
            beside_name="executemany",
            claim=claim,
            method="the same beside a thread that only runs Python",
        ),
        *(
            Figure(
                name=f"acknowledgement at {PACE_ROWS_PER_S:,} rows/s, p{round(share * 100)}",
                unit="ms",
                measured=paced.quantile_ns(share) / 1e6,
                aim=5.0 if share == 0.5 else None,
                claim="half of all acknowledgements within 5 ms",
                method=f"batches of {BATCH_ROWS} rows by the clock, from their time to their acknowledgement",
            )
            for share in (0.5, 0.99)
        ),
    ]


@contextmanager
def _disk() -> Generator[Path]:
    place = os.environ.get("CAXTON_BENCH_DISK", str(Path(__file__).parent.parent))
    with tempfile.TemporaryDirectory(prefix=".caxton-bench-", dir=place) as directory:
        yield Path(directory)


@contextmanager
def _busy() -> Generator[None]:
    end = threading.Event()

    def spin() -> None:
        number = 0
        while not end.is_set():
            for _ in range(1000):
                number += 1

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _open(directory: Path) -> Store:
    store = Store.open(directory / "caxton.db", durability="full", group_commit_ms=5)
    connection = connect(str(store.path))
    connection.execute(_TABLE)
    connection.close()
    store.start()
    return store


async def _flooded(seconds: float) -> tuple[float, int]:
    """Return rows a second until the time is over, and all rows that were kept."""
    change = Change(_ADD, [_ROW] * BATCH_ROWS)
    with _disk() as directory:
        store = _open(directory)
        waiting: set[asyncio.Future[None]] = set()
        kept = 0

        def count(future: "asyncio.Future[None]") -> None:
            nonlocal kept
            waiting.discard(future)
            future.result()
            kept += BATCH_ROWS

        begun = time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds:
            try:
                future = store.append([change], urgent=False)
            except ResourceLimitExceeded:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                continue
            waiting.add(future)
            future.add_done_callback(count)
            if len(waiting) % 16 == 0:
                await asyncio.sleep(0)
        rate = kept / taken
        await asyncio.wait(waiting)
        await asyncio.to_thread(store.close, 30.0)
        return rate, kept


async def _paced(seconds: float) -> Spread:
    change = Change(_ADD, [_ROW] * BATCH_ROWS)
    step_ns = round(1e9 * BATCH_ROWS / PACE_ROWS_PER_S)
    took: list[int] = []
    with _disk() as directory:
        store = _open(directory)
        waiting: set[asyncio.Future[None]] = set()
        begun = time.perf_counter_ns()
        for number in range(round(seconds * 1e9 / step_ns)):
            due = begun + number * step_ns
            while time.perf_counter_ns() < due:
                await asyncio.sleep(max(0.0, (due - time.perf_counter_ns()) / 1e9))
            future = store.append([change], urgent=False)
            waiting.add(future)
            future.add_done_callback(waiting.discard)
            # From when it should have been handed in: a late hand-over is part of the delay.
            future.add_done_callback(lambda _, due=due: took.append(time.perf_counter_ns() - due))
        if waiting:
            await asyncio.wait(waiting)
        await asyncio.to_thread(store.close, 30.0)
    return Spread.of_ns(took)


def _by_executemany(seconds: float) -> float:
    with _disk() as directory:
        store = Store.open(directory / "caxton.db", durability="full", group_commit_ms=5)
        connection = connect(str(store.path))
        connection.execute(_TABLE)
        connection.execute("PRAGMA synchronous = FULL")
        kept = 0
        begun = time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_ONE_ROW, [_ROW] * COMMIT_ROWS)
            connection.execute("COMMIT")
            kept += COMMIT_ROWS
        connection.close()
        store.close(30.0)
        return kept / taken


def _appended(seconds: float) -> float:
    content = b"x" * (ROW_BYTES * COMMIT_ROWS)
    kept = 0
    with _disk() as directory, (directory / "plain").open("wb", buffering=0) as file:
        begun = time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds:
            file.write(content)
            os.fdatasync(file.fileno())
            kept += COMMIT_ROWS
    return kept / taken
