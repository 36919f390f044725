"""What was said in a conversation, over the API: accepted and refused, in order, page by page."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from caxton.domain.timestamp import parse_timestamp
from tests.api.live import API, error_of, problems_of


@pytest.fixture
def pair(client: httpx.Client, name: str) -> Iterator[tuple[str, str]]:
    """Make two external agents of the root token; yields their ids."""
    made = [f"{name}-one", f"{name}-other"]
    ids = [
        client.post(f"{API}/agents", json={"name": each, "kind": "external"}).json()["agent_id"]
        for each in made
    ]
    yield ids[0], ids[1]
    for each in made:
        client.delete(f"{API}/agents/{each}", params={"force": True})


def said(client: httpx.Client, act: str, sender: str, receiver: str, **fields: object) -> httpx.Response:
    body = {"performative": act, "sender": sender, "receiver": receiver, **fields}
    return client.post(f"{API}/messages", json=body)


def heard(client: httpx.Client, talk: str, **query: str | int) -> dict[str, Any]:
    answer = client.get(f"{API}/conversations/{talk}/messages", params={**query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_was_accepted_and_what_was_refused_is_shown_in_order(
    client: httpx.Client, pair: tuple[str, str]
) -> None:
    one, other = pair
    talk = f'a "talk" {uuid.uuid4()}'
    request = said(
        client, "request", one, other, conversation_id=talk, protocol="fipa-request", content={"do": [1, 2]},
        reply_with="r1", ontology="work",
    )  # fmt: skip
    assert request.status_code == 202, request.text
    refused = said(client, "propose", other, one, conversation_id=talk, content=None)
    assert refused.status_code == 409
    agreed = said(client, "agree", other, one, conversation_id=talk, in_reply_to="r1")
    assert agreed.status_code == 202, agreed.text
    page = heard(client, talk)
    assert page["truncated"] is False
    assert page["next_cursor"] is None
    first, wrong, answer, last = page["messages"]
    assert first["message_id"] == request.json()["message_id"]
    assert (first["performative"], first["sender"], first["receiver"]) == ("request", one, [other])
    assert (first["accepted"], first["reason"], first["automatic"]) == (True, None, False)
    assert (first["content"], first["reply_with"], first["ontology"]) == ({"do": [1, 2]}, "r1", "work")
    assert first["protocol"] == "fipa-request"
    assert all(row["conversation_id"] == talk for row in page["messages"])
    assert (wrong["performative"], wrong["accepted"]) == ("propose", False)
    assert wrong["reason"] == "unexpected_performative"
    assert (answer["performative"], answer["automatic"], answer["receiver"]) == (
        "not-understood", True, [other],
    )  # fmt: skip
    assert (last["performative"], last["in_reply_to"], last["accepted"]) == ("agree", "r1", True)
    times = [parse_timestamp(row["at"]) for row in page["messages"]]
    assert times == sorted(times)


def test_pages_follow_each_other_by_the_cursor(client: httpx.Client, pair: tuple[str, str]) -> None:
    one, other = pair
    talk = str(uuid.uuid4())
    said(client, "subscribe", one, other, conversation_id=talk, protocol="fipa-subscribe")
    for number in range(5):
        told = said(client, "inform", other, one, conversation_id=talk, content=number)
        assert told.status_code == 202, told.text
    seen: list[object] = []
    cursor = None
    for left in (6, 4, 2):
        page = heard(client, talk, limit=2, **({} if cursor is None else {"cursor": cursor}))
        seen += [row["content"] for row in page["messages"]]
        cursor = page["next_cursor"]
        assert (cursor is None) == (left == 2)
    assert seen == [None, 0, 1, 2, 3, 4]


def test_a_conversation_that_nobody_knows_is_not_found(client: httpx.Client) -> None:
    answer = client.get(f"{API}/conversations/{uuid.uuid4()}/messages")
    error_of(answer, 404, "CONVERSATION_NOT_FOUND")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": "9" * 30}])
def test_a_bad_query_is_told(client: httpx.Client, query: dict[str, str | int]) -> None:
    answer = client.get(f"{API}/conversations/c/messages", params={**query})
    assert list(problems_of(answer)) == [next(iter(query))]
