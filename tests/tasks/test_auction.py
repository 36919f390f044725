"""Auctions from the start to the sale, on a clock that jumps: every time is exact."""

from collections.abc import Sequence
from typing import Literal

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.tasks.act import Act
from caxton.tasks.auction import CANCEL_S, SLACK_S
from caxton.tasks.auction_view import AuctionView
from caxton.tasks.price import Price
from caxton.tasks.request import AuctionRequest, Invited
from tests.tasks.auction_referee import AuctionReferee
from tests.tasks.hall import Answer, Hall, Script, decoded, mute, perform, perform_for_real


def request(
    kind: Literal["english", "dutch"],
    *names: str,
    start_price: Price = 10,
    step: Price = 1,
    reserve_price: Price | None = None,
    round_s: float = 5.0,
) -> AuctionRequest:
    return AuctionRequest(
        kind=kind,
        item=b'{"lot":"a vase"}',
        invited=Invited(agents=names),
        start_price=start_price,
        step=step,
        reserve_price=reserve_price,
        round_s=round_s,
    )


async def ended(hall: Hall, asked: AuctionRequest) -> AuctionView:
    """Run an auction to its end."""
    return await hall.auctions.wait(hall.auctions.open(asked), 1_000_000)


def called(act: Act) -> float:
    found = msgspec.json.decode(act.content, type=dict[str, object])["price"]
    assert isinstance(found, int | float)
    return found


def buyer(limit: float, *, after_s: float = 0.5, eager: float = 0) -> Script:
    """Return a bidder that goes with every call up to its limit, and bids `eager` more than was asked."""

    def script(act: Act) -> Sequence[Answer]:
        match act.performative:
            case "cfp" if called(act) <= limit:
                return [Answer(after_s, "propose", {"price": called(act) + eager})]
            case "cancel":
                return [Answer(0.1, "inform")]
            case _:
                return []

    return script


def test_an_english_auction_ends_a_step_above_the_second_limit() -> None:
    async def play(hall: Hall) -> None:
        low = hall.add("low", buyer(12, after_s=0.5))
        high = hall.add("high", buyer(15, after_s=1.0))
        looker = hall.add("looker", mute)
        auction = await ended(hall, request("english", "low", "high", "looker"))
        assert (auction.state, auction.outcome) == ("completed", "sold")
        assert auction.result is not None
        assert (auction.result.price, auction.result.rounds, auction.result.bids) == (13, 5, 4)
        assert auction.result.winner is not None
        assert auction.result.winner.name == "high"
        # low at 10, high at 11, low at 12, high at 13; then nobody goes with 14.
        assert [(row.name, row.price) for row in auction.bids] == [
            ("low", 10), ("high", 11), ("low", 12), ("high", 13)
        ]  # fmt: skip
        assert hall.now_s == 0.5 + 1.0 + 0.5 + 1.0 + 5.0 + SLACK_S
        assert hall.told(looker) == ["inform", *["cfp"] * 5, "inform"]
        assert hall.told(high)[-2:] == ["inform", "request"]
        assert hall.told(low)[-1] == "inform"
        handed = hall.seen[-1].act
        assert decoded(msgspec.Raw(handed.content)) == {"item": {"lot": "a vase"}, "price": 13}

    perform(play)


def test_the_leader_is_not_asked_to_outbid_itself() -> None:
    async def play(hall: Hall) -> None:
        only = hall.add("only", buyer(1000))
        auction = await ended(hall, request("english", "only"))
        assert auction.result is not None
        assert (auction.result.price, auction.result.rounds) == (10, 1)
        assert hall.told(only) == ["inform", "cfp", "accept-proposal", "inform", "request"]
        assert hall.now_s == 0.5

    perform(play)


def test_a_bid_above_the_call_raises_the_next_one() -> None:
    async def play(hall: Hall) -> None:
        hall.add("eager", buyer(10, eager=5))
        hall.add("other", buyer(20, after_s=2))
        auction = await ended(hall, request("english", "eager", "other"))
        assert [(row.name, row.price) for row in auction.bids if row.status == "accepted"] == [
            ("eager", 15), ("other", 16)
        ]  # fmt: skip

    perform(play)


def test_of_bids_at_the_same_moment_one_wins_and_the_others_are_turned_down() -> None:
    async def play(hall: Hall) -> None:
        agents = [hall.add(f"b{number}", buyer(10, after_s=1)) for number in range(3)]
        auction = await ended(hall, request("english", "b0", "b1", "b2"))
        assert [row.status for row in auction.bids].count("accepted") == 1
        assert auction.bids_count == 3
        assert {row.reason_kind for row in auction.bids if row.status == "rejected"} <= {"too_late", "late"}
        told = [word for agent in agents for word in hall.told(agent) if word.endswith("proposal")]
        assert sorted(told) == ["accept-proposal", "reject-proposal", "reject-proposal"]

    perform(play)


def test_below_the_reserve_price_nothing_is_sold_and_nobody_learns_it() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", buyer(12))
        hall.add("b", buyer(11))
        auction = await ended(hall, request("english", "a", "b", reserve_price=50))
        assert (auction.state, auction.outcome) == ("completed", "unsold")
        assert auction.result is not None
        assert (auction.result.price, auction.result.winner) == (None, None)
        assert "50" not in "".join(each.act.content.decode() for each in hall.seen)
        assert b"50" not in msgspec.json.encode(auction.result)

    perform(play)


def test_without_a_bid_nothing_is_sold() -> None:
    async def play(hall: Hall) -> None:
        hall.add("mute", mute)
        auction = await ended(hall, request("english", "mute"))
        assert (auction.outcome, auction.round, auction.bids) == ("unsold", 1, [])
        assert hall.now_s == 5.0 + SLACK_S

    perform(play)


def test_a_dutch_auction_falls_until_somebody_takes_it() -> None:
    async def play(hall: Hall) -> None:
        a = hall.add("a", buyer(7, after_s=1))
        b = hall.add("b", buyer(6))
        auction = await ended(hall, request("dutch", "a", "b", reserve_price=2))
        assert (auction.state, auction.outcome) == ("completed", "sold")
        assert auction.result is not None
        assert (auction.result.price, auction.result.rounds) == (7, 4)
        assert auction.result.winner is not None
        assert auction.result.winner.name == "a"
        assert hall.told(a) == ["inform", *["cfp"] * 4, "accept-proposal"]
        assert hall.told(b) == ["inform", *["cfp"] * 4]
        assert hall.now_s == pytest.approx(3 * (5.0 + SLACK_S) + 1.0)

    perform(play)


def test_a_dutch_auction_ends_at_its_reserve_price() -> None:
    async def play(hall: Hall) -> None:
        mutes = hall.add("mute", mute)
        auction = await ended(hall, request("dutch", "mute", start_price=1.0, step=0.3, reserve_price=0.5))
        assert auction.outcome == "unsold"
        calls = [called(seen.act) for seen in hall.seen if seen.performative == "cfp"]
        assert calls == [1.0, 0.7, 0.5]
        assert hall.told(mutes) == ["inform", "cfp", "cfp", "cfp", "inform"]

    perform(play)


@pytest.mark.parametrize(
    ("content", "kind"), [({"price": 9}, "below_call"), ({"price": "10"}, "no_price"), (None, "no_price")]
)
def test_a_bid_of_a_wrong_price_is_turned_down_with_the_reason(content: object, kind: str) -> None:
    def script(act: Act) -> Sequence[Answer]:
        return [Answer(1, "propose", content)] if act.performative == "cfp" else []

    async def play(hall: Hall) -> None:
        wrong = hall.add("wrong", script)
        hall.lenient = True
        auction = await ended(hall, request("english", "wrong"))
        assert auction.outcome == "unsold"
        assert [row.reason_kind for row in auction.bids] == [kind]
        assert hall.told(wrong) == ["inform", "cfp", "reject-proposal", "inform"]

    perform(play)


def test_a_leader_that_goes_makes_room_for_others() -> None:
    async def play(hall: Hall) -> None:
        leader = hall.add("leader", buyer(10))
        hall.add("mute", mute)
        auction_id = hall.auctions.open(request("english", "leader", "mute"))
        await anyio.sleep(1)
        assert hall.auctions.get(auction_id).leader is not None
        hall.leave(leader)
        auction = await hall.auctions.wait(auction_id, 1000)
        assert (auction.outcome, [row.name for row in auction.gone]) == ("unsold", ["leader"])

    perform(play)


def test_an_auction_is_cancelled() -> None:
    async def play(hall: Hall) -> None:
        a = hall.add("a", buyer(10, after_s=1))
        hall.add("deaf", mute)
        auction_id = hall.auctions.open(request("english", "a", "deaf"))
        await anyio.sleep(2)
        auction = await hall.auctions.cancel(auction_id)
        assert hall.now_s == 2.0 + CANCEL_S
        assert (auction.state, auction.outcome) == ("completed", "cancelled")
        assert [row.name for row in auction.unconfirmed] == ["deaf"]
        assert hall.told(a)[-1] == "cancel"
        with pytest.raises(InvalidState):
            await hall.auctions.cancel(auction_id)

    perform(play)


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("english", {"step": 0}, "step"),
        ("english", {"round_s": 0.0}, "round_s"),
        ("english", {"start_price": float("inf")}, "start_price"),
        ("dutch", {}, "reserve_price"),
        ("dutch", {"reserve_price": 11}, "reserve_price"),
        ("dutch", {"reserve_price": 1, "step": 0.001}, "step"),
    ],
)
def test_prices_that_lead_nowhere_are_refused(
    kind: Literal["english", "dutch"], fields: dict[str, float], wrong: str
) -> None:
    values = {"start_price": 10, "step": 1, **fields}
    with pytest.raises(InvalidRequest) as refused:
        AuctionRequest(kind=kind, item=b"1", invited=Invited(agents=("a",)), **values)
    assert [problem.field for problem in refused.value.problems] == [wrong]


def test_the_same_runs_on_the_loop_of_the_server_in_real_time() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", buyer(12, after_s=0.002))
        hall.add("b", buyer(14, after_s=0.004))
        auction = await ended(hall, request("english", "a", "b", round_s=0.1))
        assert auction.result is not None
        assert auction.result.price == 13

    perform_for_real(play)


# --- whatever bidders do ---

_TIMES = st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.005, 3.0])


@st.composite
def bidders(draw: st.DrawFn) -> Script:
    limit = draw(st.integers(0, 20))
    answers = draw(
        st.lists(st.tuples(_TIMES, st.sampled_from([0, 0, 0, 1, -1]), st.sampled_from(["propose", "inform"])))
    )
    confirms = draw(st.booleans())

    def script(act: Act) -> Sequence[Answer]:
        if act.performative == "cancel":
            return [Answer(0.1, "inform")] if confirms else []
        if act.performative != "cfp" or called(act) > limit:
            return []
        return [Answer(after, word, {"price": called(act) + more}) for after, more, word in answers]

    return script


@settings(max_examples=300)
@given(
    crowd=st.lists(bidders(), min_size=1, max_size=5),
    kind=st.sampled_from(["english", "dutch"]),
    reserve_price=st.sampled_from([2, 5, 10]),
    leaves=st.lists(st.tuples(st.integers(0, 4), _TIMES), max_size=2),
    cancel_after_s=st.none() | _TIMES,
)
def test_whatever_happens_the_auctioneer_keeps_the_rules_and_comes_to_an_end(
    crowd: list[Script],
    kind: Literal["english", "dutch"],
    reserve_price: int,
    leaves: list[tuple[int, float]],
    cancel_after_s: float | None,
) -> None:
    async def play(hall: Hall) -> None:
        agents = [hall.add(f"b{number}", script) for number, script in enumerate(crowd)]
        asked = request(kind, *hall.names.values(), reserve_price=reserve_price, round_s=2.0)
        auction_id = hall.auctions.open(asked)
        async with anyio.create_task_group() as group:
            for place, after_s in leaves:
                if place < len(agents):
                    group.start_soon(hall.leave_after, agents[place], after_s)
            if cancel_after_s is not None:
                group.start_soon(cancel, hall, auction_id, cancel_after_s)
            await hall.auctions.wait(auction_id, 1000)
            group.cancel_scope.cancel()
        check(hall, hall.auctions.get(auction_id), cancelled=cancel_after_s is not None)

    perform(play)


async def cancel(hall: Hall, auction_id: str, after_s: float) -> None:
    await anyio.sleep(after_s)
    try:
        await hall.auctions.cancel(auction_id)
    except InvalidState:
        assert hall.auctions.get(auction_id).phase in {"cancellation", "ended"}


def check(hall: Hall, auction: AuctionView, *, cancelled: bool) -> None:
    """Check what must hold at the end; the referee has seen every act."""
    (referee,) = hall.referees.values()
    assert isinstance(referee, AuctionReferee)
    assert auction.phase == "ended"
    if auction.outcome == "sold":
        assert referee.phase == "sold"
        assert auction.result is not None
        assert auction.result.winner is not None
        assert auction.result.winner.agent_id == str(referee.winner)
    elif not cancelled and len(auction.gone) < auction.participants_count:
        assert auction.outcome in {"unsold", "participant-died"}
    if auction.outcome in {"sold", "unsold"}:
        assert not {agent for agent in referee.open if agent not in hall.unreachable}
