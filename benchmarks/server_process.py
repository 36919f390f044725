"""A real server in a process of its own, on loopback, with its own clock of processor time."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

import httpx

TOKEN: Final = "benchmark-token-0123456789"
API: Final = "/api/v1"
START_S: Final = 60.0
_CLOCK_OF_PROCESS: Final = 2


@final
class ServerProcess:
    """A running `caxton serve`. Made by `serving`."""

    def __init__(
        self, process: subprocess.Popen[bytes], port: int, metrics_port: int, start_s: float
    ) -> None:
        self.process: Final = process
        self.port: Final = port
        self.metrics_port: Final = metrics_port
        # From the birth of the process to the first 200 of /ready.
        self.start_s: Final = start_s

    def client(self) -> httpx.Client:
        """Make a client with the root token."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}{API}", headers=headers, timeout=60.0, trust_env=False
        )


def cpu_s(process: int) -> float:
    """Processor seconds of a process, all its threads together, by the clock that the kernel keeps of it."""
    return time.clock_gettime(~process << 3 | _CLOCK_OF_PROCESS)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def await_answer(process: subprocess.Popen[bytes], port: int, path: bytes = b"/ready") -> None:
    """Return when a process answers 200.

    Raises:
        RuntimeError: it ended, or did not come up in time.
    """
    question = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as asking:
                asking.sendall(question)
                if asking.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        try:
            raise RuntimeError(f"the server ended with {process.wait(0.005)}")
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError("the server did not come up in time")


def end(process: subprocess.Popen[bytes]) -> int:
    """Stop a process as an operator would; returns its exit code."""
    process.terminate()
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def serving(
    *, directory: Path | None = None, workers: int = 1, **settings: object
) -> Generator[ServerProcess]:
    """Run a server; settings of the configuration with `__` for the dot."""
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as throw_away:
        home = directory or Path(throw_away)
        page = Path(throw_away, "config.yaml")
        page.write_text("{}\n")
        port, metrics_port = free_port(), free_port()
        chosen = {
            "runtime.workers": workers,
            "observability.log_level": "warn",
            **{name.replace("__", "."): value for name, value in settings.items()},
        }
        command = [
            *(
                sys.executable,
                "-m",
                "caxton",
                "serve",
                "--config",
                str(page),
                "--data-dir",
                str(home / "data"),
            ),
            *("--port", str(port), "--metrics-port", str(metrics_port)),
            *(word for name, value in chosen.items() for word in ("--set", f"{name}={value}")),
        ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAXTON")}
        environment["CAXTON_ROOT_TOKEN"] = TOKEN
        begun = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            await_answer(process, port)
            yield ServerProcess(process, port, metrics_port, time.monotonic() - begun)
        finally:
            end(process)
