"""What the core tells of conversations, from its rows to values; the core's own page states their shapes."""

from collections.abc import Sequence
from typing import cast

import msgspec

from caxton.domain.ids import AgentId
from caxton.runtime.seam import ConversationCode, ConversationNews, ConversationReading, SessionReading


def interior(text: str) -> bytes:
    """Return text as it stands inside a JSON string with canonical escapes: the core's form of an id."""
    return msgspec.json.encode(text)[1:-1]


def read_conversation(row: tuple[object, ...]) -> ConversationReading:
    """Return a conversation from the core's row."""
    name, protocol, state, outcome, phase, initiator, sessions, messages, messages_max, fuel, fuel_max = cast(
        "tuple[str, int, int, int, int, int, list[tuple[int, int, int, bool]], int, int, int, int]", row[:11]
    )
    refused, opened, ended, reply_by, expires, is_ahead, opened_monotonic = cast(
        "tuple[int, int, int | None, int | None, int | None, bool, int]", row[11:]
    )
    return ConversationReading(
        name,
        protocol,
        state,
        outcome,
        phase,
        AgentId(initiator),
        [SessionReading(AgentId(agent), at, role, cancelling) for agent, at, role, cancelling in sessions],
        messages,
        messages_max,
        fuel,
        fuel_max,
        refused,
        opened,
        ended,
        reply_by,
        expires,
        is_ahead,
        opened_monotonic,
    )


def read_news(row: tuple[object, ...], performatives: Sequence[str]) -> ConversationNews:
    """Return what happened to a conversation from the core's row."""
    _, code, number, name, sender, receiver = cast("tuple[object, int, int, str, int, int]", row[:6])
    act, protocol, state, initiator, messages, message_id = cast(
        "tuple[int, int, int, int, int, str | None]", row[6:]
    )
    return ConversationNews(
        ConversationCode(code),
        number,
        name,
        sender,
        receiver,
        performatives[act],
        protocol,
        state,
        initiator,
        messages,
        message_id,
    )
