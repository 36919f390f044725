"""One key, one answer."""

import asyncio
import threading

import httpx
import pytest

from caxton.api.answer import Answer
from caxton.api.errors import IdempotencyConflict
from caxton.api.idempotency import KEPT_NS, KEYS_MAX, IdempotencyStore
from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, message, problems_of

MESSAGES = f"{API}/messages"


def test_a_repeated_message_gets_the_same_answer_and_is_sent_once(
    client: httpx.Client, external: str
) -> None:
    key = {"idempotency-key": f"key-{external}"}
    first = client.post(MESSAGES, json=message(external), headers=key)
    second = client.post(MESSAGES, json=message(external), headers=key)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    page = client.get(f"{API}/agents/{external}/inbox", params={"wait_ms": 5000}).json()
    assert len(page["messages"]) == 1


def test_a_repeated_creation_makes_one_agent(client: httpx.Client, name: str) -> None:
    key = {"idempotency-key": f"create-{name}"}
    body = {"name": name, "kind": "external"}
    first = client.post(f"{API}/agents", json=body, headers=key)
    second = client.post(f"{API}/agents", json=body, headers=key)
    assert first.status_code == second.status_code == 201
    assert first.json()["agent_id"] == second.json()["agent_id"]
    client.delete(f"{API}/agents/{name}", params={"force": True})


def test_a_key_for_something_else_is_a_conflict(client: httpx.Client, external: str) -> None:
    key = {"idempotency-key": f"once-{external}"}
    assert client.post(MESSAGES, json=message(external, 1), headers=key).status_code == 202
    error_of(client.post(MESSAGES, json=message(external, 2), headers=key), 409, "IDEMPOTENCY_CONFLICT")
    error_of(
        client.post(f"{MESSAGES}/validate", json=message(external, 1), headers=key),
        409,
        "IDEMPOTENCY_CONFLICT",
    )
    error_of(
        client.post(f"{MESSAGES}?wait_ms=1", json=message(external, 1), headers=key),
        409,
        "IDEMPOTENCY_CONFLICT",
    )


def test_keys_of_different_tokens_do_not_meet(
    server: LiveServer, client: httpx.Client, external: str
) -> None:
    made = client.post(f"{API}/tokens", json={"name": "other", "role": "developer"}).json()
    key = {"idempotency-key": f"mine-{external}"}
    with server.client(made["token"]) as other:
        first = client.post(MESSAGES, json=message(external), headers=key).json()
        second = other.post(MESSAGES, json=message(external), headers=key).json()
    assert first["message_id"] != second["message_id"]


def test_a_refusal_is_kept_too(client: httpx.Client, external: str) -> None:
    key = {"idempotency-key": f"bad-{external}"}
    first = client.post(MESSAGES, json=message("nobody-at-all"), headers=key)
    second = client.post(MESSAGES, json=message("nobody-at-all"), headers=key)
    assert first.status_code == second.status_code == 404
    assert first.json() == second.json(), "with the trace id of the first"


def test_a_repetition_waits_for_the_first(server: LiveServer, client: httpx.Client, name: str) -> None:
    with deployed(client, "silent", name):
        answers: list[httpx.Response] = []

        def send() -> None:
            with server.client() as other:
                key = {"idempotency-key": f"wait-{name}"}
                answers.append(other.post(f"{MESSAGES}?wait_ms=300", json=message(name), headers=key))

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert [answer.status_code for answer in answers] == [504] * 3
        assert len({answer.text for answer in answers}) == 1
        assert client.get(f"{API}/agents/{name}").json()["usage"]["messages_handled"] == 1


def test_a_key_that_is_none_is_refused(client: httpx.Client, external: str) -> None:
    for bad in (b"", b"x" * 256, b"\xc3\xa9"):
        answer = client.post(MESSAGES, json=message(external), headers={b"idempotency-key": bad})
        assert "Idempotency-Key" in problems_of(answer)
    batch = client.post(f"{MESSAGES}/batch", content=b"", headers={"idempotency-key": "a"})
    assert "Idempotency-Key" in problems_of(batch)


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1

    def __call__(self) -> int:
        return self.now_ns


async def answering(number: int, status: int = 200) -> Answer:
    return Answer(status, b"%d" % number)


@pytest.mark.anyio
async def test_an_answer_is_forgotten_after_a_day() -> None:
    clock = Clock()
    store = IdempotencyStore(clock)
    first = await store.once("me", "key", b"print", lambda: answering(1))
    clock.now_ns += KEPT_NS - 1
    assert (await store.once("me", "key", b"print", lambda: answering(2))).body == first.body
    clock.now_ns += 1
    assert (await store.once("me", "key", b"print", lambda: answering(3))).body == b"3"


@pytest.mark.anyio
async def test_the_oldest_answers_give_way_when_there_are_too_many() -> None:
    store = IdempotencyStore(Clock())
    for number in range(KEYS_MAX + 10):
        await store.once("me", str(number), b"", lambda number=number: answering(number))
    assert len(store) == KEYS_MAX
    assert (await store.once("me", "9", b"", lambda: answering(-1))).body == b"-1"
    assert (await store.once("me", str(KEYS_MAX), b"", lambda: answering(-1))).body == b"%d" % KEYS_MAX


@pytest.mark.anyio
@pytest.mark.parametrize("status", [401, 429, 503])
async def test_what_says_nothing_of_the_outcome_is_not_kept(status: int) -> None:
    store = IdempotencyStore(Clock())
    await store.once("me", "key", b"", lambda: answering(1, status))
    assert len(store) == 0
    assert (await store.once("me", "key", b"", lambda: answering(2))).body == b"2"


@pytest.mark.anyio
async def test_a_failed_request_leaves_its_key_free_and_tells_those_who_wait() -> None:
    store = IdempotencyStore(Clock())
    gate = asyncio.Event()

    async def fail() -> Answer:
        await gate.wait()
        raise IdempotencyConflict("as good as any error")

    first = asyncio.ensure_future(store.once("me", "key", b"", fail))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(store.once("me", "key", b"", fail))
    await asyncio.sleep(0)
    gate.set()
    for waiting in (first, second):
        with pytest.raises(IdempotencyConflict):
            await waiting
    assert len(store) == 0
