"""A message of FIPA's Agent Communication Language (SC00061), as Caxton carries it.

On the way from sender to receiver a message is bytes that only the core reads. `Message` is the same
message as a value, for everything that stands beside that way: what is shown, stored, or told.
"""

from typing import Final, final

import msgspec

from caxton.domain.agent import Delivery
from caxton.domain.diagnosis import MESSAGE_FIELDS, RECEIVERS_MAX, explain_message
from caxton.domain.errors.request import ParseError
from caxton.domain.errors.routing import InvalidMessage
from caxton.domain.ids import (
    AgentId,
    AgentName,
    Capability,
    ConversationId,
    MessageId,
    SpanId,
    TraceId,
    parse_agent_id,
    parse_agent_ref,
    parse_capability,
    parse_conversation_id,
    parse_message_id,
    parse_span_id,
    parse_text,
    parse_trace_id,
)
from caxton.domain.performative import PERFORMATIVES, Performative, parse_performative
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.timestamp import WallNs, format_timestamp, parse_timestamp

__all__ = [
    "MESSAGE_FIELDS",
    "PERFORMATIVES",
    "RECEIVERS_MAX",
    "CapableReceiver",
    "Message",
    "OneReceiver",
    "Performative",
    "Receiver",
    "ReceiverList",
    "decode_message",
    "explain_message",
    "message_document",
    "parse_performative",
]

_BYTES_MAX: Final = 2**31


@final
class OneReceiver(msgspec.Struct, frozen=True, tag="one"):
    """A message to one agent, by id or by name."""

    agent: AgentId | AgentName


@final
class ReceiverList(msgspec.Struct, frozen=True, tag="list"):
    """A message to each of several agents, in this order."""

    agents: tuple[AgentId | AgentName, ...]


@final
class CapableReceiver(msgspec.Struct, frozen=True, tag="capability"):
    """A message to some agent that has the capability; the server picks it."""

    capability: Capability


Receiver = OneReceiver | ReceiverList | CapableReceiver


@final
class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A complete message: what the sender left out has been filled in.

    `content` is the JSON text as it was sent. `encoding`, `language` and `ontology` describe the
    content only; `encoding` base64 says that a string content stands for bytes. Times are in
    nanoseconds since 1970 in UTC.
    """

    id: MessageId
    performative: Performative
    sender: AgentId
    receiver: Receiver
    conversation_id: ConversationId
    content: msgspec.Raw
    timestamp_ns: WallNs
    trace_id: TraceId | None = None
    span_id: SpanId | None = None
    protocol: str | None = None
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by_ns: WallNs | None = None
    reply_to: AgentId | AgentName | None = None
    content_kind: str | None = None
    encoding: str | None = None
    ontology: str | None = None
    language: str | None = None
    delivery: Delivery = Delivery.AT_MOST_ONCE
    priority: int = 0


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    capability: str


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A complete message as JSON has it."""

    id: str
    performative: str
    sender: str
    receiver: str | list[str] | _Named
    conversation_id: str
    timestamp: str
    content: msgspec.Raw = msgspec.Raw(b"null")
    trace_id: str | None = None
    span_id: str | None = None
    protocol: str | None = None
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by: str | None = None
    reply_to: str | None = None
    content_kind: str | None = None
    encoding: str | None = None
    ontology: str | None = None
    language: str | None = None
    delivery: Delivery = Delivery.AT_MOST_ONCE
    priority: int = 0


_decoder: Final = msgspec.json.Decoder(_Wire)


def decode_message(body: bytes) -> Message:
    """Return the message that the server delivers or stores as `body`.

    Raises:
        InvalidMessage: `body` is no complete message; holds every problem.
    """
    try:
        wire = _decoder.decode(body)
        return _message(wire, bytes(wire.content))
    except (msgspec.MsgspecError, ParseError, RecursionError) as error:
        problems = explain_message(body, message_bytes_max=_BYTES_MAX)
        raise InvalidMessage(problems or [_incomplete(str(error))]) from None


def message_document(message: Message) -> dict[str, object]:
    """Return the message as the API shows it: absent fields left out, times as text, the content last."""
    rows: dict[str, object | None] = {
        "id": message.id,
        "performative": message.performative,
        "sender": str(message.sender),
        "receiver": _receiver_document(message.receiver),
        "conversation_id": message.conversation_id,
        "protocol": message.protocol,
        "reply_with": message.reply_with,
        "in_reply_to": message.in_reply_to,
        "reply_by": None if message.reply_by_ns is None else format_timestamp(message.reply_by_ns),
        "timestamp": format_timestamp(message.timestamp_ns),
        "trace_id": message.trace_id,
        "span_id": message.span_id,
        "reply_to": None if message.reply_to is None else str(message.reply_to),
        "content_kind": message.content_kind,
        "language": message.language,
        "encoding": message.encoding,
        "ontology": message.ontology,
        "delivery": message.delivery,
        "priority": message.priority,
    }
    document: dict[str, object] = {field: value for field, value in rows.items() if value is not None}
    document["content"] = message.content
    return document


def _message(wire: _Wire, content: bytes) -> Message:
    return Message(
        id=parse_message_id(wire.id),
        performative=parse_performative(wire.performative),
        sender=parse_agent_id(wire.sender),
        receiver=_receiver(wire.receiver),
        conversation_id=parse_conversation_id(wire.conversation_id),
        # A copy: the decoder's own value would keep the whole body alive.
        content=msgspec.Raw(content),
        timestamp_ns=parse_timestamp(wire.timestamp),
        trace_id=None if wire.trace_id is None else parse_trace_id(wire.trace_id),
        span_id=None if wire.span_id is None else parse_span_id(wire.span_id),
        protocol=_text("protocol", wire.protocol),
        reply_with=_text("reply_with", wire.reply_with),
        in_reply_to=_text("in_reply_to", wire.in_reply_to),
        reply_by_ns=None if wire.reply_by is None else parse_timestamp(wire.reply_by),
        reply_to=None if wire.reply_to is None else parse_agent_ref(wire.reply_to),
        content_kind=_text("content_kind", wire.content_kind),
        encoding=_text("encoding", wire.encoding),
        ontology=_text("ontology", wire.ontology),
        language=_text("language", wire.language),
        delivery=wire.delivery,
        priority=wire.priority,
    )


def _receiver(receiver: str | list[str] | _Named) -> Receiver:
    if isinstance(receiver, str):
        return OneReceiver(parse_agent_ref(receiver))
    if isinstance(receiver, _Named):
        return CapableReceiver(parse_capability(receiver.capability))
    return ReceiverList(tuple(parse_agent_ref(agent) for agent in receiver))


def _receiver_document(receiver: Receiver) -> object:
    match receiver:
        case OneReceiver(agent=agent):
            return str(agent)
        case ReceiverList(agents=agents):
            return [str(agent) for agent in agents]
        case CapableReceiver(capability=capability):
            return {"capability": capability}


def _text(field: str, text: str | None) -> str | None:
    return None if text is None else parse_text(field, text)


def _incomplete(reason: str) -> Problem:
    return Problem(
        field="",
        kind=ProblemKind.MISSING,
        problem=f"the message is not complete: {reason}",
        fix="take the message as the server delivers it",
    )
