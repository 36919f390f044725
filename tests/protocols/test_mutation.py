"""Each single change of a protocol table is noticed.

`TABLES` are those of which `make` makes a judge: at first a table of fipa-request, read by the model, which
shows that the machinery sees what it should and only that.
"""

import os
from collections.abc import Mapping

import msgspec
import pytest

from tests.protocols.judge import Said
from tests.protocols.model import Model, fipa_rules
from tests.protocols.mutants import evidence, hunt, mutants
from tests.protocols.pair import Pair
from tests.protocols.record import Conversation, Refusal, Session
from tests.protocols.rules import OUT_OF_SEQUENCE, Changes

SEARCHES = bool(os.environ.get("CAXTON_SEARCH"))


class Row(msgspec.Struct, frozen=True):
    """What a participant's act does in a state, if its kind is the guard's."""

    state: str
    act: str
    next: str
    outcome: str | None = None
    guard: str | None = None


Tables = Mapping[str, tuple[Row, ...]]
REQUEST = (
    Row("SENT", "agree", "AGREED"),
    Row("SENT", "refuse", "END", "Completed refused"),
    Row("SENT", "inform", "END", "Completed result", "result"),
    Row("SENT", "inform", "END", "Completed done"),
    Row("SENT", "failure", "END", "Failed failure"),
    Row("SENT", "not-understood", "END", "Failed not-understood"),
    Row("AGREED", "inform", "END", "Completed result", "result"),
    Row("AGREED", "inform", "END", "Completed done"),
    Row("AGREED", "failure", "END", "Failed failure"),
)
TABLES = {"fipa-request": REQUEST}


class TabledRequest(Pair):
    """fipa-request, whose participant is ruled by a table."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__("request")
        self.rows = rows

    def row(self, state: str, act: Said) -> Row | None:
        fitting = (row for row in self.rows if (row.state, row.act) == (state, act.performative))
        return next((row for row in fitting if row.guard in (None, act.kind)), None)

    def check_state(self, state: str, act: Said) -> Refusal | None:
        if self.row(state, act) is not None:
            return None
        again = (state, act.performative) == ("AGREED", "agree")
        return Refusal("duplicate_response", "not-understood") if again else OUT_OF_SEQUENCE

    def answered(self, conversation: Conversation, session: Session, state: str, act: Said) -> None:
        row = self.row(state, act)
        assert row is not None, "the act has been checked"
        if row.next == "END":
            state, _, outcome = (row.outcome or "").partition(" ")
            conversation.end(state, outcome)
        else:
            session.move(row.next, self.opened)

    def participant(self, conversation: Conversation, session: Session, act: Said) -> Changes:
        state, session.unanswered = session.under, act
        self.answered(conversation, session, state, act)
        return []


def make(tables: Tables) -> Model:
    rows = tables["fipa-request"]
    if any(row.next == "END" and row.outcome is None for row in rows):
        raise ValueError("an end without an outcome")
    return Model(rules=fipa_rules() | {"fipa-request": TabledRequest(rows)})


def test_each_single_change_of_a_table_is_noticed() -> None:
    findings = hunt(TABLES, make, worlds=2, every=SEARCHES)
    print(findings)  # noqa: T201  the count is what one wants to know
    assert not findings.survivors, str(findings)
    assert findings.noticed > len(REQUEST)
    assert findings.refused == 1, "agree that ends has no outcome"


def test_every_kind_of_change_is_made() -> None:
    changes = [mutant.change for mutant in mutants(TABLES)]
    assert len(changes) == len(set(changes))
    assert sum(change.endswith(" dropped") for change in changes) == len(REQUEST)
    for place, row in enumerate(REQUEST, 1):
        own = [change for change in changes if change.startswith(f"fipa-request row {place}:")]
        assert sum("next becomes" in change for change in own) == 1
        assert sum("outcome becomes" in change for change in own) == (row.outcome is not None)
        assert sum("guard becomes" in change for change in own) == 1
    assert any("guard becomes None" in change for change in changes)


def test_a_mutant_differs_in_one_row_of_one_protocol() -> None:
    both = {"a": REQUEST, "b": REQUEST}
    for mutant in mutants(both, every=True):
        other = "b" if mutant.protocol == "a" else "a"
        assert mutant.tables[other] == both[other]
        kept = [row for row in mutant.tables[mutant.protocol] if row in REQUEST]
        assert len(kept) >= len(REQUEST) - 1
        assert mutant.tables[mutant.protocol] != REQUEST


def test_a_change_that_nothing_reaches_survives() -> None:
    spare = {"fipa-request": (*REQUEST, Row("PROXIED", "agree", "AGREED"))}
    findings = hunt(spare, make, worlds=1)
    assert findings.survivors
    assert all("PROXIED" in change for change in findings.survivors)


def test_tables_that_differ_unchanged_are_refused() -> None:
    with pytest.raises(ValueError, match="unchanged tables of fipa-request differ"):
        hunt({"fipa-request": REQUEST[1:]}, make, worlds=1)


def test_there_is_evidence_of_every_kind_for_each_protocol() -> None:
    for protocol in fipa_rules():
        assert len(evidence(protocol, 1)) > len(evidence(protocol, 0)) > 2, protocol
