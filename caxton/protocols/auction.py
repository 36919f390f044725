"""fipa-auction-english (XC00031) and fipa-auction-dutch (XC00032), both experimental at FIPA.

A session is a bidder in the current round; the phase tells where the auction stands. The acceptance of a bid
in the English auction is provisional: the winner of the last round that had one is asked to pay. That what a
bidder says is about the open call that it got is the core's check, before any line. No bid is open before a
call or after the end.
"""

from caxton.protocols import meta
from caxton.protocols.row import (
    ANY_PHASE,
    Cites,
    Effect,
    Guard,
    Kind,
    Outcome,
    Phase,
    Protocol,
    Reason,
    Role,
    Row,
    State,
)

# Without an open bid of this round.
_WAITING = (State.IDLE, State.OUTBID, State.OUT)
# They hear of the end like the others. To the auctioneer a bidder that is being cancelled has gone already.
_GONE = (State.NOT_UNDERSTOOD, State.CANCELLED)


def _call(states: tuple[State, ...], phases: tuple[Phase, ...], guard: Guard) -> tuple[Row, ...]:
    return tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act="cfp",
            phases=phases,
            guard=guard,
            effect=Effect.CALL,
            next=State.IDLE,
            next_phase=Phase.OPEN,
        )
        for state in states
    )


def _bids(guard: Guard, placed: tuple[State, ...]) -> tuple[Row, ...]:
    again = tuple(
        Row(state=state, role=Role.PARTICIPANT, act="propose", refuse=Reason.DUPLICATE_RESPONSE)
        for state in placed
    )
    bid = Row(
        state=State.IDLE,
        role=Role.PARTICIPANT,
        act="propose",
        guard=guard,
        effect=Effect.OFFER,
        next=State.BID,
    )
    return (bid, *again)


def _accept(next_phase: Phase | None, outcome: Outcome) -> Row:
    return Row(
        state=State.BID,
        role=Role.INITIATOR,
        act="accept-proposal",
        cites=Cites.OFFER,
        guard=Guard.ROUND_FREE,
        effect=Effect.WIN,
        next=State.WINNING,
        next_phase=next_phase,
        outcome=outcome,
    )


_REJECT = Row(
    state=State.BID,
    role=Role.INITIATOR,
    act="reject-proposal",
    cites=Cites.OFFER,
    next=State.OUTBID,
)


def _answers_to_nothing(states: tuple[State, ...]) -> tuple[Row, ...]:
    return tuple(
        Row(state=state, role=Role.INITIATOR, act=act, guard=guard, refuse=Reason.NO_PENDING_PROPOSAL)
        for state in states
        for act, guard in (("accept-proposal", Guard.ROUND_FREE), ("reject-proposal", Guard.NONE))
    )


def _end(
    states: tuple[State, ...], kinds: tuple[Kind, ...], effect: Effect, outcome: Outcome
) -> tuple[Row, ...]:
    return tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act="inform",
            kinds=kinds,
            guard=Guard.CALL_OVER,
            effect=effect,
            next=state,
            outcome=outcome,
        )
        for state in states
    )


def _sale() -> tuple[Row, ...]:
    """Return who may be asked to pay: a winner of an earlier round may be anything but gone for good."""
    asked = tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act="request",
            phases=(Phase.CLOSED,),
            guard=Guard.WINNER,
            next=state,
            outcome=Outcome.SOLD,
        )
        for state in (*_WAITING, State.WINNING, State.CANCELLED)
    )
    gone = Row(
        state=State.NOT_UNDERSTOOD,
        role=Role.INITIATOR,
        act="request",
        phases=(Phase.CLOSED,),
        refuse=Reason.NOT_WINNER,
    )
    return (*asked, gone)


_ENGLISH = (*_WAITING, State.BID, State.WINNING)

ENGLISH_AUCTION = Protocol(
    name="fipa-auction-english",
    aliases=("fipa-english-auction",),
    title="English Auction",
    document="XC00031",
    opening=("inform",),
    first=State.IDLE,
    one_to_one=False,
    auction=True,
    rows=(
        *_call(_ENGLISH, (Phase.STARTED, Phase.WON), Guard.PRICE_RISES),
        *_bids(Guard.PRICE_MEETS, (State.BID, State.OUTBID, State.WINNING)),
        _accept(Phase.WON, Outcome.NONE),
        _REJECT,
        *_answers_to_nothing((*_WAITING, State.WINNING, *_GONE)),
        *_end((*_ENGLISH, *_GONE), (Kind.END,), Effect.CLOSE, Outcome.NONE),
        *_end((*_ENGLISH, *_GONE), (Kind.END_UNSOLD,), Effect.NONE, Outcome.UNSOLD),
        *_sale(),
        *meta.auction(),
    ),
)

# An accept is its end, and neither a call nor an end passes an open bid.
DUTCH_AUCTION = Protocol(
    name="fipa-auction-dutch",
    aliases=("fipa-dutch-auction",),
    title="Dutch Auction",
    document="XC00032",
    opening=("inform",),
    first=State.IDLE,
    one_to_one=False,
    auction=True,
    rows=(
        *_call(_WAITING, ANY_PHASE, Guard.PRICE_FALLS),
        *_bids(Guard.PRICE_EQUALS, (State.BID, State.OUTBID)),
        _accept(None, Outcome.SOLD),
        _REJECT,
        *_answers_to_nothing((*_WAITING, *_GONE)),
        *_end((*_WAITING, *_GONE), (Kind.END, Kind.END_UNSOLD), Effect.NONE, Outcome.UNSOLD),
        *meta.auction(),
    ),
)
