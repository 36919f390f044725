"""The conversation rules a second time, in plain Python, slow and obvious, to compare engines with.

The order of the checks is that of `Model._judge` and of the two methods that it calls; the first hit decides,
and a refused message changes nothing. A not-understood is never answered by a not-understood, whatever the
check.

Where the rules are silent, this holds here (each protocol's page has its own):

* A reference names a message by its message id or by its reply_with.
* The reference of an opening act is dangling: it opens nothing (unknown_in_reply_to).
* An opening act that addresses its own sender, an agent twice or nobody opens nothing (not_participant), one
  that addresses several in a protocol of two neither (too_many_participants).
* Check 5 is for what would open a conversation, and in an existing one, live or ended, for its initiator's
  opening acts and further calls. Which acts those are is told by the protocol of the conversation.
* The time to live, the most awards and the most messages are read from the opening act alone.
* An automatic reject-proposal answers any late propose after the end, whoever sends it.
* With several receivers the first that fails one of checks 14 to 17 decides, by the first that it fails.
* A cancel fails at a receiver that is dead (receiver_unavailable) or CANCELLING (unexpected_performative),
  passes over those that have finished, and needs one that has not.
* CANCELLING is a state to the initiator and to deadlines: neither reaches what is under it. A participant's
  message that does not answer the cancel is judged, and moves, what is under it; the session stays CANCELLING
  unless that ends it. When a cancel fails, a deadline that has passed meanwhile acts at once.
* When the deadline of an answer and the time to live end together, the deadline is first.
* A death changes live sessions only: one that has finished keeps its state.
* The message that would exceed the budget is one that would be accepted.
"""

from caxton.domain.performative import PERFORMATIVES
from tests.protocols.auctions import Auction
from tests.protocols.brokers import Broker, Recruiter
from tests.protocols.judge import Automatic, Said, Standing, Verdict
from tests.protocols.nets import ContractNet
from tests.protocols.pair import Propose, Request, Subscribe
from tests.protocols.record import CANCELLING, Conversation, Refusal, Session, names
from tests.protocols.rules import UNEXPECTED, Changes, Rules


def fipa_rules() -> dict[str, Rules]:
    """Return the eleven protocols by name."""
    return {
        "fipa-request": Request("request"),
        "fipa-query": Request("query-if", "query-ref", query=True),
        "fipa-request-when": Request("request-when", when=True),
        "fipa-contract-net": ContractNet(),
        "fipa-iterated-contract-net": ContractNet(rounds=True),
        "fipa-auction-english": Auction(falling=False),
        "fipa-auction-dutch": Auction(falling=True),
        "fipa-brokering": Broker(),
        "fipa-recruiting": Recruiter(),
        "fipa-subscribe": Subscribe("subscribe"),
        "fipa-propose": Propose(),
    }


class Model:
    """A judge."""

    def __init__(
        self,
        *,
        reply_by_s: float | None = 30,
        ttl_s: float | None = 300,
        rules: dict[str, Rules] | None = None,
    ) -> None:
        self._reply_by_s = reply_by_s
        self._ttl_s = ttl_s
        self._rules = fipa_rules() if rules is None else rules
        self._conversations: dict[str, Conversation] = {}
        self._live: dict[str, Conversation] = {}

    def conversation(self, conversation_id: str) -> Standing | None:
        conversation = self._conversations.get(conversation_id)
        return None if conversation is None else conversation.standing()

    def submit(self, act: Said) -> Verdict:
        self.tick(act.at_s)
        changes: list[Automatic] = []
        refusal = self._judge(act, changes)
        found = self._conversations.get(act.conversation_id) if act.conversation_id is not None else None
        # A not-understood is never answered in kind, and reject-proposal only ever answers a propose.
        if refusal is not None and refusal.answer is not None and refusal.answer != act.performative:
            changes.append((refusal.answer, act.sender, refusal.reason))
        return Verdict(
            accepted=refusal is None,
            reason=None if refusal is None else refusal.reason,
            state=None if found is None else found.state,
            automatic=tuple(sorted(changes)),
            awards=refusal is None and found is not None and self._rules[found.protocol].awards(act),
        )

    # --- the order of the checks -------------------------------------------------------------------------

    def _judge(self, act: Said, changes: Changes) -> Refusal | None:
        """Judge an act; if it is accepted, do what it does, and add to `changes` what the engine sends."""
        if act.performative not in PERFORMATIVES:
            return Refusal("unknown_performative", "not-understood")
        if act.protocol is not None and act.protocol not in self._rules:
            return Refusal("unknown_protocol", "not-understood")
        if act.conversation_id is None:
            return None if act.protocol is None else Refusal("missing_conversation_id", "not-understood")
        conversation = self._conversations.get(act.conversation_id)
        if conversation is None:
            return None if act.protocol is None else self._open(act, act.conversation_id, act.protocol)
        return self._go_on(conversation, act, changes)

    def _open(self, act: Said, conversation_id: str, protocol: str) -> Refusal | None:
        rules = self._rules[protocol]
        if not rules.opens(act):
            return Refusal("unknown_conversation", "not-understood")
        if act.lapsed(act.at_s):
            return Refusal("deadline_in_past", "not-understood")
        others = set(act.receivers) - {act.sender}
        if rules.pair and len(act.receivers) > 1:
            return Refusal("too_many_participants")
        if not others or len(others) != len(act.receivers):
            return Refusal("not_participant")
        if act.in_reply_to is not None:
            return Refusal("unknown_in_reply_to", "not-understood")
        conversation = Conversation(
            opening=act,
            protocol=protocol,
            sessions={agent: Session(agent, rules.first) for agent in act.receivers},
            deadline=rules.opening_deadline(act, self._reply_by_s),
            ttl_s=act.ttl_s if act.ttl_s is not None else (None if rules.patient else self._ttl_s),
        )
        conversation.accepted.append(act)
        rules.begin(conversation)
        self._conversations[conversation_id] = self._live[conversation_id] = conversation
        return None

    def _go_on(self, conversation: Conversation, act: Said, changes: Changes) -> Refusal | None:
        rules = self._rules[conversation.protocol]
        if any(act.message_id == message.message_id for message in conversation.accepted):
            return Refusal("duplicate_message")
        leads = act.sender == conversation.initiator
        opens_again = leads and rules.opens(act)
        if (opens_again or (leads and rules.calls(act))) and act.lapsed(act.at_s):
            return Refusal("deadline_in_past", "not-understood")
        if not conversation.live:
            return ended(conversation, act, opens_again=opens_again)
        role = role_of(conversation, act)
        if role is None:
            return Refusal("not_participant")
        if act.protocol is not None and act.protocol != conversation.protocol:
            return Refusal("protocol_mismatch", "not-understood")
        if opens_again and not rules.rounds:
            return Refusal("conversation_id_reuse")
        if act.performative == "cancel" and not leads:
            return Refusal("wrong_role", "not-understood")
        cited = any(names(act.in_reply_to, message) for message in conversation.accepted)
        if act.in_reply_to is not None and not cited:
            return Refusal("unknown_in_reply_to", "not-understood")
        refusal = (
            check_role(rules, conversation, role, act)
            or check_session(rules, conversation, role, act)
            or self._check_budget(conversation)
        )
        if refusal is None:
            self._accept(rules, conversation, role, act, changes)
        return refusal

    def _check_budget(self, conversation: Conversation) -> Refusal | None:
        most = conversation.opening.max_messages
        if most is None or len(conversation.accepted) < most:
            return None
        conversation.end("Failed", "budget_exceeded")
        return Refusal("budget_exceeded")

    # --- what accepted messages, time and death do -------------------------------------------------------

    def _accept(
        self, rules: Rules, conversation: Conversation, role: str, act: Said, changes: Changes
    ) -> None:
        conversation.accepted.append(act)
        conversation.state = "InProgress"
        session = conversation.sessions.get(act.sender)
        if act.performative == "cancel":
            cancel(rules, conversation, act)
        elif role == "initiator":
            changes += rules.initiator(conversation, act, self._reply_by_s)
        elif session is None:
            rules.target(conversation, act)
        elif answers_cancel(session, act):
            answer_cancel(rules, conversation, session, act)
        else:
            changes += rules.participant(conversation, session, act)
        rules.settle(conversation, "act")

    def tick(self, at_s: float) -> None:
        for conversation_id, conversation in list(self._live.items()):
            if conversation.live:
                self._pass_time(conversation, at_s)
            if not conversation.live:
                del self._live[conversation_id]

    def _pass_time(self, conversation: Conversation, at_s: float) -> None:
        rules = self._rules[conversation.protocol]
        expiry = None if conversation.ttl_s is None else conversation.accepted[-1].at_s + conversation.ttl_s
        deadline = conversation.deadline
        first = expiry is None or (deadline is not None and deadline <= expiry)
        if first and conversation.overdue(at_s):
            rules.deadline_passed(conversation)
        if expiry is not None and at_s > expiry:
            conversation.end("Expired", "ttl", "ttl")

    def died(self, at_s: float, agent: str) -> None:
        self.tick(at_s)
        for conversation in self._live.values():
            rules = self._rules[conversation.protocol]
            session = conversation.sessions.get(agent)
            if agent == conversation.initiator:
                conversation.end("Failed", "initiator-died")
            elif session is not None and rules.is_live(session):
                rules.died(conversation, session)


def ended(conversation: Conversation, act: Said, *, opens_again: bool) -> Refusal:
    """Say why an ended conversation takes nothing: checks 6 and 7."""
    if opens_again:
        return Refusal("conversation_id_reuse")
    if conversation.ended_by == "deadline":
        return Refusal("late", "reject-proposal" if act.performative == "propose" else None)
    return Refusal("conversation_expired" if conversation.ended_by == "ttl" else "conversation_closed")


def role_of(conversation: Conversation, act: Said) -> str | None:
    """Tell the role in which an act is said to whom it may be said to: check 8."""
    if act.sender == conversation.initiator:
        known = bool(act.receivers) and all(agent in conversation.sessions for agent in act.receivers)
        return "initiator" if known and len(set(act.receivers)) == len(act.receivers) else None
    if act.receivers != (conversation.initiator,):
        return None
    if act.sender in conversation.sessions:
        return "participant"
    return "target" if act.sender in conversation.targets else None


def check_role(rules: Rules, conversation: Conversation, role: str, act: Said) -> Refusal | None:
    """Tell whether the role may say this at all: check 13."""
    performative = act.performative
    if performative in ("not-understood", "cancel") or performative in rules.acts[role]:
        return None
    session = conversation.sessions.get(act.sender)
    if session is not None and session.state == CANCELLING and performative in ("inform", "failure"):
        return None
    others = any(performative in acts for acts in rules.acts.values())
    return Refusal("wrong_role" if others else "unexpected_performative", "not-understood")


def check_session(rules: Rules, conversation: Conversation, role: str, act: Said) -> Refusal | None:
    """Make checks 14 to 17."""
    if act.performative == "cancel":
        return check_cancel(rules, conversation, act)
    if role == "initiator":
        return rules.check_initiator(conversation, act)
    if role == "target":
        return rules.check_target(conversation, act)
    session = conversation.sessions[act.sender]
    return None if answers_cancel(session, act) else rules.check_participant(conversation, session, act)


# --- the cancel meta-protocol ---------------------------------------------------------------------------


def check_cancel(rules: Rules, conversation: Conversation, act: Said) -> Refusal | None:
    sessions = [conversation.sessions[agent] for agent in act.receivers]
    for session in sessions:
        if session.state == "DEAD":
            return Refusal("receiver_unavailable")
        if session.state == CANCELLING:
            return UNEXPECTED
    return None if any(rules.is_live(session) for session in sessions) else UNEXPECTED


def cancel(rules: Rules, conversation: Conversation, act: Said) -> None:
    for agent in act.receivers:
        session = conversation.sessions[agent]
        if rules.is_live(session):
            session.before, session.state, session.cancel = session.state, CANCELLING, act


def answers_cancel(session: Session, act: Said) -> bool:
    """Tell whether a participant's act answers the cancel that its session waits in."""
    if session.state != CANCELLING:
        return False
    if act.in_reply_to is None:
        return act.performative in ("inform", "failure")
    return act.performative in ("inform", "failure", "not-understood") and names(
        act.in_reply_to, session.cancel
    )


def answer_cancel(rules: Rules, conversation: Conversation, session: Session, act: Said) -> None:
    if act.performative == "inform":
        rules.cancelled(conversation, session)
        return
    session.state, session.before, session.cancel = session.under, None, None
    if conversation.overdue(act.at_s):
        rules.deadline_passed(conversation)
