"""What a caller sees of a conversation: a snapshot that can be written as JSON as it stands."""

from collections.abc import Callable

import msgspec

from caxton.domain.ids import AgentId, format_agent_id
from caxton.domain.timestamp import format_timestamp
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.row import (
    CONVERSATION_STATES,
    OUTCOME_WORDS,
    ROLE_WORDS,
    SESSION_WORDS,
    Outcome,
    Role,
    State,
)
from caxton.runtime.seam import ConversationReading, SessionReading

NameOf = Callable[[AgentId], str | None]


class ConversationAgent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a conversation. `name` is null when the agent has been deleted since."""

    agent_id: str
    name: str | None


class ConversationParticipant(ConversationAgent, frozen=True, kw_only=True):
    """A participant. `state` is that of its session, null where no protocol has begun.

    `cancelling` tells that the initiator's cancel waits for its answer. A `target` was recruited by the
    participant to answer the initiator.
    """

    role: str
    state: str | None
    cancelling: bool


class ConversationDeadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Until when something must come: the first answer or the current call's, and any further message."""

    reply_by: str | None
    expires_at: str | None


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation in a list. `outcome` says how it ended, null before.

    `awaits_opening` tells that it was opened by hand and its first message is still to come. `messages`
    counts the accepted ones, `refused` those that were not.
    """

    conversation_id: str
    protocol: str | None
    state: str
    outcome: str | None
    awaits_opening: bool
    initiator: ConversationAgent
    participants_count: int
    messages: int
    refused: int
    opened_at: str
    ended_at: str | None


class ConversationView(ConversationSummary, frozen=True, kw_only=True):
    """One conversation. A budget that is null has no end. `fuel` was burnt by handlers of its messages."""

    participants: list[ConversationParticipant]
    deadlines: ConversationDeadlines
    max_messages: int | None
    fuel: int
    fuel_budget: int | None


def conversation_summary(reading: ConversationReading, name_of: NameOf) -> ConversationSummary:
    """Return a conversation as lists show it."""
    return ConversationSummary(
        conversation_id=reading.conversation_id,
        protocol=protocol_word(reading.protocol),
        state=CONVERSATION_STATES[reading.state],
        outcome=outcome_word(reading.outcome),
        awaits_opening=reading.is_ahead and reading.ended_ns is None,
        initiator=_agent(reading.initiator, name_of),
        participants_count=len(reading.sessions),
        messages=reading.messages,
        refused=reading.refused,
        opened_at=format_timestamp(reading.opened_ns),
        ended_at=_time(reading.ended_ns),
    )


def conversation_view(reading: ConversationReading, name_of: NameOf) -> ConversationView:
    """Return a conversation with everything that is known of it."""
    return ConversationView(
        **msgspec.structs.asdict(conversation_summary(reading, name_of)),
        participants=[_participant(session, name_of) for session in reading.sessions],
        deadlines=ConversationDeadlines(
            reply_by=_time(reading.reply_by_ns), expires_at=_time(reading.expires_ns)
        ),
        max_messages=reading.messages_max or None,
        fuel=reading.fuel,
        fuel_budget=reading.fuel_max or None,
    )


def protocol_word(number: int) -> str | None:
    """Return the word of a protocol's number, None for a conversation without one."""
    return PROTOCOLS[number].name if number < len(PROTOCOLS) else None


def outcome_word(number: int) -> str | None:
    """Return the word of an outcome, None where there is none yet."""
    return None if number == Outcome.NONE else OUTCOME_WORDS[Outcome(number)]


def _participant(session: SessionReading, name_of: NameOf) -> ConversationParticipant:
    return ConversationParticipant(
        agent_id=format_agent_id(session.agent_id),
        name=name_of(session.agent_id),
        role=ROLE_WORDS[Role(session.role)],
        state=None if session.state == State.NONE else SESSION_WORDS[State(session.state)],
        cancelling=session.cancelling,
    )


def _agent(agent_id: AgentId, name_of: NameOf) -> ConversationAgent:
    return ConversationAgent(agent_id=format_agent_id(agent_id), name=name_of(agent_id))


def _time(wall_ns: int | None) -> str | None:
    return None if wall_ns is None else format_timestamp(wall_ns)
