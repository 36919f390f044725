"""Connections that behave badly, or only unusually: each gets a word, none leaves anything behind."""

import json
import socket
import threading

import httpx
import pytest

from caxton.api.service import ServiceBounds
from caxton.api.wire import WireBounds
from tests.api.live import API, TOKEN, LiveServer, message_line, read_answer, request, running

AUTH = f"Authorization: Bearer {TOKEN}\r\n"
SYSTEM = request("GET", f"{API}/system")


def is_closed(connection: socket.socket) -> bool:
    """Wait for the end of the connection; True for a clean one."""
    try:
        return connection.recv(65536) == b""
    except ConnectionResetError:
        return False


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so(server: LiveServer, text: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(text)
        answer = read_answer(connection)
        answer.error(400, "INVALID_REQUEST")
        assert answer.headers["connection"] == "close"
        assert is_closed(connection)


def test_chunks_that_are_none_are_told_so(server: LiveServer) -> None:
    head = f"POST {API}/messages HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n".encode()
    with server.connect() as connection:
        connection.sendall(head + b"5\r\nhello\r\nZZ\r\n")
        read_answer(connection).error(400, "INVALID_REQUEST")
        assert is_closed(connection)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5_000 + b"\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health?" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_head_above_the_bound_is_refused(server: LiveServer, head: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(head)
        error = read_answer(connection).error(431, "HEADERS_TOO_LARGE")
        assert error.details == {"header_bytes_max": 16384}
        assert is_closed(connection)


def test_a_header_that_never_ends_is_refused_while_it_comes(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nA: ")
        stop = threading.Event()

        def feed() -> None:
            try:
                while not stop.is_set():
                    connection.sendall(b"x" * 1000)
            except OSError:
                return

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            read_answer(connection).error(431, "HEADERS_TOO_LARGE")
        finally:
            stop.set()
            feeder.join()


def test_a_head_just_below_the_bound_is_served(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 16_300 + b"\r\n\r\n")
        assert read_answer(connection).status == 200


def test_a_request_in_single_bytes_is_a_request(server: LiveServer) -> None:
    with server.connect() as connection:
        for byte in SYSTEM:
            connection.sendall(bytes([byte]))
        assert read_answer(connection).status == 200


def test_a_chunked_body_is_a_body(server: LiveServer, external: str) -> None:
    body = message_line(external)
    head = f"POST {API}/messages HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n".encode()
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(head)
            for start in range(0, len(body), 7):
                piece = body[start : start + 7]
                connection.sendall(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece))
            connection.sendall(b"0\r\nTrailer: x\r\n\r\n")
            assert read_answer(connection).status == 202


def test_pipelined_requests_are_answered_in_order(server: LiveServer) -> None:
    paths = ["/health", f"{API}/system", f"{API}/nothing", "/ready"]
    with server.connect() as connection:
        connection.sendall(b"".join(request("GET", path) for path in paths) * 50)
        rest = b""
        for _ in range(50):
            for status in (200, 200, 404, 200):
                answer = read_answer(connection, rest)
                assert answer.status == status
                rest = answer.rest
        assert rest == b""


def test_pipelining_without_end_is_held_back_by_reading_no_more(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.settimeout(2)
        wait = request("GET", f"{API}/agents/client.root/inbox?wait_ms=4000")
        with server.client() as client:
            client.post(f"{API}/messages", content=message_line("client.root"))
            page = client.get(f"{API}/agents/client.root/inbox?max=1000").json()
            while page["messages"]:
                client.post(f"{API}/agents/client.root/inbox/ack", json={"cursor": page["cursor"]})
                page = client.get(f"{API}/agents/client.root/inbox?max=1000").json()
        connection.sendall(wait)
        # The system's buffers take some of it; then the server's silence is felt.
        with pytest.raises(TimeoutError):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000_000)
    server.wait_for(lambda: server.waiting_count() == 0)


def test_garbage_after_a_good_request_does_not_cost_it_its_answer(server: LiveServer, external: str) -> None:
    with server.connect() as connection:
        connection.sendall(
            request("POST", f"{API}/messages", message_line(external)) + b"\x00garbage\r\n\r\n"
        )
        assert read_answer(connection).status == 202
        assert is_closed(connection)


def test_a_half_closed_caller_still_gets_its_answer(server: LiveServer, external: str) -> None:
    with server.connect() as connection:
        connection.sendall(request("POST", f"{API}/messages?wait_ms=100", message_line(external)))
        connection.shutdown(socket.SHUT_WR)
        read_answer(connection).error(504, "DEADLINE_EXCEEDED")
        assert is_closed(connection)


@pytest.mark.parametrize(
    "part", [b"GET /hea", SYSTEM[:-2], request("POST", f"{API}/messages", b'{"performative":"inform"}')[:-5]]
)
def test_a_caller_that_closes_inside_a_request_is_told_so(server: LiveServer, part: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        read_answer(connection).error(400, "INVALID_REQUEST")
        assert is_closed(connection)


def test_a_caller_that_closes_without_a_request_is_just_closed(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.shutdown(socket.SHUT_WR)
        assert is_closed(connection)


def test_an_early_answer_reaches_a_caller_that_is_still_sending(server: LiveServer) -> None:
    size = 50_000_000
    for wish in ("", "Connection: close\r\n"):
        with server.connect() as connection:
            head = f"POST {API}/messages HTTP/1.1\r\nHost: x\r\n{AUTH}{wish}Content-Length: {size}\r\n\r\n"
            connection.sendall(head.encode())
            for _ in range(size // 1_000_000):
                try:
                    connection.sendall(b"x" * 1_000_000)
                except OSError:
                    break
            read_answer(connection).error(413, "MESSAGE_TOO_LARGE")


def test_a_connection_goes_on_after_an_early_answer(server: LiveServer) -> None:
    with server.connect() as connection:
        body = b"x" * 3_000_000
        connection.sendall(request("POST", f"{API}/messages", body, token=None) + SYSTEM)
        answer = read_answer(connection)
        answer.error(401, "UNAUTHORIZED")
        assert read_answer(connection, answer.rest).status == 200


def test_a_body_above_the_bound_of_modules_is_refused_before_it_is_sent(server: LiveServer) -> None:
    with server.connect() as connection:
        head = f"POST {API}/agents HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: 33554433\r\n\r\n"
        connection.sendall(head.encode())
        error = read_answer(connection).error(413, "MESSAGE_TOO_LARGE")
        assert error.details["message_bytes_max"] == 32 * 1024 * 1024


def test_a_caller_that_asks_first_is_told_to_go_on(server: LiveServer, external: str) -> None:
    with server.connect() as connection:
        body = message_line(external)
        head = request("POST", f"{API}/messages", body, "Expect: 100-continue")[: -len(body)]
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection).status == 202


def test_an_old_http_version_is_served_and_closed(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        answer = read_answer(connection)
        assert answer.status == 200
        assert is_closed(connection)


def test_another_protocol_is_not_spoken_but_the_request_is_served(server: LiveServer) -> None:
    upgrade = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
        assert read_answer(connection).status == 200
        connection.sendall(SYSTEM)
        assert read_answer(connection).status == 200
    with server.connect() as connection:
        connection.sendall(b"POST /health HTTP/1.1\r\nHost: x\r\n" + upgrade + b"Content-Length: 2\r\n\r\n{}")
        read_answer(connection).error(400, "INVALID_REQUEST")


def test_methods_that_no_path_knows_are_refused_with_those_that_it_does(client: httpx.Client) -> None:
    for method in ("PATCH", "OPTIONS", "TRACE", "PROPFIND", "DELETE"):
        answer = client.request(method, f"{API}/messages")
        assert answer.status_code == 405
        assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
        assert answer.headers["allow"] == "POST"
    answer = client.put(f"{API}/agents")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    head = client.head(f"{API}/agents")
    assert head.status_code == 200
    assert head.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/agents/",
        "/api/v1//agents",
        "/api/v1/agents/a/b/c/d",
        "/api/v2/agents",
    ],
)
def test_paths_that_do_not_exist_are_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"


def test_paths_of_later_versions_do_not_exist(client: httpx.Client) -> None:
    for path in ("deployments", "events", "tools", "dead-letters"):
        answer = client.get(f"{API}/{path}")
        assert answer.status_code == 404, path
        assert answer.json()["error"]["code"] == "NOT_FOUND"
        assert set(answer.json()["error"]["details"]) == {"path", "suggestions"}


def test_the_trace_of_a_caller_is_kept(client: httpx.Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    good = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert client.get("/nothing", headers=good).json()["error"]["trace_id"] == trace
    for bad in (f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{trace}-00f067aa0ba902b7-01", trace, ""):
        other = client.get("/nothing", headers={"traceparent": bad}).json()["error"]["trace_id"]
        assert other != trace
        assert len(other) == 32


def test_metrics_count_requests_by_route(server: LiveServer, client: httpx.Client) -> None:
    client.get(f"{API}/agents/no-such-agent")
    client.get("/no/such/path")
    text = httpx.get(server.handle.metrics_url, trust_env=False).text
    assert 'caxton_http_requests_total{method="GET",route="/api/v1/agents/{agent}",status="404"}' in text
    assert 'caxton_http_requests_total{method="GET",route="none",status="404"}' in text
    assert 'caxton_http_request_duration_seconds_count{route="/api/v1/agents/{agent}"}' in text
    assert "no-such-agent" not in text
    assert "/no/such/path" not in text


HASTY = ServiceBounds(wire=WireBounds(request_s_max=0.3, idle_s_max=0.6, linger_s=0.4, connections_max=20))


@pytest.fixture(scope="module")
def hasty() -> object:
    """Start a server that waits for nobody."""
    with running(HASTY) as started:
        yield started


@pytest.mark.parametrize(
    "part", [b"G", SYSTEM[:-2], request("POST", f"{API}/messages", b'{"performative":"inform"}')[:-5]]
)
def test_a_slow_sender_is_told_that_its_time_is_over(hasty: LiveServer, part: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(part)
        answer = read_answer(connection)
        answer.error(408, "REQUEST_TIMEOUT")
        assert answer.headers["connection"] == "close"
        assert is_closed(connection)


def test_a_sender_that_drips_is_told_so_too(hasty: LiveServer) -> None:
    with hasty.connect() as connection:
        connection.settimeout(0.05)
        seen = b""
        body = b'{"performative":"inform","receiver":"' + b"x" * 4000
        connection.sendall(request("POST", f"{API}/messages", body + b'"}')[: -len(body) - 2])
        for byte in body:
            try:
                connection.sendall(bytes([byte]))
                seen += connection.recv(1000)
                break
            except TimeoutError:
                continue
        connection.settimeout(5)
        read_answer(connection, seen).error(408, "REQUEST_TIMEOUT")


def test_waiting_for_an_answer_is_not_being_slow(hasty: LiveServer) -> None:
    with hasty.client() as client:
        client.post(f"{API}/agents", json={"name": "waiter", "kind": "external"})
        answer = client.get(f"{API}/agents/waiter/inbox", params={"wait_ms": 1200})
        assert answer.status_code == 200


def test_an_idle_connection_is_closed_after_a_while(hasty: LiveServer) -> None:
    with hasty.connect() as fresh, hasty.connect() as used:
        used.sendall(SYSTEM)
        assert read_answer(used).status == 200
        assert is_closed(fresh)
        assert is_closed(used)


def test_one_connection_too_many_is_told_so(hasty: LiveServer) -> None:
    hasty.wait_for(lambda: hasty.connections_count() == 0)
    opened = [hasty.connect() for _ in range(20)]
    try:
        for connection in opened:
            connection.sendall(request("GET", f"{API}/agents/waiter/inbox?wait_ms=20000"))
        hasty.wait_for(lambda: hasty.waiting_count() == 20)
        for early in (False, True):
            with hasty.connect() as extra:
                if early:
                    extra.sendall(SYSTEM)
                answer = read_answer(extra)
                answer.error(503, "UNAVAILABLE")
                assert int(answer.headers["retry-after"]) >= 1
                assert is_closed(extra)
    finally:
        for connection in opened:
            connection.close()
    hasty.wait_for(lambda: hasty.connections_count() == 0)
    with hasty.client() as client:
        assert client.get("/health").status_code == 200


def test_a_body_that_was_refused_early_may_not_go_on_for_ever(hasty: LiveServer) -> None:
    with hasty.connect() as connection:
        connection.sendall(request("POST", f"{API}/messages", b"x" * 10, token=None)[:-5])
        read_answer(connection).error(401, "UNAUTHORIZED")
        assert is_closed(connection)


def test_a_caller_that_does_not_read_is_let_go(hasty: LiveServer) -> None:
    with hasty.client() as client:
        client.post(f"{API}/messages", content=message_line("client.root"))
    with hasty.connect(receive_bytes=4096) as connection:
        line = (
            json.dumps({"performative": "inform", "receiver": "client.root", "content": 1}).encode() + b"\n"
        )
        with pytest.raises(ConnectionError):
            connection.sendall(request("POST", f"{API}/messages/batch", line * 400_000))
    hasty.wait_for(lambda: hasty.connections_count() == 0)
    hasty.wait_for(lambda: hasty.handle.service.room.bytes_held == 0)
