"""The one background thread that judges and compiles modules.

Compilation takes seconds and costs what a caller pleases to send, so it is off the loop, one at a time,
and what waits is bounded in number and bytes: beyond that a caller is told to come back later. Work
whose caller has gone is not begun.
"""

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar, final

from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable

WAITING_MAX: Final = 64
WAITING_BYTES_MAX: Final = 128 * 1024 * 1024
# Compilation takes about this long for each byte of a module; used for the advice when to come back.
SECONDS_PER_BYTE: Final = 3e-6
# How far the thread steps back behind all others, as `nice` counts.
NICENESS: Final = 5
_RETRY_AFTER_S_MAX: Final = 60.0

Result = TypeVar("Result")


class _Waiting(Protocol):
    """A piece of work as the queue sees it."""

    size_bytes: int

    def run(self) -> None: ...
    def abandon(self, error: BaseException) -> None: ...


class _Job(Generic[Result]):
    """One piece of work and where its outcome goes."""

    def __init__(self, work: Callable[[], Result], size_bytes: int, loop: asyncio.AbstractEventLoop) -> None:
        self.size_bytes = size_bytes
        self.future: asyncio.Future[Result] = loop.create_future()
        self._work = work
        self._loop = loop
        self._abandoned = threading.Event()
        self.future.add_done_callback(self._note_cancelled)

    def run(self) -> None:
        """Do the work on the calling thread, unless nobody wants it any more."""
        if self._abandoned.is_set():
            return
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - outermost frame of this work: the caller gets it
            self._tell(self._fail, error)
        else:
            self._tell(self._finish, result)

    def abandon(self, error: BaseException) -> None:
        """Let the caller have an error instead of a result. On the loop."""
        self._abandoned.set()
        self._fail(error)

    def _tell(self, callback: Callable[..., None], outcome: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, outcome)
        except RuntimeError:
            # The loop has closed: nobody is left to be told.
            return

    def _finish(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def _note_cancelled(self, future: "asyncio.Future[Result]") -> None:
        if future.cancelled():
            self._abandoned.set()


@final
class CompileThread:
    """A thread with a bounded queue. `submit` is for the loop."""

    def __init__(self, *, waiting_max: int = WAITING_MAX, waiting_bytes_max: int = WAITING_BYTES_MAX) -> None:
        self._waiting_max = waiting_max
        self._waiting_bytes_max = waiting_bytes_max
        self._jobs: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._pending: set[_Waiting] = set()
        self._pending_bytes = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="caxton-compile", daemon=True)
        self._thread.start()

    @property
    def pending_count(self) -> int:
        """Pieces of work that wait or run."""
        return len(self._pending)

    def submit(self, work: Callable[[], Result], size_bytes: int) -> "asyncio.Future[Result]":
        """Queue work on a module of this size; cancelling the future drops work that has not begun.

        Raises:
            ResourceLimitExceeded: too much waits already.
            Unavailable: the thread has been closed.
        """
        if self._closed:
            raise Unavailable("the server is stopping", components=["compiler"])
        retry_after_s = min(max(self._pending_bytes * SECONDS_PER_BYTE, 1.0), _RETRY_AFTER_S_MAX)
        if len(self._pending) >= self._waiting_max:
            raise ResourceLimitExceeded(
                "modules waiting to be compiled", self._waiting_max, retry_after_s=retry_after_s
            )
        if self._pending and self._pending_bytes + size_bytes > self._waiting_bytes_max:
            raise ResourceLimitExceeded(
                "bytes of modules waiting to be compiled",
                self._waiting_bytes_max,
                requested=size_bytes,
                retry_after_s=retry_after_s,
            )
        job = _Job(work, size_bytes, asyncio.get_running_loop())
        self._pending.add(job)
        self._pending_bytes += size_bytes
        job.future.add_done_callback(lambda _: self._forget(job))
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Refuse new work, fail what waits, and let the thread end after the work in hand."""
        if self._closed:
            return
        self._closed = True
        for job in list(self._pending):
            job.abandon(Unavailable("the server is stopping", components=["compiler"]))
        self._jobs.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False when it did not in time. Blocks."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _forget(self, job: _Waiting) -> None:
        if job in self._pending:
            self._pending.remove(job)
            self._pending_bytes -= job.size_bytes

    def _run(self) -> None:
        # Compilers take every core that they get; messages come first. Threads that the engine starts from
        # here inherit the rank.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job.run()
