"""The auctions: rounds of bids at a called price that rises (English) or falls (Dutch).

A call reaches the bidders that it addresses; one that it does not address takes no part in the round (its bid
is out of sequence). A call is compared with the price of the call before, not with the bids. Bids, and
not-understood by who has not bid, are taken while the call is open: in OPEN and WON, up to the deadline.

A bidder under CANCELLING has no open bid for the initiator: it cannot be accepted or called, gets no
automatic reject-proposal, and its bid falls with the round. A bidder that leaves (dead, cancelled, not
understood) takes its bid along, the winning one as well: there is no winner then, and a round that it had won
is open again.
With nobody left: cancelled if one was cancelled, not-understood if all were, else unsold.
"""

from tests.protocols.judge import Said
from tests.protocols.record import CANCELLING, Conversation, Refusal, Session, mismatched
from tests.protocols.rules import OUT_OF_SEQUENCE, UNEXPECTED, Changes, Rules

BIDDING = ("OPEN", "WON")
UNAVAILABLE = Refusal("receiver_unavailable")
NO_PROPOSAL = Refusal("no_pending_proposal")


class Auction(Rules):
    """fipa-auction-english and, falling, fipa-auction-dutch."""

    first = "IN"
    opened = ("IN", "BID", "ACC", "REJECTED", "OUT")

    def __init__(self, *, falling: bool) -> None:
        self.falling = falling
        said = {"inform", "cfp", "accept-proposal", "reject-proposal"}
        self.acts = {
            "initiator": said if falling else said | {"request"},
            "participant": {"propose"},
            "target": set(),
        }

    def opens(self, act: Said) -> bool:
        return act.performative == "inform" and act.kind in (None, "start")

    def calls(self, act: Said) -> bool:
        return act.performative == "cfp"

    def opening_deadline(self, act: Said, reply_by_s: float | None) -> float | None:
        return None

    def begin(self, conversation: Conversation) -> None:
        conversation.phase = "STARTED"

    # --- the auctioneer ------------------------------------------------------------------------------------

    def check_receiver(
        self, conversation: Conversation, session: Session, act: Said, place: int
    ) -> Refusal | None:
        bid = session.proposal if session.state == "BID" else None
        if act.performative == "accept-proposal" and bid is not None and bid.lapsed(act.at_s):
            return Refusal("late")
        if act.performative in ("accept-proposal", "reject-proposal", "not-understood") and mismatched(
            act, bid
        ):
            return Refusal("mismatched_in_reply_to")
        if session.state == "DEAD":
            return UNAVAILABLE
        if act.performative == "inform":
            return self.check_end(conversation, act)
        if act.performative == "cfp":
            return self.check_call(conversation, session, act)
        if act.performative == "request":
            if conversation.phase != "CLOSED":
                return UNEXPECTED
            return None if session.agent == conversation.winner else Refusal("not_winner")
        if act.performative == "accept-proposal":
            # An earlier receiver of the same multicast has just become the winner.
            if conversation.phase == "WON" or place > 0:
                return Refusal("award_limit_exceeded")
            return NO_PROPOSAL if bid is None else None
        if bid is not None:
            return None
        return NO_PROPOSAL if act.performative == "reject-proposal" else UNEXPECTED

    def check_end(self, conversation: Conversation, act: Said) -> Refusal | None:
        silent = (
            conversation.phase == "OPEN" and conversation.overdue(act.at_s) and not open_bids(conversation)
        )
        won = conversation.phase == "WON" and not self.falling
        return None if act.kind == "end" and (silent or won) else UNEXPECTED

    def check_call(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        if session.state not in self.opened:
            return UNEXPECTED
        if conversation.phase == "STARTED":
            ready = True
        elif self.falling:
            ready = conversation.phase == "OPEN" and not open_bids(conversation)
        else:
            ready = conversation.phase == "WON"
        if not ready:
            return UNEXPECTED
        if act.price is None:
            return Refusal("invalid_price")
        if conversation.price is None:
            return None
        moves_on = act.price < conversation.price if self.falling else act.price > conversation.price
        return None if moves_on else Refusal("invalid_price")

    def initiator(self, conversation: Conversation, act: Said, reply_by_s: float | None) -> Changes:
        if act.performative == "cfp":
            return self.call(conversation, act, reply_by_s)
        if act.performative == "inform":
            changes = close_round(conversation)
            if conversation.winner is None or act.result == "unsold":
                conversation.end("Completed", "unsold")
            else:
                conversation.phase = "CLOSED"
            return changes
        if act.performative == "request":
            conversation.end("Completed", "sold")
            return []
        for agent in act.receivers:
            session = conversation.sessions[agent]
            if act.performative == "accept-proposal":
                session.state, conversation.winner, conversation.phase = "ACC", agent, "WON"
            elif act.performative == "reject-proposal":
                session.state = "REJECTED"
            else:
                self.leave(conversation, session, "NU")
        if act.performative == "accept-proposal" and self.falling:
            conversation.end("Completed", "sold")
            return close_round(conversation)
        return []

    def call(self, conversation: Conversation, act: Said, reply_by_s: float | None) -> Changes:
        changes = close_round(conversation)
        conversation.round += 1
        conversation.phase, conversation.price = "OPEN", act.price
        conversation.deadline = super().opening_deadline(act, reply_by_s)
        for agent in act.receivers:
            session = conversation.sessions[agent]
            session.state, session.call, session.round = "IN", act, conversation.round
        return changes

    # --- bidders -------------------------------------------------------------------------------------------

    def check_participant(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        if act.performative not in ("propose", "not-understood"):
            return OUT_OF_SEQUENCE
        bids = act.performative == "propose"
        if bids and conversation.overdue(act.at_s):
            return Refusal("late", "reject-proposal")
        if mismatched(act, session.call):
            return Refusal("mismatched_in_reply_to")
        called = conversation.phase in BIDDING and session.round == conversation.round
        if not called or conversation.overdue(act.at_s):
            return OUT_OF_SEQUENCE
        if session.under == "IN":
            return self.check_bid(conversation, act) if bids else None
        has_bid = session.under in ("BID", "ACC", "REJECTED")
        return Refusal("duplicate_response") if bids and has_bid else OUT_OF_SEQUENCE

    def check_bid(self, conversation: Conversation, act: Said) -> Refusal | None:
        if act.price is None or conversation.price is None:
            taken = False
        elif self.falling:
            taken = act.price == conversation.price
        else:
            taken = act.price >= conversation.price
        return None if taken else Refusal("invalid_price", "reject-proposal")

    def participant(self, conversation: Conversation, session: Session, act: Said) -> Changes:
        if act.performative == "propose":
            session.proposal = act
            session.move("BID", self.opened)
        else:
            session.move("OUT", self.opened)
        return []

    # --- time, death and the end ---------------------------------------------------------------------------

    def deadline_passed(self, conversation: Conversation) -> None:
        """Nothing: after the deadline of a round the auctioneer decides."""

    def leave(self, conversation: Conversation, session: Session, state: str) -> None:
        """Take a bidder out of the auction, with its bid."""
        session.move(state, self.opened)
        if conversation.winner == session.agent and conversation.phase != "CLOSED":
            conversation.winner = None
            if conversation.phase == "WON":
                conversation.phase = "OPEN"

    def died(self, conversation: Conversation, session: Session) -> None:
        self.leave(conversation, session, "DEAD")
        self.settle(conversation, "act")

    def cancelled(self, conversation: Conversation, session: Session) -> None:
        self.leave(conversation, session, "CANCELLED")

    def settle(self, conversation: Conversation, by: str) -> None:
        sessions = conversation.sessions.values()
        live = [session.state for session in sessions if self.is_live(session)]
        if conversation.phase == "CLOSED" and conversation.winner is not None:
            winner = conversation.sessions[conversation.winner].state
            if winner == "DEAD":
                conversation.end("Failed", "participant-died")
            elif winner == "CANCELLED":
                conversation.end("Completed", "cancelled")
        elif not live:
            gone = [session.state for session in sessions]
            if "CANCELLED" in gone:
                conversation.end("Completed", "cancelled")
            elif all(state == "NU" for state in gone):
                conversation.end("Failed", "not-understood")
            else:
                conversation.end("Completed", "unsold")
        elif conversation.phase in BIDDING and all(state == "OUT" for state in live):
            conversation.end("Failed", "not-understood")


def open_bids(conversation: Conversation) -> list[Session]:
    return [session for session in conversation.sessions.values() if session.state == "BID"]


def close_round(conversation: Conversation) -> Changes:
    """Reject the bids that are still open; one under CANCELLING falls without a word."""
    changes: Changes = []
    for session in conversation.sessions.values():
        if session.state == "BID":
            session.state = "REJECTED"
            changes.append(("reject-proposal", session.agent, "outbid"))
        elif session.state == CANCELLING and session.before == "BID":
            session.before = "REJECTED"
    return changes
