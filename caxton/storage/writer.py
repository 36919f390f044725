"""The one writer of the database: a thread that commits what waits, many batches at a time.

A commit costs a confirmation of the disk, whatever is in it, so batches share one: the writer waits up to the
window for others, unless one of them is urgent or enough rows are there, and while a commit is under way the
next one gathers. What waits is bounded in rows and bytes; beyond that a caller is told to come back, and a
slow disk never becomes memory.

Whoever handed a batch in is told after the commit, or why there was none. When the disk refuses, all batches
of that commit are undone and told so; the next one is tried as if nothing had happened, so that the store
recovers as soon as the disk does. When a change itself is refused, the batches are done again one by one and
only its own fails.
"""

import logging
import sqlite3
import threading
import time
from bisect import bisect_left
from collections import deque
from pathlib import Path
from typing import Final, final

from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.domain.errors.taxonomy import CaxtonError, InternalError
from caxton.storage.batch import Batch, Told, steps
from caxton.storage.refusals import is_of_the_disk, write_refusal
from caxton.storage.statement import Row, Statement

GROUP_ROWS: Final = 1000
"""So many rows are not kept waiting for more."""

GROUP_ROWS_MAX: Final = 16_384
GROUP_BYTES_MAX: Final = 16 << 20
WAITING_ROWS_MAX: Final = 131_072
WAITING_BYTES_MAX: Final = 64 << 20
COMMIT_S_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
BATCH_ROWS_BUCKETS: Final = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)
_RETRY_AFTER_S: Final = 1.0

_log = logging.getLogger("caxton.storage")


@final
class Histogram:
    """Counts by bucket: of values up to each bound, and of those above the last."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


@final
class WriterTotals:
    """What the writer counts. Written by its thread alone; a reader may see one count before another."""

    def __init__(self) -> None:
        self.commit_s = Histogram(COMMIT_S_BUCKETS)
        self.batch_rows = Histogram(BATCH_ROWS_BUCKETS)
        self.commits_failed = 0
        # In words, while the latest commit failed.
        self.trouble: str | None = None

    @property
    def commits(self) -> int:
        """Commits that were made."""
        return sum(self.commit_s.counts)


@final
class Writer:
    """A thread and its queue. `submit` is for any thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, told: Told, *, window_s: float) -> None:
        self._connection = connection
        self._path = path
        self._told = told
        self._window_s = window_s
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._waiting: deque[Batch] = deque()
        self._waiting_rows = 0
        self._waiting_bytes = 0
        # Since when the oldest one waits, and whether any is urgent.
        self._since_s = 0.0
        self._urgent = False
        self._closed = False
        self.totals: Final = WriterTotals()
        self._thread = threading.Thread(target=self._run, name="caxton-store", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for their commit."""
        return self._waiting_rows

    def submit(self, batch: Batch) -> None:
        """Queue a batch; it is told of when it is on the disk.

        Raises:
            ResourceLimitExceeded: too much waits already; the batch was not taken.
            Unavailable: the writer has been closed.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("the server is stopping", components=["store"])
            if self._waiting:
                self._check_room(batch)
            else:
                self._since_s = time.monotonic()
            self._waiting.append(batch)
            self._waiting_rows += batch.rows_count
            self._waiting_bytes += batch.size_bytes
            self._urgent = self._urgent or batch.urgent
            # The window is waited out by the clock; only what changes the writer's mind wakes it.
            if len(self._waiting) == 1 or self._is_due():
                self._came.notify()

    def close(self, timeout_s: float) -> bool:
        """Take nothing new, commit what waits, end the thread; False when it did not end in time. Blocks."""
        with self._lock:
            self._closed = True
            self._came.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _check_room(self, batch: Batch) -> None:
        if self._waiting_rows + batch.rows_count > WAITING_ROWS_MAX:
            raise ResourceLimitExceeded(
                "changes waiting for the disk", WAITING_ROWS_MAX, retry_after_s=_RETRY_AFTER_S
            )
        if self._waiting_bytes + batch.size_bytes > WAITING_BYTES_MAX:
            raise ResourceLimitExceeded(
                "bytes waiting for the disk",
                WAITING_BYTES_MAX,
                requested=batch.size_bytes,
                retry_after_s=_RETRY_AFTER_S,
            )

    # --- on the writer's thread ---

    def _run(self) -> None:
        while True:
            group = self._gather()
            if not group:
                return
            self._commit(group)

    def _gather(self) -> list[Batch]:
        """Wait for batches and return those of the next commit; nothing at the end."""
        with self._lock:
            while not self._waiting:
                if self._closed:
                    return []
                self._came.wait()
            while not (self._closed or self._is_due()):
                rest_s = self._since_s + self._window_s - time.monotonic()
                if rest_s <= 0:
                    break
                self._came.wait(rest_s)
            return self._take()

    def _is_due(self) -> bool:
        return self._urgent or self._waiting_rows >= GROUP_ROWS

    def _take(self) -> list[Batch]:
        group = [self._waiting.popleft()]
        rows, size = group[0].rows_count, group[0].size_bytes
        while self._waiting:
            rows += self._waiting[0].rows_count
            size += self._waiting[0].size_bytes
            if rows > GROUP_ROWS_MAX or size > GROUP_BYTES_MAX:
                break
            group.append(self._waiting.popleft())
        self._waiting_rows -= sum(batch.rows_count for batch in group)
        self._waiting_bytes -= sum(batch.size_bytes for batch in group)
        # What is left has waited long enough already.
        self._urgent = bool(self._waiting)
        return group

    def _commit(self, group: list[Batch]) -> None:
        error = self._try(group)
        if error is None:
            self._told(group, None)
        elif not isinstance(error, sqlite3.Error) or (len(group) > 1 and not is_of_the_disk(error)):
            self._commit_apart(group)
        else:
            self._told(group, self._refusal(error))

    def _commit_apart(self, group: list[Batch]) -> None:
        """Find out whose change it is that cannot be made."""
        for batch in group:
            error = self._try([batch])
            self._told([batch], None if error is None else self._refusal(error))

    def _try(self, group: list[Batch]) -> Exception | None:
        """Commit a group; returns why that was not possible, and then nothing of it is done."""
        begun_s = time.monotonic()
        totals = self.totals
        try:
            work = steps(group)
            if len(work) == 1:
                # One statement is a transaction of its own: fewer steps in which to wait for the interpreter.
                self._execute(*work[0])
            else:
                self._connection.execute("BEGIN IMMEDIATE")
                for statement, rows in work:
                    self._execute(statement, rows)
                self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - outermost frame of this work: whoever waits is told
            totals.commits_failed += 1
            totals.trouble = str(error)
            self._roll_back()
            return error
        totals.trouble = None
        totals.commit_s.observe(time.monotonic() - begun_s)
        totals.batch_rows.observe(sum(batch.rows_count for batch in group))
        return None

    def _execute(self, statement: Statement, rows: list[Row]) -> None:
        self._connection.execute(statement.sql, statement.pack(rows))

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                _log.exception("a failed commit could not be undone", extra={"event": "rollback_failed"})

    def _refusal(self, error: Exception) -> CaxtonError:
        if isinstance(error, sqlite3.Error) and is_of_the_disk(error):
            _log.warning("nothing could be stored: %s", error, extra={"event": "commit_failed"})
            return write_refusal(self._path, error)
        _log.error("a change could not be made", exc_info=error, extra={"event": "change_refused"})
        return InternalError()
