"""Auctions: run one among agents, look at it, cancel it."""

from typing import Final, final

from caxton.api.answer import Answer, struct_answer
from caxton.api.call import BodyRoom, Call
from caxton.api.decoding import decode_body
from caxton.api.ending import Ending
from caxton.api.route import Content, Nothing, Route, answering, hand_made
from caxton.api.task_requests import auction_request
from caxton.api.task_schemas import AuctionAccepted, AuctionCreate, TaskWait
from caxton.security.roles import Permission
from caxton.tasks.auction_service import AuctionService
from caxton.tasks.auction_view import AuctionView

_TAG: Final = "auctions"
_OPENING: Final = ("AGENT_NOT_FOUND", "INVALID_STATE", "MAILBOX_FULL", "MESSAGE_TOO_LARGE", "UNAVAILABLE")


@final
class AuctionRoutes:
    """The handlers of `/auctions`."""

    def __init__(self, auctions: AuctionService, room: BodyRoom, ending: Ending, body_bytes_max: int) -> None:
        self._auctions = auctions
        self._room = room
        self._ending = ending
        self._body_bytes_max = body_bytes_max

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        one = "/api/v1/auctions/{auction_id}"
        return [
            hand_made(
                "POST",
                "/api/v1/auctions",
                self.run_auction,
                query=TaskWait,
                takes=(Content("application/json", AuctionCreate),),
                gives={
                    202: (Content("application/json", AuctionAccepted),),
                    200: (Content("application/json", AuctionView),),
                },
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=_OPENING,
                repeatable_body_bytes_max=self._body_bytes_max,
            ),
            answering(
                "GET",
                one,
                self.get_auction,
                query=TaskWait,
                gives=AuctionView,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("NOT_FOUND",),
            ),
            answering(
                "POST",
                f"{one}/cancel",
                self.cancel_auction,
                query=Nothing,
                gives=AuctionView,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("NOT_FOUND", "INVALID_STATE"),
            ),
        ]

    async def run_auction(self, call: Call, query: TaskWait) -> Answer:
        """Run an auction; with `wait_ms`, wait for its end: 200 when it came, else 202."""
        call.require_json()
        with self._room.lease() as lease:
            body = await call.body(self._body_bytes_max, lease)
            auction_id = self._auctions.open(auction_request(decode_body(body, AuctionCreate)))
        if query.wait_ms is not None:
            with self._ending.wakes(call):
                auction = await self._auctions.wait(auction_id, query.wait_ms / 1000)
            if auction.outcome is not None:
                return struct_answer(200, auction)
        auction = self._auctions.get(auction_id)
        accepted = AuctionAccepted(auction_id=auction_id, conversation_id=auction.conversation_id)
        return struct_answer(202, accepted)

    async def get_auction(self, call: Call, query: TaskWait) -> AuctionView:
        """Show an auction; with `wait_ms`, when it has ended or the time is over."""
        auction_id = call.parameters[0]
        if query.wait_ms is None:
            return self._auctions.get(auction_id)
        with self._ending.wakes(call):
            return await self._auctions.wait(auction_id, query.wait_ms / 1000)

    async def cancel_auction(self, call: Call, _query: Nothing) -> AuctionView:
        """Cancel an auction; answers when its participants have confirmed, at most five seconds later."""
        with self._ending.wakes(call):
            return await self._auctions.cancel(call.parameters[0])
