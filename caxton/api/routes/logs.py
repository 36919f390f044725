"""What a guest logged: the newest lines, or all that come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, final

import msgspec

from caxton.api.answer import EVENT_STREAM, NDJSON, Answer, struct_answer
from caxton.api.call import Call
from caxton.api.ending import Ending, settle
from caxton.api.route import Content, Route, hand_made
from caxton.api.schemas import LogLine, LogList, LogQuery
from caxton.runtime.agent_log import AgentLog
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

BEAT_S: Final = 15.0
"""A silent stream says that it is alive this often; a caller that is gone is noticed by it."""

_ENCODER: Final = msgspec.json.Encoder()


@final
class LogRoutes:
    """The handler of `/agents/{agent}/logs`."""

    def __init__(self, runtime: Runtime, ending: Ending) -> None:
        self._runtime = runtime
        self._ending = ending

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            hand_made(
                "GET",
                "/api/v1/agents/{agent}/logs",
                self.show_logs,
                query=LogQuery,
                gives={
                    200: (
                        Content("application/json", LogList),
                        Content("application/x-ndjson", LogLine, "With `follow`: a line each as it comes."),
                        Content("text/event-stream", None, "With `follow`, where it is accepted."),
                    )
                },
                permission=Permission.MESSAGE_READ,
                tag="agents",
                refuses=("AGENT_NOT_FOUND",),
            )
        ]

    async def show_logs(self, call: Call, query: LogQuery) -> Answer | None:
        """Show what the guest logged; `follow` streams lines as server-sent events or NDJSON."""
        log = self._runtime.logs(call.parameters[0])
        lines = log.tail(query.limit)
        if not query.follow:
            return struct_answer(200, LogList(lines=lines))
        as_events = call.accepts("text/event-stream")
        call.scope["endless"] = True
        await call.start_stream(200, EVENT_STREAM if as_events else NDJSON)
        after = lines[-1].cursor if lines else log.last_cursor
        await call.write(
            b"".join(_frame(line, as_events) for line in lines) or (b":\n\n" if as_events else b"\n")
        )
        try:
            with self._ending.wakes(call):
                await _follow(call, log, after, as_events)
        except asyncio.CancelledError:
            if not self._ending.begun:
                raise
            settle()
        await call.end_stream()
        return None


async def _follow(call: Call, log: AgentLog, after: int, as_events: bool) -> None:
    """Send lines until the agent is gone."""
    lines: AsyncIterator[LogLine] = log.follow(after)
    pending = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            await asyncio.wait((pending,), timeout=BEAT_S)
            if not pending.done():
                await call.write(b":\n\n" if as_events else b"\n")
                continue
            line = pending.result()
            if line is None:
                return
            await call.write(_frame(line, as_events))
            pending = asyncio.ensure_future(anext(lines, None))
    finally:
        pending.cancel()


def _frame(line: LogLine, as_event: bool) -> bytes:
    text = _ENCODER.encode(line)
    return b"id: %d\ndata: %b\n\n" % (line.cursor, text) if as_event else text + b"\n"
