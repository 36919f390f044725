"""The store: one database, its writer, its readers.

`append` takes changes and returns a future that is done after their commit: whatever is acknowledged to a
caller is acknowledged after that, and not before. Changes take effect in the order in which they were handed
in. `read` runs a query on a thread of its own and sees what is committed.

Made on any thread by `open`, used by the event loop from `start` on.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, final

from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.storage.batch import Batch
from caxton.storage.database import Durability, Opened, connect_reader, open_database
from caxton.storage.refusals import cannot_open
from caxton.storage.statement import Change
from caxton.storage.writer import Writer, WriterTotals

READERS_MAX: Final = 2

Result = TypeVar("Result")


@final
class Store:
    """A database in use. `append` and `read` are for the event loop."""

    def __init__(self, opened: Opened, *, durability: Durability, group_commit_ms: int) -> None:
        self._opened = opened
        self._durability: Durability = durability
        self._writer = Writer(opened.connection, opened.path, self._on_told, window_s=group_commit_ms / 1000)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="caxton-reader")
        self._reading = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, durability: Durability, group_commit_ms: int) -> "Store":
        """Open or make the database, and check it. Blocks; nothing is written by others until `start`.

        Raises:
            ConfigurationInvalid: it is damaged, another program's, or of a newer version.
        """
        opened = open_database(path, durability)
        return cls(opened, durability=durability, group_commit_ms=group_commit_ms)

    def load(self, query: Callable[[sqlite3.Connection, Path], Result]) -> Result:
        """Return what a query finds before the start, when nobody writes yet. Blocks."""
        try:
            return query(self._opened.connection, self._opened.path)
        except sqlite3.Error as error:
            raise cannot_open(self._opened.path, error) from error

    def start(self) -> None:
        """Take changes from the running loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    @property
    def path(self) -> Path:
        """Where the database lies."""
        return self._opened.path

    def append(self, changes: Sequence[Change], *, urgent: bool = True) -> "asyncio.Future[None]":
        """Hand changes in; the future is done when they are all on the disk, or says why none of them is.

        Without `urgent` they wait for others to share a commit with, as long as the window allows. A caller
        that gives up its future does not undo the changes.

        Raises:
            ResourceLimitExceeded: too much waits for the disk; nothing was taken.
            Unavailable: the store is closed, or not started yet.
        """
        loop = self._loop
        if loop is None:
            raise Unavailable("the store has not been started", components=["store"])
        future: asyncio.Future[None] = loop.create_future()
        self._writer.submit(Batch(changes, future, urgent=urgent))
        return future

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what a query finds. It runs on a reader's thread and must not write.

        Raises:
            Unavailable: the file could not be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run_query, query)

    def totals(self) -> dict[str, object]:
        """Return what the store counts, for `GET /system`."""
        totals = self._writer.totals
        return {
            "durability": self._durability,
            "schema_version_found": self._opened.version_found,
            "commits": totals.commits,
            "rows": round(totals.batch_rows.sum),
            "commit_s": round(totals.commit_s.sum, 6),
            "commits_failed": totals.commits_failed,
            "rows_waiting": self.rows_waiting,
            "trouble": totals.trouble,
        }

    @property
    def writer_totals(self) -> WriterTotals:
        """What the writer counts. For any thread."""
        return self._writer.totals

    @property
    def rows_waiting(self) -> int:
        """Rows that wait for their commit. For any thread."""
        return self._writer.waiting_rows

    def close(self, timeout_s: float) -> bool:
        """Commit what waits and let go of the file; False when the disk did not answer in time. Blocks.

        Idempotent.
        """
        if self._closed:
            return True
        self._closed = True
        self._readers.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        ended = self._writer.close(timeout_s)
        if ended:
            # The last one to close folds the log into the file.
            self._opened.connection.close()
        return ended

    def _run_query(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        try:
            if connection is None:
                connection = self._reading.connection = connect_reader(self._opened)
                self._connections.append(connection)
            return query(connection)
        except sqlite3.Error as error:
            raise Unavailable(f"the store could not be read: {error}", components=["store"]) from error

    def _on_told(self, group: list[Batch], error: CaxtonError | None) -> None:
        """Wake those who wait, all of a commit in one turn of the loop. On the writer's thread."""
        assert self._loop is not None, "nothing is handed in before the start"
        try:
            self._loop.call_soon_threadsafe(_resolve, group, error)
        except RuntimeError:
            # The loop has closed: nobody is left to be told.
            return


def _resolve(group: list[Batch], error: CaxtonError | None) -> None:
    for batch in group:
        future = batch.owner
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            # Marked as seen: whoever handed it in may have gone.
            future.exception()
