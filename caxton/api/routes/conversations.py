"""Conversations: list, open, look at, cancel."""

from typing import Final, final
from urllib.parse import quote

from caxton.api.answer import Answer, struct_answer
from caxton.api.call import BodyRoom, Call
from caxton.api.conversation_requests import conversation_order, conversation_query
from caxton.api.conversation_schemas import (
    ConversationList,
    ConversationOpen,
    ConversationQueryIn,
    ConversationView,
)
from caxton.api.decoding import decode_body
from caxton.api.ownership import Ownership
from caxton.api.route import SMALL_BODY_BYTES_MAX, Content, Nothing, Route, answering, hand_made
from caxton.domain.ids import AgentId
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, Principal, Role

_TAG: Final = "conversations"
_ALL: Final = "/api/v1/conversations"
_ONE: Final = f"{_ALL}/{{conversation_id}}"
_VIEW: Final = (Content("application/json", ConversationView),)


@final
class ConversationRoutes:
    """The handlers of `/conversations`."""

    def __init__(self, runtime: Runtime, ownership: Ownership, room: BodyRoom) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._room = room

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                _ALL,
                self.list_conversations,
                query=ConversationQueryIn,
                gives=ConversationList,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND",),
            ),
            hand_made(
                "POST",
                _ALL,
                self.open_conversation,
                query=Nothing,
                takes=(Content("application/json", ConversationOpen),),
                gives={201: _VIEW},
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "FORBIDDEN", "PROTOCOL_VIOLATION", "RESOURCE_LIMIT_EXCEEDED"),
                repeatable_body_bytes_max=SMALL_BODY_BYTES_MAX,
            ),
            answering(
                "GET",
                _ONE,
                self.get_conversation,
                query=Nothing,
                gives=ConversationView,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("CONVERSATION_NOT_FOUND",),
            ),
            hand_made(
                "POST",
                f"{_ONE}/cancel",
                self.cancel_conversation,
                query=Nothing,
                gives={200: _VIEW, 202: _VIEW},
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("CONVERSATION_NOT_FOUND", "PROTOCOL_VIOLATION", "MAILBOX_FULL", "INVALID_STATE"),
                repeatable_body_bytes_max=SMALL_BODY_BYTES_MAX,
            ),
        ]

    async def list_conversations(self, _call: Call, query: ConversationQueryIn) -> ConversationList:
        """List the conversations that are held, the newest last, page by page."""
        wanted = conversation_query(query, self._runtime.agent_id)
        found, cursor = await self._runtime.conversations.select(wanted, query.limit, query.cursor)
        return ConversationList(conversations=found, next_cursor=cursor)

    async def open_conversation(self, call: Call, _: Nothing) -> Answer:
        """Open a conversation ahead of its first message, with its protocol, participants and limits."""
        call.require_json()
        with self._room.lease() as lease:
            body = decode_body(await call.body(SMALL_BODY_BYTES_MAX, lease), ConversationOpen)
        if body.initiator is None:
            initiator = self._ownership.agent_of(call.principal)
        else:
            initiator = self._runtime.agent_id(body.initiator)
            self._require_say(call.principal, initiator)
        order = conversation_order(body, initiator, self._runtime.agent_id)
        view = self._runtime.conversations.open(order)
        location = f"{_ALL}/{quote(view.conversation_id, safe='')}".encode()
        return struct_answer(201, view, ((b"location", location),))

    async def get_conversation(self, call: Call, _: Nothing) -> ConversationView:
        """Show a conversation: its participants, its state, its deadlines, what it has used."""
        return self._runtime.conversations.view(call.parameters[0])

    async def cancel_conversation(self, call: Call, _: Nothing) -> Answer:
        """Cancel a conversation: 200 when it has ended, 202 while its participants are still to answer."""
        conversations = self._runtime.conversations
        conversation_id = call.parameters[0]
        self._require_say(call.principal, conversations.get(conversation_id).initiator)
        view, ended = conversations.cancel(conversation_id)
        return struct_answer(200 if ended else 202, view)

    def _require_say(self, principal: Principal, initiator: AgentId) -> None:
        """Refuse a caller that neither owns the initiator nor keeps the server running."""
        if principal.role is not Role.OPERATOR:
            self._ownership.require(principal, initiator, Permission.MESSAGE_SEND)
