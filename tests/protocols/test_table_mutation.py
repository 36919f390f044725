"""Each single change of the tables that the core runs on is noticed by what the tests say.

A row that refuses leads nowhere and one that ends the conversation leaves no session behind, so of those
`next` means nothing. What a first look with few random worlds misses is looked at again with many.
"""

import os
from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec
import pytest

from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.row import Cites, Effect, Guard, Outcome, Protocol, Reason, Row, State
from tests.protocols.difference import first_difference
from tests.protocols.engine_judge import EngineJudge
from tests.protocols.mutants import Recorded, evidence

WORLDS_FIRST: Final = 3
WORLDS_AGAIN: Final = 60 if os.environ.get("CAXTON_SEARCH") else 25
BY_NAME: Final = {protocol.name: protocol for protocol in PROTOCOLS}


def changes(protocol: Protocol) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Yield the rows of a protocol with one thing changed, and what was changed."""
    rows = protocol.rows
    for place, row in enumerate(rows):
        named = f"{row.state.name} {row.role.name} {row.act} {[kind.name for kind in row.kinds]}"
        yield f"{named}: dropped", (*rows[:place], *rows[place + 1 :])
        for field, value in swaps(row):
            changed = msgspec.structs.replace(row, **{field: value})
            yield f"{named}: {field} becomes {value!r}", (*rows[:place], changed, *rows[place + 1 :])


def swaps(row: Row) -> Iterator[tuple[str, object]]:
    """Yield what may stand in a row instead: a guard or citation loosened, a target or outcome swapped."""
    if row.cites is not Cites.ANY:
        yield "cites", Cites.ANY
    if row.guard is not Guard.NONE:
        yield "guard", Guard.NONE
    if row.refuse:
        yield "refuse", Reason.NONE
        yield "refuse", Reason.WRONG_ROLE
        return
    if row.effect is not Effect.NONE:
        yield "effect", Effect.NONE
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
    made = list(changes(protocol))
    first = [(what, rows) for what, rows in made if not is_noticed(protocol, rows, WORLDS_FIRST)]
    alive = [what for what, rows in first if not is_noticed(protocol, rows, WORLDS_AGAIN)]
    print(f"{name}: {len(made)} changes, {len(made) - len(alive)} noticed, {len(alive)} alive")  # noqa: T201 - the count is wanted
    assert not alive, f"{name}: {alive}"
