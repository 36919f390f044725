"""Auctions that the server runs for a caller."""

from typing import Final, final

import anyio
import msgspec

from caxton.clock import Clock
from caxton.domain.ids import new_conversation_id, new_message_id
from caxton.tasks import auction
from caxton.tasks.act import Act
from caxton.tasks.auction import Cancelling, Ended, Lot, State
from caxton.tasks.auction_view import AuctionView, auction_state, view
from caxton.tasks.content_room import ContentRoom
from caxton.tasks.desk import Procedure
from caxton.tasks.invitation import invite
from caxton.tasks.market import Market
from caxton.tasks.office import Kind, Office
from caxton.tasks.request import AuctionRequest
from caxton.tasks.shelf import ShelfBounds
from caxton.tasks.voice import Conversation

_PROTOCOLS: Final = {"english": "fipa-auction-english", "dutch": "fipa-auction-dutch"}
# A conversation lives for so long after its last message: longer than a round without a bid.
_TTL_EXTRA_S: Final = 300.0
_KIND: Final = Kind[State](
    noun="auction",
    procedure=Procedure[State](
        decide=auction.decide,
        alarm=auction.alarm,
        is_over=lambda state: isinstance(state, Ended),
        # Of a bid nothing is kept but numbers.
        kept_bytes=lambda _: 0,
    ),
    state_word=auction_state,
    is_cancelling=lambda state: isinstance(state, Cancelling),
)


@final
class AuctionService:
    """Auctions by id. All methods are for the thread of the event loop."""

    def __init__(self, market: Market, room: ContentRoom, clock: Clock, bounds: ShelfBounds) -> None:
        self._market = market
        self._office = Office[State, AuctionRequest](_KIND, market, room, clock, bounds)

    def open(self, request: AuctionRequest) -> str:
        """Tell the start and return the id of the auction, which goes on by itself.

        Raises: as `TaskService.open`.
        """
        self._office.check_open(request.item)
        auction_id = new_message_id()
        conversation = Conversation(new_conversation_id(), _PROTOCOLS[request.kind])
        content = {"kind": "start", "auction": request.kind, "item": msgspec.Raw(request.item)}
        start = Act(
            performative="inform",
            receivers=(),
            content=msgspec.json.encode(content),
            content_kind="start",
            reply_with=auction_id,
            conversation_ttl_s=request.round_s + _TTL_EXTRA_S,
        )
        names = invite(self._market.voice, conversation, request.invited, start)
        lot = Lot(
            kind=request.kind,
            item=request.item,
            opening=auction_id,
            start_price=request.start_price,
            step=request.step,
            reserve_price=request.reserve_price,
            round_s=request.round_s,
        )
        state = auction.begin(lot, list(names), anyio.current_time())
        self._office.begin(auction_id, conversation, names, state, request, request.item)
        return auction_id

    def get(self, auction_id: str) -> AuctionView:
        """Return an auction. Raises: NotFound."""
        return view(self._office.shelf.get(auction_id))

    async def wait(self, auction_id: str, timeout_s: float) -> AuctionView:
        """See `Office.wait`."""
        return view(await self._office.wait(auction_id, timeout_s))

    async def cancel(self, auction_id: str) -> AuctionView:
        """See `Office.cancel`."""
        return view(await self._office.cancel(auction_id))
