"""fipa-auction-english (XC00031) and fipa-auction-dutch (XC00032), both experimental at FIPA.

A session is a bidder in the current round; the phase tells where the auction stands. The acceptance of a bid
in the English auction is provisional: the winner of the last round that had one is asked to pay.
"""

from caxton.protocols import meta
from caxton.protocols.row import (
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

_BIDDERS = (State.IDLE, State.BID, State.OUTBID, State.WINNING, State.OUT)
# They hear of the end like the others. To the auctioneer a bidder that is being cancelled has gone already.
_GONE = (State.NOT_UNDERSTOOD, State.CANCELLED)
_ROUND = (Phase.OPEN, Phase.WON)


def _call(phases: tuple[Phase, ...], guard: Guard) -> tuple[Row, ...]:
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
        for state in _BIDDERS
    )


def _bids(phases: tuple[Phase, ...], guard: Guard) -> tuple[Row, ...]:
    again = tuple(
        Row(
            state=state,
            role=Role.PARTICIPANT,
            act="propose",
            phases=phases,
            cites=Cites.CALL,
            refuse=Reason.DUPLICATE_RESPONSE,
        )
        for state in (State.BID, State.OUTBID, State.WINNING)
    )
    bid = Row(
        state=State.IDLE,
        role=Role.PARTICIPANT,
        act="propose",
        phases=phases,
        cites=Cites.CALL,
        guard=guard,
        effect=Effect.OFFER,
        next=State.BID,
    )
    return (bid, *again)


def _answers_to_nothing() -> tuple[Row, ...]:
    others = (State.IDLE, State.OUTBID, State.WINNING, State.OUT, *_GONE)
    return tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act=act,
            guard=guard,
            refuse=Reason.NO_PENDING_PROPOSAL,
        )
        for state in others
        for act, guard in (("accept-proposal", Guard.ROUND_FREE), ("reject-proposal", Guard.NONE))
    )


def _reject(phases: tuple[Phase, ...]) -> Row:
    return Row(
        state=State.BID,
        role=Role.INITIATOR,
        act="reject-proposal",
        phases=phases,
        cites=Cites.OFFER,
        next=State.OUTBID,
    )


def _end(phases: tuple[Phase, ...]) -> tuple[Row, ...]:
    return tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act="inform",
            kinds=kinds,
            phases=phases,
            guard=Guard.CALL_OVER,
            effect=effect,
            next=state,
            outcome=outcome,
        )
        for state in (*_BIDDERS, *_GONE)
        for kinds, effect, outcome in (
            ((Kind.END,), Effect.CLOSE, Outcome.NONE),
            ((Kind.END_UNSOLD,), Effect.NONE, Outcome.UNSOLD),
        )
    )


def _until_sold(*rows: Row) -> tuple[Row, ...]:
    """Return the lines of an auction that its first winner ends: none is for a session that has won."""
    return tuple(row for row in rows if row.state is not State.WINNING)


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
        *_call((Phase.STARTED, Phase.WON), Guard.PRICE_RISES),
        *_bids(_ROUND, Guard.PRICE_MEETS),
        Row(
            state=State.BID,
            role=Role.INITIATOR,
            act="accept-proposal",
            phases=_ROUND,
            cites=Cites.OFFER,
            guard=Guard.ROUND_FREE,
            effect=Effect.WIN,
            next=State.WINNING,
            next_phase=Phase.WON,
        ),
        _reject(_ROUND),
        *_answers_to_nothing(),
        *_end(_ROUND),
        *(
            Row(
                state=state,
                role=Role.INITIATOR,
                act="request",
                phases=(Phase.CLOSED,),
                guard=Guard.WINNER,
                next=state,
                outcome=Outcome.SOLD,
            )
            for state in (*_BIDDERS, *_GONE)
        ),
        *meta.auction(),
    ),
)

DUTCH_AUCTION = Protocol(
    name="fipa-auction-dutch",
    aliases=("fipa-dutch-auction",),
    title="Dutch Auction",
    document="XC00032",
    opening=("inform",),
    first=State.IDLE,
    one_to_one=False,
    auction=True,
    rows=_until_sold(
        *_call((Phase.STARTED, Phase.OPEN), Guard.PRICE_FALLS),
        *_bids((Phase.OPEN,), Guard.PRICE_EQUALS),
        Row(
            state=State.BID,
            role=Role.INITIATOR,
            act="accept-proposal",
            phases=(Phase.OPEN,),
            cites=Cites.OFFER,
            guard=Guard.ROUND_FREE,
            effect=Effect.WIN,
            next=State.WINNING,
            outcome=Outcome.SOLD,
        ),
        _reject((Phase.OPEN,)),
        *_answers_to_nothing(),
        *_end((Phase.OPEN,)),
        *meta.auction(),
    ),
)
