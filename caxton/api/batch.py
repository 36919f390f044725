"""Many messages in one request: lines in, results out, in order, both as they come.

Input is read in pieces and handed to the core in slices that hold the event loop for about a
millisecond. Results are written by a task of their own, so that a caller which sends everything before
it reads anything is served too, as far as the room for results goes.
"""

import asyncio
from collections.abc import Callable
from typing import Final, final

import orjson

from caxton.api.absent import may_wish, refuse_delivery
from caxton.api.call import BodyLease, BodyRoom, Call
from caxton.api.errors import RequestTimeout
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.routing import MessageTooLarge
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId
from caxton.runtime.answers import Posted
from caxton.runtime.bridge import BATCH_COMPLETIONS
from caxton.runtime.runtime import Runtime

# Not more than the loop takes from the core in a turn, however busy the machine is: else a batch to an
# external agent would fill its mailbox faster than the loop can empty it.
SLICE_LINES: Final = BATCH_COMPLETIONS
SILENCE_S_MAX: Final = 30.0
# Results that wait for a caller which does not read yet: about 400,000 of them.
UNREAD_BYTES_MAX: Final = 64 * 1024 * 1024


@final
class BatchRun:
    """One request of many messages."""

    def __init__(
        self,
        runtime: Runtime,
        sender: AgentId,
        may_send_as: Callable[[AgentId], bool],
        line_bytes_max: int,
        room: BodyRoom,
    ) -> None:
        """`line_bytes_max` bounds a message, `room` the results that wait for the caller to read."""
        self._runtime = runtime
        self._sender = sender
        self._may_send_as = may_send_as
        self._line_bytes_max = line_bytes_max
        self._lease = BodyLease(room)
        self._results: list[bytes] = []
        self._results_bytes = 0
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_complete = False
        self._trace_id = ""

    async def serve(self, call: Call, content_type: bytes) -> None:
        """Read, send, answer, until the body ends."""
        call.scope["own_deadline"] = True
        self._trace_id = call.trace_id
        # The first piece is awaited before the answer begins: without any, an error can still be told.
        first = await self._next_chunk(call)
        await call.start_stream(200, content_type)
        writer = asyncio.create_task(self._write(call))
        try:
            await self._read(call, first)
            self._is_complete = True
            self._changed.set()
            await writer
        finally:
            writer.cancel()
            self._lease.shrink(self._lease.bytes_held)
        await call.end_stream()

    async def _next_chunk(self, call: Call) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout(SILENCE_S_MAX):
                return await call.chunk()
        except TimeoutError:
            raise RequestTimeout(SILENCE_S_MAX) from None

    async def _read(self, call: Call, first: tuple[bytes, bool]) -> None:
        rest = b""
        skipping = False
        chunk, more = first
        try:
            while True:
                if skipping:
                    # The rest of a line that was refused for its length.
                    _, newline, chunk = chunk.partition(b"\n")
                    skipping = not newline
                data = rest + chunk if rest else chunk
                end = data.rfind(b"\n") + 1 if more else len(data)
                await self._send(data, end)
                rest = data[end:]
                if len(rest) > self._line_bytes_max:
                    self._put([self._error_line(MessageTooLarge(None, self._line_bytes_max))])
                    rest, skipping = b"", True
                if not more:
                    return
                chunk, more = await self._next_chunk(call)
        except RequestTimeout as error:
            # The answer has begun: its last line says why no more follow.
            self._put([self._error_line(error)])

    async def _send(self, data: bytes, end: int) -> None:
        """Hand the lines of `data` up to `end` to the core, a slice at a time."""
        if end == 0:
            return
        complete = data if end == len(data) else data[:end]
        if may_wish(complete):
            await self._send_with_care(complete)
            return
        start = 0
        while start < end:
            start, answers = self._runtime.post_batch(
                complete, start, SLICE_LINES, self._sender, self._may_send_as
            )
            self._put([self._line(answer) for answer in answers])
            await self._has_room.wait()
            await asyncio.sleep(0)

    async def _send_with_care(self, data: bytes) -> None:
        """As `_send`, for lines among which some ask for a delivery that is not possible."""
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            try:
                refuse_delivery(line)
            except InvalidRequest as error:
                self._put([self._error_line(error)])
            else:
                _, answers = self._runtime.post_batch(line, 0, 1, self._sender, self._may_send_as)
                self._put([self._line(answer) for answer in answers])
            await self._has_room.wait()
            await asyncio.sleep(0)

    def _line(self, answer: Posted | CaxtonError) -> bytes:
        if isinstance(answer, CaxtonError):
            return self._error_line(answer)
        # Ids are text that the core has checked and escaped nothing in: only a conversation id may need it.
        conversation_id = answer.conversation_id
        if '"' in conversation_id or "\\" in conversation_id:
            conversation_id = orjson.dumps(conversation_id).decode()[1:-1]
        ids = f'"message_id":"{answer.message_id}","conversation_id":"{conversation_id}"'
        return f'{{{ids},"status":"{answer.status}"}}\n'.encode()

    def _error_line(self, error: CaxtonError) -> bytes:
        return orjson.dumps(error.document(self._trace_id), option=orjson.OPT_APPEND_NEWLINE)

    def _put(self, lines: list[bytes]) -> None:
        count = sum(map(len, lines))
        self._results.extend(lines)
        self._results_bytes += count
        if self._results_bytes > UNREAD_BYTES_MAX or not self._lease.fits(count):
            self._has_room.clear()
        # What was sent has an answer that must be kept, even where it takes a little more than the room.
        self._lease.force(count)
        self._changed.set()

    async def _write(self, call: Call) -> None:
        while self._results or not self._is_complete:
            await self._changed.wait()
            self._changed.clear()
            while self._results:
                piece = b"".join(self._results)
                self._results.clear()
                self._results_bytes = 0
                await call.write(piece)
                self._lease.shrink(len(piece))
                self._has_room.set()
