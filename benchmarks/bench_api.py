"""What a message through the management API costs the server.

Claims: a single `POST /api/v1/messages`, validated and in a mailbox, costs less than 200 us of the
server's CPU, so that one core takes more than 5,000/s; `POST /api/v1/messages/batch` takes more than
150,000 messages/s.

Method: `python -m caxton serve` runs as a process of its own with one worker; this process is the only
client, over one kept connection, with raw sockets and bytes made beforehand, so that the client's cost
does not hide in the figures. The receiver is an agent without a module whose oldest message gives way:
what is measured is HTTP, the caller's token, the core's reading and routing, the mailbox, the inbox.
The server's CPU is the difference of its process times, all threads together. Beside it stands the
floor: the same requests answered by a bare uvicorn application in the same way.

Run: python benchmarks/bench_api.py [--seconds 5]
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

TOKEN: Final = "benchmark-token-0123456789"
MESSAGE: Final = (
    b'{"performative":"inform","receiver":"%s","conversation_id":"bench","ontology":"measure",'
    b'"content":{"reading":42,"unit":"K","note":"about two hundred bytes of a message, as it is sent"}}'
)
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")

SERVER: Final = """
import sys
from caxton.config import load_config
from caxton.server import serve
flags = {"storage.data_dir": sys.argv[1], "server.port": int(sys.argv[2]),
         "server.metrics_port": int(sys.argv[3]), "runtime.workers": 1, "observability.log_level": "warn"}
sys.exit(serve(load_config(None, {}, [], flags).config))
"""

FLOOR: Final = """
import asyncio, sys, uvicorn, uvloop
async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 202,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
config = uvicorn.Config(app, port=int(sys.argv[1]), http="httptools", lifespan="off", access_log=False,
                        log_config=None, proxy_headers=False)
uvloop.run(uvicorn.Server(config).serve())
"""


class Connection:
    """One kept connection, used the way a fast client would."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        answer = self.socket.recv(65536)
        while not answer.endswith(b"}"):
            answer += self.socket.recv(65536)
        assert answer.startswith(b"HTTP/1.1 202"), answer[:300]
        return answer


def post(path: str, body: bytes, kind: str = "application/json") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(process: int, seconds: float, once: Callable[[], int]) -> tuple[float, float]:
    """Return messages a second and microseconds of the server's CPU a message."""
    deadline = time.perf_counter() + min(1.0, seconds / 3)
    while time.perf_counter() < deadline:
        once()
    count, cpu, started = 0, cpu_s(process), time.perf_counter()
    while time.perf_counter() - started < seconds:
        count += once()
    elapsed = time.perf_counter() - started
    return count / elapsed, (cpu_s(process) - cpu) / count * 1e6


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            status = process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise SystemExit(f"the server ended with {status}")
    raise SystemExit("the server did not come up")


def batch(connection: Connection, request: bytes, lines: int) -> int:
    """Send a batch and read all results; returns how many were accepted (a full mailbox may refuse some)."""
    connection.socket.sendall(request)
    answer = bytearray()
    while not answer.endswith(b"0\r\n\r\n"):
        answer += connection.socket.recv(1 << 20)
    accepted = answer.count(b'"accepted"')
    assert accepted > lines * 0.9, bytes(answer[:500])
    return accepted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--lines", type=int, default=2000)
    options = parser.parse_args()
    port, metrics_port, floor_port = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, directory, str(port), str(metrics_port)],
            env={**os.environ, "CAXTON_ROOT_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
        )
        floor = subprocess.Popen([sys.executable, "-c", FLOOR, str(floor_port)], stderr=subprocess.DEVNULL)
        try:
            await_answer(server, port)
            await_answer(floor, floor_port)
            headers = {"authorization": f"Bearer {TOKEN}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
                # The token's own agent: what nobody reads gives way there.
                answer = client.post(
                    "/api/v1/messages", json={"performative": "inform", "receiver": "client.root"}
                )
                assert answer.status_code == 202, answer.text
            single = post("/api/v1/messages", MESSAGE % b"client.root")
            lines = post(
                "/api/v1/messages/batch",
                (MESSAGE % b"client.root" + b"\n") * options.lines,
                "application/x-ndjson",
            )
            connection, bare = Connection(port), Connection(floor_port)
            size = len(MESSAGE % b"client.root")
            print(f"message {size} bytes, 1 connection, 1 worker, {options.seconds:g} s each")
            print(f"{'':34}{'messages/s':>12}{'server CPU us':>16}")
            rows = [
                ("bare uvicorn (floor)", floor.pid, lambda: len(bare.exchange(single)[:1])),
                ("single POST", server.pid, lambda: len(connection.exchange(single)[:1])),
                (
                    f"batch POST of {options.lines}",
                    server.pid,
                    lambda: batch(connection, lines, options.lines),
                ),
            ]
            figures: list[tuple[float, float]] = []
            for name, process, once in rows:
                figures.append(measure(process, options.seconds, once))
                print(f"{name:34}{figures[-1][0]:12,.0f}{figures[-1][1]:16.1f}")
            ratio = figures[1][1] / figures[0][1]
            print(f"single POST / floor: {ratio:.2f} in CPU; limits: 200 us, 150,000 messages/s")
        finally:
            for process in (server, floor):
                process.terminate()
                process.wait(10)


if __name__ == "__main__":
    main()
