"""The rules that hold for an auctioneer, kept by somebody else than the service (FIPA XC00031, XC00032).

A small model of the protocol's engine: calls rise or fall, one award a round, every bid is answered, the end
is told when a round is over. A bid that is late or of a wrong price it turns down itself.
"""

from typing import Literal, final

import msgspec

from caxton.domain.ids import AgentId
from caxton.tasks.act import Act, Heard

Phase = Literal["started", "open", "won", "closed", "sold", "unsold"]


class _Content(msgspec.Struct):
    price: float | None = None
    result: str | None = None
    item: object = None


@final
class AuctionReferee:
    """Judges one auction."""

    def __init__(self, start: Act, now_s: float) -> None:
        del now_s
        assert (start.performative, start.content_kind) == ("inform", "start")
        content = msgspec.json.decode(start.content, type=dict[str, object])
        self.ascending = content["auction"] == "english"
        self.participants = start.receivers
        self.opening = start.reply_with
        self.phase: Phase = "started"
        self.prices: list[float] = []
        self.due_s = 0.0
        # Open bids by bidder, and who has bid in this round.
        self.open: dict[AgentId, str] = {}
        self.bidders: set[AgentId] = set()
        self.winner: AgentId | None = None
        self.cancelling: dict[AgentId, str] = {}

    @property
    def over(self) -> bool:
        return self.phase in {"sold", "unsold"}

    def judge(self, act: Act, message_id: str, now_s: float) -> None:
        """Fail on an act of the auctioneer that is not allowed."""
        assert set(act.receivers) <= set(self.participants)
        assert not self.over or act.performative == "reject-proposal"
        content = msgspec.json.decode(act.content, type=_Content) if act.content != b"null" else _Content()
        match act.performative:
            case "cfp":
                self._judge_call(content.price, now_s)
                assert act.reply_by_s is not None
                self.due_s = now_s + act.reply_by_s
            case "accept-proposal":
                (agent,) = act.receivers
                assert self.phase == "open"
                assert act.in_reply_to == self.open.pop(agent)
                self.winner = agent
                self.phase = "won" if self.ascending else "sold"
            case "reject-proposal":
                (agent,) = act.receivers
                assert self.open.pop(agent, None) in (act.in_reply_to, None)
            case "inform":
                assert act.content_kind == "end"
                over = self.phase == "open" and now_s > self.due_s and not self.open
                assert over or (self.ascending and self.phase == "won")
                sold = content.result == "sold"
                assert not sold or self.winner is not None
                self.phase = "closed" if sold else "unsold"
            case "request":
                assert self.phase == "closed"
                assert act.receivers == (self.winner,)
                self.phase = "sold"
            case "cancel":
                (agent,) = act.receivers
                assert act.in_reply_to == self.opening
                self.cancelling[agent] = message_id
            case _:
                raise AssertionError(f"an auctioneer never says {act.performative}")

    def admit(self, heard: Heard, now_s: float) -> bool:
        """Take a bidder's message; False for one that the engine would not let through."""
        if heard.in_reply_to is not None and heard.in_reply_to == self.cancelling.get(heard.agent):
            return heard.performative in {"inform", "failure"}
        if heard.performative != "propose" or self.phase not in {"open", "won"} or now_s > self.due_s:
            return False
        content = msgspec.json.decode(heard.content or b"null", type=object)
        price = (
            msgspec.convert(content, dict[str, object]).get("price") if isinstance(content, dict) else None
        )
        if not isinstance(price, int | float) or price < self.prices[-1] or heard.agent in self.bidders:
            return False
        if not self.ascending and price != self.prices[-1]:
            return False
        self.bidders.add(heard.agent)
        self.open[heard.agent] = heard.message_id
        return True

    def _judge_call(self, price: float | None, now_s: float) -> None:
        assert price is not None
        if self.ascending:
            assert self.phase in {"started", "won"}
            assert not self.prices or price > self.prices[-1]
        else:
            assert self.phase == "started" or (self.phase == "open" and not self.open)
            assert not self.prices or price < self.prices[-1]
            assert self.phase == "started" or now_s > self.due_s
        self.prices.append(price)
        self.phase = "open"
        # What is still open is turned down by the new call.
        self.open.clear()
        self.bidders.clear()
