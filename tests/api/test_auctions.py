"""Auctions run by the server: real agents in sandboxes, external ones, over HTTP."""

import base64
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

import tests.tasks
from tests.api.live import API, error_of, problems_of
from tests.api.test_tasks import answer, inbox
from tests.sdk.built import built

BIDDER = Path(tests.tasks.__path__[0]) / "agents" / "auction_bidder.c"


@contextmanager
def buyer(client: httpx.Client, name: str, limit: int) -> Generator[str]:
    """Deploy a bidder with a limit."""
    module = base64.b64encode(built(BIDDER)).decode()
    made = client.post(
        f"{API}/agents", json={"name": name, "module": module, "config": {"limit": str(limit)}}
    )
    assert made.status_code == 201, made.text
    try:
        yield name
    finally:
        client.delete(f"{API}/agents/{name}", params={"force": True})


def run(client: httpx.Client, wait_ms: int | None = 20_000, **fields: object) -> httpx.Response:
    body = {"kind": "english", "item": {"lot": 1}, "start_price": 10, "step": 1, "round_s": 0.2, **fields}
    params = {} if wait_ms is None else {"wait_ms": wait_ms}
    return client.post(f"{API}/auctions", json=body, params=params)


def test_sandboxed_agents_bid_until_one_is_left(client: httpx.Client, name: str) -> None:
    with buyer(client, f"{name}-a", 14) as a, buyer(client, f"{name}-b", 20) as b:
        done = run(client, participants=[a, b])
        assert done.status_code == 200, done.text
        auction = done.json()
        assert (auction["state"], auction["outcome"]) == ("completed", "sold")
        # Whose bid is the first depends on the workers; then they take turns.
        leaders = [row["name"] for row in auction["bids"] if row["status"] == "accepted"]
        assert auction["result"]["winner"]["name"] == leaders[-1] == b
        assert auction["result"]["price"] == (14 if leaders[0] == b else 15)
        assert all(leaders[place] != leaders[place + 1] for place in range(len(leaders) - 1))
        assert client.get(f"{API}/auctions/{auction['auction_id']}").json() == auction
        assert "reserve_price" not in auction


def test_a_dutch_auction_sells_at_the_first_price_that_somebody_takes(
    client: httpx.Client, name: str
) -> None:
    with buyer(client, f"{name}-a", 7) as a, buyer(client, f"{name}-b", 5) as b:
        auction = run(client, kind="dutch", reserve_price=3, round_s=0.05, participants=[a, b]).json()
        assert auction["outcome"] == "sold"
        assert (auction["result"]["price"], auction["result"]["winner"]["name"]) == (7, a)
        assert auction["result"]["rounds"] == 4


def test_an_external_agent_takes_part(client: httpx.Client, external: str) -> None:
    accepted = run(client, None, participants=[external], round_s=20)
    assert accepted.status_code == 202
    messages = inbox(client, external)
    if len(messages) == 1:
        messages += inbox(client, external)
    start, call = messages
    assert (start["performative"], start["content_kind"]) == ("inform", "start")
    assert start["content"]["item"] == {"lot": 1}
    assert (call["performative"], call["protocol"]) == ("cfp", "fipa-auction-english")
    assert (call["content"]["price"], call["content"]["round"]) == (10, 1)
    answer(client, external, call, "propose", content={"price": 12})
    told = inbox(client, external)
    while len(told) < 3:
        told += inbox(client, external)
    assert [each["performative"] for each in told] == ["accept-proposal", "inform", "request"]
    assert (told[1]["content_kind"], told[1]["content"]["result"]) == ("end", "sold")
    assert told[2]["content"] == {"item": {"lot": 1}, "price": 12}
    path = f"{API}/auctions/{accepted.json()['auction_id']}"
    assert client.get(path, params={"wait_ms": 5000}).json()["result"]["price"] == 12


def test_an_auction_is_cancelled(client: httpx.Client, name: str) -> None:
    with buyer(client, name, 0) as buying:
        auction_id = run(client, None, participants=[buying], round_s=60).json()["auction_id"]
        auction = client.post(f"{API}/auctions/{auction_id}/cancel").json()
        assert (auction["outcome"], auction["unconfirmed"]) == ("cancelled", [])
        error_of(client.post(f"{API}/auctions/{auction_id}/cancel"), 409, "INVALID_STATE")


def test_everything_that_is_wrong_is_told_at_once(client: httpx.Client) -> None:
    assert set(problems_of(run(client, step=0))) == {"participants", "step"}
    assert set(problems_of(run(client, kind="dutch", participants=["a"]))) == {"reserve_price"}
    error_of(run(client, participants=["a-that-is-not-there"]), 404, "AGENT_NOT_FOUND")
    error_of(client.get(f"{API}/auctions/none"), 404, "NOT_FOUND")
