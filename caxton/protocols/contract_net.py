"""fipa-contract-net (SC00029) and fipa-iterated-contract-net (SC00030): one session for each participant.

When all sessions are over, their ends add up to the conversation's outcome: see `verdict` in the core.
"""

from caxton.protocols import meta
from caxton.protocols.row import Cites, Effect, Guard, Protocol, Reason, Role, Row, State

# Where nothing is pending that could be accepted or rejected.
_NOTHING_PENDING = (
    State.CALLED,
    State.SILENT,
    State.REFUSED,
    State.NOT_UNDERSTOOD,
    State.REJECTED,
    State.AWARDED,
    State.DONE,
    State.FAILED,
    State.CANCELLED,
)


def _said(
    state: State,
    act: str,
    cites: Cites = Cites.ANY,
    *,
    then: State = State.NONE,
    refuse: Reason = Reason.NONE,
    effect: Effect = Effect.NONE,
) -> Row:
    return Row(
        state=state, role=Role.PARTICIPANT, act=act, cites=cites, refuse=refuse, effect=effect, next=then
    )


_ROWS = (
    _said(State.CALLED, "propose", Cites.CALL, then=State.PROPOSED, effect=Effect.OFFER),
    _said(State.CALLED, "refuse", Cites.CALL, then=State.REFUSED),
    _said(State.CALLED, "failure", Cites.CALL, then=State.REFUSED),
    _said(State.PROPOSED, "propose", Cites.CALL, refuse=Reason.DUPLICATE_RESPONSE),
    # Proposals are binding.
    _said(State.PROPOSED, "refuse", Cites.CALL, refuse=Reason.UNEXPECTED_PERFORMATIVE),
    _said(State.PROPOSED, "failure", Cites.CALL, refuse=Reason.UNEXPECTED_PERFORMATIVE),
    _said(State.AWARDED, "inform", Cites.AWARD, then=State.DONE),
    _said(State.AWARDED, "failure", Cites.AWARD, then=State.FAILED),
    _said(State.DONE, "inform", refuse=Reason.DUPLICATE_RESPONSE),
    _said(State.FAILED, "failure", refuse=Reason.DUPLICATE_RESPONSE),
    Row(
        state=State.PROPOSED,
        role=Role.INITIATOR,
        act="accept-proposal",
        cites=Cites.OFFER,
        guard=Guard.AWARDS_LEFT,
        effect=Effect.AWARD,
        next=State.AWARDED,
    ),
    Row(
        state=State.PROPOSED,
        role=Role.INITIATOR,
        act="reject-proposal",
        cites=Cites.OFFER,
        next=State.REJECTED,
    ),
    *(
        Row(state=state, role=Role.INITIATOR, act=act, refuse=Reason.NO_PENDING_PROPOSAL)
        for state in _NOTHING_PENDING
        for act in ("accept-proposal", "reject-proposal")
    ),
    *meta.contract_net(),
)

CONTRACT_NET = Protocol(
    name="fipa-contract-net",
    title="Contract Net",
    document="SC00029",
    opening=("cfp",),
    first=State.CALLED,
    one_to_one=False,
    rows=_ROWS,
)

ITERATED_CONTRACT_NET = Protocol(
    name="fipa-iterated-contract-net",
    title="Iterated Contract Net",
    document="SC00030",
    opening=("cfp",),
    first=State.CALLED,
    one_to_one=False,
    rows=(
        *_ROWS,
        # Who was silent in one round is out of the next.
        _said(State.SILENT, "propose", Cites.CALL, refuse=Reason.UNEXPECTED_PERFORMATIVE),
        Row(
            state=State.PROPOSED,
            role=Role.INITIATOR,
            act="cfp",
            guard=Guard.NO_AWARD,
            effect=Effect.CALL,
            next=State.CALLED,
        ),
    ),
)
