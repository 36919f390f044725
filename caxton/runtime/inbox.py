"""The waiting messages of an external agent, kept until it says that it has them.

The core hands messages over as they arrive; a message keeps its place in the agent's mailbox until it
is acknowledged, so that a reader which stays away makes its senders see a full mailbox. The agent that
every token has without asking is different: often nobody reads it, so there the oldest message gives
way, and is counted.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, final

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind

READ_MESSAGES_MAX: Final = 1000
# What the agent of a token may keep unread, in bytes; the count is its mailbox's.
UNREAD_BYTES_MAX: Final = 16 * 1024 * 1024

Release = Callable[[int], None]
"""Frees that many places in the agent's mailbox."""


@final
class Inbox:
    """Messages in order of arrival. A read does not take them away; `ack` does.

    A cursor names the last message of a read. It counts for this run of the server only.
    """

    def __init__(self, release: Release, *, forgetful_max: int | None = None) -> None:
        """Make an empty inbox; with `forgetful_max` set, the oldest messages beyond that number give way."""
        self._release = release
        self._forgetful_max = forgetful_max
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        # Messages that were acknowledged or gave way since the start.
        self.taken_count = 0
        self._run = secrets.token_hex(4)
        self._bell: asyncio.Event | None = None
        self._closed = False
        self.dropped_count = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, body: bytes) -> None:
        """Add a message. Called by the dispatcher alone."""
        self._messages.append(body)
        self._bytes += len(body)
        if self._forgetful_max is not None:
            while len(self._messages) > self._forgetful_max or self._bytes > UNREAD_BYTES_MAX:
                self._take(1)
                self.dropped_count += 1
        self._ring()

    def close(self) -> None:
        """Drop everything and end the readers: the agent is gone."""
        self._closed = True
        self._messages.clear()
        self._bytes = 0
        self._ring()

    async def read(self, wait_ms: int, max: int) -> tuple[list[bytes], str]:  # noqa: A002 - the API's word
        """Return up to `max` of the oldest messages and the cursor that acknowledges them.

        Waits up to `wait_ms` for the first one; without any, the cursor acknowledges nothing new.
        """
        if not self._messages and wait_ms > 0:
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    await self.wait_beyond(self.taken_count)
            except TimeoutError:
                pass
        count = min(max, len(self._messages), READ_MESSAGES_MAX)
        return [self._messages[index] for index in range(count)], self.cursor_at(self.taken_count + count)

    def ack(self, cursor: str) -> int:
        """Let go of every message up to the cursor; returns how many. An older cursor lets go of none.

        Raises:
            InvalidRequest: the cursor is not one of this inbox, or of messages that never were.
        """
        position = self._position(cursor)
        count = position - self.taken_count
        if count > len(self._messages):
            raise _bad_cursor(cursor, "it is ahead of the newest message")
        if count <= 0:
            return 0
        self._take(count)
        return count

    def subscribe(self) -> "InboxStream":
        """Return a reader that begins with the oldest message."""
        return InboxStream(self)

    def after(self, position: int, limit: int) -> list[bytes]:
        """Return up to `limit` messages beyond a position, which counts from the start of this run."""
        start = position - self.taken_count
        return [self._messages[index] for index in range(start, min(start + limit, len(self._messages)))]

    async def wait_beyond(self, position: int) -> None:
        """Wait until a message beyond the position has come, or the inbox is closed."""
        while self.taken_count + len(self._messages) <= position and not self._closed:
            if self._bell is None:
                self._bell = asyncio.Event()
            self._bell.clear()
            await self._bell.wait()

    def _take(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= len(self._messages.popleft())
        self.taken_count += count
        self._release(count)

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.set()

    def cursor_at(self, position: int) -> str:
        """Return the cursor that acknowledges everything up to a position."""
        return f"{self._run}-{position}"

    def _position(self, cursor: str) -> int:
        run, _, position = cursor.partition("-")
        if not (position.isascii() and position.isdigit() and len(position) <= 19):
            raise _bad_cursor(cursor, "it is no cursor of an inbox")
        if run != self._run:
            raise _bad_cursor(cursor, "it is of another inbox or an earlier run of the server")
        return int(position)


@final
class InboxStream:
    """One reader's place in an inbox.

    Used as ``async with inbox.subscribe() as stream: async for cursor, body in stream``.

    Messages are not copied for the reader: it holds a position, and what it may fall behind by is bounded
    by the inbox itself. `missed_count` tells how many gave way before this reader came to them.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._position = inbox.taken_count
        self._open = True
        self.missed_count = 0

    async def __aenter__(self) -> "InboxStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False

    def __aiter__(self) -> "InboxStream":
        return self

    async def __anext__(self) -> tuple[str, bytes]:
        found = await self.next_batch(1)
        if not found:
            raise StopAsyncIteration
        return found[0]

    async def next_batch(self, limit: int) -> list[tuple[str, bytes]]:
        """Wait for a message; return up to `limit` that are there, with their cursors; none at the end."""
        inbox = self._inbox
        await inbox.wait_beyond(self._position)
        if not self._open:
            return []
        taken = inbox.taken_count
        if self._position < taken:
            # Whatever is acknowledged elsewhere, or gave way, is not seen again here.
            self.missed_count += taken - self._position
            self._position = taken
        found: list[tuple[str, bytes]] = []
        for body in inbox.after(self._position, limit):
            self._position += 1
            found.append((inbox.cursor_at(self._position), body))
        return found

    def ack(self, cursor: str) -> int:
        """See `Inbox.ack`."""
        return self._inbox.ack(cursor)


def _bad_cursor(cursor: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        [
            Problem(
                field="cursor",
                kind=ProblemKind.INVALID_VALUE,
                problem=f"the cursor `{cursor[:40]}` cannot be used: {problem}",
                fix="use the `cursor` of the last read of this inbox",
            )
        ]
    )
