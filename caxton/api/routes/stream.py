"""The stream of an external agent: messages to it and from it over one WebSocket.

Frames are JSON. The server sends `message` (with the cursor that acknowledges it), and for every frame
that it gets, in order, `receipt` or `error`. The caller sends messages as they are, or as
`{"type": "send", "message": {...}}`, and `{"type": "ack", "cursor": ...}`.
"""

import asyncio
import contextlib
from typing import Final, Literal, final

import msgspec
import orjson

from caxton.api.absent import refuse_delivery
from caxton.api.answer import Answer
from caxton.api.call import Call, ClientGone
from caxton.api.decoding import decode_query
from caxton.api.errors import UpgradeRequired, invalid_request
from caxton.api.gate import SUBPROTOCOL, Gate
from caxton.api.ownership import Ownership
from caxton.api.route import Content, Route, hand_made
from caxton.api.routes.inbox import owned_inbox
from caxton.api.schemas import StreamQuery
from caxton.api.socket_call import CLOSE_GOING_AWAY, CLOSE_POLICY, SocketCall, SocketHandler
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId
from caxton.domain.problem import ProblemKind
from caxton.runtime.inbox import Inbox
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, authorize

_PATH: Final = "/api/v1/agents/{agent}/stream"
_BURST_MESSAGES: Final = 64


class _Frame(msgspec.Struct):
    """What tells the frames of a caller apart."""

    type: str | None = None
    cursor: str | None = None
    message: msgspec.Raw = msgspec.Raw(b"")


_decoder: Final = msgspec.json.Decoder(_Frame)
_WORDS: Final = ("send", "ack")


@final
class StreamRoutes:
    """The handler of `/agents/{agent}/stream`."""

    def __init__(self, runtime: Runtime, ownership: Ownership, gate: Gate) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the routes of this noun: the path for WebSockets, and for those that come without one."""
        methods: tuple[Literal["GET", "WEBSOCKET"], ...] = ("GET", "WEBSOCKET")
        return [
            hand_made(
                method,
                _PATH,
                self.open_stream,
                query=StreamQuery,
                gives={101: (Content("application/json", None, "A WebSocket with JSON frames."),)},
                permission=Permission.MESSAGE_READ,
                tag="inbox",
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE", "UPGRADE_REQUIRED"),
            )
            for method in methods
        ]

    def sockets(self) -> dict[str, SocketHandler]:
        """Return the handlers of WebSockets by operation id."""
        return {"open_stream": self.serve_stream}

    async def open_stream(self, _call: Call, _query: StreamQuery) -> Answer:
        """Open a WebSocket over which an external agent receives and sends messages."""
        raise UpgradeRequired

    async def serve_stream(self, call: SocketCall) -> None:
        """Serve one stream until either side closes it."""
        query = decode_query(call.scope["query_string"], StreamQuery)
        agent = call.parameters[0]
        inbox = owned_inbox(self._runtime, self._ownership, call.principal, agent)
        agent_id = self._runtime.agent_id(agent)
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in call.scope.get("subprotocols", []) else None
        await call.accept(subprotocol)
        stream = _Stream(self._runtime, self._gate, call, inbox, agent_id, self._ownership)
        await stream.serve(acknowledges=query.ack == "auto")


@final
class _Stream:
    """One open stream."""

    def __init__(
        self,
        runtime: Runtime,
        gate: Gate,
        call: SocketCall,
        inbox: Inbox,
        agent_id: AgentId,
        ownership: Ownership,
    ) -> None:
        self._runtime = runtime
        self._gate = gate
        self._call = call
        self._inbox = inbox
        self._agent_id = agent_id
        self._may_send_as = ownership.may_send_as(call.principal)

    async def serve(self, *, acknowledges: bool) -> None:
        delivering = asyncio.create_task(self._deliver_while_there(acknowledges))
        try:
            while True:
                frame = await self._call.frame()
                if not self._gate.is_live(self._call.principal):
                    await self._call.close(CLOSE_POLICY, "the token is no longer accepted")
                    return
                await self._call.send(self._answer(frame))
        except ClientGone:
            return
        finally:
            delivering.cancel()

    async def _deliver_while_there(self, acknowledges: bool) -> None:
        with contextlib.suppress(ClientGone):
            await self._deliver(acknowledges)

    async def _deliver(self, acknowledges: bool) -> None:
        """Send what arrives in the inbox."""
        async with self._inbox.subscribe() as stream:
            while True:
                batch = await stream.next_batch(_BURST_MESSAGES)
                if not batch:
                    await self._call.close(CLOSE_GOING_AWAY, "the agent was deleted")
                    return
                if not self._gate.is_live(self._call.principal):
                    await self._call.close(CLOSE_POLICY, "the token is no longer accepted")
                    return
                for cursor, body in batch:
                    await self._call.send(
                        f'{{"type":"message","cursor":"{cursor}","message":{body.decode()}}}'
                    )
                if acknowledges:
                    self._inbox.ack(batch[-1][0])

    def _answer(self, frame: bytes) -> str:
        try:
            return orjson.dumps({"type": "receipt", **self._act(frame)}).decode()
        except CaxtonError as error:
            document = error.document(self._call.trace_id)
            return orjson.dumps({"type": "error", **document}).decode()

    def _act(self, frame: bytes) -> dict[str, object]:
        message = frame
        try:
            head = _decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The core says better what is wrong with a message.
            head = _Frame()
        if head.type == "ack":
            if head.cursor is None:
                raise invalid_request(
                    "cursor", "`cursor` is missing", "send the cursor of a message", ProblemKind.MISSING
                )
            return {"acknowledged": self._inbox.ack(head.cursor)}
        if head.type == "send":
            if not bytes(head.message):
                raise invalid_request(
                    "message", "`message` is missing", "send a message in it", ProblemKind.MISSING
                )
            message = bytes(head.message)
        elif head.type is not None:
            raise invalid_request(
                "type", f"`{head.type[:100]}` is no type of frame", f"use one of {', '.join(_WORDS)}"
            )
        authorize(self._call.principal, Permission.MESSAGE_SEND)
        refuse_delivery(message)
        posted = self._runtime.post(message, self._agent_id, self._may_send_as)
        return {
            "message_id": posted.message_id,
            "conversation_id": posted.conversation_id,
            "status": posted.status,
        }
