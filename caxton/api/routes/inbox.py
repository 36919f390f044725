"""The inbox of an external agent: read, acknowledge."""

import asyncio
from typing import final

import msgspec

from caxton.api.call import BodyRoom, Call
from caxton.api.ending import Ending, settle
from caxton.api.ownership import Ownership
from caxton.api.route import Nothing, Route, answering, taking
from caxton.api.schemas import InboxAck, InboxAcked, InboxPage, InboxQuery
from caxton.runtime.inbox import Inbox
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission, Principal

_PATH = "/api/v1/agents/{agent}/inbox"
_TAG = "inbox"


@final
class InboxRoutes:
    """The handlers of `/agents/{agent}/inbox`."""

    def __init__(self, runtime: Runtime, ownership: Ownership, room: BodyRoom, ending: Ending) -> None:
        self._runtime = runtime
        self._ownership = ownership
        self._room = room
        self._ending = ending

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                _PATH,
                self.read_inbox,
                query=InboxQuery,
                gives=InboxPage,
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

    async def read_inbox(self, call: Call, query: InboxQuery) -> InboxPage:
        """Read an external agent's messages, oldest first; they stay until they are acknowledged."""
        inbox = owned_inbox(self._runtime, self._ownership, call.principal, call.parameters[0])
        try:
            with self._ending.wakes(call, at_eof=True):
                messages, cursor = await inbox.read(query.wait_ms, query.max)
        except asyncio.CancelledError:
            # The wait is over, not the answer: what is there goes to whoever still listens.
            settle()
            messages, cursor = await inbox.read(0, query.max)
        return InboxPage(messages=[msgspec.Raw(message) for message in messages], cursor=cursor)

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
