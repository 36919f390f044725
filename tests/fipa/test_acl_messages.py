"""Thirty messages with the verdict of the standard; what each accepted one means stands here."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from caxton.domain.performative import Performative
from caxton.fipa.acl_message import ACLMessage, AgentIdentifier
from caxton.fipa.date_time import CalendarTime, Distance
from caxton.fipa.printer import print_message
from tests.fipa.reading import parsed, refused


class Example(msgspec.Struct):
    id: str
    text: str
    sc00070: Literal["valid", "invalid", "ambiguous"]
    why: str


EXAMPLES = msgspec.json.decode((Path(__file__).parent / "acl-messages.json").read_bytes(), type=list[Example])
ACCEPTED = [example for example in EXAMPLES if example.sc00070 != "invalid"]
REFUSED = [example for example in EXAMPLES if example.sc00070 == "invalid"]

INFORM = Performative.INFORM
X = "x"


def agent(name: str) -> AgentIdentifier:
    return AgentIdentifier(name=name)


MEANINGS: dict[str, ACLMessage] = {
    "A01": ACLMessage(performative=INFORM),
    "A02": ACLMessage(
        performative=Performative.REQUEST,
        sender=agent("a@p1"),
        receiver=(agent("b@p2"),),
        content="(do x)",
        protocol="fipa-request",
        conversation_id="c1",
        reply_with="r1",
    ),
    "A03": ACLMessage(performative=Performative.REQUEST, sender=agent("a@p1"), content=X),
    "A04": ACLMessage(
        performative=Performative.CFP,
        receiver=(agent("b@p"), agent("c@p")),
        content="task",
        reply_by=CalendarTime(datetime(2026, 11, 23, 9, 15), is_utc=True),  # noqa: DTZ001 - has its own flag
    ),
    "A05": ACLMessage(performative=Performative.CFP, content="task", reply_by=Distance(30_000)),
    "A06": ACLMessage(performative=INFORM, content='say "hi" twice'),
    "A07": ACLMessage(performative=INFORM, content='a)"(b'),
    "A08": ACLMessage(
        performative=INFORM,
        sender=AgentIdentifier(
            name="a@p",
            addresses=("http://h1:7778/acc", "http://h2:7778/acc"),
            resolvers=(agent("ams@p"),),
        ),
        content=X,
    ),
    "A10": ACLMessage(performative=INFORM, content=X, extensions=(("X-trace", "4bf92f3577b34da6"),)),
    "A11": ACLMessage(performative=INFORM, content="line1\nline2"),
    "A12": ACLMessage(performative=INFORM, content=X, conversation_id=("a", "b", "3")),
    "A13": ACLMessage(performative=INFORM, content=""),
    "A14": ACLMessage(performative=INFORM, content="žluťoučký kůň"),
    # The grammar allows two readings. Taken as JADE does: the last quote of a message closes its string.
    "A15": ACLMessage(performative=Performative.PROPOSE, content="c:\\\\dir\\\\"),
}

FAULTS: dict[str, tuple[int, str]] = {
    "A09": (43, "neither a word nor a number"),
    "B01": (0, "begins with `(`"),
    "B02": (1, "`tell` is none of the 22"),
    "B03": (20, "`)` is missing"),
    "B04": (23, "expected a parameter"),
    "B05": (19, "expected `(set`"),
    "B06": (16, "expected `(agent-identifier`"),
    "B07": (21, "second time"),
    "B08": (15, "is no time"),
    "B09": (17, "should have 9 bytes, 7 are there"),
    "B10": (16, "has no name"),
    "B11": (8, "is no parameter here"),
    "B12": (1, "performative is missing"),
    "B13": (17, "content is a string"),
    "B14": (15, "is no time"),
    "B15": (18, "protocol is a word"),
}


def test_there_are_thirty_and_each_has_its_meaning_or_its_fault_here() -> None:
    assert len(EXAMPLES) == 30
    assert set(MEANINGS) == {example.id for example in ACCEPTED}
    assert set(FAULTS) == {example.id for example in REFUSED}


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda example: example.id)
def test_a_valid_message_means_what_it_should(example: Example) -> None:
    message = parsed(example.text)
    assert message == MEANINGS[example.id]
    assert parsed(print_message(message)) == message


@pytest.mark.parametrize("example", REFUSED, ids=lambda example: f"{example.id}: {example.why}")
def test_an_invalid_message_is_refused_at_its_fault(example: Example) -> None:
    offset_bytes, words = FAULTS[example.id]
    error = refused(example.text)
    assert words in error.message
    assert error.offset_bytes == offset_bytes
    assert (error.line, error.column) == (1, offset_bytes + 1)
