"""Callers that wait for the answer to a message they sent.

An answer belongs to a waiter if it says so: its in_reply_to is the message's id or its reply_with. One
that names nothing belongs to the waiter of its conversation, if it comes from an agent that was asked.
An `agree` promises an answer and is none.
"""

import asyncio
from typing import Final, final

import msgspec

from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.ids import AgentId
from caxton.runtime.registry import Registry
from caxton.runtime.seam import Incoming

WAITERS_MAX: Final = 10_000
_PROMISE: Final = "agree"


class _Head(msgspec.Struct):
    """The fields of a sent message that tell who may answer it, and how."""

    receiver: object = None
    reply_with: str | None = None


_heads: Final = msgspec.json.Decoder(_Head)


@final
class Waiter:
    """One caller. `answer` is done when an answer has come, or nobody waits any more."""

    __slots__ = ("_body", "_receiver", "answer", "asker", "conversation_id", "message_id", "reply_with")

    def __init__(
        self,
        asker: AgentId,
        message_id: str,
        conversation_id: str,
        body: bytes,
        receiver: AgentId | None,
        answer: "asyncio.Future[Incoming]",
    ) -> None:
        self.asker = asker
        self.message_id = message_id
        self.conversation_id = conversation_id
        self.answer = answer
        self._body = body
        self._receiver = receiver
        # Read only where it is there: most messages leave it out.
        self.reply_with = _heads.decode(body).reply_with if b'"reply_with"' in body else None

    def asked(self, agent_id: int, registry: Registry) -> bool:
        """Tell whether the message went to this agent."""
        if self._receiver is not None:
            return agent_id == self._receiver
        receiver = _heads.decode(self._body).receiver
        listed: list[object] = [*receiver] if isinstance(receiver, list) else [receiver]
        record = registry.by_id(AgentId(agent_id))
        names = {str(agent_id)} if record is None else {str(agent_id), record.name}
        return any(str(one) in names for one in listed)


@final
class Waiters:
    """Everybody who waits now. For the thread of the event loop."""

    def __init__(self, registry: Registry, waiters_max: int = WAITERS_MAX) -> None:
        self._registry = registry
        self._waiters_max = waiters_max
        self._by_reply: dict[tuple[int, str], Waiter] = {}
        self._by_conversation: dict[tuple[int, str], list[Waiter]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def check_room(self) -> None:
        """Refuse before anything is sent. Raises: ResourceLimitExceeded."""
        if self._count >= self._waiters_max:
            raise ResourceLimitExceeded("callers that wait for an answer", self._waiters_max)

    def add(self, waiter: Waiter) -> None:
        """Let a caller wait; `remove` ends it."""
        self._count += 1
        self._by_reply[waiter.asker, waiter.message_id] = waiter
        if waiter.reply_with is not None:
            self._by_reply.setdefault((waiter.asker, waiter.reply_with), waiter)
        self._by_conversation.setdefault((waiter.asker, waiter.conversation_id), []).append(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Forget a caller."""
        self._count -= 1
        for token in (waiter.message_id, waiter.reply_with):
            if token is not None and self._by_reply.get((waiter.asker, token)) is waiter:
                del self._by_reply[waiter.asker, token]
        place = (waiter.asker, waiter.conversation_id)
        fellows = self._by_conversation[place]
        fellows.remove(waiter)
        if not fellows:
            del self._by_conversation[place]

    def take(self, message: Incoming) -> bool:
        """Give a message to whoever waits for it; False when nobody does."""
        waiter = self._find(message)
        if waiter is None:
            return False
        if message.performative != _PROMISE and not waiter.answer.done():
            waiter.answer.set_result(message)
        return True

    def fail_all(self, error: Exception) -> None:
        """Let every caller have an error: no answer will come."""
        for waiters in self._by_conversation.values():
            for waiter in waiters:
                if not waiter.answer.done():
                    waiter.answer.set_exception(error)

    def _find(self, message: Incoming) -> Waiter | None:
        if message.in_reply_to is not None:
            return self._open(self._by_reply.get((message.receiver_id, message.in_reply_to)))
        for waiter in self._by_conversation.get((message.receiver_id, message.conversation_id), ()):
            if not waiter.answer.done() and waiter.asked(message.sender_id, self._registry):
                return waiter
        return None

    @staticmethod
    def _open(waiter: Waiter | None) -> Waiter | None:
        # A second answer to a waiter that has one already goes where other messages go.
        return None if waiter is None or waiter.answer.done() else waiter
