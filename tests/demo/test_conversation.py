"""The demonstration's own judgement: it must be able to say no."""

from collections.abc import Callable

import msgspec
import pytest

from caxton.cli.conversation_view import Agent, ConversationView, Participant
from caxton.demo.conversation import InOrder, faults, held_faults, proposals
from caxton.demo.seen_message import SeenMessage

BIDDERS = ("frugal", "swift", "picky")


def seen(sender: str, receiver: str, act: str, content: object = None, at: int = 0) -> SeenMessage:
    return SeenMessage(received_ns=at, sender=sender, receiver=receiver, performative=act, content=content)


def good() -> list[SeenMessage]:
    return [
        seen("you", "manager", "request", {"size": 10}),
        *(seen("manager", bidder, "cfp") for bidder in BIDDERS),
        seen("swift", "manager", "propose", {"price": 9}),
        seen("frugal", "manager", "propose", {"price": 5}),
        seen("picky", "manager", "refuse"),
        seen("manager", "frugal", "accept-proposal", {"price": 5}),
        seen("manager", "swift", "reject-proposal"),
        seen("frugal", "manager", "inform", {"primes": 4}),
    ]


ANSWER = seen("manager", "you", "inform", {"price": 5, "winner": "1", "result": {"primes": 4}})


def judged(messages: list[SeenMessage], answer: SeenMessage = ANSWER) -> list[str]:
    return faults(messages, manager="manager", bidders=BIDDERS, answer=answer, result=4)


def without(act: str, receiver: str) -> list[SeenMessage]:
    return [message for message in good() if (message.performative, message.receiver) != (act, receiver)]


def replaced(old: tuple[str, str], new: SeenMessage) -> list[SeenMessage]:
    return [new if (message.performative, message.receiver) == old else message for message in good()]


def test_a_contract_net_that_went_well_has_no_faults() -> None:
    assert judged(good()) == []


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        (lambda: without("cfp", "picky"), "picky got no cfp"),
        (lambda: without("refuse", "manager"), "picky did not answer the cfp once"),
        (lambda: without("propose", "manager"), "nobody made a proposal"),
        (lambda: without("accept-proposal", "frugal"), "the award went to nobody, the cheapest is frugal"),
        (
            lambda: without("reject-proposal", "swift"),
            "swift asked for 9 and should have got one reject-proposal",
        ),
        (lambda: without("inform", "manager"), "frugal did not report its result"),
        (
            lambda: replaced(("accept-proposal", "frugal"), seen("manager", "swift", "accept-proposal")),
            "the award went to swift, the cheapest is frugal",
        ),
        (
            lambda: [*good(), seen("manager", "swift", "accept-proposal")],
            "the award went to frugal, swift, the cheapest is frugal",
        ),
    ],
)
def test_each_thing_that_can_go_wrong_is_named(messages: Callable[[], list[SeenMessage]], fault: str) -> None:
    assert fault in judged(messages())


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (
            seen("manager", "you", "failure", {"reason": "x"}),
            "the manager's answer is failure: {'reason': 'x'}",
        ),
        (seen("manager", "you", "inform", {"price": 9, "result": {"primes": 4}}), "another price than 5"),
        (
            seen("manager", "you", "inform", {"price": 5, "result": {"primes": 3}}),
            "the result is 3, it should be 4",
        ),
    ],
)
def test_an_answer_that_says_otherwise_is_named(answer: SeenMessage, fault: str) -> None:
    assert any(fault in found for found in judged(good(), answer))


def test_proposals_are_read_in_their_order() -> None:
    assert [(made.bidder, made.price) for made in proposals(good(), "manager")] == [
        ("swift", 9),
        ("frugal", 5),
    ]


def test_messages_of_several_logs_come_out_in_order_of_reception() -> None:
    order = InOrder(patience_ns=100)
    order.add(seen("b", "c", "inform", at=20), now_ns=1000)
    order.add(seen("a", "b", "inform", at=10), now_ns=1050)
    assert list(order.due(now_ns=1099)) == []
    # The earlier message came later, and holds the later one back until its own time is up.
    assert list(order.due(now_ns=1149)) == []
    assert [message.received_ns for message in order.due(now_ns=1150)] == [10, 20]


def test_messages_of_one_time_keep_the_order_of_their_log() -> None:
    order = InOrder(patience_ns=0)
    for sender in ("first", "second"):
        order.add(seen(sender, "a", "inform", at=5), now_ns=0)
    assert [message.sender for message in order.rest()] == ["first", "second"]


HELD = ConversationView(
    conversation_id="net",
    protocol="fipa-contract-net",
    state="Completed",
    outcome="result",
    initiator=Agent(agent_id="1", name="manager"),
    messages=7,
    participants=[
        Participant(agent_id=str(number), name=name, state=state)
        for number, (name, state) in enumerate(
            (("frugal", "done"), ("swift", "rejected"), ("picky", "refused")), 2
        )
    ],
)


def test_the_conversation_that_the_server_held_is_that_of_the_messages() -> None:
    assert held_faults(HELD, good(), "manager") == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"protocol": "fipa-request"}, "the conversation is one of fipa-request begun by manager"),
        ({"state": "Failed", "outcome": "failure"}, "the conversation ended as Failed (failure)"),
        ({"refused": 2}, "2 messages of the conversation were refused"),
        ({"messages": 9}, "the server counts 9 messages, 9 were seen"),
        (
            {
                "participants": [
                    Participant(agent_id="2", name="frugal", state="failed"),
                    *HELD.participants[1:],
                ]
            },
            "the session of frugal ended as failed, it should be done",
        ),
    ],
)
def test_a_conversation_that_the_server_held_otherwise_is_named(
    changes: dict[str, object], fault: str
) -> None:
    assert held_faults(msgspec.structs.replace(HELD, **changes), good(), "manager") == [fault]
