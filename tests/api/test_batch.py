"""Many messages in one request."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import API, TOKEN, LiveServer, message_line, read_answer

BATCH = f"{API}/messages/batch"
KIND = {"content-type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def sink(server: LiveServer) -> Iterator[str]:
    """Make an agent with room for all that these tests send."""
    body = {"name": "sink", "kind": "external", "limits": {"mailbox_max": 200_000}}
    with server.client() as client:
        assert client.post(f"{API}/agents", json=body).status_code == 201
        yield "sink"
        client.delete(f"{API}/agents/sink", params={"force": True})


def test_results_come_one_a_line_and_in_order(client: httpx.Client, sink: str) -> None:
    lines = [message_line(sink, number, conversation_id=f"c-{number}") for number in range(700)]
    answer = client.post(BATCH, content=b"\n".join(lines) + b"\n", headers=KIND)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [result["conversation_id"] for result in results] == [f"c-{number}" for number in range(700)]
    assert all(result["status"] == "accepted" for result in results)
    assert len({result["message_id"] for result in results}) == 700


def test_one_bad_line_spoils_no_other(client: httpx.Client, sink: str) -> None:
    good = message_line(sink)
    lines = [
        (good, None),
        (b"{broken", "INVALID_MESSAGE"),
        (good, None),
        (message_line("nobody-at-all"), "AGENT_NOT_FOUND"),
        (message_line(sink, delivery="exactly_once"), "INVALID_REQUEST"),
        (b'{"performative":"inform","receiver":"x","content":"\xff"}', "INVALID_MESSAGE"),
        (
            b'{"performative":"inform","receiver":"x","content":"' + b"y" * 1_200_000 + b'"}',
            "MESSAGE_TOO_LARGE",
        ),
        (good, None),
    ]
    answer = client.post(BATCH, content=b"\n".join(line for line, _ in lines), headers=KIND)
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert len(results) == len(lines)
    for result, (_, code) in zip(results, lines, strict=True):
        if code is None:
            assert result["status"] == "accepted"
        else:
            assert result["error"]["code"] == code, result
            assert set(result["error"]) == {"code", "message", "details", "hint", "trace_id"}


def test_blank_lines_are_passed_over_and_an_empty_batch_is_answered_with_nothing(
    client: httpx.Client,
    sink: str,
) -> None:
    good = message_line(sink)
    answer = client.post(BATCH, content=b"\n\n" + good + b"\r\n\n  \n" + good, headers=KIND)
    assert len(answer.text.splitlines()) == 2
    empty = client.post(BATCH, content=b"", headers=KIND)
    assert empty.status_code == 200
    assert empty.content == b""


def test_results_come_while_the_caller_is_still_sending(
    server: LiveServer, client: httpx.Client, sink: str
) -> None:
    line = message_line(sink)
    with server.connect() as connection:
        connection.sendall(_head())
        connection.sendall(_chunk(line + b"\n"))
        seen = _until(connection, b'"accepted"}\n', b"")
        # A line in two pieces is one line.
        connection.sendall(_chunk(line[:20]))
        connection.sendall(_chunk(line[20:] + b"\n"))
        seen = _until(connection, b'"accepted"}\n', seen.partition(b'"accepted"}\n')[2])
        connection.sendall(b"0\r\n\r\n")
        _until(connection, b"0\r\n\r\n", seen)


def test_a_line_without_end_is_refused_without_being_kept(
    server: LiveServer, client: httpx.Client, sink: str
) -> None:
    good = message_line(sink)
    with server.connect() as connection:
        connection.sendall(_head())
        for _ in range(40):
            connection.sendall(_chunk(b"x" * 65536))
        connection.sendall(_chunk(b"\n" + good + b"\n") + b"0\r\n\r\n")
        results = [json.loads(line) for line in read_answer(connection).body.splitlines()]
    assert [result.get("status") for result in results] == [None, "accepted"]
    assert results[0]["error"]["code"] == "MESSAGE_TOO_LARGE"


def test_a_caller_that_reads_only_after_it_has_sent_everything_is_served(
    server: LiveServer, client: httpx.Client, sink: str
) -> None:
    line = message_line(sink) + b"\n"
    body = line * 40_000
    # Small buffers, so that results cannot hide in the system's.
    with server.connect(receive_bytes=131_072) as connection:
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        answer = read_answer(connection)
    assert answer.body.count(b"\n") == 40_000
    assert answer.body.count(b'"accepted"') == 40_000


def test_a_batch_holds_the_loop_for_less_than_ten_milliseconds_at_a_time(
    server: LiveServer, client: httpx.Client, sink: str
) -> None:
    body = (message_line(sink) + b"\n") * 20_000
    server.ask(_start_watching(server))
    answer = client.post(BATCH, content=body, headers=KIND)
    turns = server.ask(_stop_watching(server))
    assert answer.text.count("\n") == 20_000
    # A claim about the server, not about this machine: the median turn, which other processes do not stretch.
    turns.sort()
    assert turns[len(turns) // 2] < 0.010, turns[-10:]


_watched: dict[LiveServer, tuple[list[float], list[bool]]] = {}


async def _start_watching(server: LiveServer) -> None:
    turns: list[float] = []
    goes_on = [True]
    _watched[server] = (turns, goes_on)
    loop = server.loop
    last = [loop.time()]

    def turn() -> None:
        now = loop.time()
        turns.append(now - last[0])
        last[0] = now
        if goes_on[0]:
            loop.call_soon(turn)

    loop.call_soon(turn)


async def _stop_watching(server: LiveServer) -> list[float]:
    turns, goes_on = _watched.pop(server)
    goes_on[0] = False
    # Idle turns are over in microseconds and say nothing.
    return [turn for turn in turns if turn > 0.0002]


def test_a_caller_that_leaves_in_the_middle_leaves_nothing_behind(
    server: LiveServer, client: httpx.Client, sink: str
) -> None:
    line = message_line(sink) + b"\n"
    before = server.tasks_count()
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(_head() + _chunk(line * 50))
    server.wait_for_tasks(before)
    server.wait_for(lambda: server.handle.service.room.bytes_held == 0)


def _head() -> bytes:
    return (
        f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _until(connection: socket.socket, wanted: bytes, seen: bytes) -> bytes:
    while wanted not in seen:
        piece = connection.recv(65536)
        assert piece, seen
        seen += piece
    return seen
