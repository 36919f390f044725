"""One request on its way through its handler."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import NotRequired, TypedDict, final

from caxton.api.answer import Answer
from caxton.api.errors import invalid_request
from caxton.api.trace_context import trace_id_of
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.routing import MessageTooLarge
from caxton.domain.ids import TraceId
from caxton.domain.problem import ProblemKind
from caxton.security.roles import ANYONE, Principal


class Scope(TypedDict):
    """What the server knows of a connection's request: the part of an ASGI scope that is used here.

    The last four are notes from a handler to the connection: `on_gone` is called when the caller has
    left, `on_eof` when it has closed its half, `endless` says that the answer goes on until the caller
    leaves, so that the end of its input is its end, `own_deadline` says that the handler watches over
    the time that the body takes.
    """

    type: str
    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    headers: list[tuple[bytes, bytes]]
    subprotocols: NotRequired[list[str]]
    on_gone: NotRequired[Callable[[], object]]
    on_eof: NotRequired[Callable[[], object]]
    endless: NotRequired[bool]
    own_deadline: NotRequired[bool]


class Event(TypedDict, total=False):
    """What goes over an ASGI channel."""

    type: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    more_body: bool
    text: str | None
    bytes: "bytes | None"
    code: int
    reason: str
    subprotocol: str | None


Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class ClientGone(Exception):
    """The caller closed the connection before it was answered."""


@final
class BodyRoom:
    """How many bytes of request bodies the process may hold at once."""

    __slots__ = ("bytes_held", "bytes_max")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_held = 0

    @contextmanager
    def lease(self) -> Generator["BodyLease"]:
        """Count the bytes of one body for as long as it is needed."""
        lease = BodyLease(self)
        try:
            yield lease
        finally:
            self.bytes_held -= lease.bytes_held


@final
class BodyLease:
    """What one body has taken of the room."""

    __slots__ = ("bytes_held", "room")

    def __init__(self, room: BodyRoom) -> None:
        self.room = room
        self.bytes_held = 0

    def fits(self, count: int) -> bool:
        """Tell whether `count` more bytes can be taken."""
        return self.room.bytes_held + count <= self.room.bytes_max

    def grow(self, count: int) -> None:
        """Take `count` more bytes.

        Raises:
            Unavailable: the bodies of all requests together are too many bytes.
        """
        if not self.fits(count):
            raise Unavailable("too many large requests at once", components=("body memory",))
        self.room.bytes_held += count
        self.bytes_held += count

    def force(self, count: int) -> None:
        """Take `count` more bytes even where they do not fit: they are there already."""
        self.room.bytes_held += count
        self.bytes_held += count

    def shrink(self, count: int) -> None:
        """Give `count` bytes back."""
        self.room.bytes_held -= count
        self.bytes_held -= count


@final
class Call:
    """Scope, caller and path parameters of one request, and the way its body is read."""

    __slots__ = (
        "_receive",
        "_send",
        "_trace_id",
        "answered_status",
        "headers",
        "parameters",
        "principal",
        "refusal_code",
        "scope",
        "subject",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.headers = headers
        self.parameters: tuple[str, ...] = ()
        self.principal: Principal = ANYONE
        self.answered_status = 0
        # What the call is about, where its path does not say: for the audit.
        self.subject: str | None = None
        self.refusal_code: str | None = None
        self._trace_id: TraceId | None = None

    @property
    def trace_id(self) -> TraceId:
        """The trace id of the request; made on first use where the caller sent none."""
        if self._trace_id is None:
            self._trace_id = trace_id_of(self.headers.get(b"traceparent"))
        return self._trace_id

    def declared_bytes(self) -> int | None:
        """Return the length of the body as its header tells it, or None for a chunked one."""
        text = self.headers.get(b"content-length")
        return None if text is None else int(text)

    async def chunk(self) -> tuple[bytes, bool]:
        """Return the next piece of the body, and whether more follow.

        Raises:
            ClientGone: the connection ended before the body did.
        """
        event = await self._receive()
        if event.get("type") != "http.request":
            raise ClientGone
        return event.get("body", b""), event.get("more_body", False)

    async def body(self, bytes_max: int, lease: BodyLease | None = None) -> bytes:
        """Return the whole body.

        Raises:
            MessageTooLarge: it has more than `bytes_max` bytes; the rest is not kept.
            Unavailable: there is no room for it now.
            ClientGone: the connection ended before the body did.
        """
        declared = self.declared_bytes()
        if declared is not None and declared > bytes_max:
            raise MessageTooLarge(declared, bytes_max)
        body, more = await self.chunk()
        if not more and len(body) <= bytes_max:
            if lease is not None:
                lease.grow(len(body))
            return body
        pieces = [body]
        total = 0
        while True:
            total += len(body)
            if total > bytes_max:
                raise MessageTooLarge(None, bytes_max)
            if lease is not None:
                lease.grow(len(body))
            if not more:
                return b"".join(pieces)
            body, more = await self.chunk()
            pieces.append(body)

    def replay(self, body: bytes) -> None:
        """Hand the body, which was read already, to the next reader."""
        events: list[Event] = [{"type": "http.request", "body": body, "more_body": False}]
        rest = self._receive

        async def receive() -> Event:
            return events.pop() if events else await rest()

        self._receive = receive

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer."""
        self.answered_status = answer.status
        await self._send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.all_headers()}
        )
        await self._send({"type": "http.response.body", "body": answer.body})

    async def start_stream(self, status: int, content_type: bytes) -> None:
        """Send the head of an answer whose body follows in pieces."""
        self.answered_status = status
        headers = [(b"content-type", content_type), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; waits while the caller reads too slowly."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end_stream(self) -> None:
        """Send the end of the body."""
        await self._send({"type": "http.response.body", "body": b""})

    def accepts(self, content_type: str) -> bool:
        """Tell whether the caller names the type in its Accept header."""
        return content_type in self.headers.get(b"accept", b"").decode("latin-1").lower()

    def content_type(self) -> str:
        """Return the type of the body without parameters, in lower case; empty where none is given."""
        return self.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()

    def require_json(self) -> None:
        """Refuse a body that says that it is something other than JSON.

        Raises:
            InvalidRequest: the body's declared type is not JSON.
        """
        kind = self.content_type()
        if kind in {"", "application/json", "application/x-www-form-urlencoded"} or kind.endswith("+json"):
            return
        raise invalid_request(
            "Content-Type",
            f"a body of type `{kind[:100]}` is not read here",
            "send Content-Type: application/json",
            ProblemKind.UNSUPPORTED,
        )
