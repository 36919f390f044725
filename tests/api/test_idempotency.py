"""One key, one answer."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from caxton.api.answer import Answer
from caxton.api.errors import IdempotencyConflict
from caxton.api.idempotency import KEPT_NS, KEYS_MAX, IdempotencyStore
from caxton.storage.store import Store
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


@pytest.fixture
async def store(tmp_path: Path, anyio_backend: object) -> AsyncGenerator[Store]:
    made = Store.open(tmp_path / "caxton.db", durability="normal", group_commit_ms=0)
    made.start()
    yield made
    await asyncio.to_thread(made.close, 10.0)


async def answering(number: int, status: int = 200) -> Answer:
    return Answer(status, b"%d" % number)


@pytest.mark.anyio
async def test_an_answer_is_forgotten_after_a_day(store: Store) -> None:
    clock = Clock()
    answers = IdempotencyStore(clock, store)
    first = await answers.once("me", "key", b"print", lambda: answering(1))
    clock.now_ns += KEPT_NS - 1
    assert (await answers.once("me", "key", b"print", lambda: answering(2))).body == first.body
    clock.now_ns += 1
    assert (await answers.once("me", "key", b"print", lambda: answering(3))).body == b"3"


@pytest.mark.anyio
async def test_the_oldest_answers_give_way_when_there_are_too_many(store: Store) -> None:
    answers = IdempotencyStore(Clock(), store)
    for number in range(KEYS_MAX + 10):
        await answers.once("me", str(number), b"", lambda number=number: answering(number))
    assert len(answers) == KEYS_MAX
    assert (await answers.once("me", "9", b"", lambda: answering(-1))).body == b"-1"
    assert (await answers.once("me", str(KEYS_MAX), b"", lambda: answering(-1))).body == b"%d" % KEYS_MAX


@pytest.mark.anyio
@pytest.mark.parametrize("status", [401, 429, 503, 507])
async def test_what_says_nothing_of_the_outcome_is_not_kept(store: Store, status: int) -> None:
    answers = IdempotencyStore(Clock(), store)
    await answers.once("me", "key", b"", lambda: answering(1, status))
    assert len(answers) == 0
    assert (await answers.once("me", "key", b"", lambda: answering(2))).body == b"2"


@pytest.mark.anyio
async def test_a_failed_request_leaves_its_key_free_and_tells_those_who_wait(store: Store) -> None:
    answers = IdempotencyStore(Clock(), store)
    gate = asyncio.Event()

    async def fail() -> Answer:
        await gate.wait()
        raise IdempotencyConflict("as good as any error")

    first = asyncio.ensure_future(answers.once("me", "key", b"", fail))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(answers.once("me", "key", b"", fail))
    await asyncio.sleep(0)
    gate.set()
    for waiting in (first, second):
        with pytest.raises(IdempotencyConflict):
            await waiting
    assert len(answers) == 0


@pytest.mark.anyio
async def test_answers_outlive_the_process_unless_they_are_secret(store: Store) -> None:
    clock = Clock()

    async def full() -> Answer:
        return Answer(201, b"\x00body", b"text/plain", ((b"location", b"/x"),))

    answers = IdempotencyStore(clock, store)
    await answers.once("me", "a key", b"print", full)
    await answers.once("me", "token", b"", lambda: answering(1), secret=True)
    await answers.once("me", "none", b"", no_content)
    clock.now_ns += KEPT_NS - 1
    again = IdempotencyStore(clock, store)
    await again.load()
    found = await again.once("me", "a key", b"print", lambda: answering(2))
    assert (found.status, found.body, found.content_type) == (201, b"\x00body", b"text/plain")
    assert found.headers == ((b"location", b"/x"), (b"idempotency-replayed", b"true"))
    assert (await again.once("me", "none", b"", lambda: answering(3))).content_type is None
    assert (await again.once("me", "token", b"", lambda: answering(4), secret=True)).body == b"4"
    with pytest.raises(IdempotencyConflict):
        await again.once("me", "a key", b"another", full)
    clock.now_ns += 2
    later = IdempotencyStore(clock, store)
    await later.load()
    assert len(later) == 0


async def no_content() -> Answer:
    return Answer(204, b"", None)


@pytest.mark.anyio
async def test_an_answer_that_gave_way_does_not_come_back(store: Store) -> None:
    answers = IdempotencyStore(Clock(), store)
    for number in range(KEYS_MAX + 2):
        await answers.once("me", str(number), b"", lambda number=number: answering(number), secret=number > 3)
    await answers.once("me", "last", b"", lambda: answering(1))
    again = IdempotencyStore(Clock(), store)
    await again.load()
    assert len(again) == 2, "the third and the last; all others were not written down or gave way"
