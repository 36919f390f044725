"""Conversations over the API: opened, shown, listed, cancelled; violations told with their reason."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from caxton.domain.timestamp import parse_timestamp
from tests.api.live import API, LiveServer, error_of, message, problems_of
from tests.api.test_access import caller

CONVERSATIONS = f"{API}/conversations"
MESSAGES = f"{API}/messages"


@pytest.fixture
def others(client: httpx.Client, name: str) -> Iterator[list[str]]:
    """Make three external agents of the root token; yields their names."""
    made = [f"{name}-{letter}" for letter in "abc"]
    for each in made:
        assert client.post(f"{API}/agents", json={"name": each, "kind": "external"}).status_code == 201
    yield made
    for each in made:
        client.delete(f"{API}/agents/{each}", params={"force": True})


def fresh() -> str:
    return f"talk {uuid.uuid4()}"


def said(
    client: httpx.Client, performative: str, sender: str, receiver: object, **fields: object
) -> httpx.Response:
    body = {"performative": performative, "sender": sender, "receiver": receiver, "content": 1, **fields}
    return client.post(MESSAGES, json=body)


def agreed(client: httpx.Client, one: str, other: str) -> str:
    """Open a fipa-request of one to other, which agrees; returns its id."""
    talk = fresh()
    for act, sender, receiver in (("request", one, other), ("agree", other, one)):
        answer = said(client, act, sender, receiver, conversation_id=talk, protocol="fipa-request")
        assert answer.status_code == 202, answer.text
    return talk


def shown(client: httpx.Client, talk: str) -> dict[str, Any]:
    answer = client.get(f"{CONVERSATIONS}/{talk}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_conversation_is_shown_with_everybodys_part_in_words(
    client: httpx.Client, others: list[str]
) -> None:
    manager, *bidders = others
    talk = fresh()
    called = said(
        client, "cfp", manager, bidders, conversation_id=talk, protocol="fipa-contract-net", reply_by_s=60
    )
    assert called.status_code == 202, called.text
    assert said(client, "propose", bidders[0], manager, conversation_id=talk).status_code == 202
    found = shown(client, talk)
    ids = {each: client.get(f"{API}/agents/{each}").json()["agent_id"] for each in others}
    assert found["protocol"] == "fipa-contract-net"
    assert (found["state"], found["outcome"], found["awaits_opening"]) == ("InProgress", None, False)
    assert found["initiator"] == {"agent_id": ids[manager], "name": manager}
    assert found["participants"] == [
        {"agent_id": ids[bidder], "name": bidder, "role": "participant", "state": state, "cancelling": False}
        for bidder, state in zip(bidders, ("proposed", "called"), strict=True)
    ]
    assert (found["messages"], found["max_messages"], found["fuel_budget"], found["refused"]) == (
        2,
        None,
        None,
        0,
    )
    opened, reply_by, expires = (
        parse_timestamp(text)
        for text in (found["opened_at"], found["deadlines"]["reply_by"], found["deadlines"]["expires_at"])
    )
    assert abs(reply_by - opened - 60_000_000_000) < 2_000_000_000
    assert expires > reply_by
    assert found["ended_at"] is None


def test_a_deadline_that_the_first_answer_has_met_is_not_shown(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, _ = others
    talk = fresh()
    asked = said(client, "request", one, other, conversation_id=talk, protocol="fipa-request", reply_by_s=60)
    assert asked.status_code == 202, asked.text
    assert shown(client, talk)["deadlines"]["reply_by"] is not None
    assert said(client, "agree", other, one, conversation_id=talk).status_code == 202
    assert shown(client, talk)["deadlines"]["reply_by"] is None


def test_an_unknown_conversation_is_told_with_what_is_kept(client: httpx.Client) -> None:
    error = error_of(client.get(f"{CONVERSATIONS}/nothing"), 404, "CONVERSATION_NOT_FOUND")
    assert "GET /api/v1/conversations" in error.hint
    error_of(client.post(f"{CONVERSATIONS}/nothing/cancel"), 404, "CONVERSATION_NOT_FOUND")


def test_what_a_protocol_forbids_is_refused_with_reason_state_and_a_hint(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, _ = others
    talk = agreed(client, one, other)
    error = error_of(said(client, "agree", other, one, conversation_id=talk), 409, "PROTOCOL_VIOLATION")
    assert error.details == {
        "reason_kind": "duplicate_response",
        "state": "InProgress",
        "performative": "agree",
        "protocol": "fipa-request",
    }
    assert error.hint == "wait for the other side: this was answered before"
    assert shown(client, talk)["refused"] == 1


def test_an_unknown_protocol_gets_the_near_one_offered(client: httpx.Client, others: list[str]) -> None:
    answer = said(client, "request", others[0], others[1], protocol="fipa-reqest", conversation_id=fresh())
    error = error_of(answer, 409, "PROTOCOL_VIOLATION")
    assert error.details["reason_kind"] == "unknown_protocol"
    assert error.suggestions()[0] == "fipa-request"
    assert "`fipa-request`" in error.hint


def test_a_check_of_a_message_knows_the_protocols(client: httpx.Client) -> None:
    wrong = client.post(f"{MESSAGES}/validate", json=message("x", protocol="fipa-reqest")).json()
    assert wrong["valid"] is False
    assert [(row["field"], row["fix"].count("fipa-request`")) for row in wrong["problems"]] == [
        ("protocol", 1)
    ]
    for word in ("fipa-request", "fipa-english-auction", None):
        right = client.post(f"{MESSAGES}/validate", json=message("x", protocol=word)).json()
        assert right == {"valid": True, "problems": []}, word


def test_a_conversation_is_opened_beforehand_and_begun_by_its_first_message(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, third = others
    body = {
        "protocol": "fipa-request",
        "initiator": one,
        "participants": [other],
        "max_messages": 2,
        "ttl_s": 60,
    }
    made = client.post(CONVERSATIONS, json=body)
    assert made.status_code == 201, made.text
    opened = made.json()
    talk = opened["conversation_id"]
    assert made.headers["location"] == f"{CONVERSATIONS}/{talk}"
    assert (opened["state"], opened["awaits_opening"], opened["messages"]) == ("Initiated", True, 0)
    assert [part["state"] for part in opened["participants"]] == [None]
    assert opened["max_messages"] == 2
    other_one = said(client, "request", third, other, conversation_id=talk, protocol="fipa-request")
    assert error_of(other_one, 409, "PROTOCOL_VIOLATION").details["reason_kind"] == "not_participant"
    assert (
        said(client, "request", one, other, conversation_id=talk, protocol="fipa-request").status_code == 202
    )
    assert said(client, "agree", other, one, conversation_id=talk).status_code == 202
    used_up = said(client, "inform", other, one, conversation_id=talk)
    assert error_of(used_up, 409, "PROTOCOL_VIOLATION").details["reason_kind"] == "budget_exceeded"
    ended = shown(client, talk)
    assert (ended["state"], ended["outcome"]) == ("Failed", "budget_exceeded")
    assert ended["ended_at"]


def test_who_opens_a_conversation_is_its_initiator_unless_another_is_named(
    server: LiveServer, client: httpx.Client, others: list[str]
) -> None:
    body = {"participants": others, "conversation_id": fresh(), "fuel_budget": 10**12}
    made = client.post(CONVERSATIONS, json=body).json()
    assert made["initiator"]["name"] == "client.root"
    assert (made["conversation_id"], made["protocol"]) == (body["conversation_id"], None)
    assert made["fuel_budget"] == 10**12
    again = error_of(client.post(CONVERSATIONS, json=body), 409, "PROTOCOL_VIOLATION")
    assert (again.details["reason_kind"], again.details["state"]) == ("conversation_id_reuse", "Initiated")
    with caller(server, client, "developer") as stranger:
        foreign = stranger.post(CONVERSATIONS, json={"participants": others[1:], "initiator": others[0]})
        error_of(foreign, 403, "FORBIDDEN")


def test_everything_that_is_wrong_with_an_opening_is_told_at_once(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, _ = others
    body = {
        "conversation_id": "",
        "protocol": "contract-net",
        "initiator": one,
        "participants": [other, one, other],
    }
    assert set(problems_of(client.post(CONVERSATIONS, json=body))) == {
        "conversation_id",
        "protocol",
        "participants[1]",
        "participants[2]",
    }
    bad: dict[str, object] = {"participants": [], "max_messages": 0, "ttl_s": 0, "limit": 1}
    assert set(problems_of(client.post(CONVERSATIONS, json=bad))) == {
        "participants",
        "max_messages",
        "ttl_s",
        "limit",
    }
    error_of(client.post(CONVERSATIONS, json={"participants": ["nobody"]}), 404, "AGENT_NOT_FOUND")
    many = error_of(
        client.post(CONVERSATIONS, json={"protocol": "fipa-request", "participants": others}),
        409,
        "PROTOCOL_VIOLATION",
    )
    assert many.details["reason_kind"] == "too_many_participants"


def test_cancelling_asks_the_participants_and_ends_with_their_answer(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, _ = others
    talk = agreed(client, one, other)
    asked = client.post(f"{CONVERSATIONS}/{talk}/cancel")
    assert asked.status_code == 202, asked.text
    assert asked.json()["participants"][0]["cancelling"] is True
    # Nobody is asked a second time.
    again = client.post(f"{CONVERSATIONS}/{talk}/cancel")
    assert (again.status_code, again.json()["messages"]) == (202, asked.json()["messages"])
    page = client.get(f"{API}/agents/{other}/inbox", params={"wait_ms": 5000}).json()["messages"]
    assert [each["performative"] for each in page] == ["request", "cancel"]
    assert page[-1]["sender"] == asked.json()["initiator"]["agent_id"]
    done = said(
        client, "inform", other, one, conversation_id=talk, in_reply_to=page[-1]["id"], content_kind="done"
    )
    assert done.status_code == 202, done.text
    assert (shown(client, talk)["state"], shown(client, talk)["outcome"]) == ("Completed", "cancelled")
    over = error_of(client.post(f"{CONVERSATIONS}/{talk}/cancel"), 409, "PROTOCOL_VIOLATION")
    assert (over.details["reason_kind"], over.details["state"]) == ("conversation_closed", "Completed")


def test_cancelling_asks_only_those_who_are_still_in(client: httpx.Client, others: list[str]) -> None:
    manager, *bidders = others
    talk = fresh()
    said(client, "cfp", manager, bidders, conversation_id=talk, protocol="fipa-contract-net")
    said(client, "refuse", bidders[0], manager, conversation_id=talk)
    found = client.post(f"{CONVERSATIONS}/{talk}/cancel").json()
    told = [(part["name"], part["state"], part["cancelling"]) for part in found["participants"]]
    assert told == [(bidders[0], "refused", False), (bidders[1], "called", True)]


@pytest.mark.parametrize("protocol", [None, "fipa-request"])
def test_one_that_has_not_begun_ends_at_once(
    client: httpx.Client, others: list[str], protocol: str | None
) -> None:
    made = client.post(CONVERSATIONS, json={"participants": others[:1], "protocol": protocol}).json()
    ended = client.post(f"{CONVERSATIONS}/{made['conversation_id']}/cancel")
    assert ended.status_code == 200, ended.text
    found = ended.json()
    assert (found["state"], found["outcome"], found["awaits_opening"]) == ("Completed", "cancelled", False)


def test_only_the_initiators_owner_or_an_operator_may_cancel(
    server: LiveServer, client: httpx.Client, others: list[str]
) -> None:
    talk = agreed(client, others[0], others[1])
    with caller(server, client, "developer") as stranger:
        error_of(stranger.post(f"{CONVERSATIONS}/{talk}/cancel"), 403, "FORBIDDEN")
        own = stranger.post(CONVERSATIONS, json={"participants": others[:1]}).json()["conversation_id"]
        assert stranger.post(f"{CONVERSATIONS}/{own}/cancel").status_code == 200
    with caller(server, client, "operator") as keeper:
        assert keeper.post(f"{CONVERSATIONS}/{talk}/cancel").status_code == 202


def listed(client: httpx.Client, **filters: str | int) -> list[dict[str, Any]]:
    answer = client.get(CONVERSATIONS, params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["conversations"]


def test_conversations_are_listed_the_newest_last_and_chosen_by_state_protocol_and_agent(
    client: httpx.Client, others: list[str]
) -> None:
    one, other, third = others
    first = agreed(client, one, other)
    second = agreed(client, other, third)
    free = client.post(CONVERSATIONS, json={"participants": [third]}).json()["conversation_id"]
    said(client, "refuse", third, other, conversation_id=second)
    said(client, "failure", third, other, conversation_id=second)

    def found(**filters: str | int) -> list[str]:
        known = {first, second, free}
        return [
            row["conversation_id"]
            for row in listed(client, limit=1000, **filters)
            if row["conversation_id"] in known
        ]

    assert found() == [first, second, free]
    assert found(agent=one) == [first]
    assert found(agent=third) == [second, free]
    assert found(agent=client.get(f"{API}/agents/{third}").json()["agent_id"]) == [second, free]
    assert found(protocol="fipa-request") == [first, second]
    assert found(protocol="none") == [free]
    assert found(state="Initiated") == [free]
    assert found(state="InProgress") == [first]
    assert found(state="Failed", agent=other, protocol="fipa-request") == [second]
    assert found(state="Completed") == []


def test_pages_follow_each_other_without_gap_or_repetition(client: httpx.Client, others: list[str]) -> None:
    talks = [agreed(client, others[0], others[1]) for _ in range(7)]
    found: list[str] = []
    cursor = None
    while True:
        query: dict[str, str | int] = {"agent": others[0], "limit": 3}
        if cursor is not None:
            query["cursor"] = cursor
        page = client.get(CONVERSATIONS, params=query).json()
        found += [row["conversation_id"] for row in page["conversations"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == talks


def test_a_filter_that_names_nothing_is_refused(client: httpx.Client) -> None:
    assert "state" in problems_of(client.get(CONVERSATIONS, params={"state": "Running"}))
    assert "protocol" in problems_of(client.get(CONVERSATIONS, params={"protocol": "contract"}))
    error_of(client.get(CONVERSATIONS, params={"agent": "nobody"}), 404, "AGENT_NOT_FOUND")
    for cursor in ("x", "1", "-1:x", f"{'9' * 30}:x"):
        error_of(client.get(CONVERSATIONS, params={"cursor": cursor}), 400, "INVALID_REQUEST")
    # An agent that has gone may still be looked for by its id.
    assert listed(client, agent="1") == []


def test_a_conversation_of_an_agent_that_has_gone_keeps_its_id(
    client: httpx.Client, name: str, external: str
) -> None:
    gone = f"{name}-gone"
    client.post(f"{API}/agents", json={"name": gone, "kind": "external"})
    agent_id = client.get(f"{API}/agents/{gone}").json()["agent_id"]
    talk = agreed(client, external, gone)
    assert client.delete(f"{API}/agents/{gone}", params={"force": True}).status_code == 204
    (row,) = listed(client, agent=agent_id)
    assert row["conversation_id"] == talk
    part = shown(client, talk)["participants"][0]
    assert (part["agent_id"], part["name"]) == (agent_id, None)
