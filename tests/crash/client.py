"""A client that changes what lasts, as fast as it can, and keeps a ledger of what it was promised."""

import base64
import random
import threading
from collections.abc import Callable
from typing import Final, final

import httpx

from tests.api.live import API
from tests.crash.ledger import GONE, Ledger
from tests.guests.corpus import guest

AGENTS_MAX: Final = 12
_MODULES: Final = ("echo", "counter", "silent")


@final
class Client:
    """One thread's worth of deploys, deletes, drains, starts, tokens made and revoked.

    Its names are its own, so that its ledger is the whole truth about them.
    """

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.agents = Ledger()
        self.tokens = Ledger()
        self.secrets: dict[str, str] = {}
        self.failure: BaseException | None = None
        self._chance = chance
        self._acknowledged: Callable[[], None] = _nothing
        self._made = 0

    def run(self, server: httpx.Client, acknowledged: Callable[[], None], end: threading.Event) -> None:
        """Go on until the server is gone, and say so whenever something was acknowledged."""
        self._acknowledged = acknowledged
        try:
            while not end.is_set():
                self._chance.choice(self._deeds())(server)
        except httpx.TransportError:
            # The server was killed; what was under way stays open.
            return
        except BaseException as error:
            self.failure = error
            raise

    def _deeds(self) -> list[Callable[[httpx.Client], None]]:
        deeds = [self._deploy] * 4 + [self._create_token] * 2
        if any(self.agents.is_settled(name) for name in self._present()):
            deeds += [self._delete, self._delete, self._drain, self._start]
        if self.secrets:
            deeds.append(self._revoke_token)
        return deeds if len(self._present()) < AGENTS_MAX else deeds[4:] + [self._delete] * 4

    def _present(self) -> list[str]:
        return [name for name in self.agents.names() if self.agents.of(name) != frozenset({GONE})]

    def _fresh_name(self) -> str:
        self._made += 1
        return f"{self.name}-{self._made}"

    def _some_agent(self) -> str:
        return self._chance.choice([name for name in self._present() if self.agents.is_settled(name)])

    def _deploy(self, server: httpx.Client) -> None:
        name = self._fresh_name()
        if self._chance.random() < 0.2:
            body: dict[str, object] = {"name": name, "kind": "external"}
        else:
            module = base64.b64encode(guest(self._chance.choice(_MODULES))).decode()
            body = {"name": name, "module": module, "labels": {"client": self.name}}
        self.agents.begin(name, "running")
        answer = server.post(f"{API}/agents", json=body)
        assert answer.status_code == 201, answer.text
        self.agents.settle(name, "running")
        self._acknowledged()

    def _delete(self, server: httpx.Client) -> None:
        name = self._some_agent()
        self.agents.begin(name, GONE)
        answer = server.delete(
            f"{API}/agents/{name}", params={"force": self._chance.choice(["true", "false"])}
        )
        assert answer.status_code == 204, answer.text
        self.agents.settle(name, GONE)
        self._acknowledged()

    def _drain(self, server: httpx.Client) -> None:
        self._steer(server, "drain", "stopped")

    def _start(self, server: httpx.Client) -> None:
        self._steer(server, "start", "running")

    def _steer(self, server: httpx.Client, verb: str, becomes: str) -> None:
        name = self._some_agent()
        (before,) = self.agents.of(name)
        self.agents.begin(name, becomes)
        answer = server.post(f"{API}/agents/{name}/{verb}")
        assert answer.status_code in {200, 409}, answer.text
        self.agents.settle(name, becomes if answer.status_code == 200 else before)
        self._acknowledged()

    def _create_token(self, server: httpx.Client) -> None:
        name = self._fresh_name()
        self.tokens.begin(name, "live")
        answer = server.post(f"{API}/tokens", json={"name": name, "role": "viewer"})
        assert answer.status_code == 201, answer.text
        self.tokens.settle(name, "live")
        self.secrets[name] = answer.json()["token"]
        self._acknowledged()

    def _revoke_token(self, server: httpx.Client) -> None:
        name = self._chance.choice(list(self.secrets))
        token_id = self.secrets[name].split("_")[1]
        self.tokens.begin(name, GONE)
        answer = server.delete(f"{API}/tokens/{token_id}")
        assert answer.status_code == 204, answer.text
        self.tokens.settle(name, GONE)
        del self.secrets[name]
        self._acknowledged()


def _nothing() -> None:
    """Stand for whoever counts, before anybody does."""
