"""Start an installed server, ask it for its health, stop it: the least that an installation must do.

Usage: ``smoke.py BIN``, with BIN the directory that holds the ``caxton`` program under test.
"""

import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_S = 30.0
STOP_S = 5.0


class SmokeError(Exception):
    """The installation does not do what it must."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def run(program: Path, *arguments: str) -> str:
    """Return what the program printed; a failure shows all that it said."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        said = done.stdout + done.stderr
        raise SmokeError(f"caxton {' '.join(arguments)} ended with {done.returncode}:\n{said}")
    return done.stdout


def check_version(program: Path) -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    said = run(program, "--version")
    if version not in said:
        raise SmokeError(f"caxton --version says {said!r}, not {version}")
    print(f"smoke: {said.strip()}")


def wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> float:
    """Return the seconds from now until ``/ready`` says yes."""
    begin = time.monotonic()
    while time.monotonic() - begin < START_S:
        if server.poll() is not None:
            raise SmokeError(f"caxton serve ended with {server.returncode}:\n{log.read_text()}")
        try:
            status, _ = fetch(f"{url}/ready")
        except OSError:
            status = 0
        if status == 200:
            return time.monotonic() - begin
        time.sleep(0.05)  # noqa: TID251  a process under start has no event to wait on
    raise SmokeError(f"caxton serve was not ready within {START_S:.0f} s:\n{log.read_text()}")


def check_server(program: Path, directory: Path, data_directory: str = "") -> None:
    """Serve on free ports with the data in ``data_directory``, else in ``directory``, and stop again."""
    port, metrics_port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    log = directory / "log"
    ports = ["--port", str(port), "--metrics-port", str(metrics_port)]
    command = [program, "serve", "--data-dir", data_directory or directory / "data", *ports]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=directory, stdout=output, stderr=output)
    try:
        print(f"smoke: ready after {wait_until_ready(server, url, log):.2f} s")
        run(program, "health", "--server", url)
        status, text = fetch(f"http://127.0.0.1:{metrics_port}/metrics")
        if status != 200 or "caxton_" not in text:
            raise SmokeError(f"the metrics port answers {status}: {text[:200]}")
        server.send_signal(signal.SIGTERM)
        code = server.wait(STOP_S)
        if code != 0:
            raise SmokeError(f"caxton serve ended with {code} after SIGTERM:\n{log.read_text()}")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def main(directory: str) -> int:
    program = Path(directory).resolve() / "caxton"
    try:
        check_version(program)
        with tempfile.TemporaryDirectory(prefix="caxton-smoke-") as scratch:
            check_server(program, Path(scratch))
    except (SmokeError, subprocess.SubprocessError) as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    print("smoke: served, was healthy, stopped in time")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
