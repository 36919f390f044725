"""Protocol tables with one thing changed, to see whether what the tests say would show it.

A table is a tuple of rows for each protocol; a row is a frozen struct. Each single change is a mutant: a row
dropped, its target, its guard or its outcome replaced by another of the same protocol, its guard dropped. The
evidence against it is what the model shows: the cases, the directed traces, and random talk in its protocol.
A mutant that shows the same is a survivor: either the tests are blind, or the tables say a thing twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import msgspec

from tests.protocols.conformance import event_of, read_cases
from tests.protocols.difference import first_difference, report
from tests.protocols.directed import CONVERSATION, read_directed
from tests.protocols.judge import Judge
from tests.protocols.model import Model
from tests.protocols.trace import Seen, Step, see
from tests.protocols.world import World

RowT = TypeVar("RowT", bound=msgspec.Struct)
STEPS = 500


class Columns(NamedTuple):
    """What the fields of a row are called, and what stands for no guard and for no outcome."""

    target: str = "next"
    guard: str = "guard"
    outcome: str = "outcome"
    nothing: object = None


class Mutant(NamedTuple, Generic[RowT]):
    """All tables, with one change in one of them."""

    protocol: str
    change: str
    tables: Mapping[str, tuple[RowT, ...]]


class Recorded(NamedTuple):
    """A trace, and what the model showed on it."""

    steps: Sequence[Step]
    seen: Sequence[Seen]


@dataclass(slots=True)
class Findings:
    """What became of the mutants."""

    noticed: int = 0
    refused: int = 0
    """Those of which no judge could be made."""
    survivors: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        total = self.noticed + self.refused + len(self.survivors)
        lines = [
            f"{total} mutants: {self.noticed} noticed, {self.refused} refused, {len(self.survivors)} alive"
        ]
        return "\n".join([*lines, *self.survivors])


# --- the changes -------------------------------------------------------------------------------------------


def mutants(
    tables: Mapping[str, tuple[RowT, ...]], columns: Columns | None = None, *, every: bool = False
) -> Iterator[Mutant[RowT]]:
    """Make each single change; with `every`, replace a value by each other one, else by the next."""
    names = Columns() if columns is None else columns
    for protocol, rows in tables.items():
        for place, row in enumerate(rows):
            yield _mutant(tables, protocol, place, None, f"{row} dropped")
            for name in (names.target, names.guard, names.outcome):
                for value in _other_values(rows, row, name, names, every=every):
                    changed = msgspec.structs.replace(row, **{name: value})
                    yield _mutant(tables, protocol, place, changed, f"{row}: {name} becomes {value!r}")


def _other_values(
    rows: Sequence[RowT], row: RowT, name: str, names: Columns, *, every: bool
) -> Sequence[object]:
    """List what to put in place of a value: what the protocol's other rows have there.

    A row without an outcome gets none, one with an outcome keeps having one; a guard may be dropped.
    """
    own: object = getattr(row, name)
    values: list[object] = [names.nothing] if name == names.guard else []
    for other in rows:
        value: object = getattr(other, name)
        if value not in values:
            values.append(value)
    if name == names.outcome:
        values = [] if own == names.nothing else [value for value in values if value != names.nothing]
    others = [value for value in values if value != own]
    if every or not others:
        return others
    following = [value for value in values[values.index(own) :] if value != own]
    chosen = (following or others)[0]
    drops = name == names.guard and own != names.nothing and chosen != names.nothing
    return [names.nothing, chosen] if drops else [chosen]


def _mutant(
    tables: Mapping[str, tuple[RowT, ...]], protocol: str, place: int, row: RowT | None, change: str
) -> Mutant[RowT]:
    rows = tables[protocol]
    changed = (*rows[:place], *(() if row is None else (row,)), *rows[place + 1 :])
    return Mutant(protocol, f"{protocol} row {place + 1}: {change}", {**tables, protocol: changed})


# --- the evidence ------------------------------------------------------------------------------------------


def evidence(protocol: str, worlds: int) -> list[Recorded]:
    """Record what the model shows in a protocol: cases, directed traces, and so many random worlds."""
    traces = [
        [Step(event_of(case, number + 1), ("c1",)) for number in range(len(case.steps))]
        for case in read_cases()
        if case.protocol == protocol
    ]
    traces += [
        [Step(line.event, (CONVERSATION,)) for line in directed.lines]
        for directed in read_directed()
        if f"fipa-{directed.protocol}" == protocol
    ]
    recorded: list[Recorded] = []
    for steps in traces:
        model = Model()
        recorded.append(Recorded(steps, [see(model, step) for step in steps]))
    for number in range(worlds):
        shown = World(f"mutants.{number}", Model(), (protocol,)).write(STEPS)
        recorded.append(Recorded([one.step for one in shown], [one.seen for one in shown]))
    return recorded


def hunt(
    tables: Mapping[str, tuple[RowT, ...]],
    make: Callable[[Mapping[str, tuple[RowT, ...]]], Judge],
    *,
    worlds: int,
    every: bool = False,
    columns: Columns | None = None,
) -> Findings:
    """Hold every mutant against the evidence. `make` raises ValueError for tables of which it makes no judge.

    Raises:
        ValueError: The unchanged tables differ from the model, so that no difference would mean anything.
    """
    records = {protocol: evidence(protocol, worlds) for protocol in tables}
    for protocol, recorded in records.items():
        for steps, seen in recorded:
            if first_difference(make(tables), steps, seen) is not None:
                told = report(Model, lambda: make(tables), steps)
                raise ValueError(f"the unchanged tables of {protocol} differ from the model: {told}")
    findings = Findings()
    for mutant in mutants(tables, columns, every=every):
        try:
            make(mutant.tables)
        except ValueError:
            findings.refused += 1
            continue
        recorded = records[mutant.protocol]
        if any(first_difference(make(mutant.tables), steps, seen) is not None for steps, seen in recorded):
            findings.noticed += 1
        else:
            findings.survivors.append(mutant.change)
    return findings
