"""From a request to a WebSocket: what an opening request must be, and how an open one says goodbye."""

from base64 import b64decode
from typing import Final, final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from caxton.api.errors import invalid_request
from caxton.domain.problem import ProblemKind

# Bounds of the WebSocket library on an opening request; beyond them it hangs up without a word.
_UPGRADE_HEADERS_MAX: Final = 120
_UPGRADE_LINE_BYTES_MAX: Final = 8_000
_NONCE_BYTES: Final = 16
_GOING_AWAY: Final = 1001
NO_UPGRADE: Final = invalid_request(
    "Upgrade",
    "the connection cannot be upgraded to that protocol",
    "leave the Upgrade header out",
    ProblemKind.UNSUPPORTED,
)
"""The refusal of a request with a body that wants another protocol: what follows cannot be told apart."""


@final
class SocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket that says goodbye in the words of RFC 6455 when the server stops: going away."""

    def shutdown(self) -> None:
        """Close with 1001."""
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": _GOING_AWAY, "reason": None})
        self.conn.send_close(_GOING_AWAY, "the server is stopping")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


def has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request announces a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def upgrade_problem(method: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Say what is wrong with an opening request (RFC 6455, 4.2.1), or None."""
    lines = [len(name) + len(value) for name, value in headers]
    by_name = dict(headers)
    key = by_name.get(b"sec-websocket-key", b"")
    try:
        nonce_bytes = len(b64decode(key, validate=True))
    except ValueError:
        nonce_bytes = 0
    if method != "GET" or has_body(headers):
        return "a WebSocket is opened with GET and without a body"
    if by_name.get(b"sec-websocket-version") != b"13":
        return "the version of the WebSocket protocol is not 13"
    if nonce_bytes != _NONCE_BYTES:
        return "Sec-WebSocket-Key is missing or is not 16 bytes in base64"
    if len(lines) > _UPGRADE_HEADERS_MAX or max(*lines, len(url)) > _UPGRADE_LINE_BYTES_MAX:
        return "the opening request has too many or too long headers"
    return None
