"""The sockets of the API: uvicorn, embedded in a loop that is not its own."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, final

from uvicorn import Config, Server

from caxton.api.app import Application
from caxton.api.ending import Ending
from caxton.api.upgrade import SocketConnection
from caxton.api.wire import HTTPConnection, Watch

BACKLOG: Final = 4096
_CANCEL_S: Final = 0.5


def _adopt_log() -> None:
    """Let what uvicorn warns of come in the server's own log; the rest helps no operator."""
    theirs = logging.getLogger("uvicorn.error")
    theirs.setLevel(logging.WARNING)
    theirs.parent = logging.getLogger("caxton.api")


@final
class _Server(Server):
    """uvicorn's server without its own signal handlers: the process has one place for those."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@final
class Listener:
    """Accepts connections from `start` to `stop`."""

    def __init__(
        self,
        application: Application,
        watch: Watch,
        ending: Ending,
        *,
        frame_bytes_max: int,
        graceful_s: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`graceful_s` is how long running requests may take when the server stops, in seconds."""

        class Connection(HTTPConnection):
            pass

        Connection.watch = watch
        self._watch = watch
        self._ending = ending
        _adopt_log()
        self._config = Config(
            application,
            http=Connection,
            ws=SocketConnection,
            loop="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=max(1, round(graceful_s)),
            ws_max_size=frame_bytes_max,
            ws_per_message_deflate=False,
        )
        self._config.load()
        self._config.ssl = tls
        self._server = _Server(self._config)
        self._serving: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    def bind(self, host: str, port: int) -> None:
        """Take the address, so that a port that is in use is known before anything else is started.

        Raises:
            OSError: the address cannot be had.
        """
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        bound.setblocking(False)
        self._socket = bound

    @property
    def port(self) -> int:
        """The port in use."""
        assert self._socket is not None, "bind comes first"
        port = self._socket.getsockname()[1]
        assert isinstance(port, int), "an internet address has a port"
        return port

    @property
    def connections_count(self) -> int:
        """Connections that are open now."""
        return len(self._server.server_state.connections)

    async def start(self) -> None:
        """Accept connections."""
        assert self._socket is not None, "bind comes first"
        self._watch.start(self._server.server_state.connections)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Accept nothing more, let running requests finish for a while, wake those that wait, close."""
        self._ending.begin()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
            tasks = set(self._server.server_state.tasks)
            if tasks:
                await asyncio.wait(tasks, timeout=_CANCEL_S)
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()
        elif self._socket is not None:
            self._socket.close()
        self._watch.stop()

    def hurry(self) -> None:
        """Stop without waiting for requests: cancel them."""
        self._server.should_exit = True
        self._server.force_exit = True
        with suppress(RuntimeError):
            for task in self._server.server_state.tasks:
                task.cancel()
