"""A bid in an auction, and whether it is one that may win."""

from typing import final

import msgspec

from caxton.domain.ids import AgentId, MessageId
from caxton.tasks.act import NULL, Heard
from caxton.tasks.award import number_at
from caxton.tasks.price import Price


@final
class Bid(msgspec.Struct, frozen=True, kw_only=True):
    """Who would pay what, in which round; 0 stands for a price that is no number."""

    agent: AgentId
    price: Price
    message_id: MessageId
    round: int
    at: str


@final
class Refused(msgspec.Struct, frozen=True):
    """A bid that does not win its round. `kind` is a stable word for the reason."""

    bid: Bid
    kind: str
    reason: str


def judge(heard: Heard, called: Price, round_: int, *, exact: bool, leader: AgentId | None) -> Bid | Refused:
    """Return a proposal as a bid, or why it is none.

    `exact` wants the price that was called, as in a Dutch auction; else it may be higher.
    """
    price = number_at(NULL if heard.content is None else heard.content, "price")
    number = 0 if isinstance(price, str) else price
    bid = Bid(agent=heard.agent, price=number, message_id=heard.message_id, round=round_, at=heard.at)
    if isinstance(price, str):
        return Refused(bid, "no_price", "the bid's content has no number `price`")
    if heard.agent == leader:
        return Refused(bid, "leading", "your bid leads already")
    if price < called:
        return Refused(bid, "below_call", f"the price is below the call of {called}")
    if exact and price != called:
        return Refused(bid, "not_the_call", f"the price is not the call of {called}")
    return bid
