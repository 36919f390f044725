"""The stream of an external agent."""

import json
import uuid
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.api.deployed import deployed
from tests.api.live import API, TOKEN, ErrorBody, LiveServer, message, read_answer


@contextmanager
def stream(
    server: LiveServer,
    agent: str,
    query: str = "",
    headers: dict[str, str] | None = None,
    subprotocols: list[Subprotocol] | None = None,
) -> Generator[ClientConnection]:
    shown = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
    url = f"ws://127.0.0.1:{server.port}{API}/agents/{agent}/stream{query}"
    with connect(url, additional_headers=shown, subprotocols=subprotocols, close_timeout=5) as opened:
        yield opened


def say(opened: ClientConnection, document: object) -> dict[str, object]:
    opened.send(document if isinstance(document, str) else json.dumps(document))
    return json.loads(opened.recv(10))


def test_a_stream_brings_messages_and_takes_them(server: LiveServer, client: httpx.Client, name: str) -> None:
    agent = f"{name}-ext"
    client.post(f"{API}/agents", json={"name": agent, "kind": "external"})
    with deployed(client, "echo", name) as echo, stream(server, agent) as opened:
        receipt = say(opened, {"performative": "request", "receiver": name, "content": {"n": 1}})
        assert receipt["type"] == "receipt"
        assert receipt["status"] == "accepted"
        arrived = json.loads(opened.recv(10))
        assert arrived["type"] == "message"
        assert arrived["message"]["sender"] == echo["agent_id"]
        assert arrived["message"]["in_reply_to"] == receipt["message_id"]
        acknowledged = say(opened, {"type": "ack", "cursor": arrived["cursor"]})
        assert acknowledged == {"type": "receipt", "acknowledged": 1}
        wrapped = say(opened, {"type": "send", "message": message(agent, "to myself")})
        frames = [wrapped, json.loads(opened.recv(10))]
        assert {frame["type"] for frame in frames} == {"receipt", "message"}
    client.delete(f"{API}/agents/{agent}", params={"force": True})


def test_every_bad_frame_is_answered_with_an_error_and_the_stream_goes_on(
    server: LiveServer, external: str
) -> None:
    with stream(server, external) as opened:
        cases: list[tuple[object, str]] = [
            ("{", "INVALID_MESSAGE"),
            ("[]", "INVALID_MESSAGE"),
            ("null", "INVALID_MESSAGE"),
            ({"performative": "shout", "receiver": external, "content": 1}, "INVALID_MESSAGE"),
            (message("nobody-here"), "AGENT_NOT_FOUND"),
            (message(external, delivery="exactly_once"), "INVALID_REQUEST"),
            ({"type": "sned", "message": {}}, "INVALID_REQUEST"),
            ({"type": "send"}, "INVALID_REQUEST"),
            ({"type": "ack"}, "INVALID_REQUEST"),
            ({"type": "ack", "cursor": "nonsense"}, "INVALID_REQUEST"),
        ]
        for frame, code in cases:
            answer = say(opened, frame)
            assert answer["type"] == "error", answer
            error = msgspec.convert(answer["error"], ErrorBody)
            assert error.code == code, answer
        opened.send(json.dumps(message(external)).encode())
        kinds = {json.loads(opened.recv(10))["type"], json.loads(opened.recv(10))["type"]}
        assert kinds == {"receipt", "message"}, "a binary frame is a frame"


def test_what_waits_is_brought_first_and_again_until_it_is_acknowledged(
    server: LiveServer, client: httpx.Client, external: str
) -> None:
    for number in range(3):
        client.post(f"{API}/messages", json=message(external, number))
    for _ in range(2):
        with stream(server, external) as opened:
            seen = [json.loads(opened.recv(10)) for _ in range(3)]
            assert [one["message"]["content"] for one in seen] == [0, 1, 2]
    with stream(server, external) as opened:
        seen = [json.loads(opened.recv(10)) for _ in range(3)]
        assert say(opened, {"type": "ack", "cursor": seen[1]["cursor"]})["acknowledged"] == 2
    with stream(server, external, "?ack=auto") as opened:
        assert json.loads(opened.recv(10))["message"]["content"] == 2
        server.wait_for(lambda: len(server.handle.runtime.inbox(external)) == 0)
    assert client.get(f"{API}/agents/{external}/inbox").json()["messages"] == []


def test_a_browser_brings_its_token_in_the_query_or_in_a_subprotocol(
    server: LiveServer, external: str
) -> None:
    with stream(server, external, f"?access_token={TOKEN}", headers={}) as opened:
        assert say(opened, {"type": "ack"})["type"] == "error"
    protocols = [Subprotocol("caxton.v1"), Subprotocol(f"bearer.{TOKEN}")]
    with stream(server, external, headers={}, subprotocols=protocols) as opened:
        assert opened.subprotocol == "caxton.v1"
        assert say(opened, {"type": "ack"})["type"] == "error"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/agents/{agent}/stream", {}, 401, "UNAUTHORIZED"),
        ("/agents/{agent}/stream", {"Authorization": "Bearer wrong"}, 401, "UNAUTHORIZED"),
        ("/agents/nobody/stream", {"Authorization": f"Bearer {TOKEN}"}, 404, "AGENT_NOT_FOUND"),
        ("/agents/{agent}/stream?ack=maybe", {"Authorization": f"Bearer {TOKEN}"}, 400, "INVALID_REQUEST"),
        ("/agents", {"Authorization": f"Bearer {TOKEN}"}, 405, "METHOD_NOT_ALLOWED"),
        ("/nothing", {"Authorization": f"Bearer {TOKEN}"}, 404, "NOT_FOUND"),
        (
            "/agents/{agent}/stream",
            {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"},
            403,
            "FORBIDDEN",
        ),
    ],
)
def test_a_stream_that_may_not_open_is_refused_with_an_error_document(
    server: LiveServer, external: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    url = f"ws://127.0.0.1:{server.port}{API}{path.format(agent=external)}"
    with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=headers):
        pass
    response = refused.value.response
    assert response.status_code == status
    assert json.loads(response.body or b"")["error"]["code"] == code


def test_an_agent_with_a_module_has_no_stream(server: LiveServer, client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name), pytest.raises(InvalidStatus) as refused, stream(server, name):
        pass
    assert refused.value.response.status_code == 409


def test_a_plain_request_is_told_to_use_a_websocket(client: httpx.Client, external: str) -> None:
    answer = client.get(f"{API}/agents/{external}/stream")
    assert answer.status_code == 426
    assert answer.json()["error"]["code"] == "UPGRADE_REQUIRED"
    assert answer.headers["upgrade"] == "websocket"


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
VERSION = "Sec-WebSocket-Version: 13"
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="


@pytest.mark.parametrize(
    "headers",
    [
        [*UPGRADE],
        [*UPGRADE, "Sec-WebSocket-Version: 8", KEY],
        [*UPGRADE, VERSION, "Sec-WebSocket-Key: short"],
        [*UPGRADE, VERSION, KEY, "X: " + "y" * 9000],
        [*UPGRADE, VERSION, KEY, *["A: b"] * 200],
        [*UPGRADE, VERSION, KEY, "Content-Length: 5"],
    ],
)
def test_a_broken_opening_request_is_answered_in_the_error_format(
    server: LiveServer, external: str, headers: list[str]
) -> None:
    with server.connect() as connection:
        lines = [
            f"GET {API}/agents/{external}/stream HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {TOKEN}",
            *headers,
        ]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        read_answer(connection).error(400, "INVALID_REQUEST")


def test_a_frame_above_the_bound_closes_the_stream_with_the_reason(server: LiveServer, external: str) -> None:
    with stream(server, external) as opened:
        opened.send("x" * 1_200_000)
        with pytest.raises(ConnectionClosed) as closed:
            opened.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_revoked_token_ends_its_stream(server: LiveServer, client: httpx.Client, name: str) -> None:
    made = client.post(f"{API}/tokens", json={"name": "listener", "role": "developer"}).json()
    with server.client(made["token"]) as other:
        other.post(f"{API}/agents", json={"name": name, "kind": "external"})
    headers = {"Authorization": f"Bearer {made['token']}"}
    with stream(server, name, headers=headers) as opened:
        assert say(opened, {"type": "ack"})["type"] == "error"
        client.delete(f"{API}/tokens/{made['token_id']}")
        client.post(f"{API}/messages", json=message(name))
        with pytest.raises(ConnectionClosed) as closed:
            opened.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    client.delete(f"{API}/agents/{name}", params={"force": True})


def test_a_stream_ends_with_its_agent_and_leaves_nothing_behind(
    server: LiveServer, client: httpx.Client, name: str
) -> None:
    before = server.tasks_count()
    client.post(f"{API}/agents", json={"name": name, "kind": "external"})
    with stream(server, name) as opened:
        assert client.delete(f"{API}/agents/{name}", params={"force": True}).status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            opened.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    server.wait_for_tasks(before)


def test_a_viewer_listens_to_nobody_and_an_agents_token_speaks_for_itself(
    server: LiveServer, client: httpx.Client
) -> None:
    made = client.post(f"{API}/tokens", json={"name": "robot", "role": "agent"}).json()
    with server.client(made["token"]) as other:
        sent = other.post(f"{API}/messages", json=message("client.root"))
        assert sent.status_code == 202, sent.text
    agent = f"client.{made['token_id']}"
    headers = {"Authorization": f"Bearer {made['token']}"}
    with stream(server, agent, headers=headers) as opened:
        text = str(uuid.uuid4())
        client.post(f"{API}/messages", json=message(agent, text))
        assert json.loads(opened.recv(10))["message"]["content"] == text
