"""A server under load is killed again and again: what it acknowledged is there each time, nothing by halves.

`make crash` kills it more often; `CAXTON_CRASH_SEED` repeats a run, as far as threads do.
"""

import os
import random
import signal
import threading
from pathlib import Path
from typing import Final, final

import httpx

from tests.api.live import API
from tests.crash.client import Client
from tests.server_process import Served, served

CRASHES: Final = int(os.environ.get("CAXTON_CRASHES", "3"))
SEED: Final = int(os.environ.get("CAXTON_CRASH_SEED", "20250612"))
CLIENTS: Final = 3
ACKNOWLEDGED_MAX: Final = 60
WAIT_S: Final = 60.0


@final
class Countdown:
    """Tells when so many things have happened. For any thread."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()
        self.over = threading.Event()

    def step(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self.over.set()


def test_what_was_acknowledged_is_there_after_every_crash(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    clients = [Client(f"client{number}", random.Random(chance.random())) for number in range(CLIENTS)]
    for crash in range(CRASHES + 1):
        with served(tmp_path) as server:
            url = server.address()
            _compare(server, url, clients, f"seed {SEED}, after crash {crash}")
            if crash == CRASHES:
                assert server.end()[0] == 0
                return
            _load_and_kill(server, url, clients, Countdown(chance.randint(1, ACKNOWLEDGED_MAX)))


def _load_and_kill(server: Served, url: str, clients: list[Client], countdown: Countdown) -> None:
    end = threading.Event()
    with server.client(url) as connection:
        threads = [
            threading.Thread(target=client.run, args=(connection, countdown.step, end)) for client in clients
        ]
        for thread in threads:
            thread.start()
        enough = countdown.over.wait(WAIT_S)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(WAIT_S)
        end.set()
        for thread in threads:
            thread.join(WAIT_S)
    failures = [client.failure for client in clients if client.failure is not None]
    assert not failures
    assert enough, "the clients came on"


def _compare(server: Served, url: str, clients: list[Client], when: str) -> None:
    with server.client(url) as connection:
        agents = _agents(connection)
        tokens = {row["name"]: "live" for row in connection.get(f"{API}/tokens").json()["tokens"]}
        for client in clients:
            mine = {name: state for name, state in agents.items() if name.startswith(f"{client.name}-")}
            assert client.agents.breaches(mine) == [], when
            live = {name: state for name, state in tokens.items() if name.startswith(f"{client.name}-")}
            assert client.tokens.breaches(live) == [], when
            # From here on, what is there is what holds.
            for name in client.agents.names():
                client.agents.settle(name, mine.get(name, "gone"))
            for name in client.tokens.names():
                client.tokens.settle(name, live.get(name, "gone"))
            for name, secret in list(client.secrets.items()):
                headers = {"authorization": f"Bearer {secret}"}
                status = httpx.get(f"{url}{API}/system", headers=headers, trust_env=False).status_code
                assert status == (200 if name in live else 401), f"{when}: {name}"
                if name not in live:
                    del client.secrets[name]


def _agents(connection: httpx.Client) -> dict[str, str]:
    """Return all agents with their states."""
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        page = connection.get(f"{API}/agents", params=query).json()
        found |= {agent["name"]: agent["state"] for agent in page["agents"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return found
