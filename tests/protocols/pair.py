"""The protocols of two: request, query, request-when, subscribe, propose.

One session, whose state is the conversation's. A participant's act cites the opening act. Not-understood is
the participant's only as its first answer, and the initiator's only about an agree or a notification. Once
the first answer is overdue while a cancel is pending, an act that does not answer the cancel is late.
"""

from abc import abstractmethod

from tests.protocols.judge import Said
from tests.protocols.record import Conversation, Refusal, Session, mismatched
from tests.protocols.rules import OUT_OF_SEQUENCE, UNEXPECTED, Changes, Rules

DUPLICATE = Refusal("duplicate_response", "not-understood")
ANSWERS = {"agree", "refuse", "inform", "failure"}


class Pair(Rules):
    """What the protocols of two have in common."""

    first = "SENT"
    opened = ("SENT", "AGREED", "ACTIVE", "PROXIED")
    pair = True
    doubtful = ("AGREED",)
    """The states in which the initiator may not have understood the participant's last message."""

    def __init__(self, *openings: str) -> None:
        self.acts = {"initiator": set(openings), "participant": ANSWERS, "target": set()}

    def begin(self, conversation: Conversation) -> None:
        """Nothing: the opening act is all that an answer cites."""

    def check_receiver(
        self, conversation: Conversation, session: Session, act: Said, place: int
    ) -> Refusal | None:
        if session.state not in self.doubtful:
            return UNEXPECTED
        if mismatched(act, session.unanswered):
            return Refusal("mismatched_in_reply_to")
        return None

    def initiator(self, conversation: Conversation, act: Said, reply_by_s: float | None) -> Changes:
        conversation.end("Failed", "not-understood")
        return []

    def check_participant(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        state = session.under
        if state == "SENT" and conversation.overdue(act.at_s):
            # Without a cancel the deadline would have ended the conversation.
            return Refusal("late")
        if mismatched(act, conversation.opening):
            return Refusal("mismatched_in_reply_to")
        return self.check_state(state, act)

    @abstractmethod
    def check_state(self, state: str, act: Said) -> Refusal | None:
        """Make check 16 for an act of the participant."""

    def participant(self, conversation: Conversation, session: Session, act: Said) -> Changes:
        state = session.under
        session.unanswered = act
        if act.performative == "not-understood":
            conversation.end("Failed", "not-understood")
        elif act.performative == "refuse":
            conversation.end("Completed", "refused")
        else:
            self.answered(conversation, session, state, act)
        return []

    @abstractmethod
    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        """Do what an accepted act does that is neither refuse nor not-understood."""

    def deadline_passed(self, conversation: Conversation) -> None:
        for session in conversation.sessions.values():
            if session.state == "SENT":
                conversation.end("Expired", "reply-timeout", "deadline")

    def died(self, conversation: Conversation, session: Session) -> None:
        conversation.end("Failed", "participant-died")

    def settle(self, conversation: Conversation, by: str) -> None:
        for session in conversation.sessions.values():
            if session.state == "CANCELLED":
                conversation.end("Completed", "cancelled")


class Request(Pair):
    """fipa-request, fipa-query (its outcome is answered), fipa-request-when (no result before agree)."""

    def __init__(self, *openings: str, query: bool = False, when: bool = False) -> None:
        super().__init__(*openings)
        self.query = query
        self.patient = when

    def check_state(self, state: str, act: Said) -> Refusal | None:
        if state == "SENT":
            if act.performative == "inform" and self.patient:
                return OUT_OF_SEQUENCE
            return None
        return check_committed(act)

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        if act.performative == "agree":
            session.move("AGREED", self.opened)
        elif act.performative == "failure":
            conversation.end("Failed", "failure")
        elif self.query:
            conversation.end("Completed", "answered")
        else:
            conversation.end("Completed", "result" if act.kind == "result" else "done")


class Subscribe(Pair):
    """fipa-subscribe: any number of notifications, with or without an agree, until a cancel or a failure."""

    patient = True
    doubtful = ("ACTIVE",)

    def check_state(self, state: str, act: Said) -> Refusal | None:
        if state == "SENT":
            return None
        return check_committed(act)

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        if act.performative == "failure":
            conversation.end("Failed", "failure")
        else:
            session.move("ACTIVE", self.opened)


class Propose(Pair):
    """fipa-propose: one answer, and it is over."""

    doubtful = ()

    def __init__(self) -> None:
        super().__init__("propose")
        self.acts["participant"] = {"accept-proposal", "reject-proposal"}

    def check_state(self, state: str, act: Said) -> Refusal | None:
        if act.performative in ("accept-proposal", "reject-proposal", "not-understood"):
            return None
        return OUT_OF_SEQUENCE

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        conversation.end("Completed", "accepted" if act.performative == "accept-proposal" else "rejected")


def check_committed(act: Said) -> Refusal | None:
    """Judge what a participant says that has agreed, or has begun to notify: it may only report."""
    if act.performative == "agree":
        return DUPLICATE
    return None if act.performative in ("inform", "failure") else OUT_OF_SEQUENCE
