"""The group `caxton auction`: auctions that the server runs."""

from typing import Final

from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

auction: Final = server_options(
    LazyGroup(
        "auction",
        entries=(
            Entry("run", "caxton.cli.auction_run:run", "Run", "Sell something to one of several agents."),
            Entry("get", "caxton.cli.auction_run:get_auction", "Look", "Show one auction."),
            Entry("cancel", "caxton.cli.auction_run:cancel", "Steer", "Tell bidders to stop."),
        ),
        help="Have the server run an English or a Dutch auction among agents.",
    )
)
