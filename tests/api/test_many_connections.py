"""Many connections at once, and what is left of them afterwards."""

import gc
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.live import API, LiveServer, message_line, read_answer, request, running


def open_many(server: LiveServer, count: int) -> list[socket.socket]:
    return [server.connect() for _ in range(count)]


def close_all(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def server_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_thousand_idle_connections_hinder_nobody_and_leave_nothing(server: LiveServer) -> None:
    with server.client() as client:
        client.get("/health")
    server.wait_for(lambda: server.connections_count() == 0)
    files, tasks = server_files(), server.tasks_count()
    connections = open_many(server, 1000)
    try:
        server.wait_for(lambda: server.connections_count() == 1000)
        with server.client() as client:
            assert client.get("/ready").status_code == 200
            assert client.post(f"{API}/messages", content=message_line("client.root")).status_code in {
                202,
                404,
            }
        for connection in connections[::100]:
            connection.sendall(request("GET", "/health"))
            assert read_answer(connection).status == 200
        # Half of a request each, then away.
        for connection in connections[::7]:
            connection.sendall(b"POST /api/v1/messages HTTP/1.1\r\nContent-Le")
    finally:
        close_all(connections)
    server.wait_for(lambda: server.connections_count() == 0)
    gc.collect()
    assert server_files() <= files
    assert server.tasks_count() <= tasks


def test_requests_that_are_cut_off_anywhere_leave_nothing(server: LiveServer) -> None:
    with server.client() as client:
        client.post(f"{API}/messages", content=message_line("client.root"))
    server.wait_for(lambda: server.connections_count() == 0)
    files, tasks = server_files(), server.tasks_count()
    whole = request("POST", f"{API}/messages", message_line("client.root"))
    for cut in range(0, len(whole), 3):
        with server.connect() as connection:
            connection.sendall(whole[:cut])
    server.wait_for(lambda: server.connections_count() == 0)
    server.wait_for(lambda: server.waiting_count() == 0)
    server.wait_for_tasks(tasks)
    assert server_files() <= files
    assert server.handle.service.room.bytes_held == 0


# The other end of ten thousand connections, in a process of its own: one process may not open files for both.
CROWD = """
import socket, sys
port, count, extra = map(int, sys.argv[1:])
held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
print("held", flush=True)
sys.stdin.readline()
for _ in range(extra):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        print(one.recv(1000).split(b" ")[1].decode(), flush=True)
held[count // 2].sendall(b"GET /health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
print(held[count // 2].recv(1000).split(b" ")[1].decode(), flush=True)
"""


@pytest.mark.slow
def test_ten_thousand_idle_connections_are_held_and_the_next_ones_are_told() -> None:
    with running() as crowded:
        most = crowded.handle.service.bounds.wire.connections_max
        assert most == 10_000, "this system lets a process open too few files for what is promised"
        crowd = subprocess.Popen(
            [sys.executable, "-c", CROWD, str(crowded.port), str(most), "20"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with crowd:
            assert crowd.stdout is not None
            assert crowd.stdin is not None
            assert crowd.stdout.readline() == "held\n"
            crowded.wait_for(lambda: crowded.connections_count() == most)
            crowd.stdin.write("go on\n")
            crowd.stdin.flush()
            assert [crowd.stdout.readline() for _ in range(21)] == ["503\n"] * 20 + ["200\n"]
        assert crowd.returncode == 0
        crowded.wait_for(lambda: crowded.connections_count() == 0)
        with crowded.client() as client:
            assert client.get("/ready").status_code == 200
