"""The auctioneer's decisions one by one: what the whole auctions of `test_auction` come to only by chance."""

from collections.abc import Sequence

import msgspec
import pytest

from caxton.domain.ids import AgentId, MessageId, new_message_id
from caxton.tasks.act import Action, Fate, Gone, Halt, Heard, NotTaken, Said, Taken, Tick, Words
from caxton.tasks.auction import (
    RETRY_S,
    ROUNDS_MAX,
    TRIES_MAX,
    AuctionKind,
    Calling,
    Closing,
    Ended,
    Lot,
    Open,
    State,
    alarm,
    begin,
    decide,
)
from caxton.tasks.price import Price, lowered, raised

A, B, C = AgentId(1), AgentId(2), AgentId(3)


def lot(kind: AuctionKind = "english", **fields: object) -> Lot:
    whole = Lot(kind=kind, item=b"1", opening="o", start_price=10, step=1, reserve_price=5, round_s=5.0)
    return msgspec.structs.replace(whole, **fields)


def taken() -> Said:
    return Said((Taken(MessageId("m")),))


def refused(agent: AgentId | None = None) -> Said:
    fates: tuple[Fate, ...] = (NotTaken("no", agent),)
    return Said(fates)


def bid(agent: AgentId, price: Price) -> Words:
    content = msgspec.json.encode({"price": price})
    heard = Heard(
        agent=agent, performative="propose", message_id=new_message_id(), number=1, at="now", content=content
    )
    return Words((heard,))


def said(actions: Sequence[Action]) -> list[tuple[str, tuple[AgentId, ...]]]:
    """Return performative and receivers of everything that is said."""
    return [(act.performative, act.receivers) for action in actions for act in action.acts]


def called(the_lot: Lot, *agents: AgentId) -> State:
    """Return the state while the first call is being sent."""
    state, actions = decide(begin(the_lot, agents, 0.0), Tick(), 0.0)
    assert said(actions) == [("cfp", agents)]
    return state


def test_whom_a_call_does_not_reach_is_left_out_of_it() -> None:
    state, actions = decide(called(lot(), A, B), refused(A), 0.0)
    assert said(actions) == [("cfp", (B,))]
    state, _ = decide(state, taken(), 0.0)
    assert isinstance(state, Open)
    # The next call goes to it again.
    state, _ = decide(state, bid(B, 10), 1.0)
    state, _ = decide(state, taken(), 1.0)
    state, actions = decide(state, Tick(), 1.0)
    assert said(actions) == [("cfp", (A,))]


def test_a_call_that_reaches_nobody_is_tried_again_for_a_while_and_then_the_auction_closes() -> None:
    state = called(lot(), A)
    now_s = 0.0
    for _ in range(TRIES_MAX):
        state, actions = decide(state, refused(A), now_s)
        assert isinstance(state, Calling)
        assert (alarm(state), said(actions)) == (now_s + RETRY_S, [])
        now_s += RETRY_S
        state, actions = decide(state, Tick(), now_s)
        assert said(actions) == [("cfp", (A,))]
    state, actions = decide(state, refused(A), now_s)
    assert isinstance(state, Closing)
    assert said(actions) == [("inform", (A,))]


@pytest.mark.parametrize("at_the_end", [False, True])
def test_what_the_protocol_refuses_again_and_again_fails_the_auction(at_the_end: bool) -> None:
    state = called(lot(), A)
    if at_the_end:
        state, _ = decide(state, taken(), 0.0)
        state, _ = decide(state, Tick(), 6.0)
    for _ in range(TRIES_MAX):
        state, _ = decide(state, refused(), 6.0)
        state, _ = decide(state, Tick(), 6.0)
    state, _ = decide(state, refused(), 6.0)
    assert isinstance(state, Ended)
    assert (state.outcome.state, state.outcome.word) == ("failed", "protocol-refused")


@pytest.mark.parametrize("kind", ["english", "dutch"])
def test_a_bid_that_was_on_its_way_when_the_round_seemed_over_still_wins(kind: AuctionKind) -> None:
    state, _ = decide(called(lot(kind), A, B), taken(), 0.0)
    state, actions = decide(state, Tick(), 6.0)
    assert said(actions)[0][0] == ("inform" if kind == "english" else "cfp")
    # The engine has the bid already, and says no to what does not fit it.
    state, _ = decide(state, refused(), 6.0)
    state, actions = decide(state, bid(A, 10), 6.05)
    assert said(actions) == [("accept-proposal", (A,))]
    state, _ = decide(state, taken(), 6.05)
    assert isinstance(state, Calling if kind == "english" else Ended)


def test_a_bid_after_the_round_was_won_is_late() -> None:
    state, _ = decide(called(lot(), A, B), taken(), 0.0)
    state, _ = decide(state, bid(A, 10), 1.0)
    state, _ = decide(state, taken(), 1.0)
    state, actions = decide(state, bid(B, 10), 1.0)
    assert said(actions) == [("reject-proposal", (B,))]
    assert [each.kind for each in state.floor.refused] == ["late"]


def test_a_bid_before_the_first_call_is_late() -> None:
    state, actions = decide(begin(lot(), [A], 0.0), bid(A, 10), 0.0)
    assert isinstance(state, Calling)
    assert said(actions) == [("reject-proposal", (A,))]


def test_a_bidder_that_cannot_be_told_makes_room_for_the_next_bid() -> None:
    state, _ = decide(called(lot(), A, B, C), taken(), 0.0)
    first, second = bid(A, 10), bid(B, 10)
    state, actions = decide(state, Words((*first.heard, *second.heard)), 1.0)
    assert said(actions) == [("accept-proposal", (A,))]
    state, actions = decide(state, refused(A), 1.0)
    assert said(actions) == [("accept-proposal", (B,))]
    state, actions = decide(state, refused(B), 1.0)
    assert isinstance(state, Open)
    assert alarm(state) == 5.01
    assert state.floor.bids_count == 2


def test_a_leader_does_not_outbid_itself() -> None:
    state, _ = decide(called(lot(), A, B), taken(), 0.0)
    state, _ = decide(state, bid(A, 10), 1.0)
    state, _ = decide(state, taken(), 1.0)
    state, _ = decide(state, Tick(), 1.0)
    state, _ = decide(state, taken(), 1.0)
    state, actions = decide(state, bid(A, 11), 2.0)
    assert said(actions) == [("reject-proposal", (A,))]
    assert [each.kind for each in state.floor.refused] == ["leading"]


def test_a_winner_that_is_gone_when_it_has_won_fails_the_auction() -> None:
    state, _ = decide(called(lot(), A), taken(), 0.0)
    state, _ = decide(state, bid(A, 10), 1.0)
    state, _ = decide(state, taken(), 1.0)
    state, actions = decide(state, Tick(), 1.0)
    assert said(actions) == [("inform", (A,))]
    state, actions = decide(state, taken(), 1.0)
    assert said(actions) == [("request", (A,))]
    state, _ = decide(state, refused(A), 1.0)
    assert isinstance(state, Ended)
    assert state.outcome.word == "participant-died"


def test_when_all_have_gone_nothing_is_said() -> None:
    state, _ = decide(called(lot(), A, B), taken(), 0.0)
    state, _ = decide(state, Gone(A), 1.0)
    state, actions = decide(state, Gone(B), 1.0)
    assert isinstance(state, Ended)
    assert (state.outcome.word, said(actions)) == ("unsold", [])


def test_rounds_are_bounded() -> None:
    state = called(lot(), A, B)
    turns = 0
    while not isinstance(state, Closing):
        state, _ = decide(state, taken(), 0.0)
        state, _ = decide(state, bid((A, B)[turns % 2], 10 + turns), 0.0)
        state, _ = decide(state, taken(), 0.0)
        state, _ = decide(state, Tick(), 0.0)
        turns += 1
    assert turns == ROUNDS_MAX == len(state.floor.won)


@pytest.mark.parametrize("word", ["server-stopped", "internal-error"])
def test_a_halt_ends_it_in_every_state(word: str) -> None:
    state = called(lot(), A)
    ended, actions = decide(state, Halt(word), 0.0)
    assert isinstance(ended, Ended)
    assert (ended.outcome.state, ended.outcome.word, said(actions)) == ("failed", word, [])
    assert decide(ended, Tick(), 0.0) == (ended, ())


@pytest.mark.parametrize(
    ("price", "step", "higher", "lower"),
    [
        (1, 2, 3, -1),
        (0.1, 0.2, 0.3, -0.1),
        (1, 0.1, 1.1, 0.9),
        (1e300, 1, None, None),
        (10**30, 1, 10**30 + 1, 10**30 - 1),
    ],
)
def test_prices_add_up_as_on_paper(
    price: Price, step: Price, higher: Price | None, lower: Price | None
) -> None:
    assert (raised(price, step), lowered(price, step)) == (higher, lower)
