"""The process: starts, says where it is, stops when it is told to."""

import json
import signal
import socket
import stat
import threading
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from caxton.server import STOP_S
from tests.api.live import API, error_of, read_answer, request, running
from tests.server_process import Served, served


def test_a_first_start_makes_a_token_that_only_its_owner_reads_and_says_where_it_is(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        url = server.address()
        path = tmp_path / "data" / "root.token"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert server.token().startswith("cxt_root_")
        with server.client(url) as client:
            assert client.get("/ready").json()["status"] == "ready"
            assert client.get(f"{API}/system").status_code == 200
        status, _, log = server.end()
        assert status == 0
        assert str(path) in log
        assert server.token() not in log
        before = server.token()
    with served(tmp_path) as server:
        server.address()
        assert server.token() == before, "a second start takes the same token"
        assert server.end(signal.SIGINT)[0] == 0


def test_the_environments_token_takes_the_place_of_the_file(tmp_path: Path) -> None:
    with served(tmp_path, {"CAXTON_ROOT_TOKEN": "from-the-environment"}) as server:
        url = server.address()
        headers = {"authorization": "Bearer from-the-environment"}
        assert httpx.get(f"{url}{API}/system", headers=headers, trust_env=False).status_code == 200
        assert not (tmp_path / "data" / "root.token").exists()
    with served(tmp_path, {"CAXTON_ROOT_TOKEN": "short"}) as server:
        assert server.process.wait(20) == 2


def test_a_port_or_directory_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with served(tmp_path / "a") as first:
        url = first.address()
        port = int(url.rpartition(":")[2])
        with served(tmp_path / "b", server__port=port) as second:
            _, log = second.process.communicate(timeout=20)
            assert second.process.returncode == 2
            (problem,) = json.loads(log.splitlines()[-1])["error"]["details"]["problems"]
            assert problem["field"] == "server.port"
            assert "--port" in problem["fix"]
        with served(tmp_path / "b", storage__data_dir=str(tmp_path / "a" / "data")) as third:
            _, log = third.process.communicate(timeout=20)
            assert third.process.returncode == 2
            assert json.loads(log.splitlines()[-1])["error"]["code"] == "CONFIGURATION_INVALID"
        with first.client(url) as client:
            assert client.get("/ready").status_code == 200, "the first one is not harmed"


def test_a_stop_answers_everybody_and_keeps_its_time(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        url = server.address()
        port = int(url.rpartition(":")[2])
        with server.client(url) as client:
            assert client.post(f"{API}/agents", json={"name": "ear", "kind": "external"}).status_code == 201
        headers = {"Authorization": f"Bearer {server.token()}"}
        answers: dict[str, httpx.Response] = {}

        def ask(method: str, path: str, body: dict[str, object] | None = None) -> None:
            with server.client(url) as client:
                answers[path] = client.request(method, path, json=body)

        body = {"performative": "request", "receiver": "ear", "content": 1}
        asking = [
            threading.Thread(target=ask, args=("POST", f"{API}/messages?wait_ms=60000", body)),
            threading.Thread(target=ask, args=("GET", f"{API}/agents/ear/inbox?wait_ms=60000&max=1")),
        ]
        with (
            connect(f"ws://127.0.0.1:{port}{API}/agents/ear/stream", additional_headers=headers) as stream,
            socket.create_connection(("127.0.0.1", port)) as idle,
            socket.create_connection(("127.0.0.1", port)) as half,
        ):
            half.sendall(request("GET", "/health")[:-2])
            asking[0].start()
            arrived = json.loads(stream.recv(10))
            assert arrived["type"] == "message"
            stream.send(json.dumps({"type": "ack", "cursor": arrived["cursor"]}))
            assert json.loads(stream.recv(10))["acknowledged"] == 1
            asking[1].start()
            _await_waiting(server, url, 2)
            status, took_s, _ = server.end()
            for thread in asking:
                thread.join(10)
            assert status == 0
            assert took_s < STOP_S
            with pytest.raises(ConnectionClosed) as closed:
                stream.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert idle.recv(100) == b""
            read_answer(half).error(503, "UNAVAILABLE")
        error_of(answers[f"{API}/messages?wait_ms=60000"], 503, "UNAVAILABLE")
        page = answers[f"{API}/agents/ear/inbox?wait_ms=60000&max=1"]
        assert page.status_code == 200
        assert page.json()["messages"] == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/health", trust_env=False)


def _await_waiting(server: Served, url: str, count: int) -> None:
    """Wait until so many callers wait for something."""
    deadline = time.monotonic() + 20
    with server.client(url) as client:
        while time.monotonic() < deadline:
            totals = client.get(f"{API}/system").json()["api"]
            if totals["waiting_requests"] == count:
                return
    raise AssertionError("nobody waits")


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        url = server.address()
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as slow:
            # A request that is still coming in holds a stop up for some seconds.
            slow.sendall(request("POST", f"{API}/messages", b"x" * 100, token=server.token())[:-50])
            with server.client(url) as client:
                client.get("/health")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.stderr is not None
            while "stopping on SIGTERM" not in server.process.stderr.readline():
                pass
            status, took_s, _ = server.end(signal.SIGINT)
        assert status == 128 + signal.SIGINT
        assert took_s < 1.0


def test_a_runaway_guest_does_not_hold_a_stop_up(tmp_path: Path) -> None:
    from tests.guests.corpus import guest

    with served(tmp_path) as server:
        url = server.address()
        with server.client(url) as client:
            config = json.dumps(
                {"name": "loop", "limits": {"cpu_ms_max": 60_000, "execution_ms_max": 300_000}}
            )
            files = {"config": (None, config), "module": ("m", guest("infinite_loop"))}
            assert client.post(f"{API}/agents", files=files).status_code == 201
            body = {"performative": "inform", "receiver": "loop", "content": 1}
            assert client.post(f"{API}/messages", json=body).status_code == 202
        _, took_s, _ = server.end()
        assert took_s < STOP_S + 0.5


def test_starting_and_stopping_leaves_nothing_behind() -> None:
    def once() -> tuple[int, int]:
        with running() as server, server.client() as client:
            assert client.get("/ready").status_code == 200
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    # The first start of a process opens what it keeps, such as the engine's library.
    first = once()
    assert [once() for _ in range(3)] == [first] * 3
