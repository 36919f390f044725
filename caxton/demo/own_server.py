"""A server of the demonstration's own: a real `caxton serve` on free ports, with a throw-away data directory.

A doer: it owns the process and the directory. Both end with it, unless it is told to leave them.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, final

import httpx

from caxton.cli.address import ServerAddress
from caxton.cli.client import Client
from caxton.cli.credential import Credential
from caxton.cli.refusal import Unreachable

_START_S: Final = 30.0
_STOP_S: Final = 8.0
_POLL_S: Final = 0.02
_LOG_LINES_SHOWN: Final = 12
# Between choosing a free port and listening on it another program may take it.
_ATTEMPTS_MAX: Final = 3


@final
class OwnServer:
    """A running server. Made by `start`; use it as a context."""

    def __init__(
        self, process: subprocess.Popen[bytes], directory: Path, port: int, metrics_port: int
    ) -> None:
        self._process: Final = process
        self._kept = False
        self.directory: Final = directory
        self.address: Final = ServerAddress(scheme="http", host="127.0.0.1", port=port, path="")
        self.metrics_url: Final = f"http://127.0.0.1:{metrics_port}/metrics"

    @classmethod
    def start(cls) -> "OwnServer":
        """Start a server and return when it takes messages.

        Raises: Unreachable when it does not come up, with the end of its log.
        """
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            server = cls._launch()
            try:
                server._await_ready()
            except Unreachable:
                server.stop()
                if attempt == _ATTEMPTS_MAX or server._process.returncode is None:
                    raise
            except BaseException:
                server.stop()
                raise
            else:
                return server
        raise AssertionError("the last attempt returns or raises")

    @classmethod
    def _launch(cls) -> "OwnServer":
        directory = Path(tempfile.mkdtemp(prefix="caxton-demo-"))
        port, metrics_port = _free_ports(2)
        # Settings of the person's own server have no say in this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAXTON")}
        (directory / "config.yaml").write_text("{}\n", encoding="utf-8")
        with (directory / "server.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - this very program
                [
                    *(sys.executable, "-m", "caxton", "serve"),
                    *("--config", str(directory / "config.yaml")),
                    *("--data-dir", str(directory / "data")),
                    *("--host", "127.0.0.1"),
                    *("--port", str(port)),
                    *("--metrics-port", str(metrics_port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Its own session: Ctrl-C at the terminal is ours to handle, and a kept server outlives us.
                start_new_session=True,
            )
        return cls(process, directory, port, metrics_port)

    def __enter__(self) -> "OwnServer":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self.stop()

    @property
    def process_id(self) -> int:
        """The server's process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._process.returncode

    @property
    def token_file(self) -> Path:
        """Where the server put the token that may do everything."""
        return self.directory / "data" / "root.token"

    def client(self) -> Client:
        """Make a client with the root token."""
        token = self.token_file.read_text(encoding="ascii").strip()
        return Client(self.address, Credential(token=token, source=str(self.token_file)))

    def keep(self) -> None:
        """Leave the server running, and its directory where it is."""
        self._kept = True

    def stop(self) -> None:
        """Stop the server as an operator would, and remove its directory. Idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def resident_bytes(self) -> int:
        """Return how much of this machine's memory the server's process takes now."""
        pages = (Path("/proc") / str(self._process.pid) / "statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        with httpx.Client(trust_env=False, timeout=2.0) as http:
            while True:
                status = self._process.poll()
                if status is not None:
                    raise self._failed(f"the server ended with exit code {status}")
                if time.monotonic() > deadline:
                    raise self._failed(f"the server was not ready within {_START_S:g} s")
                try:
                    if http.get(f"{self.address.url}/ready").status_code == 200:
                        return
                except httpx.TransportError:
                    pass  # It does not listen yet.
                try:
                    # A wait that the end of the process ends: sooner than a sleep would.
                    self._process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue

    def _failed(self, why: str) -> Unreachable:
        log = (self.directory / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        end = "\n".join(log[-_LOG_LINES_SHOWN:])
        return Unreachable.at(f"{why}; it said:\n{end}" if end else f"{why}, without a word")


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
