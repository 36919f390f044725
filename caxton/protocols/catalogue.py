"""All protocols, in the order of their numbers in the core."""

from typing import Final

from caxton.protocols.auction import DUTCH_AUCTION, ENGLISH_AUCTION
from caxton.protocols.brokering import BROKERING, RECRUITING
from caxton.protocols.contract_net import CONTRACT_NET, ITERATED_CONTRACT_NET
from caxton.protocols.request import PROPOSE, QUERY, REQUEST, REQUEST_WHEN, SUBSCRIBE
from caxton.protocols.row import Protocol

PROTOCOLS: Final[tuple[Protocol, ...]] = (
    REQUEST,
    QUERY,
    REQUEST_WHEN,
    CONTRACT_NET,
    ITERATED_CONTRACT_NET,
    ENGLISH_AUCTION,
    DUTCH_AUCTION,
    BROKERING,
    RECRUITING,
    SUBSCRIBE,
    PROPOSE,
)
