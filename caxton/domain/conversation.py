"""The states of a conversation and the ways in which it can end.

Values only: which message leads from one to the next is the business of the protocols.
"""

from enum import StrEnum, unique
from typing import Final, Literal, assert_never, final

import msgspec

from caxton.domain.ids import AgentId, ConversationId


@unique
class Outcome(StrEnum):
    """How a conversation came to a legal end, even a negative one."""

    DONE = "done"
    RESULT = "result"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REJECTED = "rejected"
    NO_PROPOSALS = "no-proposals"
    PARTIAL = "partial"
    SOLD = "sold"
    UNSOLD = "unsold"
    CANCELLED = "cancelled"


@unique
class Failure(StrEnum):
    """Why a conversation broke off."""

    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    INITIATOR_DIED = "initiator-died"
    PARTICIPANT_DIED = "participant-died"
    NO_MATCH = "no-match"
    PROXY = "proxy"
    BROKERING = "brokering"


@unique
class ReasonKind(StrEnum):
    """Why a message is refused by its conversation; the word stands in `details.reason_kind`."""

    UNKNOWN_PERFORMATIVE = "unknown_performative"
    UNKNOWN_PROTOCOL = "unknown_protocol"
    MISSING_CONVERSATION_ID = "missing_conversation_id"
    DUPLICATE_MESSAGE = "duplicate_message"
    UNKNOWN_CONVERSATION = "unknown_conversation"
    DEADLINE_IN_PAST = "deadline_in_past"
    CONVERSATION_ID_REUSE = "conversation_id_reuse"
    LATE = "late"
    CONVERSATION_EXPIRED = "conversation_expired"
    CONVERSATION_CLOSED = "conversation_closed"
    NOT_PARTICIPANT = "not_participant"
    PROTOCOL_MISMATCH = "protocol_mismatch"
    WRONG_ROLE = "wrong_role"
    UNKNOWN_IN_REPLY_TO = "unknown_in_reply_to"
    UNEXPECTED_PERFORMATIVE = "unexpected_performative"
    MISMATCHED_IN_REPLY_TO = "mismatched_in_reply_to"
    DUPLICATE_RESPONSE = "duplicate_response"
    NO_PENDING_PROPOSAL = "no_pending_proposal"
    AWARD_LIMIT_EXCEEDED = "award_limit_exceeded"
    RECEIVER_UNAVAILABLE = "receiver_unavailable"
    INVALID_PRICE = "invalid_price"
    NOT_WINNER = "not_winner"


@final
class Initiated(msgspec.Struct, frozen=True, tag="initiated"):
    """The opening message was accepted, nothing else yet."""


@final
class InProgress(msgspec.Struct, frozen=True, tag="in_progress"):
    """At least one more message was accepted."""


@final
class Completed(msgspec.Struct, frozen=True, tag="completed"):
    """The protocol came to a legal end."""

    outcome: Outcome


@final
class Broken(msgspec.Struct, frozen=True, tag="failed"):
    """The conversation failed; its state is written `failed`."""

    failure: Failure


@final
class Expired(msgspec.Struct, frozen=True, tag="expired"):
    """A timer ended the conversation."""


ConversationState = Initiated | InProgress | Completed | Broken | Expired
ConversationStateName = Literal["initiated", "in_progress", "completed", "failed", "expired"]

_LIVE: Final = (Initiated, InProgress)


@final
class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation as it is shown: who talks by which protocol, and where it stands."""

    id: ConversationId
    initiator: AgentId
    participants: tuple[AgentId, ...]
    protocol: str | None
    state: ConversationState
    messages_count: int
    created_ns: int
    expires_ns: int | None = None

    def __post_init__(self) -> None:
        assert self.participants, "a conversation has at least one participant"


def conversation_state_name(state: ConversationState) -> ConversationStateName:
    """Return the word for the state, as the API writes it."""
    match state:
        case Initiated():
            return "initiated"
        case InProgress():
            return "in_progress"
        case Completed():
            return "completed"
        case Broken():
            return "failed"
        case Expired():
            return "expired"
        case _:
            assert_never(state)


def is_live(state: ConversationState) -> bool:
    """Tell whether messages are still expected."""
    return isinstance(state, _LIVE)
