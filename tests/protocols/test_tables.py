"""A walk through every table: nothing in it is out of reach, hidden, or lost on the way into the core."""

import itertools

import msgspec
import pytest

from caxton.domain.performative import Performative
from caxton.protocols.catalogue import PROTOCOLS, explain_protocol, protocol_number
from caxton.protocols.compiled import acts_by_role, compile_protocols
from caxton.protocols.contract_net import CONTRACT_NET
from caxton.protocols.row import (
    COMPLETED,
    EXPIRED,
    TERMINAL,
    Effect,
    Guard,
    Kind,
    Outcome,
    Phase,
    Protocol,
    Reason,
    Role,
    Row,
    State,
)
from tests.protocols.image import IMAGE_BYTES, ReadRow, read_image

each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)

PRICES = {Guard.PRICE_RISES, Guard.PRICE_FALLS, Guard.PRICE_MEETS, Guard.PRICE_EQUALS}
# What the core itself makes of these, whatever the table says.
BY_TIME_DEATH_OR_CANCEL = {State.SILENT, State.DEAD, State.CANCELLED}


def kinds_of(row: Row) -> frozenset[Kind]:
    return frozenset(row.kinds or Kind)


def phases_of(row: Row) -> frozenset[Phase]:
    return frozenset(row.phases or Phase)


def standings(protocol: Protocol) -> set[tuple[State, Phase]]:
    """Return every (session, phase) of a live conversation; a cancelled or silent session is one too.

    The phase belongs to the whole conversation: whatever one session brings about, all others are in it. What
    a row with an outcome leads to is over.
    """
    states = {protocol.first} | ({State.TARGET} if protocol.recruits else set[State]())
    if not protocol.auction and not protocol.one_to_one:
        states |= BY_TIME_DEATH_OR_CANCEL
    elif protocol.auction:
        states |= {State.CANCELLED}
    phases = {Phase.STARTED}
    while True:
        accepted = [
            row
            for row in protocol.rows
            if row.refuse is Reason.NONE
            and row.outcome is Outcome.NONE
            and row.state in states
            and phases_of(row) & phases
        ]
        grown = states | {row.next for row in accepted}
        reached = phases | {row.next_phase for row in accepted if row.next_phase is not None}
        if any(row.effect is Effect.CLOSE for row in accepted):
            reached |= {Phase.CLOSED}
        if (grown, reached) == (states, phases):
            return set(itertools.product(states, phases))
        states, phases = grown, reached


@each_protocol
def test_every_row_can_be_reached_from_the_opening(protocol: Protocol) -> None:
    reached = standings(protocol)
    lost = [
        row for row in protocol.rows if not any((row.state, phase) in reached for phase in phases_of(row))
    ]
    assert lost == []


@each_protocol
def test_every_state_that_is_named_is_reached(protocol: Protocol) -> None:
    reached = {state for state, _ in standings(protocol)}
    assert {row.state for row in protocol.rows} <= reached
    leads_on = [row for row in protocol.rows if row.refuse is Reason.NONE and row.outcome is Outcome.NONE]
    assert {row.next for row in leads_on} <= reached


@each_protocol
def test_from_every_state_an_end_can_be_reached(protocol: Protocol) -> None:
    ways = [row for row in protocol.rows if row.refuse is Reason.NONE]
    ends = set(TERMINAL) | {row.state for row in ways if row.outcome is not Outcome.NONE}
    while True:
        before = {row.state for row in ways if row.next in ends} - ends
        if not before:
            break
        ends |= before
    assert {state for state, _ in standings(protocol)} <= ends


@each_protocol
def test_no_row_is_hidden_by_an_earlier_one(protocol: Protocol) -> None:
    hidden: list[Row] = []
    for place, row in enumerate(protocol.rows):
        left = set(itertools.product(kinds_of(row), phases_of(row)))
        for earlier in protocol.rows[:place]:
            if (earlier.state, earlier.role, earlier.act) == (row.state, row.role, row.act):
                left -= set(itertools.product(kinds_of(earlier), phases_of(earlier)))
        if not left:
            hidden.append(row)
    assert hidden == []


@each_protocol
def test_no_two_rows_claim_the_same_message(protocol: Protocol) -> None:
    for one, other in itertools.combinations(protocol.rows, 2):
        if (one.state, one.role, one.act) == (other.state, other.role, other.act):
            assert not (kinds_of(one) & kinds_of(other) and phases_of(one) & phases_of(other)), (one, other)


@each_protocol
def test_a_row_says_yes_or_no_and_not_both(protocol: Protocol) -> None:
    acts = {str(act) for act in Performative}
    for row in protocol.rows:
        assert row.act in acts
        if row.refuse is not Reason.NONE:
            assert (row.next, row.outcome, row.effect, row.next_phase) == (
                State.NONE,
                Outcome.NONE,
                Effect.NONE,
                None,
            )
        else:
            assert row.next is not State.NONE
        if row.guard in PRICES or row.guard is Guard.WINNER:
            assert protocol.auction
        if protocol.one_to_one and row.refuse is Reason.NONE:
            # The one session and the conversation end together.
            assert (row.next is State.ENDED) == (row.outcome is not Outcome.NONE), row


@each_protocol
def test_every_state_role_and_act_is_listed_or_refused_by_default(protocol: Protocol) -> None:
    read = read_image(compile_protocols([protocol]))
    listed = {(row.state, row.role, row.act) for row in protocol.rows}
    for state, role, act in itertools.product(State, Role, Performative):
        # What the index does not know the core refuses: it finds no row.
        assert ((state, role, act) in read.rows) == ((state, role, str(act)) in listed)


@each_protocol
def test_the_image_holds_exactly_the_rows_in_their_order(protocol: Protocol) -> None:
    read = read_image(compile_protocols([protocol]))
    assert (read.name, read.alias) == (protocol.name, protocol.aliases[0] if protocol.aliases else "")
    assert read.opening == set(protocol.opening)
    assert read.first == protocol.first
    assert read.acts == tuple(acts_by_role(protocol)[role] for role in Role)
    assert read.opening_kinds == ({Kind.START, Kind.ABSENT} if protocol.auction else set(Kind))
    wanted: dict[tuple[State, Role, str], list[ReadRow]] = {}
    for row in protocol.rows:
        wanted.setdefault((row.state, row.role, row.act), []).append(
            ReadRow(
                kinds_of(row),
                row.next,
                row.next_phase,
                phases_of(row),
                row.refuse,
                row.cites,
                row.guard,
                row.effect,
                row.outcome,
            )
        )
    assert read.rows == wanted


def test_the_image_of_all_is_that_of_each_in_a_row() -> None:
    image = compile_protocols(PROTOCOLS)
    pieces = [image[start : start + IMAGE_BYTES] for start in range(0, len(image), IMAGE_BYTES)]
    assert [read_image(piece).name for piece in pieces] == [protocol.name for protocol in PROTOCOLS]


def test_every_outcome_can_come_of_some_table_or_of_the_core_itself() -> None:
    by_row = {row.outcome for protocol in PROTOCOLS for row in protocol.rows}
    if Outcome.BY_KIND in by_row:
        by_row |= {Outcome.DONE, Outcome.RESULT}
    # What the ends of all sessions of a contract net, a timer, a death, a cancel or a budget make.
    by_core = {
        *(Outcome.REJECTED, Outcome.NO_PROPOSALS, Outcome.PARTIAL, Outcome.CANCELLED, Outcome.UNSOLD),
        *(Outcome.PARTICIPANT_DIED, Outcome.INITIATOR_DIED, Outcome.BUDGET_EXCEEDED),
        *(Outcome.REPLY_TIMEOUT, Outcome.TTL),
    }
    assert by_row | by_core == set(Outcome)
    ends = set(Outcome) - {Outcome.NONE, Outcome.BY_KIND}
    assert {outcome for outcome in ends if outcome in COMPLETED or outcome in EXPIRED} < ends


def test_a_table_with_a_dead_row_is_found() -> None:
    """The walk can say no: an unreachable, a hidden and a doubled row each are."""
    unreachable = Row(state=State.WINNING, role=Role.INITIATOR, act="inform", next=State.DONE)
    with pytest.raises(AssertionError):
        test_every_row_can_be_reached_from_the_opening(with_row(unreachable))
    with pytest.raises(AssertionError):
        test_every_state_that_is_named_is_reached(with_row(unreachable))
    hidden = Row(state=State.CALLED, role=Role.PARTICIPANT, act="refuse", kinds=(Kind.DONE,), next=State.DONE)
    with pytest.raises(AssertionError):
        test_no_row_is_hidden_by_an_earlier_one(with_row(hidden))
    with pytest.raises(AssertionError):
        test_no_two_rows_claim_the_same_message(with_row(hidden))
    trap = Row(state=State.CALLED, role=Role.PARTICIPANT, act="agree", next=State.BID)
    with pytest.raises(AssertionError):
        test_from_every_state_an_end_can_be_reached(with_row(trap))
    neither = Row(state=State.CALLED, role=Role.PARTICIPANT, act="agree")
    with pytest.raises(AssertionError):
        test_a_row_says_yes_or_no_and_not_both(with_row(neither))


def with_row(row: Row) -> Protocol:
    return msgspec.structs.replace(CONTRACT_NET, rows=(*CONTRACT_NET.rows, row))


def test_a_protocol_is_found_by_its_word_and_its_other_one() -> None:
    for number, protocol in enumerate(PROTOCOLS):
        for word in (protocol.name, *protocol.aliases):
            assert protocol_number(word) == number
            assert explain_protocol(word) is None
    problem = explain_protocol("fipa-contractnet")
    assert problem is not None
    assert "`fipa-contract-net`" in problem.fix
    far = explain_protocol("x")
    assert far is not None
    assert all(protocol.name in far.fix for protocol in PROTOCOLS)


def test_a_table_that_the_core_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="is longer than the core takes"):
        compile_protocols([msgspec.structs.replace(CONTRACT_NET, name="x" * 32)])
    row = Row(state=State.CALLED, role=Role.PARTICIPANT, act="agree", next=State.PROPOSED)
    with pytest.raises(ValueError, match="lines, the core takes"):
        compile_protocols([msgspec.structs.replace(CONTRACT_NET, rows=(row,) * 97)])
