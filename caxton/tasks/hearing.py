"""What a participant's message does to its session in a contract net, and what it is answered."""

from typing import Final

from caxton.domain.ids import AgentId, MessageId
from caxton.tasks.act import NULL, Act, Heard, because
from caxton.tasks.session import Asked, Awarded, Broken, Declined, Proposal, Rejected, Reported, Session

_DECLINING: Final = frozenset({"refuse", "not-understood", "failure"})
_BREAKING: Final = frozenset({"failure", "not-understood"})


def hear(session: Session, heard: Heard, *, call_open: bool) -> tuple[Session, Act | None]:
    """Return the session after a message and the answer to it, if it needs one at once.

    What the protocol does not allow in the session's state leaves it as it is. Whoever was only asked can
    but answer the call, whatever it cites: its reply_with, or the id of one of its copies.
    """
    match session:
        case Asked():
            return _hear_answer(session, heard, call_open=call_open)
        case Awarded(award_id=award_id, proposal=proposal) if heard.answers(award_id):
            return _hear_report(session, proposal, heard), None
        case _:
            return session, None


def reject(agent: AgentId, proposal: Proposal, kind: str, reason: str) -> tuple[Rejected, Act]:
    """Return the session of a proposal that is not taken, and the message that says so."""
    return Rejected(proposal=proposal, kind=kind, reason=reason), refusal(agent, proposal.message_id, reason)


def refusal(agent: AgentId, proposal_id: MessageId, reason: str) -> Act:
    """Return the act that turns a proposal down."""
    return Act(
        performative="reject-proposal",
        receivers=(agent,),
        content=because(reason),
        in_reply_to=proposal_id,
    )


def _hear_answer(session: Asked, heard: Heard, *, call_open: bool) -> tuple[Session, Act | None]:
    content = NULL if heard.content is None else heard.content
    if heard.performative in _DECLINING:
        return Declined(performative=heard.performative, content=content, at=heard.at), None
    if heard.performative != "propose":
        return session, None
    proposal = Proposal(message_id=heard.message_id, content=content, number=heard.number, at=heard.at)
    if heard.content is None:
        return reject(heard.agent, proposal, "too_large", "there is no room for the proposal's content")
    if not call_open:
        return reject(heard.agent, proposal, "late", "the call for proposals is over")
    return proposal, None


def _hear_report(session: Awarded, proposal: Proposal, heard: Heard) -> Session:
    if heard.performative == "inform":
        kind = heard.content_kind or "done"
        return Reported(proposal=proposal, kind=kind, content=heard.content, at=heard.at)
    if heard.performative in _BREAKING:
        return Broken(
            proposal=proposal,
            performative=heard.performative,
            content=NULL if heard.content is None else heard.content,
            at=heard.at,
        )
    return session
