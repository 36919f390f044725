"""The end of the server, as its waiting requests see it."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import final

from caxton.api.call import Call


@final
class Ending:
    """Knows which requests wait for something that may take long, and wakes them when the server stops.

    A woken request sees a cancellation; the application answers it with what the server's state says.
    """

    def __init__(self) -> None:
        self.begun = False
        self._waiting: set[asyncio.Task[object]] = set()

    @property
    def waiting_count(self) -> int:
        """Requests that wait now."""
        return len(self._waiting)

    def begin(self) -> None:
        """Wake everybody; who comes later is woken at once."""
        self.begun = True
        for task in self._waiting:
            task.cancel()

    @contextmanager
    def wakes(self, call: Call, *, at_eof: bool = False) -> Generator[None]:
        """Let the current request be woken by the server's end and by its caller's leaving.

        `at_eof` wakes it also when the caller has only closed its half of the connection.
        """
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task"
        if self.begun:
            task.cancel()
        self._waiting.add(task)
        call.scope["on_gone"] = task.cancel
        if at_eof:
            call.scope["on_eof"] = task.cancel
        try:
            yield
        finally:
            self._waiting.discard(task)
            call.scope.pop("on_gone", None)
            call.scope.pop("on_eof", None)


def settle() -> None:
    """Take a cancellation of the current task for what it was: a knock, to which there is an answer."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
