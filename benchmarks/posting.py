"""What a message through the management API costs the server.

Method: a real server with one worker in a process of its own; this process is the only client, over one
kept connection, with raw sockets and bytes made beforehand, so that the client's cost does not hide in the
figures. The receiver is an agent without a module whose oldest message gives way: what is measured is HTTP,
the caller's token, the core's reading and routing, the mailbox, the inbox. Processor time is that of the
server's process, all threads together. Floor: the same requests answered by a bare uvicorn application; the
two take turns, medians.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from benchmarks.figure import Figure, median
from benchmarks.server_process import API, TOKEN, cpu_s, end, free_port, serving

ROUNDS: Final = 5
SECONDS: Final = 1.0
LINES: Final = 2000
MESSAGE: Final = (
    b'{"performative":"inform","receiver":"client.root","conversation_id":"bench","ontology":"measure",'
    b'"content":{"reading":42,"unit":"K","note":"about two hundred bytes of a message, as it is sent"}}'
)
FLOOR: Final = """
import sys, uvicorn, uvloop
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
        """Send one request and read its answer, which ends in a brace."""
        self.socket.sendall(request)
        answer = self.socket.recv(65536)
        while not answer.endswith(b"}"):
            answer += self.socket.recv(65536)
        if not answer.startswith((b"HTTP/1.1 202", b"HTTP/1.1 200")):
            raise RuntimeError(f"the server answered {answer[:300]!r}")
        return answer

    def batch(self, request: bytes, lines: int) -> int:
        """Send a batch and read all results; returns how many were accepted, which must be all."""
        self.socket.sendall(request)
        answer = bytearray()
        while not answer.endswith(b"0\r\n\r\n"):
            answer += self.socket.recv(1 << 20)
        accepted = answer.count(b'"accepted"')
        if accepted != lines:
            raise RuntimeError(f"{accepted} of {lines} accepted: {bytes(answer[:500])!r}")
        return accepted


class Rate(NamedTuple):
    """What a stretch of requests came to."""

    per_s: float
    cpu_us: float


def post(path: str, body: bytes, kind: str = "application/json") -> bytes:
    """Write a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def measured(process: int, seconds: float, once: Callable[[], int]) -> Rate:
    """Do something again and again; returns its rate, and the process's microseconds for each."""
    count, cpu, started = 0, cpu_s(process), time.perf_counter()
    while time.perf_counter() - started < seconds:
        count += once()
    elapsed = time.perf_counter() - started
    return Rate(count / elapsed, (cpu_s(process) - cpu) / count * 1e6)


def measure(effort: float) -> list[Figure]:
    """Measure for about 18 seconds times `effort`."""
    single = post(f"{API}/messages", MESSAGE)
    lines = post(f"{API}/messages/batch", (MESSAGE + b"\n") * LINES, "application/x-ndjson")
    floor_port = free_port()
    floor = subprocess.Popen([sys.executable, "-c", FLOOR, str(floor_port)], stderr=subprocess.DEVNULL)
    try:
        with serving() as server, server.client() as client:
            await_answer_of_floor(floor, floor_port)
            # The token's own agent is made by its first message: what nobody reads gives way there.
            client.post(
                "/messages", json={"performative": "inform", "receiver": "client.root"}
            ).raise_for_status()
            ours, bare = Connection(server.port), Connection(floor_port)
            rounds = [
                (
                    measured(floor.pid, SECONDS, lambda: len(bare.exchange(single)[:1])),
                    measured(server.process.pid, SECONDS, lambda: len(ours.exchange(single)[:1])),
                    measured(server.process.pid, SECONDS, lambda: ours.batch(lines, LINES)),
                )
                for _ in range(max(3, round(ROUNDS * effort)) + 1)
            ]
            return _figures(rounds[1:])
    finally:
        end(floor)


def await_answer_of_floor(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when the bare application listens; it answers nothing but posts with 202."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise RuntimeError(f"the bare application ended with {process.returncode}")
    raise RuntimeError("the bare application did not come up")


def _figures(rounds: list[tuple[Rate, Rate, Rate]]) -> list[Figure]:
    method = f"{len(MESSAGE)} bytes, one connection, one worker; median of {len(rounds)} rounds"
    bare, one, many = ([r[place] for r in rounds] for place in range(3))
    return [
        Figure(
            name="single POST, processor time of the server",
            unit="us",
            aim=200.0,
            gated=True,
            measured=median([r.cpu_us for r in one]),
            beside=median([r.cpu_us for r in bare]),
            beside_name="bare uvicorn",
            claim="less than 200 us of one core",
            method=method,
        ),
        Figure(
            name="single POST",
            better="more",
            unit="requests/s",
            aim=5000.0,
            measured=median([r.per_s for r in one]),
            beside=median([r.per_s for r in bare]),
            beside_name="bare uvicorn",
            claim="more than 5,000 a second on one core",
            method=f"{method}, one request at a time, wall clock",
        ),
        Figure(
            name="single POST, by processor time",
            better="more",
            unit="requests/s",
            aim=5000.0,
            measured=1e6 / median([r.cpu_us for r in one]),
            beside=1e6 / median([r.cpu_us for r in bare]),
            beside_name="bare uvicorn",
            claim="more than 5,000 a second on one core",
            method=method,
        ),
        Figure(
            name=f"batch POST of {LINES} lines",
            better="more",
            unit="msg/s",
            aim=150_000.0,
            measured=median([r.per_s for r in many]),
            beside=median([r.per_s for r in one]),
            beside_name="single POST",
            claim="more than 150,000 messages a second",
            method=f"{method}, wall clock",
        ),
        Figure(
            name="batch POST, by processor time",
            better="more",
            unit="msg/s",
            aim=150_000.0,
            measured=1e6 / median([r.cpu_us for r in many]),
            beside=1e6 / median([r.cpu_us for r in one]),
            beside_name="single POST",
            claim="more than 150,000 messages a second",
            method=method,
            gated=True,
        ),
    ]
