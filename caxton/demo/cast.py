"""Who takes part, what they are built from, and what they are told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

import msgspec

from caxton.sdk.toolchain import BuiltAgent, build_c

_SOURCES: Final = Path(__file__).parent / "agents"
_TRACE: Final = ("-include", str(_SOURCES / "trace.h"))

MANAGER: Final = "manager"
CUSTOMER: Final = "you"


@final
class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One agent: its name, its source, what it is told, and what kind of character it is."""

    name: str
    source: str
    config: Mapping[str, str]
    character: str


BIDDERS: Final = (
    Role(
        name="frugal",
        source="bidder",
        config={"price_base": "10", "price_per_1000": "2", "work_ms": "400"},
        character="cheap, but takes its time",
    ),
    Role(
        name="swift",
        source="bidder",
        config={"price_base": "40", "price_per_1000": "3", "work_ms": "0"},
        character="done at once, but dear",
    ),
    Role(
        name="picky",
        source="bidder",
        config={"price_base": "5", "price_per_1000": "1", "size_max": "10000"},
        character="the cheapest, but only for small jobs",
    ),
)
CAST: Final = (
    *BIDDERS,
    Role(
        name=MANAGER,
        source="manager",
        config={"bidders": ",".join(bidder.name for bidder in BIDDERS), "reply_by_ms": "2000"},
        character="asks all, awards the cheapest",
    ),
)

# Too large a job for the picky bidder, so that a refusal is part of the conversation.
JOB_SIZE: Final = 50_000


def build(source: str, *, traced: bool) -> BuiltAgent:
    """Build an agent from its C source; `traced` makes it log every message that it gets.

    Raises: ToolchainError.
    """
    return build_c(_SOURCES / f"{source}.c", extra_flags=_TRACE if traced else ())


def primes_below(limit: int) -> int:
    """Count the primes below a limit: what the winner has to find, counted here a second time."""
    sieve = bytearray([1]) * max(limit, 2)
    sieve[0:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, len(sieve), number)))
    return sum(sieve[:limit])
