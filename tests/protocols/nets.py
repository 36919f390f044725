"""The contract net, plain and iterated: a session for each participant, one deadline, the newest cfp's.

A call reaches those whom it addresses. A session that the newest call did not address keeps the older call
and the proposal to it: such a proposal is of an older round, and can only be rejected (an accept that cites
anything is mismatched_in_reply_to, one that cites nothing finds no_pending_proposal), or be called anew.
Every award counts against `max_awards`, whatever became of it, each receiver of a multicast as one.
"""

from tests.protocols.judge import Said
from tests.protocols.record import CANCELLING, Conversation, Refusal, Session, mismatched
from tests.protocols.rules import OUT_OF_SEQUENCE, UNEXPECTED, Changes, Rules

DUPLICATE = Refusal("duplicate_response", "not-understood")


class ContractNet(Rules):
    """fipa-contract-net, and with rounds fipa-iterated-contract-net."""

    first = "CFP"
    opened = ("CFP", "PROP", "ACC")

    def __init__(self, *, rounds: bool = False) -> None:
        self.rounds = rounds
        self.acts = {
            "initiator": {"cfp", "accept-proposal", "reject-proposal"},
            "participant": {"propose", "refuse", "failure", "inform"},
            "target": set(),
        }

    def opens(self, act: Said) -> bool:
        return act.performative == "cfp"

    def begin(self, conversation: Conversation) -> None:
        for session in conversation.sessions.values():
            session.call = conversation.opening

    # --- the initiator -------------------------------------------------------------------------------------

    def check_receiver(
        self, conversation: Conversation, session: Session, act: Said, place: int
    ) -> Refusal | None:
        if act.performative == "cfp":
            return self.check_call(conversation, session)
        if act.performative == "accept-proposal":
            return self.check_award(conversation, session, act, place)
        if session.state == "PROP" and mismatched(act, session.proposal):
            return Refusal("mismatched_in_reply_to")
        if session.state == "DEAD":
            return Refusal("receiver_unavailable")
        if session.state == "PROP":
            return None
        return Refusal("no_pending_proposal") if act.performative == "reject-proposal" else UNEXPECTED

    def check_call(self, conversation: Conversation, session: Session) -> Refusal | None:
        if session.state == "DEAD":
            return Refusal("receiver_unavailable")
        awarded = any(one.award is not None for one in conversation.sessions.values())
        return UNEXPECTED if awarded or session.state != "PROP" else None

    def check_award(
        self, conversation: Conversation, session: Session, act: Said, place: int
    ) -> Refusal | None:
        if session.state == "DEAD":
            return Refusal("receiver_unavailable")
        if session.state != "PROP" or session.proposal is None:
            return Refusal("no_pending_proposal")
        if session.proposal.lapsed(act.at_s):
            return Refusal("late")
        older = session.round != conversation.round
        if mismatched(act, session.proposal) or (older and act.in_reply_to is not None):
            return Refusal("mismatched_in_reply_to")
        if older:
            return Refusal("no_pending_proposal")
        most = conversation.opening.max_awards
        awards = sum(one.award is not None for one in conversation.sessions.values()) + place
        return Refusal("award_limit_exceeded") if most is not None and awards >= most else None

    def initiator(self, conversation: Conversation, act: Said, reply_by_s: float | None) -> Changes:
        if act.performative == "cfp":
            conversation.round += 1
            conversation.deadline = self.opening_deadline(act, reply_by_s)
        for agent in act.receivers:
            session = conversation.sessions[agent]
            if act.performative == "cfp":
                session.state, session.call, session.round = "CFP", act, conversation.round
            elif act.performative == "accept-proposal":
                session.state, session.award = "ACC", act
            elif act.performative == "reject-proposal":
                session.state = "REJECTED"
            else:
                session.state = "NU"
        return []

    # --- participants --------------------------------------------------------------------------------------

    def check_participant(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        state, performative = session.under, act.performative
        overdue = conversation.overdue(act.at_s)
        if performative == "propose" and overdue:
            return Refusal("late", "reject-proposal")
        silent = state == "NORESP" or (state == "CFP" and overdue)
        if silent and performative in ("refuse", "not-understood", "failure"):
            return Refusal("late")
        if state in ("CFP", "PROP", "NORESP") and performative != "inform" and mismatched(act, session.call):
            return Refusal("mismatched_in_reply_to")
        reports = performative in ("inform", "failure", "not-understood")
        if state == "ACC" and reports and mismatched(act, session.award):
            return Refusal("mismatched_in_reply_to")
        if state == "CFP" and performative != "inform":
            return None
        if state == "ACC" and reports:
            return None
        again = (state, performative) in (("PROP", "propose"), ("DONE", "inform"), ("FAILED", "failure"))
        return DUPLICATE if again else OUT_OF_SEQUENCE

    def participant(self, conversation: Conversation, session: Session, act: Said) -> Changes:
        awarded = session.under == "ACC"
        if act.performative == "propose":
            session.proposal = act
            session.move("PROP", self.opened)
        elif act.performative == "inform":
            session.result = act.kind == "result"
            session.move("DONE", self.opened)
        elif awarded:
            session.move("FAILED", self.opened)
        elif act.performative == "not-understood":
            session.move("NU", self.opened)
        else:
            session.move("REFUSED", self.opened)
        return []

    # --- time, death and the end ---------------------------------------------------------------------------

    def deadline_passed(self, conversation: Conversation) -> None:
        for session in conversation.sessions.values():
            if session.state == "CFP":
                session.state = "NORESP"
        self.settle(conversation, "deadline")

    def died(self, conversation: Conversation, session: Session) -> None:
        session.move("DEAD", self.opened)
        self.settle(conversation, "act")

    def settle(self, conversation: Conversation, by: str) -> None:
        sessions = conversation.sessions.values()
        states = [session.state for session in sessions]
        if CANCELLING in states or any(state in self.opened for state in states):
            return
        awarded = [session.state for session in sessions if session.award is not None]
        if "DONE" in states:
            if any(state != "DONE" for state in awarded):
                conversation.end("Completed", "partial", by)
            elif any(session.result for session in sessions):
                conversation.end("Completed", "result", by)
            else:
                conversation.end("Completed", "done", by)
        elif "FAILED" in awarded:
            conversation.end("Failed", "failure", by)
        elif "DEAD" in awarded:
            conversation.end("Failed", "participant-died", by)
        elif "CANCELLED" in states:
            conversation.end("Completed", "cancelled", by)
        elif "REJECTED" in states:
            conversation.end("Completed", "rejected", by)
        elif all(state == "NU" for state in states):
            conversation.end("Failed", "not-understood", by)
        else:
            conversation.end("Completed", "no-proposals", by)
