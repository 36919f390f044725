"""What a caller sees of an auction: a snapshot that can be written as JSON as it stands."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from caxton.domain.ids import AgentId
from caxton.domain.timestamp import format_timestamp
from caxton.tasks.auction import AuctionKind, Ended, Phase, State, phase
from caxton.tasks.bid import Bid, Refused
from caxton.tasks.job import Job
from caxton.tasks.outcome import EndState
from caxton.tasks.price import Price
from caxton.tasks.request import AuctionRequest
from caxton.tasks.task_view import Party

AuctionState = Literal["initiated", "in_progress"] | EndState


class BidRow(Party, frozen=True, kw_only=True):
    """A bid. One is accepted a round; `reason` says why another was not."""

    round: int
    price: Price | None
    received_at: str
    status: Literal["accepted", "rejected"]
    reason_kind: str | None = None
    reason: str | None = None


class AuctionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came out: price and winner are null where nothing was sold."""

    price: Price | None
    winner: Party | None
    rounds: int
    bids: int


class AuctionView(msgspec.Struct, frozen=True, kw_only=True):
    """One auction. `price` is that of the latest call; the reserve price is nobody's business.

    `leader` would win now. `bids` are the accepted ones and the latest of the others, in order of their
    rounds; `bids_count` counts them all.
    """

    auction_id: str
    conversation_id: str
    kind: AuctionKind
    state: AuctionState
    phase: Phase
    outcome: str | None
    created_at: str
    item: msgspec.Raw
    start_price: Price
    step: Price
    round_s: float
    participants_count: int
    round: int
    price: Price | None
    leader: Party | None
    bids: list[BidRow]
    bids_count: int
    gone: list[Party]
    unconfirmed: list[Party]
    result: AuctionResult | None


AuctionJob = Job[State, AuctionRequest]


def auction_state(state: State) -> AuctionState:
    """Return the contract's word for the state of the conversation."""
    if isinstance(state, Ended):
        return state.outcome.state
    return "initiated" if state.floor.round == 0 else "in_progress"


def view(job: AuctionJob) -> AuctionView:
    """Return all of an auction."""
    state, asked, names = job.desk.state, job.asked, job.names
    floor = state.floor
    leader = None if floor.leader is None else _party(floor.leader.agent, names)
    ended = state if isinstance(state, Ended) else None
    result = None
    if ended is not None:
        sold = floor.leader if ended.outcome.word == "sold" else None
        result = AuctionResult(
            price=None if sold is None else sold.price,
            winner=None if sold is None else leader,
            rounds=floor.round,
            bids=floor.bids_count,
        )
    rows = [*(_won(bid, names) for bid in floor.won), *(_refused(each, names) for each in floor.refused)]
    return AuctionView(
        auction_id=job.id,
        conversation_id=job.conversation.id,
        kind=asked.kind,
        state=auction_state(state),
        phase=phase(state),
        outcome=None if ended is None else ended.outcome.word,
        created_at=format_timestamp(job.created_ns),
        item=msgspec.Raw(asked.item),
        start_price=asked.start_price,
        step=asked.step,
        round_s=asked.round_s,
        participants_count=len(names),
        round=floor.round,
        price=floor.price if floor.round else None,
        leader=leader,
        bids=sorted(rows, key=lambda row: row.round),
        bids_count=floor.bids_count,
        gone=[_party(agent, names) for agent in floor.participants if agent in floor.gone],
        unconfirmed=[] if ended is None else [_party(agent, names) for agent in ended.unconfirmed],
        result=result,
    )


def _party(agent: AgentId, names: Mapping[AgentId, str]) -> Party:
    return Party(agent_id=str(agent), name=names[agent])


def _won(bid: Bid, names: Mapping[AgentId, str]) -> BidRow:
    return BidRow(
        agent_id=str(bid.agent),
        name=names[bid.agent],
        round=bid.round,
        price=bid.price,
        received_at=bid.at,
        status="accepted",
    )


def _refused(refused: Refused, names: Mapping[AgentId, str]) -> BidRow:
    bid = refused.bid
    return BidRow(
        agent_id=str(bid.agent),
        name=names[bid.agent],
        round=bid.round,
        price=None if refused.kind in {"no_price", "cancelled"} else bid.price,
        received_at=bid.at,
        status="rejected",
        reason_kind=refused.kind,
        reason=refused.reason,
    )
