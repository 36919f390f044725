"""Brokering and recruiting: a proxy finds others.

A broker forwards their answer, a recruiter lets them answer.

In recruiting the targets are those that an accepted proxy, agree or done-proxy message lists. They cite the
proxy message. Their answer in AGREED has overtaken the done-proxy: it is accepted, and the state stays.
A target is no participant: its death changes nothing, and its not-understood is out of sequence.
"""

from tests.protocols.judge import Said
from tests.protocols.pair import DUPLICATE, Pair
from tests.protocols.record import Conversation, Refusal, Session, mismatched
from tests.protocols.rules import OUT_OF_SEQUENCE

DONE_PROXY = "done-proxy"


class Broker(Pair):
    """fipa-brokering, and what fipa-recruiting has in common with it."""

    failures = ("brokering",)
    """The kinds of failure that are outcomes of their own in PROXIED."""
    forwards = True
    """Whether the broker itself brings the answer."""

    def __init__(self) -> None:
        super().__init__("proxy")

    def check_state(self, state: str, act: Said) -> Refusal | None:
        done_proxy = act.performative == "inform" and act.kind == DONE_PROXY
        if act.performative == "failure":
            return None
        if state == "SENT":
            return OUT_OF_SEQUENCE if act.performative == "inform" else None
        if state == "AGREED":
            if done_proxy:
                return None
            return DUPLICATE if act.performative == "agree" else OUT_OF_SEQUENCE
        if done_proxy:
            return DUPLICATE
        if act.performative == "inform" and self.forwards:
            return None
        return OUT_OF_SEQUENCE

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        if act.performative == "failure":
            own = self.failures if state == "PROXIED" else ("no-match", "proxy")
            conversation.end("Failed", act.kind if act.kind is not None and act.kind in own else "failure")
        elif act.performative == "agree":
            session.move("AGREED", self.opened)
        elif act.kind == DONE_PROXY:
            session.move("PROXIED", self.opened)
        else:
            conversation.end("Completed", "result")


class Recruiter(Broker):
    """fipa-recruiting."""

    failures = ("no-match", "proxy", "brokering")
    forwards = False

    def __init__(self) -> None:
        super().__init__()
        self.acts["target"] = {"inform", "failure"}

    def begin(self, conversation: Conversation) -> None:
        conversation.targets.update(conversation.opening.targets)

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        super().answered(conversation, session, state, act)
        if act.performative in ("agree", "inform"):
            conversation.targets.update(act.targets)

    def check_target(self, conversation: Conversation, act: Said) -> Refusal | None:
        (session,) = conversation.sessions.values()
        if mismatched(act, conversation.opening):
            return Refusal("mismatched_in_reply_to")
        if session.under == "SENT" or act.performative == "not-understood":
            return OUT_OF_SEQUENCE
        return None

    def target(self, conversation: Conversation, act: Said) -> None:
        (session,) = conversation.sessions.values()
        if session.under == "PROXIED":
            if act.performative == "inform":
                conversation.end("Completed", "result")
            else:
                conversation.end("Failed", "failure")
