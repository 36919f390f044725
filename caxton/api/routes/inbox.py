"""The inbox of an external agent: read, acknowledge."""

import asyncio
from typing import Final, final

import msgspec

from caxton.api.acl_text import FIPA_ACL, ACLText
from caxton.api.answer import Answer, struct_answer
from caxton.api.call import BodyRoom, Call
from caxton.api.ending import Ending, settle
from caxton.api.ownership import Ownership
from caxton.api.route import Content, Nothing, Route, hand_made, taking
from caxton.api.schemas import InboxAck, InboxAcked, InboxPage, InboxQuery
from caxton.runtime.inbox import Inbox
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, Principal

_PATH = "/api/v1/agents/{agent}/inbox"
_TAG = "inbox"

CURSOR_HEADER: Final = b"caxton-cursor"
_TEXT: Final = Content(
    FIPA_ACL, None, "Messages in FIPA's string form; the cursor stands in the header Caxton-Cursor."
)


@final
class InboxRoutes:
    """The handlers of `/agents/{agent}/inbox`."""

    def __init__(
        self, runtime: Runtime, ownership: Ownership, room: BodyRoom, ending: Ending, acl_text: ACLText
    ) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._room = room
        self._ending = ending
        self._acl_text = acl_text

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            hand_made(
                "GET",
                _PATH,
                self.read_inbox,
                query=InboxQuery,
                gives={200: (Content("application/json", InboxPage), _TEXT)},
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE"),
            ),
            taking(
                "POST",
                f"{_PATH}/ack",
                self.acknowledge,
                self._room,
                query=Nothing,
                takes=InboxAck,
                gives=InboxAcked,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("AGENT_NOT_FOUND", "INVALID_STATE"),
            ),
        ]

    async def read_inbox(self, call: Call, query: InboxQuery) -> Answer:
        """Read an external agent's messages, oldest first; they stay until they are acknowledged."""
        inbox = owned_inbox(self._runtime, self._ownership, call.principal, call.parameters[0])
        try:
            with self._ending.wakes(call, at_eof=True):
                messages, cursor = await inbox.read(query.wait_ms, query.max)
        except asyncio.CancelledError:
            # The wait is over, not the answer: what is there goes to whoever still listens.
            settle()
            messages, cursor = await inbox.read(0, query.max)
        if self._acl_text.wanted(call):
            return await self._acl_text.answer(messages, ((CURSOR_HEADER, cursor.encode()),))
        page = InboxPage(messages=[msgspec.Raw(message) for message in messages], cursor=cursor)
        return struct_answer(200, page)

    async def acknowledge(self, call: Call, _: Nothing, body: InboxAck) -> InboxAcked:
        """Let go of all messages up to a cursor."""
        inbox = owned_inbox(self._runtime, self._ownership, call.principal, call.parameters[0])
        return InboxAcked(acknowledged=inbox.ack(body.cursor))


def owned_inbox(runtime: Runtime, ownership: Ownership, principal: Principal, agent: str) -> Inbox:
    """Return the inbox of an external agent that the caller may listen for.

    Raises:
        AgentNotFound, InvalidState: there is no such agent, or it is not an external one.
        Forbidden: it belongs to another token.
    """
    inbox = runtime.inbox(agent)
    ownership.require(principal, runtime.agent_id(agent), Permission.MESSAGE_READ)
    return inbox
