"""Single messages over the API."""

import json
import uuid

import httpx
import pytest

from tests.api.deployed import deployed
from tests.api.live import API, error_of, message, problems_of

MESSAGES = f"{API}/messages"


def inbox(client: httpx.Client, agent: str, wait_ms: int = 5000) -> list[dict[str, object]]:
    """Read and acknowledge an agent's messages."""
    page = client.get(f"{API}/agents/{agent}/inbox", params={"wait_ms": wait_ms}).json()
    client.post(f"{API}/agents/{agent}/inbox/ack", json={"cursor": page["cursor"]})
    return page["messages"]


def test_a_message_is_accepted_with_its_ids_and_arrives_with_what_was_left_out(
    client: httpx.Client, external: str
) -> None:
    answer = client.post(MESSAGES, json=message(external, {"reading": 42}, ontology="measure"))
    assert answer.status_code == 202, answer.text
    receipt = answer.json()
    assert set(receipt) == {"message_id", "conversation_id", "status"}
    assert receipt["status"] == "accepted"
    assert str(uuid.UUID(receipt["message_id"])) == receipt["message_id"]
    (arrived,) = inbox(client, external)
    assert arrived["id"] == receipt["message_id"]
    assert arrived["conversation_id"] == receipt["conversation_id"]
    assert arrived["content"] == {"reading": 42}
    assert arrived["ontology"] == "measure"
    assert arrived["performative"] == "inform"
    for field in ("sender", "receiver", "timestamp", "trace_id", "span_id"):
        assert arrived[field]


def test_ids_of_the_sender_are_kept(client: httpx.Client, external: str) -> None:
    message_id = str(uuid.uuid4())
    body = message(external, id=message_id, conversation_id='talk \u00e9 "1"')
    receipt = client.post(MESSAGES, json=body).json()
    assert receipt["message_id"] == message_id
    assert receipt["conversation_id"] == 'talk \u00e9 "1"'
    assert inbox(client, external)[0]["conversation_id"] == 'talk \u00e9 "1"'


def test_a_message_waits_for_its_answer(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name) as agent:
        body = {"performative": "request", "receiver": name, "content": {"a": 1}}
        answer = client.post(MESSAGES, params={"wait_ms": 5000}, json=body)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert set(document) == {"message_id", "conversation_id", "reply"}
        assert document["reply"]["sender"] == agent["agent_id"]
        assert document["reply"]["in_reply_to"] == document["message_id"]
        assert document["reply"]["conversation_id"] == document["conversation_id"]


def test_a_message_without_answer_in_time_is_told_with_its_ids(client: httpx.Client, external: str) -> None:
    answer = client.post(MESSAGES, params={"wait_ms": 30}, json=message(external))
    error = error_of(answer, 504, "DEADLINE_EXCEEDED")
    (arrived,) = inbox(client, external)
    assert error.details["message_id"] == arrived["id"]


def test_a_fault_of_the_receiver_is_told_to_who_waits(client: httpx.Client, name: str) -> None:
    with deployed(client, "trap", name) as agent:
        answer = client.post(MESSAGES, params={"wait_ms": 5000}, json=message(name))
        error = error_of(answer, 502, "AGENT_FAILED")
        assert error.details["kind"] == "trap"
        assert error.details["agent"] == agent["agent_id"]


def test_a_list_of_receivers_all_get_the_message(client: httpx.Client, external: str, name: str) -> None:
    other = f"{name}-other"
    client.post(f"{API}/agents", json={"name": other, "kind": "external"})
    answer = client.post(MESSAGES, json={**message(external), "receiver": [external, other]})
    assert answer.status_code == 202, answer.text
    assert len(inbox(client, external)) == len(inbox(client, other)) == 1
    missing = client.post(MESSAGES, json={**message(external), "receiver": [external, f"{name}-nobody"]})
    error_of(missing, 404, "AGENT_NOT_FOUND")
    assert inbox(client, external, wait_ms=0) == [], "all receivers or none"
    client.delete(f"{API}/agents/{other}", params={"force": True})


def test_a_capability_finds_a_receiver(client: httpx.Client, name: str) -> None:
    body = {"name": name, "kind": "external", "capabilities": [f"cap-{name}"]}
    assert client.post(f"{API}/agents", json=body).status_code == 201
    answer = client.post(MESSAGES, json={**message(name), "receiver": {"capability": f"cap-{name}"}})
    assert answer.status_code == 202, answer.text
    assert len(inbox(client, name)) == 1
    client.delete(f"{API}/agents/{name}", params={"force": True})


def test_an_unknown_receiver_is_answered_with_near_names(client: httpx.Client, external: str) -> None:
    error = error_of(client.post(MESSAGES, json=message(external + "x")), 404, "AGENT_NOT_FOUND")
    assert external in error.suggestions()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b'"text"', ""),
        (b'{"performative":"inform","receiver":"x","content":"\xff"}', ""),
        (b"\xef\xbb\xbf{}", ""),
        (b'{"performative":"inform","receiver":"x","content":' + b"[" * 80 + b"]" * 80 + b"}", ""),
        (b'{"receiver":"x","content":1}', "performative"),
        (b'{"performative":"inform","content":1}', "receiver"),
        (b'{"performative":"shout","receiver":"x","content":1}', "performative"),
        (b'{"performative":3,"receiver":"x","content":1}', "performative"),
        (b'{"performative":"inform","receiver":{"x":1},"content":1}', "receiver"),
        (b'{"performative":"inform","receiver":"x","content":1,"receivers":"y"}', "receivers"),
        (b'{"performative":"inform","receiver":"x","receiver":"y","content":1}', "receiver"),
        (b'{"performative":"inform","receiver":"x","content":1,"id":"seven"}', "id"),
    ],
)
def test_a_text_that_is_no_message_is_refused_with_the_place_of_its_fault(
    client: httpx.Client, body: bytes, field: str
) -> None:
    answer = client.post(MESSAGES, content=body, headers={"content-type": "application/json"})
    problems = problems_of(answer, 400, "INVALID_MESSAGE")
    assert field in problems
    checked = client.post(f"{MESSAGES}/validate", content=body).json()
    assert checked["valid"] is False
    assert field in {row["field"] for row in checked["problems"]}


def test_all_faults_of_a_message_are_told_at_once(client: httpx.Client) -> None:
    body = {"performative": "shout", "receivr": "x", "priority": 99, "content": 1}
    problems = problems_of(client.post(MESSAGES, json=body), 400, "INVALID_MESSAGE")
    assert set(problems) == {"performative", "receivr", "receiver", "priority"}


def test_a_good_message_is_valid_and_is_not_sent(client: httpx.Client, external: str) -> None:
    answer = client.post(f"{MESSAGES}/validate", json=message(external))
    assert answer.status_code == 200
    assert answer.json() == {"valid": True, "problems": []}
    assert inbox(client, external, wait_ms=0) == []


@pytest.mark.parametrize("spelling", ["REQUEST_WHEN", "Request When", "request-when"])
def test_performatives_are_taken_in_any_spelling(client: httpx.Client, external: str, spelling: str) -> None:
    body = {**message(external), "performative": spelling}
    assert client.post(MESSAGES, json=body).status_code == 202
    assert inbox(client, external)[0]["performative"] == "request-when"


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_delivery_that_is_not_possible_is_refused_and_not_pretended(
    client: httpx.Client, external: str, delivery: str
) -> None:
    problems = problems_of(client.post(MESSAGES, json=message(external, delivery=delivery)))
    assert "not available in this version" in problems["delivery"]
    assert client.post(MESSAGES, json=message(external, delivery="at_most_once")).status_code == 202
    assert len(inbox(client, external)) == 1


def test_a_delivery_written_with_escapes_is_seen(client: httpx.Client, external: str) -> None:
    text = json.dumps(message(external, delivery="exactly_once")).replace("delivery", "deliver\\u0079")
    assert "delivery" in problems_of(client.post(MESSAGES, content=text))
    batch = client.post(f"{MESSAGES}/batch", content=text + "\n" + json.dumps(message(external, "\u00e9")))
    first, second = (json.loads(line) for line in batch.text.splitlines())
    assert first["error"]["code"] == "INVALID_REQUEST"
    assert second["status"] == "accepted"


@pytest.mark.parametrize("delivery", [[], {}, 7, "by_pigeon"])
def test_a_delivery_that_is_none_is_a_fault_of_the_message(
    client: httpx.Client, external: str, delivery: object
) -> None:
    answer = client.post(MESSAGES, json=message(external, delivery=delivery))
    assert "delivery" in problems_of(answer, 400, "INVALID_MESSAGE")


def test_a_full_mailbox_says_so_and_when_to_come_again(client: httpx.Client, name: str) -> None:
    body = {"name": name, "kind": "external", "limits": {"mailbox_max": 3}}
    assert client.post(f"{API}/agents", json=body).status_code == 201
    for _ in range(3):
        assert client.post(MESSAGES, json=message(name)).status_code == 202
    answer = client.post(MESSAGES, json=message(name))
    error = error_of(answer, 429, "MAILBOX_FULL")
    assert error.details["mailbox_max"] == 3
    assert int(answer.headers["retry-after"]) >= 1
    assert len(inbox(client, name)) == 3
    assert client.post(MESSAGES, json=message(name)).status_code == 202
    client.delete(f"{API}/agents/{name}", params={"force": True})


def test_an_agent_over_its_rate_says_so(client: httpx.Client, name: str) -> None:
    with deployed(client, "silent", name, limits={"messages_per_s_max": 1}):
        answers = [client.post(MESSAGES, json=message(name)) for _ in range(5)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited
        error_of(limited[0], 429, "RATE_LIMITED")
        assert int(limited[0].headers["retry-after"]) >= 1


def test_an_agent_that_does_not_run_takes_no_messages(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name):
        client.post(f"{API}/agents/{name}/drain", json={})
        error = error_of(client.post(MESSAGES, json=message(name)), 409, "INVALID_STATE")
        assert error.details["state"] == "stopped"


def test_a_message_above_its_senders_limit_is_too_large(
    client: httpx.Client, external: str, name: str
) -> None:
    speaker = f"{name}-speaker"
    body = {"name": speaker, "kind": "external", "limits": {"message_bytes_max": 1000}}
    assert client.post(f"{API}/agents", json=body).status_code == 201
    error_of(
        client.post(MESSAGES, json=message(external, "x" * 2000, sender=speaker)), 413, "MESSAGE_TOO_LARGE"
    )
    assert client.post(MESSAGES, json=message(external, "x" * 200, sender=speaker)).status_code == 202
    client.delete(f"{API}/agents/{speaker}", params={"force": True})


def test_a_message_of_the_greatest_size_goes_through_and_a_larger_one_does_not(
    client: httpx.Client, external: str
) -> None:
    greatest = 1024 * 1024
    frame = len(json.dumps(message(external, "")))
    assert (
        client.post(
            MESSAGES, content=json.dumps(message(external, "x" * (greatest - frame - 600)))
        ).status_code
        == 202
    )
    assert len(inbox(client, external)) == 1
    for size in (greatest + 1, greatest + 200_000, 40_000_000):
        answer = client.post(MESSAGES, content=json.dumps(message(external, "x" * size)))
        error_of(answer, 413, "MESSAGE_TOO_LARGE")
    assert inbox(client, external, wait_ms=0) == []


def test_a_negative_or_endless_wait_is_refused(client: httpx.Client, external: str) -> None:
    for wait in ("-1", "999999999", "soon", ""):
        assert "wait_ms" in problems_of(client.post(f"{MESSAGES}?wait_ms={wait}", json=message(external)))
    assert inbox(client, external, wait_ms=0) == []
