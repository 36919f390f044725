"""A message of this server in FIPA's string form, for agents of other platforms."""

from collections.abc import Callable
from typing import Final

from caxton.domain.acl import CapableReceiver, Message, OneReceiver, Receiver, ReceiverList
from caxton.domain.agent import Delivery
from caxton.domain.ids import AgentId, AgentName
from caxton.domain.timestamp import format_timestamp
from caxton.fipa.acl_message import ACLMessage, AgentSet
from caxton.fipa.content import BASE64, LocalContent, TravellingContent, pack_content
from caxton.fipa.date_time import calendar_time
from caxton.fipa.extension import CAPABILITY, CONTENT, PREFIX
from caxton.fipa.platform import Platform
from caxton.fipa.printer import BASE64_PARAMETER, is_printable_word, print_message

NameOf = Callable[[AgentId], AgentName | None]
"""Returns the name of an agent; None for one that is gone."""

_NS_PER_MS: Final = 1_000_000


def export_message(message: Message, platform: Platform, name_of: NameOf) -> bytes:
    """Return the text of a message. Every message has one.

    Agents go by name where they have one, else by id. `reply_by` is exact to the millisecond.
    """

    def agents(*found: AgentId | AgentName) -> AgentSet:
        named = (name_of(agent) or agent if isinstance(agent, int) else agent for agent in found)
        return tuple(platform.identifier(agent) for agent in named)

    content = pack_content(
        LocalContent(value=message.content, language=message.language, encoding=message.encoding)
    )
    has_word = message.protocol is not None and is_printable_word(message.protocol)
    return print_message(
        ACLMessage(
            performative=message.performative,
            sender=agents(message.sender)[0],
            receiver=_receivers(message.receiver, agents),
            reply_to=None if message.reply_to is None else agents(message.reply_to),
            content=content.text,
            language=content.language,
            encoding=content.encoding,
            ontology=message.ontology,
            protocol=message.protocol if has_word else None,
            conversation_id=message.conversation_id,
            reply_with=message.reply_with,
            in_reply_to=message.in_reply_to,
            reply_by=None if message.reply_by_ns is None else calendar_time(message.reply_by_ns),
            extensions=tuple(_extensions(message, content, has_word=has_word)),
        )
    )


def _receivers(receiver: Receiver, agents: Callable[..., AgentSet]) -> AgentSet | None:
    match receiver:
        case OneReceiver(agent=agent):
            return agents(agent)
        case ReceiverList(agents=several):
            return agents(*several)
        case CapableReceiver():
            return None


def _extensions(message: Message, content: TravellingContent, *, has_word: bool) -> list[tuple[str, str]]:
    timestamp_ns = message.timestamp_ns
    precision = "ns" if timestamp_ns % _NS_PER_MS else "ms"
    receiver = message.receiver
    rows = {
        "id": message.id,
        "timestamp": format_timestamp(timestamp_ns, precision),
        "trace-id": message.trace_id,
        "span-id": message.span_id,
        "protocol": None if has_word else message.protocol,
        "content-kind": message.content_kind,
        "delivery": None if message.delivery is Delivery.AT_MOST_ONCE else str(message.delivery),
        "priority": str(message.priority) if message.priority else None,
        CAPABILITY: receiver.capability if isinstance(receiver, CapableReceiver) else None,
        CONTENT: content.form,
    }
    found = [(f"{PREFIX}{name}", value) for name, value in rows.items() if value is not None]
    return [*found, (BASE64_PARAMETER, BASE64)] if content.in_base64 else found
