"""Identities and amounts that must not be passed for one another, as lines that must not type-check.

This page is read by the type checkers only. The comment at a line names the error that it must give.
"""

from caxton.domain.ids import (
    AgentId,
    AgentName,
    ConversationId,
    Digest,
    MessageId,
    SpanId,
    TraceId,
    format_agent_id,
    parse_agent_id,
    parse_agent_ref,
    parse_conversation_id,
    parse_message_id,
)
from caxton.domain.quantities import ByteSize, DurationNs, format_byte_size, parse_duration


def takes_a_conversation(conversation_id: ConversationId) -> None:
    _ = conversation_id


def takes_a_message(message_id: MessageId) -> None:
    _ = message_id


def what_fits(text: str) -> None:
    takes_a_conversation(parse_conversation_id(text))
    takes_a_message(parse_message_id(text))
    format_agent_id(parse_agent_id(text))


def what_does_not(text: str, number: int, agent_id: AgentId, trace_id: TraceId) -> None:
    takes_a_conversation(text)  # type: ignore[arg-type]  must not pass
    takes_a_conversation(parse_message_id(text))  # type: ignore[arg-type]  must not pass
    takes_a_message(parse_conversation_id(text))  # type: ignore[arg-type]  must not pass
    format_agent_id(number)  # type: ignore[arg-type]  must not pass
    format_agent_id(text)  # type: ignore[arg-type]  must not pass
    format_byte_size(number)  # type: ignore[arg-type]  must not pass
    format_byte_size(parse_duration(text))  # type: ignore[arg-type]  must not pass
    span_id: SpanId = trace_id  # type: ignore[assignment]  must not pass
    name: AgentName = parse_agent_ref(text)  # type: ignore[assignment]  must not pass
    digest: Digest = text  # type: ignore[assignment]  must not pass
    size: ByteSize = agent_id  # type: ignore[assignment]  must not pass
    duration: DurationNs = number  # type: ignore[assignment]  must not pass
    _ = (span_id, name, digest, size, duration)
