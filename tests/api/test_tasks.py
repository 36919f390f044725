"""Contract nets run by the server: real agents in sandboxes, external ones, over HTTP."""

import base64
import json
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from caxton.domain.events import ConversationData, parse_event_filter
from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, problems_of, running
from tests.sdk.built import demo_agent

LOWEST = {"rule": "lowest", "field": "price"}
PRIMES_BELOW_1000 = 168


@contextmanager
def bidder(client: httpx.Client, name: str, **config: str) -> Generator[str]:
    """Deploy a bidder of the demonstration."""
    module = base64.b64encode(demo_agent("bidder")).decode()
    made = client.post(f"{API}/agents", json={"name": name, "module": module, "config": config})
    assert made.status_code == 201, made.text
    try:
        yield name
    finally:
        client.delete(f"{API}/agents/{name}", params={"force": True})


@pytest.fixture
def bidders(client: httpx.Client, name: str) -> Iterator[list[str]]:
    with (
        bidder(client, f"{name}-cheap", price_base="1", work_ms="50") as cheap,
        bidder(client, f"{name}-dear", price_base="50") as dear,
        bidder(client, f"{name}-picky", size_min="5000") as picky,
    ):
        yield [cheap, dear, picky]


def run(client: httpx.Client, wait_ms: int | None = 10_000, **fields: object) -> httpx.Response:
    body = {"task": {"size": 1000}, "award": LOWEST, **fields}
    return client.post(f"{API}/tasks", json=body, params={} if wait_ms is None else {"wait_ms": wait_ms})


def inbox(client: httpx.Client, agent: str) -> list[dict[str, Any]]:
    """Take what has come for an external agent, waiting for the first message."""
    page = client.get(f"{API}/agents/{agent}/inbox", params={"wait_ms": 5000}).json()
    client.post(f"{API}/agents/{agent}/inbox/ack", json={"cursor": page["cursor"]})
    assert page["messages"], f"{agent} got a message"
    return page["messages"]


def answer(
    client: httpx.Client, agent: str, asked: dict[str, Any], performative: str, **fields: object
) -> None:
    """Answer a message as an external agent."""
    body = {
        "performative": performative,
        "sender": agent,
        "receiver": asked["sender"],
        "conversation_id": asked["conversation_id"],
        "protocol": asked["protocol"],
        "in_reply_to": asked["id"],
        **fields,
    }
    sent = client.post(f"{API}/messages", json=body)
    assert sent.status_code == 202, sent.text


def test_a_task_is_run_among_sandboxed_agents_and_answers_with_its_result(
    client: httpx.Client, bidders: list[str]
) -> None:
    done = run(client, participants=bidders)
    assert done.status_code == 200, done.text
    task = done.json()
    cheap, dear, picky = bidders
    assert (task["state"], task["outcome"]) == ("completed", "result")
    assert task["result"] == {"primes": PRIMES_BELOW_1000, "below": 1000, "price": 6}
    assert [winner["name"] for winner in task["winners"]] == [cheap]
    assert {row["name"]: row["content"]["price"] for row in task["proposals"]} == {cheap: 6, dear: 55}
    assert [(row["name"], row["reason_kind"]) for row in task["rejected"]] == [(dear, "not_awarded")]
    assert [(row["name"], row["performative"]) for row in task["refused"]] == [(picky, "refuse")]
    again = client.get(f"{API}/tasks/{task['task_id']}").json()
    assert again == task
    assert again["conversation_id"]
    agent_id = client.get(f"{API}/agents/{cheap}").json()["agent_id"]
    assert task["winners"][0]["agent_id"] == agent_id
    listed = client.get(f"{API}/tasks", params={"state": "completed", "limit": 1}).json()["tasks"]
    assert [row["task_id"] for row in listed] == [task["task_id"]]


def test_all_agents_with_a_capability_are_asked(server: LiveServer, client: httpx.Client, name: str) -> None:
    outsiders = [f"{name}-{number}" for number in range(3)]
    for outsider in outsiders:
        made = {"name": outsider, "kind": "external", "capabilities": [name]}
        assert client.post(f"{API}/agents", json=made).status_code == 201
    events = server.handle.runtime.events
    before = events.last_cursor
    accepted = run(client, None, capability=name)
    assert accepted.status_code == 202, accepted.text
    assert set(accepted.json()) == {"task_id", "conversation_id"}
    for price, outsider in enumerate(outsiders):
        (call,) = inbox(client, outsider)
        assert (call["performative"], call["protocol"]) == ("cfp", "fipa-contract-net")
        assert call["conversation_id"] == accepted.json()["conversation_id"]
        assert call["content"] == {"size": 1000}
        assert call["reply_by"]
        answer(client, outsider, call, "propose", content={"price": price})
    (award,) = inbox(client, outsiders[0])
    assert (award["performative"], award["content"]) == ("accept-proposal", {"price": 0})
    (turned_down,) = inbox(client, outsiders[1])
    assert turned_down["performative"] == "reject-proposal"
    assert turned_down["content"] == {"reason": "another proposal was awarded"}
    answer(client, outsiders[0], award, "inform", content={"kind": "result", "value": 7})
    task = client.get(f"{API}/tasks/{accepted.json()['task_id']}", params={"wait_ms": 5000}).json()
    assert (task["outcome"], task["result"]) == ("result", {"kind": "result", "value": 7})
    awards = [event.data for event in events.since(before, wanted=parse_event_filter("conversation.*"))]
    told = [(one.conversation_id, one.outcome) for one in awards if isinstance(one, ConversationData)]
    assert told == [(task["conversation_id"], None), (task["conversation_id"], "result")]


def test_a_task_is_awarded_by_hand(client: httpx.Client, bidders: list[str]) -> None:
    task_id = run(client, None, participants=bidders, award="manual").json()["task_id"]
    dear = bidders[1]
    while client.get(f"{API}/tasks/{task_id}").json()["phase"] != "award":
        pass
    wrong = client.post(f"{API}/tasks/{task_id}/award", json={"winners": ["nobody"]})
    assert list(problems_of(wrong)) == ["winners[0]"]
    task = client.post(f"{API}/tasks/{task_id}/award", json={"winners": [dear]}).json()
    assert [winner["name"] for winner in task["winners"]] == [dear]
    done = client.get(f"{API}/tasks/{task_id}", params={"wait_ms": 5000}).json()
    assert done["result"]["price"] == 55
    late = client.post(f"{API}/tasks/{task_id}/award", json={"winners": [dear]})
    assert error_of(late, 409, "INVALID_STATE").details["state"] == "completed"


def test_a_task_is_cancelled_and_its_agents_confirm(client: httpx.Client, name: str) -> None:
    with bidder(client, name, work_ms="60000"):
        task_id = run(client, None, participants=[name]).json()["task_id"]
        while client.get(f"{API}/tasks/{task_id}").json()["phase"] != "reports":
            pass
        task = client.post(f"{API}/tasks/{task_id}/cancel").json()
        assert (task["state"], task["outcome"], task["unconfirmed"]) == ("completed", "cancelled", [])
        assert task["winners"][0]["state"] == "cancelled"
        again = client.post(f"{API}/tasks/{task_id}/cancel")
        error_of(again, 409, "INVALID_STATE")


def test_an_agent_that_traps_on_the_call_is_told_with_its_fault(client: httpx.Client, name: str) -> None:
    with deployed(client, "trap", name):
        task = run(client, participants=[name]).json()
        assert (task["state"], task["outcome"]) == ("completed", "no-proposals")
        (refused,) = task["refused"]
        assert (refused["name"], refused["performative"]) == (name, "failure")
        assert refused["content"]["error"]["kind"] == "trap"


def test_a_worker_that_is_deleted_ends_the_task(client: httpx.Client, name: str) -> None:
    with bidder(client, name, work_ms="60000"):
        task_id = run(client, None, participants=[name]).json()["task_id"]
        while client.get(f"{API}/tasks/{task_id}").json()["phase"] != "reports":
            pass
        client.delete(f"{API}/agents/{name}", params={"force": True})
        task = client.get(f"{API}/tasks/{task_id}", params={"wait_ms": 5000}).json()
        assert (task["state"], task["outcome"]) == ("failed", "participant-died")


def test_waiting_for_less_than_it_takes_answers_with_the_ids(client: httpx.Client, external: str) -> None:
    answered = run(client, 50, participants=[external])
    assert answered.status_code == 202
    task = client.get(f"{API}/tasks/{answered.json()['task_id']}", params={"wait_ms": 10}).json()
    assert (task["state"], task["phase"], task["outcome"]) == ("initiated", "proposals", None)


def test_the_same_key_runs_one_task(client: httpx.Client, external: str) -> None:
    body = {"task": 1, "award": LOWEST, "participants": [external]}
    first, second = (
        client.post(f"{API}/tasks", json=body, headers={"idempotency-key": f"key of {external}"})
        for _ in range(2)
    )
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(inbox(client, external)) == 1


def test_everything_that_is_wrong_is_told_at_once(client: httpx.Client) -> None:
    wrong = run(
        client,
        participants=["a"],
        capability="b",
        award={"rule": "lowest", "field": "a..b"},
        timeout_s=5,
    )
    assert set(problems_of(wrong)) == {"participants", "award.field", "timeout_s"}
    assert set(problems_of(run(client, participants=["a"], award="random", max_awards=0))) == {
        "award",
        "max_awards",
    }
    assert set(problems_of(run(client))) == {"participants"}
    missing = run(client, participants=["a-that-is-not-there"])
    error_of(missing, 404, "AGENT_NOT_FOUND")
    error_of(run(client, capability="nobody-can"), 404, "AGENT_NOT_FOUND")
    error_of(client.get(f"{API}/tasks/none"), 404, "NOT_FOUND")


def test_the_agent_of_the_service_belongs_to_the_server(client: httpx.Client, external: str) -> None:
    run(client, None, participants=[external])
    service = "caxton.tasks"
    assert client.get(f"{API}/agents/{service}").json()["kind"] == "external"
    error_of(client.delete(f"{API}/agents/{service}", params={"force": True}), 409, "INVALID_STATE")
    error_of(client.get(f"{API}/agents/{service}/inbox"), 409, "INVALID_STATE")
    forged = {"performative": "inform", "sender": service, "receiver": external, "content": 1}
    error_of(client.post(f"{API}/messages", json=forged), 403, "FORBIDDEN")
    asked = run(client, participants=[service])
    assert set(problems_of(asked)) == {"participants"}
    # What comes for it outside of a task is let go, so its mailbox does not fill.
    client.post(f"{API}/messages", json={"performative": "inform", "receiver": service, "content": 1})
    depth = client.get(f"{API}/agents/{service}").json()["usage"]["mailbox_depth"]
    assert depth == 0


def test_a_message_of_an_outsider_changes_nothing(client: httpx.Client, external: str, name: str) -> None:
    task_id = run(client, None, participants=[external]).json()["task_id"]
    (call,) = inbox(client, external)
    stranger = {
        "performative": "propose",
        "receiver": call["sender"],
        "conversation_id": call["conversation_id"],
        "content": {"price": 0},
    }
    client.post(f"{API}/messages", json=stranger)
    answer(client, external, call, "refuse")
    task = client.get(f"{API}/tasks/{task_id}", params={"wait_ms": 5000}).json()
    assert (task["outcome"], task["proposals"]) == ("no-proposals", [])


def test_whoever_waits_for_a_task_is_told_when_the_server_stops() -> None:
    with running() as server, server.client() as client:
        client.post(f"{API}/agents", json={"name": "mute", "kind": "external"})
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(run, client, 60_000, participants=["mute"])
            server.wait_for(lambda: server.waiting_count() == 1)
            server.stop()
            error_of(waiting.result(), 503, "UNAVAILABLE")


def test_content_is_passed_on_as_it_was_written(client: httpx.Client, external: str) -> None:
    task = '{"n": 1.10,\n "big": 123456789012345678901234567890}'
    text = f'{{"task": {task}, "award": "manual", "participants": ["{external}"]}}'
    sent = client.post(f"{API}/tasks", content=text, headers={"content-type": "application/json"})
    assert sent.status_code == 202, sent.text
    page = client.get(f"{API}/agents/{external}/inbox", params={"wait_ms": 5000}).text
    assert "1.10" in page
    assert "123456789012345678901234567890" in page
    assert json.loads(page)["messages"]
