"""All protocols, in the order of their numbers in the core, and how one is found by its word."""

from typing import Final

from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.suggestion import did_you_mean, near_names
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

FREE: Final = "none"
"""Stands for no protocol, where conversations are counted or chosen by their protocol."""

_NUMBERS: Final = {
    word: number for number, protocol in enumerate(PROTOCOLS) for word in (protocol.name, *protocol.aliases)
}


def protocol_number(word: str) -> int | None:
    """Return the number of the protocol that the word names, None where it names none."""
    return _NUMBERS.get(word)


def near_protocols(word: str) -> tuple[str, ...]:
    """Return the words of protocols that look like `word`."""
    return near_names(word, (protocol.name for protocol in PROTOCOLS))


def explain_protocol(word: str) -> Problem | None:
    """Return why the word names no protocol, with the near ones; None for one that does."""
    if word in _NUMBERS:
        return None
    known = ", ".join(protocol.name for protocol in PROTOCOLS)
    return Problem(
        field="protocol",
        kind=ProblemKind.INVALID_VALUE,
        problem=f"`{word[:64]}` is no protocol that is known here",
        fix=did_you_mean(near_protocols(word)) or f"use one of {known}, or leave `protocol` out",
    )
