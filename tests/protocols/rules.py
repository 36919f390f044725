"""What each protocol of the model says: its acts by role, checks 14 to 17, what an accepted act does."""

from abc import ABC, abstractmethod

from tests.protocols.judge import Automatic, Said
from tests.protocols.record import CANCELLING, Conversation, Refusal, Session

UNEXPECTED = Refusal("unexpected_performative")
OUT_OF_SEQUENCE = Refusal("unexpected_performative", "not-understood")
"""A participant's act that its session's state does not have."""

Changes = list[Automatic]


class Rules(ABC):
    """One protocol. Checks change nothing; the other methods take an act that passed them."""

    acts: dict[str, set[str]]
    """Who may send what at all: by initiator, participant, target."""
    first: str
    """The state in which a session begins."""
    opened: tuple[str, ...]
    """The states, CANCELLING apart, in which a session is live."""
    pair = False
    """Whether there is exactly one participant."""
    patient = False
    """Whether neither a deadline nor a time to live holds unless it is given."""
    rounds = False
    """Whether the opening act may come again while the conversation is live."""

    def opens(self, act: Said) -> bool:
        return act.performative in self.acts["initiator"]

    def calls(self, act: Said) -> bool:
        """Tell whether an act of the initiator is a further call, which sets a new deadline."""
        return self.rounds and act.performative == "cfp"

    def awards(self, act: Said) -> bool:
        """Tell whether an accepted act is an award; in a protocol of two nobody called for proposals."""
        return act.performative == "accept-proposal" and not self.pair

    def opening_deadline(self, act: Said, reply_by_s: float | None) -> float | None:
        if act.reply_by_s is not None:
            return act.reply_by_s
        return None if self.patient or reply_by_s is None else act.at_s + reply_by_s

    @abstractmethod
    def begin(self, conversation: Conversation) -> None:
        """Do what the opening act does, but for making the sessions."""

    def is_live(self, session: Session) -> bool:
        return session.state == CANCELLING or session.state in self.opened

    def check_initiator(self, conversation: Conversation, act: Said) -> Refusal | None:
        """Judge an act of the initiator: the first receiver that cannot take it decides."""
        for place, agent in enumerate(act.receivers):
            session = conversation.sessions[agent]
            refusal = self.check_receiver(conversation, session, act, place)
            if refusal is not None:
                return refusal
        return None

    @abstractmethod
    def check_receiver(
        self, conversation: Conversation, session: Session, act: Said, place: int
    ) -> Refusal | None:
        """Make checks 14 to 17 for an act to one receiver; `place` receivers before it passed."""

    @abstractmethod
    def initiator(self, conversation: Conversation, act: Said, reply_by_s: float | None) -> Changes:
        """Do what an accepted act of the initiator does."""

    @abstractmethod
    def check_participant(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        """Make checks 14 to 17 for an act of a participant."""

    @abstractmethod
    def participant(self, conversation: Conversation, session: Session, act: Said) -> Changes:
        """Do what an accepted act of a participant does."""

    def check_target(self, conversation: Conversation, act: Said) -> Refusal | None:
        """Make checks 14 to 17 for an act of a recruited target; only recruiting has any."""
        raise AssertionError(f"{conversation.protocol} has no target that may say {act.performative}")

    def target(self, conversation: Conversation, act: Said) -> None:
        """Do what an accepted act of a target does."""
        raise AssertionError(f"{conversation.protocol} has no target that may say {act.performative}")

    @abstractmethod
    def deadline_passed(self, conversation: Conversation) -> None:
        """Do what the passing of the deadline does."""

    @abstractmethod
    def died(self, conversation: Conversation, session: Session) -> None:
        """Do what the death of a participant with a live session does."""

    def cancelled(self, conversation: Conversation, session: Session) -> None:
        """Do what a confirmed cancel does."""
        session.move("CANCELLED", self.opened)

    @abstractmethod
    def settle(self, conversation: Conversation, by: str) -> None:
        """End the conversation if nothing is left open in it."""
