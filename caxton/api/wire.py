"""Connections: what the HTTP server leaves open is closed here, with a word to the caller each time.

`HTTPConnection` adds to uvicorn's connection: a bound on the head of a request, a time for a request
to arrive in, an answer in the error format for what is not HTTP, half-closed sockets that still get
their answer, a bound on pipelined requests, and closing in a way that does not throw away an answer
that the caller has not read yet. `Watch` looks at all connections a few times a second, so that no
request pays for a timer.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final, final

import httptools
import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from caxton.api.answer import Answer
from caxton.api.errors import HeadersTooLarge, RequestTimeout, invalid_request, refusal, stopping
from caxton.api.upgrade import NO_UPGRADE, has_body, upgrade_problem
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import new_trace_id
from caxton.domain.problem import ProblemKind

# Colon, space and line end beside a header's text.
_HEADER_OVERHEAD_BYTES: Final = 4


@final
class WireBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may do."""

    connections_max: int = 10_000
    header_bytes_max: int = 16 * 1024
    request_s_max: float = 30.0
    idle_s_max: float = 75.0
    # How long a caller has to read its last answer before the socket is closed under it.
    linger_s: float = 2.0
    # Refused connections that are still being told so.
    refused_max: int = 1_000


class HTTPConnection(HttpToolsProtocol):
    """One connection. The listener sets `watch` on a class of its own; the rest comes from uvicorn."""

    watch: ClassVar["Watch"]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.bounds = self.watch.bounds
        # Times of the loop's clock, in seconds.
        self.idle_since_s = self.loop.time()
        self.message_since_s = 0.0
        self.closes_at_s = 0.0
        self.stalled_since_s = 0.0
        self.in_message = False
        self.in_head = False
        self.is_deaf = False
        self.peer_is_done = False
        self.url = b""
        self.head_bytes = 0
        self.unfinished_bytes = 0
        self.refused_with: CaxtonError | None = None
        self.way_out = _WayOut(self)
        # The request whose turn to be answered it is, and the one that arrived last.
        self.answering: RequestResponseCycle | None = None
        self.latest: RequestResponseCycle | None = None

    # From the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        over = len(self.connections) - self.bounds.connections_max
        if over > self.bounds.refused_max:
            transport.abort()
        elif over > 0:
            self._refuse(
                Unavailable(
                    f"the server has its {self.bounds.connections_max} connections",
                    components=("connections",),
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        answering = self.answering
        if answering is None or answering.response_complete:
            return
        answering.disconnected = True
        answering.message_event.set()
        _ring(answering, "on_gone")

    def data_received(self, data: bytes) -> None:
        if self.closes_at_s or self.is_deaf:
            return
        was_in_head = self.in_head
        try:
            _fed(self.parser).feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
            return
        except httptools.HttpParserError as error:
            self._refuse(self.refused_with or _not_http(error))
            return
        if self.in_head and was_in_head:
            # A single header that never ends is not handed over until it does: count what was fed.
            self.unfinished_bytes += len(data)
            if self.unfinished_bytes > self.bounds.header_bytes_max:
                self._refuse(HeadersTooLarge(self.bounds.header_bytes_max))

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride] - asyncio takes both
        """Keep the way back open for a caller that has only finished sending."""
        if self.closes_at_s or self.scheme == "https":
            return False
        if self.in_message:
            self._refuse(
                invalid_request(
                    "",
                    "the request ended before it was complete",
                    "send the whole request",
                    ProblemKind.SYNTAX,
                )
            )
            return True
        answering = self.answering
        if answering is None or (answering.response_complete and not self.pipeline):
            return False
        notes: Mapping[str, object] = answering.scope
        if notes.get("endless"):
            return False
        self.peer_is_done = True
        self._finish_what_is_good()
        _ring(answering, "on_eof")
        return True

    # From the parser.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.message_since_s = self.loop.time()
        self.in_message = True
        self.in_head = True
        self.head_bytes = 0
        self.unfinished_bytes = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value) + _HEADER_OVERHEAD_BYTES)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        if _fed(self.parser).should_upgrade() and not self._should_upgrade() and has_body(self.headers):
            self.refused_with = NO_UPGRADE
            raise ValueError("a body cannot follow an upgrade")
        before = self.latest
        super().on_headers_complete()
        if self.cycle is not before:
            self.latest = self.cycle
            self.cycle.transport = self.way_out

    def on_message_complete(self) -> None:
        self.in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next pipelined request, or read again; uvicorn's own timer is not needed."""
        self.server_state.total_requests += 1
        self.way_out.flush()
        if self.transport.is_closing():
            return
        self.idle_since_s = self.loop.time()
        if self.pipeline:
            # Reading stays paused, so that what is pipelined stays what one read brought.
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    # From the server and the watch.

    def shutdown(self) -> None:
        """Finish what runs, then close; a request that has only begun to arrive is refused."""
        if self.closes_at_s:
            return
        if self.latest is not None and not self.latest.response_complete:
            self.latest.keep_alive = False
        elif self.in_message:
            self._refuse(stopping())
        else:
            self.transport.close()

    def look(self, now_s: float) -> None:
        """Close what has taken too long."""
        if self.closes_at_s:
            if now_s >= self.closes_at_s:
                self.transport.abort()
            return
        if self.flow.write_paused:
            self.stalled_since_s = self.stalled_since_s or now_s
            if now_s - self.stalled_since_s > self.bounds.request_s_max:
                self.transport.abort()
            return
        self.stalled_since_s = 0.0
        if self.in_message:
            self._look_at_message(now_s)
        elif (
            (self.latest is None or self.latest.response_complete)
            and not self.pipeline
            and now_s - self.idle_since_s > self.bounds.idle_s_max
        ):
            self.transport.close()

    def _look_at_message(self, now_s: float) -> None:
        # While reading is paused it is the server that is slow; a handler may watch over its body itself.
        own = not self.in_head and self.latest is not None and self.latest.scope.get("own_deadline", False)
        if self.flow.read_paused or own:
            self.message_since_s = now_s
        elif now_s - self.message_since_s > self.bounds.request_s_max:
            if self.latest is not None and self.latest.response_complete and not self.in_head:
                # It was answered long ago and still sends.
                self._close_gently()
            else:
                self._refuse(RequestTimeout(self.bounds.request_s_max))

    # Saying no.

    def _count_head(self, count: int) -> None:
        self.head_bytes += count
        if self.head_bytes > self.bounds.header_bytes_max:
            self.refused_with = HeadersTooLarge(self.bounds.header_bytes_max)
            raise ValueError("the head is too large")

    def _refuse(self, error: CaxtonError) -> None:
        """Answer what is coming in with an error, in its turn, and close."""
        cycle = self.latest
        if cycle is not None and not cycle.response_complete:
            if self.in_head or not self.in_message:
                # The requests before it are good and are still to be answered.
                self._finish_what_is_good()
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline:
                self.pipeline.popleft()
                self.latest = self.pipeline[0][0] if self.pipeline else self.answering
                self._finish_what_is_good()
                return
            if cycle.response_started:
                self._close_gently()
                return
        answer = refusal(error, new_trace_id())
        self.transport.write(_whole_answer(answer, self.server_state.default_headers))
        self.watch.count_refused(answer.status)
        self._close_gently()

    def _finish_what_is_good(self) -> None:
        """Hear nothing more; the connection closes after the last answer."""
        self.is_deaf = True
        if self.latest is not None:
            self.latest.keep_alive = False

    def close_after_answer(self) -> None:
        """Close now that the last answer was written; gently, where its request is still coming in."""
        if not self.peer_is_done and (self.in_message or self.is_deaf):
            self._close_gently()
        else:
            self.transport.close()

    def _close_gently(self) -> None:
        """Close the way out and drop what still comes in for a moment.

        To close a socket with unread input resets the connection, and the reset may overtake the answer.
        """
        self.closes_at_s = self.loop.time() + self.bounds.linger_s
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _upgrade(self) -> None:
        """Hand the connection to a WebSocket; requests for other protocols were served as they are."""
        if not self._should_upgrade():
            return
        self.in_message = False
        if self.latest is not None and not self.latest.response_complete:
            self._finish_what_is_good()
            return
        problem = upgrade_problem(self.scope["method"], self.url, self.headers)
        if problem is not None:
            self._refuse(invalid_request("Upgrade", problem, "connect with a WebSocket client"))
            return
        self.handle_websocket_upgrade()


@final
class _WayOut(asyncio.Transport):
    """The transport as the answers of a connection see it.

    The head of an answer waits for the first piece of its body, so that most answers are one write and
    one packet; closing after the last answer may take a moment, see `close_after_answer`.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        super().__init__()
        self._connection = connection
        self._begun: RequestResponseCycle | None = None
        self._head: bytes | bytearray | memoryview = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the head of an answer, or send a piece of its body; an interim head (100) goes out at once."""
        connection = self._connection
        answering = connection.answering
        if self._head:
            connection.transport.write(b"".join((self._head, data)))
            self._head = b""
        elif answering is not None and answering.response_started and answering is not self._begun:
            self._begun = answering
            self._head = data
        else:
            connection.transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether the connection is on its way to its end."""
        return self._connection.transport.is_closing()

    def close(self) -> None:
        """Send what is kept, and close."""
        self.flush()
        self._connection.close_after_answer()

    def flush(self) -> None:
        """Send a head that no body follows."""
        if self._head:
            self._connection.transport.write(self._head)
            self._head = b""


@final
class Watch:
    """Looks at all connections again and again, and counts those that were refused before any route."""

    def __init__(self, bounds: WireBounds, count_refused: Callable[[int], None]) -> None:
        self.bounds: Final = bounds
        self.count_refused: Final = count_refused
        self._timer: asyncio.TimerHandle | None = None

    def start(self, connections: Iterable[object]) -> None:
        """Begin; `connections` is the live set of the server."""
        loop = asyncio.get_running_loop()
        interval_s = min(0.5, self.bounds.request_s_max / 4, self.bounds.linger_s / 2)

        def look() -> None:
            now_s = loop.time()
            for connection in list(connections):
                if isinstance(connection, HTTPConnection):
                    connection.look(now_s)
            self._timer = loop.call_later(interval_s, look)

        self._timer = loop.call_later(interval_s, look)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _ring(cycle: RequestResponseCycle, note: str) -> None:
    """Call what a handler left for this event, if it left anything."""
    notes: Mapping[str, object] = cycle.scope
    wanted = notes.get(note)
    if callable(wanted):
        wanted()


def _fed(parser: httptools.HttpRequestParser | None) -> httptools.HttpRequestParser:
    """Return the parser, which is let go only after the last byte was read."""
    assert parser is not None, "a lost connection gets no data"
    return parser


def _not_http(error: httptools.HttpParserError) -> CaxtonError:
    reason = str(error) or type(error).__name__
    return invalid_request(
        "", f"the request is not HTTP/1.1: {reason[:200]}", "send HTTP/1.1", ProblemKind.SYNTAX
    )


def _whole_answer(answer: Answer, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    pieces = [STATUS_LINE[answer.status]]
    for name, value in [*default_headers, *answer.all_headers(), (b"connection", b"close")]:
        pieces.extend((name, b": ", value, b"\r\n"))
    pieces.extend((b"\r\n", answer.body))
    return b"".join(pieces)
