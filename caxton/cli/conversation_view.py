"""What the commands read of the API's answer about a conversation, and how they show it."""

from collections.abc import Sequence
from typing import Final, final

import click
import msgspec

from caxton.cli.tables import show_fields, show_rows

_COLUMNS: Final = (
    *("id", "protocol", "state", "outcome", "initiator"),
    *("participants", "messages", "refused", "opened"),
)
_PARTICIPANT_COLUMNS: Final = ("participant", "id", "role", "session")


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a conversation; without a name when it has gone."""

    agent_id: str
    name: str | None = None

    @property
    def words(self) -> str:
        """The name, else the id."""
        return self.name or self.agent_id


class Participant(Agent, frozen=True, kw_only=True):
    """A participant and the state of its session."""

    role: str = "participant"
    state: str | None = None
    cancelling: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation in a list. Only what every answer carries is required."""

    conversation_id: str
    state: str
    initiator: Agent
    protocol: str | None = None
    outcome: str | None = None
    awaits_opening: bool = False
    participants_count: int | None = None
    messages: int = 0
    refused: int = 0
    opened_at: str | None = None
    ended_at: str | None = None


class _Deadlines(msgspec.Struct, frozen=True):
    reply_by: str | None = None
    expires_at: str | None = None


@final
class ConversationView(Summary, frozen=True, kw_only=True):
    """One conversation as the API shows it."""

    participants: list[Participant] = []
    deadlines: _Deadlines = _Deadlines()
    max_messages: int | None = None
    fuel: int | None = None
    fuel_budget: int | None = None


def show_conversations(conversations: Sequence[Summary]) -> None:
    """Write one line for each conversation."""
    rows = [
        (
            one.conversation_id,
            one.protocol,
            one.state,
            one.outcome,
            one.initiator.words,
            one.participants_count,
            one.messages,
            one.refused,
            one.opened_at,
        )
        for one in conversations
    ]
    show_rows(_COLUMNS, rows, empty="No conversations with a protocol, a budget or a time to live.")


def show_conversation(one: ConversationView) -> None:
    """Write all that is known of one conversation, what was said aside."""
    is_live = one.ended_at is None
    show_fields(
        [
            ("conversation", one.conversation_id),
            ("protocol", one.protocol or "none"),
            ("state", f"{one.state}, its first message is to come" if one.awaits_opening else one.state),
            ("outcome", one.outcome),
            ("initiator", f"{one.initiator.words} ({one.initiator.agent_id})"),
            ("opened", one.opened_at),
            ("ended", one.ended_at),
            ("reply by", one.deadlines.reply_by),
            ("expires", one.deadlines.expires_at if is_live else None),
            ("messages", _of(one.messages, one.max_messages)),
            ("refused", one.refused),
            ("fuel", _of(one.fuel, one.fuel_budget)),
        ]
    )
    click.echo()
    rows = [
        (each.words, each.agent_id, each.role, "cancelling" if each.cancelling else each.state)
        for each in one.participants
    ]
    show_rows(_PARTICIPANT_COLUMNS, rows, empty="No participants.")


def _of(used: int | None, budget: int | None) -> str | int | None:
    return used if budget is None else f"{used} of {budget}"
