"""A complete message as a value."""

import json

import msgspec
import pytest

from caxton.domain.acl import (
    CapableReceiver,
    OneReceiver,
    Receiver,
    ReceiverList,
    decode_message,
    message_document,
)
from caxton.domain.agent import Delivery
from caxton.domain.errors import InvalidMessage
from caxton.domain.ids import AgentId, AgentName, Capability
from caxton.domain.performative import Performative

COMPLETE: dict[str, object] = {
    "id": "de30fdc5-874b-4c76-8f12-aed3514a2af1",
    "performative": "cfp",
    "sender": "18446744073709551615",
    "receiver": ["bidder", "12"],
    "conversation_id": "c1",
    "protocol": "fipa-contract-net",
    "reply_with": "r1",
    "in_reply_to": "r0",
    "reply_by": "2026-03-01T12:00:30.000Z",
    "timestamp": "2026-03-01T12:00:00.123Z",
    "trace_id": "a" * 32,
    "span_id": "b" * 16,
    "reply_to": "manager",
    "content_kind": "start",
    "language": "json",
    "encoding": "base64",
    "ontology": "o",
    "delivery": "at_least_once",
    "priority": 5,
    "content": {"task": "dig", "depth_m": 2.50, "text": "\u00e4"},
}
LEAST = {
    field: COMPLETE[field]
    for field in ("id", "performative", "sender", "receiver", "conversation_id", "timestamp")
}


def body(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode()


def test_a_message_survives_the_way_through_its_value() -> None:
    message = decode_message(body(COMPLETE))
    assert message.performative is Performative.CFP
    assert message.sender == 2**64 - 1
    assert message.delivery is Delivery.AT_LEAST_ONCE
    assert msgspec.json.decode(msgspec.json.encode(message_document(message))) == COMPLETE


def test_the_content_is_kept_byte_for_byte() -> None:
    text = b'{"b" : 1.50,"a":[ ]}'
    message = decode_message(body(LEAST)[:-1] + b',"content":' + text + b"}")
    assert bytes(message.content) == text


def test_what_is_absent_stays_absent_but_the_content() -> None:
    document = msgspec.json.decode(msgspec.json.encode(message_document(decode_message(body(LEAST)))))
    assert set(document) == {*LEAST, "delivery", "priority", "content"}
    assert document["content"] is None


@pytest.mark.parametrize(
    ("written", "receiver"),
    [
        ("12", OneReceiver(AgentId(12))),
        ("bidder", OneReceiver(AgentName("bidder"))),
        (["a", "12"], ReceiverList((AgentName("a"), AgentId(12)))),
        ({"capability": "bid"}, CapableReceiver(Capability("bid"))),
    ],
)
def test_a_receiver_is_one_agent_several_or_a_capability(written: object, receiver: Receiver) -> None:
    message = decode_message(body(LEAST | {"receiver": written}))
    assert message.receiver == receiver
    assert message_document(message)["receiver"] == written


@pytest.mark.parametrize(
    "change",
    [
        {"performative": "ask"},
        {"sender": "0"},
        {"receiver": ["a b"]},
        {"timestamp": "now"},
        {"colour": "red"},
        {"id": 5},
    ],
)
def test_a_message_that_is_none_is_refused_with_its_problems(change: dict[str, object]) -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode_message(body(LEAST | change))
    assert {problem.field.partition("[")[0] for problem in caught.value.problems} == set(change)


@pytest.mark.parametrize("field", ["id", "sender", "conversation_id", "timestamp"])
def test_a_message_that_is_not_complete_is_refused(field: str) -> None:
    incomplete = {name: value for name, value in LEAST.items() if name != field}
    with pytest.raises(InvalidMessage) as caught:
        decode_message(body(incomplete))
    assert field in caught.value.problems[0].problem


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidMessage):
        decode_message(text)
