"""A message of a conversation as a caller sees it: the whole message, and what was made of it."""

from collections.abc import Sequence
from typing import Final, final

import msgspec

from caxton.domain.ids import format_agent_id
from caxton.domain.timestamp import format_timestamp
from caxton.protocols.row import REASON_WORDS, Reason
from caxton.runtime.history_rows import HistoryRow

_NOTHING: Final = msgspec.Raw(b"null")


class _Fields(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender may have said of a message besides who speaks to whom."""

    protocol: str | None = None
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by: str | None = None
    content_kind: str | None = None
    language: str | None = None
    encoding: str | None = None
    ontology: str | None = None
    priority: int | None = None
    trace_id: str | None = None
    span_id: str | None = None


class _Text(_Fields, frozen=True, kw_only=True):
    """A message's text."""

    content: msgspec.Raw = _NOTHING


@final
class ConversationMessage(_Fields, frozen=True, kw_only=True):
    """One message of a conversation, accepted or refused, and why.

    `automatic`: the server said it for an agent, whatever the protocol has to say about it. `sender` and
    `message_id` are null where there is none. `content_kept` is false when the message was too long to be
    remembered: then only its head is shown.
    """

    sequence: int
    at: str
    message_id: str | None
    conversation_id: str
    performative: str
    sender: str | None
    receiver: list[str]
    accepted: bool
    reason: str | None
    automatic: bool
    content: msgspec.Raw
    content_kept: bool


def conversation_message(
    row: HistoryRow, conversation_id: str, performatives: Sequence[str]
) -> ConversationMessage:
    """Return what is shown of a message; `performatives` are the core's words, by number."""
    said = _Text() if row.text is None else msgspec.json.decode(row.text, type=_Text)
    return ConversationMessage(
        sequence=row.sequence,
        at=format_timestamp(row.at_ns),
        message_id=row.message_id,
        conversation_id=conversation_id,
        performative=performatives[row.performative],
        sender=format_agent_id(row.sender) if row.sender else None,
        receiver=[format_agent_id(receiver) for receiver in row.receivers],
        accepted=row.reason == Reason.NONE,
        reason=None if row.reason == Reason.NONE else REASON_WORDS[Reason(row.reason)],
        automatic=row.by_host,
        content_kept=row.text is not None,
        **msgspec.structs.asdict(said),
    )
