"""`caxton auction run`, `get` and `cancel`."""

from typing import Final

import click
import msgspec

from caxton.cli.client import Answer
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.job_client import end_of, exit_code, invited, names_of, show_job
from caxton.cli.parameters import CONTENT, DURATION, Parsed
from caxton.cli.path import segment
from caxton.cli.tables import show_fields, show_rows
from caxton.domain.quantities import DurationNs, duration_as_s


def parse_price(text: str) -> int | float:
    """Read a number as JSON has it. Raises: ValueError."""
    try:
        return msgspec.json.decode(text, type=int | float)
    except msgspec.DecodeError:
        raise ValueError(f"{text!r} is not a number") from None


PRICE: Final = Parsed[int | float]("price", parse_price)


class _Begun(msgspec.Struct, frozen=True):
    auction_id: str
    conversation_id: str


class _Party(msgspec.Struct, frozen=True):
    name: str


class _Bid(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    round: int
    price: int | float | None = None
    status: str = ""
    reason: str | None = None


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    price: int | float | None = None
    winner: _Party | None = None


class _Auction(msgspec.Struct, frozen=True, kw_only=True):
    auction_id: str
    conversation_id: str
    kind: str
    state: str
    phase: str
    outcome: str | None = None
    round: int = 0
    price: int | float | None = None
    leader: _Party | None = None
    bids: list[_Bid] = []
    result: _Result | None = None


@click.command()
@click.argument("kind", type=click.Choice(["english", "dutch"]))
@invited
@click.option("--item", required=True, type=CONTENT, metavar="JSON", help="What is sold: JSON, @FILE, or -.")
@click.option("--start-price", required=True, type=PRICE, metavar="N", help="The price of the first call.")
@click.option("--step", required=True, type=PRICE, metavar="N", help="How much a price rises or falls.")
@click.option(
    "--reserve-price",
    type=PRICE,
    metavar="N",
    help="Below it nothing is sold; nobody is told. A Dutch auction needs it.",
)
@click.option(
    "--round", "round_", type=DURATION, metavar="DURATION", help="How long a call waits [default: 10s]."
)
@server_options
@click.pass_obj
def run(
    invocation: Invocation,
    kind: str,
    participants: str | None,
    capability: str | None,
    wait: bool,
    item: msgspec.Raw,
    start_price: float,
    step: float,
    reserve_price: float | None,
    round_: DurationNs | None,
) -> int:
    """Sell something to one of several agents: KIND is english (the price rises) or dutch (it falls)."""
    optional: dict[str, object] = {
        "participants": names_of(participants),
        "capability": capability,
        "reserve_price": reserve_price,
        "round_s": None if round_ is None else duration_as_s(round_),
    }
    body: dict[str, object] = {"kind": kind, "item": item, "start_price": start_price, "step": step}
    body |= {name: value for name, value in optional.items() if value is not None}
    with invocation.client() as client:
        answer = client.post("/auctions", body)
        begun = answer.decode(_Begun)
        if wait:
            answer = end_of(client, "/auctions", begun.auction_id)
    if wait or invocation.as_json:
        show_job(invocation, answer, _show_auction)
        return exit_code(answer) if wait else 0
    show_fields([("auction", begun.auction_id), ("conversation", begun.conversation_id)])
    return 0


@click.command("get")
@click.argument("auction")
@server_options
@click.pass_obj
def get_auction(invocation: Invocation, auction: str) -> None:
    """Show one auction: the latest call, who leads, the bids."""
    with invocation.client() as client:
        answer = client.get(f"/auctions/{segment(auction)}")
    show_job(invocation, answer, _show_auction)


@click.command()
@click.argument("auction")
@server_options
@click.pass_obj
def cancel(invocation: Invocation, auction: str) -> None:
    """Tell bidders that the auction is off, and wait a little for their answers."""
    with invocation.client() as client:
        answer = client.post(f"/auctions/{segment(auction)}/cancel")
    show_job(invocation, answer, _show_auction)


def _show_auction(answer: Answer) -> None:
    """Write one auction."""
    auction = answer.decode(_Auction)
    result = auction.result
    winner = None if result is None else result.winner
    show_fields(
        [
            ("auction", auction.auction_id),
            ("conversation", auction.conversation_id),
            ("kind", auction.kind),
            ("state", auction.state),
            ("phase", None if auction.phase == "ended" else auction.phase),
            ("outcome", auction.outcome),
            ("round", auction.round),
            ("called", auction.price),
            ("leader", None if result is not None or auction.leader is None else auction.leader.name),
            ("winner", None if winner is None else winner.name),
            ("price", None if result is None else result.price),
        ]
    )
    if auction.bids:
        click.echo()
        rows = [(bid.round, bid.name, bid.price, bid.status, bid.reason) for bid in auction.bids]
        show_rows(("round", "bidder", "price", "status", "reason"), rows, empty="")
