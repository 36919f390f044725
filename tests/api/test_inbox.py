"""The inbox of an external agent."""

import json
import socket
import struct
import threading

import httpx

from tests.api.deployed import deployed
from tests.api.live import API, LiveServer, error_of, message, problems_of, read_answer, request


def test_messages_stay_until_they_are_acknowledged(client: httpx.Client, external: str) -> None:
    path = f"{API}/agents/{external}/inbox"
    for number in range(5):
        client.post(f"{API}/messages", json=message(external, number))
    first = client.get(path, params={"wait_ms": 5000, "max": 2}).json()
    assert [one["content"] for one in first["messages"]] == [0, 1]
    again = client.get(path, params={"max": 2}).json()
    assert again == first
    acknowledged = client.post(f"{path}/ack", json={"cursor": first["cursor"]})
    assert acknowledged.status_code == 200
    assert acknowledged.json() == {"acknowledged": 2}
    assert client.post(f"{path}/ack", json={"cursor": first["cursor"]}).json() == {"acknowledged": 0}
    rest = client.get(path).json()
    assert [one["content"] for one in rest["messages"]] == [2, 3, 4]


def test_a_reader_waits_for_the_first_message(
    server: LiveServer, client: httpx.Client, external: str
) -> None:
    path = f"{API}/agents/{external}/inbox"
    pages: list[dict[str, list[dict[str, object]]]] = []

    def read() -> None:
        with server.client() as reader:
            pages.append(reader.get(path, params={"wait_ms": 15000}).json())

    waiting = threading.Thread(target=read)
    waiting.start()
    client.post(f"{API}/messages", json=message(external, "now"))
    waiting.join(20)
    assert not waiting.is_alive()
    assert [one["content"] for one in pages[0]["messages"]] == ["now"]


def test_a_wait_without_message_ends_in_an_empty_page(client: httpx.Client, external: str) -> None:
    page = client.get(f"{API}/agents/{external}/inbox", params={"wait_ms": 20}).json()
    assert page["messages"] == []
    assert page["cursor"]


def test_a_reader_that_has_closed_its_half_is_answered_at_once(
    server: LiveServer, client: httpx.Client, external: str
) -> None:
    with server.connect() as connection:
        connection.sendall(request("GET", f"{API}/agents/{external}/inbox?wait_ms=60000"))
        server.wait_for(lambda: server.waiting_count() == 1)
        connection.shutdown(socket.SHUT_WR)
        answer = read_answer(connection)
    assert answer.status == 200
    assert json.loads(answer.body)["messages"] == []


def test_a_foreign_cursor_is_refused(client: httpx.Client, external: str) -> None:
    path = f"{API}/agents/{external}/inbox/ack"
    for cursor in ("", "nonsense", "00000000-1", "-1"):
        assert "cursor" in problems_of(client.post(path, json={"cursor": cursor}))
    assert "cursor" in problems_of(client.post(path, json={}))


def test_an_agent_with_a_module_has_no_inbox(client: httpx.Client, name: str) -> None:
    with deployed(client, "echo", name):
        error_of(client.get(f"{API}/agents/{name}/inbox"), 409, "INVALID_STATE")
    error_of(client.get(f"{API}/agents/{name}/inbox"), 404, "AGENT_NOT_FOUND")


def test_a_reader_that_leaves_is_forgotten(server: LiveServer, client: httpx.Client, external: str) -> None:
    before = server.tasks_count()
    with server.connect() as connection:
        connection.sendall(
            f"GET {API}/agents/{external}/inbox?wait_ms=60000 HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Bearer root-token-of-the-tests\r\n\r\n".encode()
        )
        server.wait_for(lambda: server.waiting_count() == 1)
        # The connection is reset, not closed.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_for(lambda: server.waiting_count() == 0)
    server.wait_for_tasks(before)
