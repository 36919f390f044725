"""The auctioneer, as a pure function (FIPA XC00031, ascending; XC00032, descending).

    Calling -> Open -a bid-> Accepting -> Calling (English, a step higher), or Ended (Dutch: sold)
    Open -no bid in time-> Calling (Dutch, a step lower), or Closing -> Handing (English: sold) -> Ended
    each -cancel-> Cancelling -> Ended

A round is over with its first valid bid. In an English auction that bidder leads: the next call goes to
all others, so that nobody has to outbid itself; when a call brings no bid, the leader has won. Times are of
one monotonic clock, in seconds.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, final

import msgspec

from caxton.domain.ids import AgentId, MessageId
from caxton.tasks import act
from caxton.tasks.act import Act, Action, Heard, NotTaken, Occurrence, Say, Taken, Tell
from caxton.tasks.bid import Bid, Refused, judge
from caxton.tasks.hearing import refusal
from caxton.tasks.outcome import Outcome
from caxton.tasks.price import Price, lowered, raised

ROUNDS_MAX: Final = 1000
SLACK_S: Final = 0.01
"""What was accepted by the deadline may still be on its way to the auctioneer for so long."""

RETRY_S: Final = 0.1
TRIES_MAX: Final = 10
CANCEL_S: Final = 5.0
REFUSED_KEPT_MAX: Final = 1000

SOLD: Final = Outcome("completed", "sold")
UNSOLD: Final = Outcome("completed", "unsold")

AuctionKind = Literal["english", "dutch"]
Phase = Literal["bids", "closing", "cancellation", "ended"]


@final
class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same. `item` is JSON text; `opening` is the reply_with of the first message.

    Nobody but the auctioneer knows the reserve price: below it nothing is sold.
    """

    kind: AuctionKind
    item: bytes
    opening: str
    start_price: Price
    step: Price
    reserve_price: Price | None
    round_s: float


@final
class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """How far it has come. `won` are the accepted bids, one a round; the last one leads.

    `refused` are the latest of the others; `bids_count` counts them all.
    """

    lot: Lot
    participants: tuple[AgentId, ...]
    gone: frozenset[AgentId] = frozenset()
    round: int = 0
    price: Price = 0
    won: tuple[Bid, ...] = ()
    refused: tuple[Refused, ...] = ()
    bids_count: int = 0
    withdrawn: bool = False

    @property
    def leader(self) -> Bid | None:
        """The bid that would win now."""
        return self.won[-1] if self.won and not self.withdrawn else None

    @property
    def present(self) -> tuple[AgentId, ...]:
        """Participants that have not gone."""
        return tuple(agent for agent in self.participants if agent not in self.gone)

    @property
    def is_called(self) -> bool:
        """Tell whether the latest call has not been answered by a winning bid."""
        return self.round > 0 and not (self.won and self.won[-1].round == self.round)

    @property
    def is_met(self) -> bool:
        """Tell whether there is a leader whose price is good enough."""
        leader, reserve_price = self.leader, self.lot.reserve_price
        return leader is not None and (reserve_price is None or leader.price >= reserve_price)


@final
class Calling(msgspec.Struct, frozen=True, tag="calling"):
    """A call at `price` is due at `at_s`, or being sent to all but `skipped` (whom it did not reach)."""

    floor: Floor
    price: Price
    at_s: float | None
    skipped: frozenset[AgentId] = frozenset()
    tries: int = 0


@final
class Open(msgspec.Struct, frozen=True, tag="open"):
    """Bids are awaited."""

    floor: Floor
    due_s: float


@final
class Accepting(msgspec.Struct, frozen=True, tag="accepting"):
    """The first of these bids is being accepted."""

    floor: Floor
    due_s: float
    bids: tuple[Bid, ...]


@final
class Closing(msgspec.Struct, frozen=True, tag="closing"):
    """The end is to be told at `at_s`, or being told to all but `skipped`."""

    floor: Floor
    at_s: float | None
    skipped: frozenset[AgentId] = frozenset()
    tries: int = 0


@final
class Handing(msgspec.Struct, frozen=True, tag="handing"):
    """The winner is being asked to take what it bought."""

    floor: Floor


@final
class Cancelling(msgspec.Struct, frozen=True, tag="cancelling"):
    """Participants are being `told` to stop; then `pending` are those who have not answered that."""

    floor: Floor
    told: tuple[AgentId, ...]
    pending: Mapping[AgentId, MessageId]
    until_s: float


@final
class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Over. `unconfirmed` have not said that they heard of a cancellation."""

    floor: Floor
    outcome: Outcome
    unconfirmed: tuple[AgentId, ...] = ()


State = Calling | Open | Accepting | Closing | Handing | Cancelling | Ended
Step = tuple[State, Sequence[Action]]


def begin(lot: Lot, participants: Sequence[AgentId], now_s: float) -> Calling:
    """Return the state after the start was told."""
    return Calling(Floor(lot=lot, participants=tuple(participants)), lot.start_price, now_s)


def alarm(state: State) -> float | None:
    """Return the time at which the state wants a `Tick`."""
    match state:
        case Calling(at_s=at_s) | Closing(at_s=at_s):
            return at_s
        case Open(due_s=due_s):
            return due_s + SLACK_S
        case Cancelling(until_s=until_s):
            return until_s
        case Accepting() | Handing() | Ended():
            return None


def phase(state: State) -> Phase:
    """Return the word for what the auction waits for."""
    match state:
        case Calling() | Open() | Accepting():
            return "bids"
        case Closing() | Handing():
            return "closing"
        case Cancelling():
            return "cancellation"
        case Ended():
            return "ended"


def decide(state: State, occurrence: Occurrence, now_s: float) -> Step:
    """Return the state after an occurrence, and what is to be done."""
    match state, occurrence:
        case Ended(), _:
            return state, ()
        case _, act.Halt(word=word):
            return Ended(state.floor, Outcome("failed", word)), ()
        case _, act.Said(fates=fates):
            return _go_by(state, fates, now_s)
        case _, act.Words(heard=heard):
            return _hear(state, heard, now_s)
        case _, act.Gone(agent=agent):
            return _lose(state, agent)
        case _, act.Tick():
            return _wake(state, now_s)
        case Calling() | Open() | Closing(), act.CancelAsked():
            return _cancel(state, now_s)
        case _:
            return state, ()


def _wake(state: State, now_s: float) -> Step:
    match state:
        case Calling(floor=floor, price=price):
            return _call(floor, price, state.skipped, state.tries)
        case Open(floor=floor):
            return _pass(floor, now_s)
        case Closing(floor=floor):
            return _close(floor, state.skipped, state.tries)
        case Cancelling():
            return _end_cancelled(state.floor, tuple(state.pending))
        case Accepting() | Handing() | Ended():
            return state, ()


def _go_by(state: State, fates: Sequence[act.Fate], now_s: float) -> Step:
    """Go on by what became of the acts that the state is about."""
    fate = fates[0]
    match state, fate:
        case Calling(floor=floor, price=price), Taken():
            opened = msgspec.structs.replace(floor, round=floor.round + 1, price=price)
            return Open(opened, now_s + floor.lot.round_s), ()
        case Calling() | Closing(), NotTaken():
            return _try_again(state, fate, now_s)
        case Accepting(), _:
            return _accepted(state, fate, now_s)
        case Closing(floor=floor), Taken():
            leader = floor.leader
            if leader is None or not floor.is_met:
                return Ended(floor, UNSOLD), ()
            return Handing(floor), [Say((_request(floor.lot, leader),))]
        case Handing(floor=floor), _:
            died = Outcome("failed", "participant-died")
            return Ended(floor, SOLD if isinstance(fate, Taken) else died), ()
        case Cancelling(), _:
            told = zip(state.told, fates, strict=True)
            pending = {agent: it.message_id for agent, it in told if isinstance(it, Taken)}
            if not pending:
                return _end_cancelled(state.floor, state.told)
            return Cancelling(state.floor, state.told, pending, state.until_s), ()
        case _:
            return state, ()


# --- a round ---


def _call(floor: Floor, price: Price, skipped: frozenset[AgentId], tries: int) -> Step:
    called = _called(floor, skipped)
    if not called or floor.round >= ROUNDS_MAX:
        return _close(floor, frozenset(), 0)
    content = {"item": msgspec.Raw(floor.lot.item), "price": price, "round": floor.round + 1}
    call = Act(
        performative="cfp",
        receivers=called,
        content=msgspec.json.encode(content),
        reply_by_s=floor.lot.round_s,
    )
    return Calling(floor, price, None, skipped, tries), [Say((call,))]


def _called(floor: Floor, skipped: frozenset[AgentId]) -> tuple[AgentId, ...]:
    leader = floor.leader
    away = skipped if leader is None else skipped | {leader.agent}
    return tuple(agent for agent in floor.present if agent not in away)


def _hear(state: State, messages: Sequence[Heard], now_s: float) -> Step:
    """Judge bids. One that was on its way when the round seemed to be over still counts."""
    if isinstance(state, Cancelling):
        return _hear_confirmations(state, messages)
    floor = state.floor
    is_open = floor.is_called and isinstance(state, Calling | Open | Closing)
    bids: list[Bid] = []
    refused: list[Refused] = []
    for heard in messages:
        if heard.performative != "propose":
            continue
        judged = judge(
            heard,
            floor.price,
            floor.round,
            exact=floor.lot.kind == "dutch",
            leader=None if floor.leader is None else floor.leader.agent,
        )
        if isinstance(judged, Bid) and not is_open:
            judged = Refused(judged, "late", "no call is open")
        if isinstance(judged, Bid):
            bids.append(judged)
        else:
            refused.append(judged)
    floor, acts = _refuse(floor, refused)
    if bids:
        due_s = state.due_s if isinstance(state, Open) else now_s
        accepting = Accepting(floor, due_s, tuple(bids))
        return accepting, [*acts, Say((_acceptance(bids[0]),))]
    return msgspec.structs.replace(state, floor=floor), acts


def _accepted(state: Accepting, fate: act.Fate, now_s: float) -> Step:
    first, *others = state.bids
    floor = state.floor
    if isinstance(fate, NotTaken):
        floor, _ = _refuse(floor, [Refused(first, "unreachable", fate.reason)])
        if others:
            return Accepting(floor, state.due_s, tuple(others)), [Say((_acceptance(others[0]),))]
        return Open(floor, state.due_s), ()
    floor, acts = _refuse(floor, [Refused(bid, "too_late", "another bid came first") for bid in others])
    floor = msgspec.structs.replace(
        floor, won=(*floor.won, first), withdrawn=False, bids_count=floor.bids_count + 1
    )
    if floor.lot.kind == "dutch":
        return Ended(floor, SOLD), acts
    price = raised(first.price, floor.lot.step)
    if price is None:
        return Closing(floor, now_s), acts
    return Calling(floor, price, now_s), acts


def _pass(floor: Floor, now_s: float) -> Step:
    """Go on after a round without a bid."""
    reserve_price = floor.lot.reserve_price
    if floor.lot.kind == "dutch" and reserve_price is not None and floor.price > reserve_price:
        lower = lowered(floor.price, floor.lot.step)
        if lower is not None:
            return _call(floor, max(lower, reserve_price), frozenset(), 0)
    return _close(floor, frozenset(), 0)


def _try_again(state: Calling | Closing, fate: NotTaken, now_s: float) -> Step:
    """Leave out whoever stood in the way, or wait for what does: a bid that is still on its way."""
    floor = state.floor
    if fate.agent is not None and fate.agent not in state.skipped:
        skipped = state.skipped | {fate.agent}
        if isinstance(state, Closing):
            return _close(floor, skipped, state.tries)
        if _called(floor, skipped) or state.tries >= TRIES_MAX:
            return _call(floor, state.price, skipped, state.tries)
        return Calling(floor, state.price, now_s + RETRY_S, tries=state.tries + 1), ()
    if state.tries >= TRIES_MAX:
        return Ended(floor, Outcome("failed", "protocol-refused")), ()
    return msgspec.structs.replace(state, at_s=now_s + RETRY_S, tries=state.tries + 1), ()


# --- the end ---


def _close(floor: Floor, skipped: frozenset[AgentId], tries: int) -> Step:
    leader = floor.leader
    told = tuple(agent for agent in floor.present if agent not in skipped)
    if not told:
        return Ended(floor, UNSOLD), ()
    content: dict[str, object] = {"kind": "end", "result": "unsold"}
    if leader is not None and floor.is_met:
        content = {"kind": "end", "result": "sold", "price": leader.price}
    end = Act(performative="inform", receivers=told, content=msgspec.json.encode(content), content_kind="end")
    return Closing(floor, None, skipped, tries), [Say((end,))]


def _lose(state: State, agent: AgentId) -> Step:
    floor = state.floor
    leader = floor.leader
    withdrawn = floor.withdrawn or (leader is not None and leader.agent == agent)
    floor = msgspec.structs.replace(floor, gone=floor.gone | {agent}, withdrawn=withdrawn)
    if not floor.present:
        return Ended(floor, UNSOLD), ()
    if isinstance(state, Cancelling):
        pending = {other: message_id for other, message_id in state.pending.items() if other != agent}
        if not pending:
            return _end_cancelled(floor, ())
        return Cancelling(floor, state.told, pending, state.until_s), ()
    return msgspec.structs.replace(state, floor=floor), ()


def _cancel(state: Calling | Open | Closing, now_s: float) -> Step:
    floor = state.floor
    cancels = [
        Act(performative="cancel", receivers=(agent,), in_reply_to=floor.lot.opening)
        for agent in floor.present
    ]
    return Cancelling(floor, floor.present, {}, now_s + CANCEL_S), [Say(tuple(cancels))]


def _hear_confirmations(state: Cancelling, messages: Sequence[Heard]) -> Step:
    pending = {**state.pending}
    refused: list[Refused] = []
    for heard in messages:
        cancel_id = pending.get(heard.agent)
        if heard.performative == "propose":
            bid = Bid(agent=heard.agent, price=0, message_id=heard.message_id, round=0, at=heard.at)
            refused.append(Refused(bid, "cancelled", "the auction was cancelled"))
        elif cancel_id is not None and heard.confirms(cancel_id):
            del pending[heard.agent]
    floor, acts = _refuse(state.floor, refused)
    if pending:
        return Cancelling(floor, state.told, pending, state.until_s), acts
    ended, _ = _end_cancelled(floor, ())
    return ended, acts


def _end_cancelled(floor: Floor, unconfirmed: tuple[AgentId, ...]) -> Step:
    return Ended(floor, Outcome("completed", "cancelled"), unconfirmed), ()


# --- what is said ---


def _acceptance(bid: Bid) -> Act:
    return Act(
        performative="accept-proposal",
        receivers=(bid.agent,),
        content=msgspec.json.encode({"price": bid.price}),
        in_reply_to=bid.message_id,
    )


def _request(lot: Lot, bid: Bid) -> Act:
    return Act(
        performative="request",
        receivers=(bid.agent,),
        content=msgspec.json.encode({"item": msgspec.Raw(lot.item), "price": bid.price}),
    )


def _refuse(floor: Floor, refused: Sequence[Refused]) -> tuple[Floor, list[Action]]:
    """Return the floor with these bids noted, and what their bidders are told."""
    if not refused:
        return floor, []
    kept = (*floor.refused, *refused)[-REFUSED_KEPT_MAX:]
    noted = msgspec.structs.replace(floor, refused=kept, bids_count=floor.bids_count + len(refused))
    acts = tuple(refusal(each.bid.agent, each.bid.message_id, each.reason) for each in refused)
    return noted, [Tell(acts)]
