"""What the core remembers of a conversation, from its rows to values."""

from typing import cast, final

import msgspec

from caxton.domain.ids import AgentId


@final
class HistoryRow(msgspec.Struct, frozen=True, gc=False):
    """One message as it was judged. `performative` and `reason` are the core's numbers; 0 is accepted.

    `text` is what the receiver got, or, with `is_raw`, what the sender wrote of a message that came to
    nothing before it had an id; None when it was too long to be kept. The host's own answers share the
    `sequence` of what they answer, or have a verdict of their own; they go out whatever it is.
    """

    sequence: int
    at_ns: int
    message_id: str | None
    sender: AgentId
    receivers: list[AgentId]
    performative: int
    reason: int
    by_host: bool
    is_raw: bool
    text: bytes | None


@final
class HistoryReading(msgspec.Struct, frozen=True, gc=False):
    """Some messages of a conversation, in order, and whether more follow.

    `truncated`: some messages of the conversation were overwritten by later ones. `known`: the core
    remembers it.
    """

    rows: list[HistoryRow]
    more: bool
    truncated: bool
    known: bool


def history_reading(answer: tuple[list[tuple[object, ...]], bool, bool, bool]) -> HistoryReading:
    """Return the values of what `Core.history` answers."""
    rows, more, truncated, known = answer
    return HistoryReading(
        [HistoryRow(*cast("_Row", row)) for row in rows],
        more,
        truncated,
        known,
    )


_Row = tuple[int, int, str | None, AgentId, list[AgentId], int, int, bool, bool, bytes | None]
