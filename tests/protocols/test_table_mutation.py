"""Each single change of the tables that the core runs on is noticed by what the tests say.

A row that refuses leads nowhere and one that ends the conversation leaves no session behind, so of those
`next` means nothing. A row that claims more than it should is put first, so that it takes what it claims. The
cases and the directed traces are looked at first, random worlds for what these do not show. A change that
cannot show is an equivalent; there are few, and each has its reason.
"""

import os
from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec
import pytest

from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.row import ANY_PHASE, Cites, Effect, Guard, Outcome, Protocol, Reason, Row, State
from tests.protocols.difference import first_difference
from tests.protocols.engine_judge import EngineJudge
from tests.protocols.mutants import Recorded, evidence

WORLDS: Final = 60 if os.environ.get("CAXTON_SEARCH") else 25
EQUIVALENT: Final = {
    ("fipa-auction-dutch", f"{state} INITIATOR cfp []: next_phase becomes None"): (
        "such a bidder has had a call, so the auction is open already"
    )
    for state in ("OUTBID", "OUT")
}
BY_NAME: Final = {protocol.name: protocol for protocol in PROTOCOLS}


def changes(protocol: Protocol) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Yield the rows of a protocol with one thing changed, and what was changed."""
    rows = protocol.rows
    for place, row in enumerate(rows):
        narrowed = [one.name for one in (*row.kinds, *row.phases)]
        named = f"{row.state.name} {row.role.name} {row.act} {narrowed}"
        yield f"{named}: dropped", (*rows[:place], *rows[place + 1 :])
        for field, value in swaps(row):
            changed = msgspec.structs.replace(row, **{field: value})
            others = (*rows[:place], *rows[place + 1 :])
            yield f"{named}: {field} becomes {value!r}", (changed, *others)


def swaps(row: Row) -> Iterator[tuple[str, object]]:
    """Yield what may stand in a row instead: what narrows it loosened, a target or an outcome swapped."""
    if row.cites is not Cites.ANY:
        yield "cites", Cites.ANY
    if row.guard is not Guard.NONE:
        yield "guard", Guard.NONE
    if row.kinds:
        yield "kinds", ()
    if row.phases:
        yield "phases", ANY_PHASE
    if row.refuse:
        yield "refuse", Reason.NONE
        yield "refuse", Reason.WRONG_ROLE
        return
    if row.effect is not Effect.NONE:
        yield "effect", Effect.NONE
    if row.next_phase is not None:
        yield "next_phase", None
    if row.outcome:
        yield "outcome", Outcome.ACCEPTED if row.outcome is not Outcome.ACCEPTED else Outcome.REJECTED
        yield "outcome", Outcome.NONE
        return
    yield "next", State.DONE if row.next is not State.DONE else State.FAILED
    if row.next is not row.state:
        yield "next", row.state


@cache
def evidence_of(name: str, worlds: int) -> list[Recorded]:
    return evidence(name, worlds)


def is_noticed(protocol: Protocol, rows: tuple[Row, ...], worlds: int) -> bool:
    changed = msgspec.structs.replace(protocol, rows=rows)
    protocols = tuple(changed if one.name == protocol.name else one for one in PROTOCOLS)
    return any(
        first_difference(EngineJudge(protocols=protocols), recorded.steps, recorded.seen) is not None
        for recorded in evidence_of(protocol.name, worlds)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_NAME)
def test_each_single_change_of_a_table_is_noticed(name: str) -> None:
    protocol = BY_NAME[name]
    equivalent = {change for protocol_name, change in EQUIVALENT if protocol_name == name}
    made = list(changes(protocol))
    hidden = [(what, rows) for what, rows in made if not is_noticed(protocol, rows, 0)]
    alive = [what for what, rows in hidden if not is_noticed(protocol, rows, WORLDS)]
    by_traces, by_worlds = len(made) - len(hidden), len(hidden) - len(alive)
    told = f"{by_traces} noticed by traces, {by_worlds} by worlds, {len(alive)} alive"
    print(f"{name}: {len(made)} changes, {told}")  # noqa: T201 - the count is wanted
    assert set(alive) == equivalent, f"{name}: {sorted(set(alive) ^ equivalent)}"


def test_every_change_has_a_name_of_its_own() -> None:
    for protocol in PROTOCOLS:
        named = [what for what, _ in changes(protocol)]
        assert len(named) == len(set(named)), protocol.name
