"""How the service speaks and hears: what a market needs of the runtime, and the form of its messages."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol, final

import msgspec

from caxton.domain.ids import AgentId, ConversationId, MessageId
from caxton.tasks.act import Act, Fate, Heard

SLICE_ACTS: Final = 64
"""So many acts are said before the loop has its turn."""


@final
class Conversation(msgspec.Struct, frozen=True):
    """What all messages of one conversation carry."""

    id: ConversationId
    protocol: str


class Voice(Protocol):
    """Whoever speaks for the service. What comes back goes to `Market.hear`."""

    def open(self, conversation: Conversation, act: Act) -> None:
        """Send the first message. Raises: what stands in its way."""
        ...

    def say(self, conversation: Conversation, acts: Sequence[Act]) -> list[Fate]:
        """Send some messages and tell what became of each."""
        ...

    def find(self, agent: str) -> tuple[AgentId, str]:
        """Return id and name of an agent that may be asked. Raises: AgentNotFound, InvalidRequest."""
        ...

    def capable(self, capability: str, limit: int) -> list[tuple[AgentId, str]]:
        """Return ids and names of up to `limit` running agents with a capability."""
        ...

    def departures(self) -> AsyncIterator[AgentId]:
        """Yield the agents from which nothing more comes, as they go."""
        ...


def encode(conversation: Conversation, act: Act) -> bytes:
    """Return the text of a message, without a line break."""
    receivers = [str(agent) for agent in act.receivers]
    fields: dict[str, object] = {
        "performative": act.performative,
        "receiver": receivers[0] if len(receivers) == 1 else receivers,
        "conversation_id": conversation.id,
        "protocol": conversation.protocol,
        "reply_with": act.reply_with,
        "in_reply_to": act.in_reply_to,
        "reply_by_s": act.reply_by_s,
        "conversation_ttl_s": act.conversation_ttl_s,
        "max_awards": act.max_awards,
        "content_kind": act.content_kind,
        # In JSON a line break stands between values only, where a space does as well.
        "content": msgspec.Raw(act.content.replace(b"\n", b" ").replace(b"\r", b" ")),
    }
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


class _Delivered(msgspec.Struct):
    timestamp: str
    content: msgspec.Raw = msgspec.Raw(b"null")
    content_kind: str | None = None


class _Kind(msgspec.Struct):
    kind: object = None


_delivered: Final = msgspec.json.Decoder(_Delivered)
_kinds: Final = msgspec.json.Decoder(_Kind)


def decode(agent: AgentId, performative: str, message_id: str, in_reply_to: str | None, body: bytes) -> Heard:
    """Return a delivered message as deciders take it; `body` is all of it."""
    message = _delivered.decode(body)
    content = bytes(message.content)
    kind = message.content_kind
    if kind is None and content.startswith(b"{"):
        named = _kinds.decode(content).kind
        kind = named if isinstance(named, str) else None
    return Heard(
        agent=agent,
        performative=performative,
        message_id=MessageId(message_id),
        number=0,
        at=message.timestamp,
        content=content,
        content_kind=kind,
        in_reply_to=in_reply_to,
    )
