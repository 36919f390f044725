"""What the model remembers of a conversation and of the sessions in it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.protocols.judge import LIVE, Said, Standing

CANCELLING = "CANCELLING"


class Refusal(NamedTuple):
    """Why a message is refused, and the act that the engine answers with, if it answers."""

    reason: str
    answer: str | None = None


@dataclass(slots=True)
class Session:
    """The part of a conversation that the initiator has with one participant."""

    agent: str
    state: str
    before: str | None = None
    """The state under CANCELLING; the participant's own messages may still move it."""
    cancel: Said | None = None
    call: Said | None = None
    """The last cfp that was sent to this participant, and its round."""
    round: int = 0
    proposal: Said | None = None
    award: Said | None = None
    unanswered: Said | None = None
    """In a protocol of two, the participant's last message, answers to a cancel apart."""
    result: bool = False
    """Whether what it reported was a result."""

    @property
    def under(self) -> str:
        """The state in which the participant's own messages are judged: as if nothing were cancelled."""
        return self.state if self.before is None else self.before

    def move(self, state: str, opened: tuple[str, ...]) -> None:
        """Enter a state; a session that stays open stays CANCELLING."""
        if self.before is not None and state in opened:
            self.before = state
        else:
            self.state, self.before, self.cancel = state, None, None


@dataclass(slots=True)
class Conversation:
    """Everything that the rules may ask about one conversation."""

    opening: Said
    protocol: str
    sessions: dict[str, Session]
    deadline: float | None
    ttl_s: float | None
    state: str = "Initiated"
    outcome: str | None = None
    ended_by: str | None = None
    """What ended it: deadline, ttl or act."""
    accepted: list[Said] = field(default_factory=list[Said])
    targets: set[str] = field(default_factory=set[str])
    round: int = 0
    phase: str = ""
    """An auction's: STARTED, OPEN, WON, CLOSED."""
    price: float | None = None
    winner: str | None = None

    @property
    def initiator(self) -> str:
        return self.opening.sender

    @property
    def live(self) -> bool:
        return self.state in LIVE

    def end(self, state: str, outcome: str, by: str = "act") -> None:
        """End the conversation, unless it has ended."""
        if self.live:
            self.state, self.outcome, self.ended_by = state, outcome, by

    def overdue(self, at_s: float) -> bool:
        """Tell whether the deadline of the round, or of the first answer, has passed."""
        return self.deadline is not None and at_s > self.deadline

    def standing(self) -> Standing:
        return Standing(
            state=self.state,
            outcome=self.outcome,
            sessions={agent: session.state for agent, session in self.sessions.items()},
            messages=len(self.accepted),
        )


def names(reference: str | None, message: Said | None) -> bool:
    """Tell whether an in_reply_to names a message, by its id or by its reply_with."""
    return (
        message is not None
        and reference is not None
        and reference in (message.message_id, message.reply_with)
    )


def mismatched(act: Said, right: Said | None) -> bool:
    """Tell whether an act cites another message than the right one; without either there is no telling."""
    return act.in_reply_to is not None and right is not None and not names(act.in_reply_to, right)
