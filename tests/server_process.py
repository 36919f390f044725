"""A real server in a process of its own, that a test may end as it likes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import httpx

PROGRAM = """
import json, sys
from caxton.config import load_config
from caxton.domain.errors import ConfigurationInvalid
from caxton.server import serve
try:
    environ = {"CAXTON_CONFIG_PATH": sys.argv[1]}
    sys.exit(serve(load_config(None, environ, [], json.loads(sys.argv[2])).config))
except ConfigurationInvalid as error:
    print(json.dumps(error.document()), file=sys.stderr)
    sys.exit(2)
"""


@final
class Served:
    """A server in a process of its own."""

    def __init__(self, directory: Path, settings: dict[str, object], environ: dict[str, str]) -> None:
        config = directory / "config.yaml"
        config.write_text("{}\n")
        flags = {
            "storage.data_dir": str(directory / "data"),
            "server.port": 0,
            "server.metrics_port": 0,
            "runtime.workers": 1,
            "runtime.agents_max": 2000,
            **settings,
        }
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), json.dumps(flags)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )

    def address(self) -> str:
        """Wait for the line that says where the server is, and return it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert " serves http://127.0.0.1:" in line, line
        return line.split()[3]

    def token(self) -> str:
        return (self.directory / "data" / "root.token").read_text().strip()

    def client(self, url: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.token()}"}
        return httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        """Send a signal; returns exit code, seconds, and the log."""
        started = time.monotonic()
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - started, log


@contextmanager
def served(directory: Path, environ: dict[str, str] | None = None, **settings: object) -> Generator[Served]:
    server = Served(
        directory, {key.replace("__", "."): value for key, value in settings.items()}, environ or {}
    )
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()
