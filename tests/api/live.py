"""A real server in a thread of its own, and raw sockets to talk to it."""

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar, final

import httpx
import msgspec
import uvloop

from caxton.api.service import ServiceBounds
from caxton.config import load_config
from caxton.server import ServerHandle

T = TypeVar("T")

TOKEN: Final = "root-token-of-the-tests"
API: Final = "/api/v1"
WAIT_S: Final = 20.0


class ErrorBody(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in `error`: exactly these fields."""

    code: str
    message: str
    details: dict[str, object]
    hint: str
    trace_id: str

    def suggestions(self) -> list[str]:
        """Return the near names that the error offers."""
        return msgspec.convert(self.details["suggestions"], list[str])


class ErrorPage(msgspec.Struct, forbid_unknown_fields=True):
    error: ErrorBody


def error_of(answer: httpx.Response, status: int, code: str) -> ErrorBody:
    """Check that the answer is an error of the promised form, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = msgspec.json.decode(answer.content, type=ErrorPage).error
    assert error.code == code, answer.text
    assert error.message
    assert error.hint
    assert len(error.trace_id) == 32
    return error


def problems_of(answer: httpx.Response, status: int = 400, code: str = "INVALID_REQUEST") -> dict[str, str]:
    """Return field and problem of each fault that the answer lists."""
    rows = msgspec.convert(error_of(answer, status, code).details["problems"], list[dict[str, str]])
    return {row["field"]: row["problem"] for row in rows}


@final
class LiveServer:
    """A server on free ports. Made by `running`."""

    def __init__(self, directory: Path, settings: dict[str, object], bounds: ServiceBounds | None) -> None:
        flags: dict[str, object] = {
            "storage.data_dir": str(directory),
            "server.port": 0,
            "server.metrics_port": 0,
            "runtime.workers": 1,
            "runtime.agents_max": 2000,
            **settings,
        }
        environ = {"CAXTON_CONFIG_PATH": str(_empty_config(directory))}
        self._config = load_config(None, environ, [], flags).config
        self._bounds = bounds
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self.handle: ServerHandle
        self.loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="server")

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(WAIT_S), "the server starts"
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        stop = self._stop
        if stop is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(stop.set)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the server stops"

    def _run(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to the test that started it
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        environ = {"CAXTON_ROOT_TOKEN": TOKEN}
        self.handle = await ServerHandle.start(self._config, environ=environ, bounds=self._bounds)
        self._started.set()
        await self._stop.wait()
        await self.handle.stop()

    def ask(self, question: Coroutine[object, object, T]) -> T:
        """Run a coroutine in the server's loop and return what it says."""
        return asyncio.run_coroutine_threadsafe(question, self.loop).result(WAIT_S)

    @property
    def port(self) -> int:
        return self.handle.port

    @property
    def url(self) -> str:
        return self.handle.url

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=WAIT_S, trust_env=False)

    def connect(self, receive_bytes: int | None = None) -> socket.socket:
        """Open a connection; `receive_bytes` is how much of an answer the system keeps for it, roughly."""
        made = socket.socket()
        made.settimeout(WAIT_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_bytes is not None:
            # Before the connection is made: a window that shrinks later loses acknowledgements.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.connect(("127.0.0.1", self.port))
        return made

    def tasks_count(self) -> int:
        """Return how many tasks the server's loop has, this question's own aside."""
        return self.ask(_count_tasks())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds in the server's loop."""
        self.ask(_until(condition))

    def wait_for_tasks(self, count: int) -> None:
        """Wait until the server's loop has no more tasks than that."""
        self.wait_for(lambda: len(asyncio.all_tasks()) - 1 <= count)

    def waiting_count(self) -> int:
        """Return how many requests wait for something."""
        return self.handle.service.ending.waiting_count

    def connections_count(self) -> int:
        return self.handle.service.listener.connections_count


async def _count_tasks() -> int:
    return len(asyncio.all_tasks()) - 1


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        # Nobody tells when the server's own state changes: it is looked at again a little later.
        while not condition():
            looked = asyncio.Event()
            asyncio.get_running_loop().call_later(0.005, looked.set)
            await looked.wait()


def _empty_config(directory: Path) -> Path:
    path = directory / "config.yaml"
    path.write_text("{}\n")
    return path


@contextmanager
def running(bounds: ServiceBounds | None = None, **settings: object) -> Generator[LiveServer]:
    """Run a server; settings are full keys with `__` for the dot."""
    with tempfile.TemporaryDirectory(prefix="caxton-api-") as directory:
        named = {key.replace("__", "."): value for key, value in settings.items()}
        server = LiveServer(Path(directory), named, bounds)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class RawAnswer(msgspec.Struct):
    """An HTTP answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    rest: bytes

    def error(self, status: int, code: str) -> ErrorBody:
        """Check that it is an error of the promised form, and return it."""
        assert self.status == status, self
        error = msgspec.json.decode(self.body, type=ErrorPage).error
        assert error.code == code, self
        return error


def read_answer(connection: socket.socket, rest: bytes = b"") -> RawAnswer:
    """Read one answer; fails when the connection ends before a whole one came."""
    data = rest
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        assert piece, f"the connection ended without a word after {data!r}"
        data += piece
    head, _, data = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            while b"\r\n" not in data:
                data += _more(connection)
            size, _, data = data.partition(b"\r\n")
            count = int(size, 16)
            while len(data) < count + 2:
                data += _more(connection)
            body, data = body + data[:count], data[count + 2 :]
            if count == 0:
                return RawAnswer(status, headers, body, data)
    length = int(headers.get("content-length", "0"))
    while len(data) < length:
        data += _more(connection)
    return RawAnswer(status, headers, data[:length], data[length:])


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    assert piece, "the connection ended inside an answer"
    return piece


def request(method: str, path: str, body: bytes = b"", *headers: str, token: str | None = TOKEN) -> bytes:
    """Return the bytes of a request with a Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def message(receiver: str, content: object = 1, **fields: object) -> dict[str, object]:
    return {"performative": "inform", "receiver": receiver, "content": content, **fields}


def message_line(receiver: str, content: object = 1, **fields: object) -> bytes:
    return json.dumps(message(receiver, content, **fields)).encode()
