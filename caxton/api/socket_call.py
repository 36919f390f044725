"""One WebSocket on its way through its handler."""

from collections.abc import Awaitable, Callable
from typing import Final, final

from caxton.api.answer import Answer
from caxton.api.call import ClientGone, Receive, Scope, Send
from caxton.api.trace_context import trace_id_of
from caxton.domain.ids import TraceId
from caxton.security.roles import ANYONE, Principal

CLOSE_NORMAL: Final = 1000
CLOSE_GOING_AWAY: Final = 1001
CLOSE_POLICY: Final = 1008
"""Status codes of RFC 6455, 7.4.1."""


@final
class SocketCall:
    """Scope, caller and path parameters of a WebSocket, and its frames."""

    __slots__ = (
        "_receive",
        "_send",
        "_trace_id",
        "answered_status",
        "headers",
        "parameters",
        "principal",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.headers = headers
        self.parameters: tuple[str, ...] = ()
        self.principal: Principal = ANYONE
        self.answered_status = 0
        self._trace_id: TraceId | None = None

    @property
    def trace_id(self) -> TraceId:
        """The trace id of the opening request."""
        if self._trace_id is None:
            self._trace_id = trace_id_of(self.headers.get(b"traceparent"))
        return self._trace_id

    async def accept(self, subprotocol: str | None) -> None:
        """Open the connection.

        Raises:
            ClientGone: the caller has left already.
        """
        event = await self._receive()
        if event.get("type") != "websocket.connect":
            raise ClientGone
        self.answered_status = 101
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def refuse(self, answer: Answer) -> None:
        """Answer the opening request with an error, or close a connection that is open."""
        if self.answered_status:
            code = CLOSE_GOING_AWAY if answer.status == 503 else 1011
            await self.close(code, "the server is stopping" if answer.status == 503 else "internal error")
            return
        self.answered_status = answer.status
        await self._send(
            {
                "type": "websocket.http.response.start",
                "status": answer.status,
                "headers": answer.all_headers(),
            }
        )
        await self._send({"type": "websocket.http.response.body", "body": answer.body})

    async def frame(self) -> bytes:
        """Return the next frame, text or binary alike.

        Raises:
            ClientGone: the connection is closed.
        """
        event = await self._receive()
        if event.get("type") != "websocket.receive":
            raise ClientGone
        text = event.get("text")
        return text.encode() if text is not None else event.get("bytes") or b""

    async def send(self, text: str) -> None:
        """Send a text frame; waits while the caller reads too slowly.

        Raises:
            ClientGone: the caller has left.
        """
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            # The server below tells it as an error of the connection.
            raise ClientGone from error

    async def close(self, code: int, reason: str) -> None:
        """Close the connection with a status code of RFC 6455 and a reason of at most 123 bytes."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


SocketHandler = Callable[[SocketCall], Awaitable[None]]
