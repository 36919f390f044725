"""What goes on in the soak: actors that deploy, delete, ask, flood, misuse the API, and come and go.

Each has its own stream of random numbers, made from the run's seed, so that its decisions do not depend on
how fast the others are. An error of the taxonomy is an outcome; anything else is kept as unexpected.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, final

import httpx
import websockets

from benchmarks import arrival, load
from benchmarks.filling import request
from benchmarks.house import nobody_else
from benchmarks.ledger import Requests, Tally
from benchmarks.server_process import API, TOKEN
from caxton.domain.agent import Profile
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.taxonomy import CaxtonError, InternalError
from caxton.domain.ids import AgentId, parse_agent_name
from caxton.domain.limits import LimitsRequest
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.inbox import Inbox
from caxton.server import ServerHandle
from tests.guests.cases import RUN_CASES
from tests.guests.corpus import guest

NAMES: Final = tuple(f"worker-{number}" for number in range(80))
RING: Final = 40
RING_IN_FLIGHT: Final = 16
RING_PREFIX: Final = "ring-"
# Each of these leads to exactly one answer, be it a failure.
ANSWERING: Final = ("echo", "echo", "echo", "echo_bare", "counter", *(case.name for case in RUN_CASES))
SILENT: Final = (
    "silent",
    "log_burst",
    "logger",
    "timer",
    "timer_traps",
    "timer_flood",
    "send_burst",
    "grower",
)
POSTER: Final = "poster"
ASKERS: Final = 20
# Those that speak for tokens: what comes for them and nobody waits for stays in their inboxes.
TOKENS: Final = (*(f"asker-{number}" for number in range(ASKERS)), "disturber", "starter")
PENDING_MAX: Final = 2000
NEW_MODULES: Final = 40


@final
class Stage:
    """What the actors share."""

    def __init__(self, handle: ServerHandle, seed: int, over_s: float) -> None:
        self.runtime: Final = handle.runtime
        self.handle: Final = handle
        self.tally: Final = Tally()
        self.requests: Final = Requests()
        self.over_s: Final = over_s
        self._seed = seed

    def dice(self, actor: str) -> random.Random:
        """Return an actor's own random numbers."""
        return random.Random(f"{self._seed} {actor}")

    def goes_on(self) -> bool:
        """Tell whether the run is not over."""
        return time.monotonic() < self.over_s

    async def attempt(self, deed: str, act: Callable[[], Awaitable[object]]) -> None:
        """Do something; a refusal is an outcome like another."""
        try:
            await act()
        except InternalError as error:
            self.tally.wrong(f"{deed}: {error!r}")
        except CaxtonError as error:
            self.tally.note(deed, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and says so at its end
            self.tally.wrong(f"{deed}: {error!r}")
        else:
            self.tally.note(deed)


async def churn(stage: Stage, number: int) -> None:
    """Deploy, drain, start, restart and delete agents."""
    dice = stage.dice(f"churn {number}")
    runtime = stage.runtime
    while stage.goes_on():
        name = dice.choice(NAMES)
        deed = dice.choices(
            ("deploy", "delete", "force", "drain", "start", "restart"), (40, 12, 12, 8, 20, 8)
        )[0]
        if deed == "deploy":
            module = dice.choice(ANSWERING if hash_free(name) else SILENT)
            await stage.attempt("deploy", lambda: runtime.deploy(_order(dice, name), guest(module)))  # noqa: B023 - awaited in this turn
        elif deed in {"delete", "force"}:
            await stage.attempt(deed, lambda: runtime.delete(name, force=deed == "force"))  # noqa: B023 - awaited in this turn
        elif deed == "drain":
            await stage.attempt(deed, lambda: runtime.drain(name, 0.5))  # noqa: B023 - awaited in this turn
        elif deed == "start":
            await stage.attempt(deed, lambda: runtime.start_agent(name))  # noqa: B023 - awaited in this turn
        else:
            await stage.attempt(deed, lambda: runtime.restart(name))  # noqa: B023 - awaited in this turn
        await asyncio.sleep(dice.uniform(0.0, 0.02))


def hash_free(name: str) -> bool:
    """Tell whether this name is one of those whose agents answer: three of four."""
    return int(name.rpartition("-")[2]) % 4 != 0


def _order(dice: random.Random, name: str) -> DeployRequest:
    limits = LimitsRequest(
        cpu_ms_max=dice.choice((1, 5, 20)),
        execution_ms_max=dice.choice((5, 50, 500)),
        memory_bytes_max=dice.choice((1, 4, 16)) << 20,
        mailbox_max=dice.choice((2, 50, 1000)),
        messages_per_s_max=dice.choice((None, None, 50.0)),
    )
    return DeployRequest(name=parse_agent_name(name), limits=limits, profile=Profile.STANDARD)


async def new_modules(stage: Stage) -> None:
    """Bring modules that the server has not seen, and forget them."""
    dice = stage.dice("new modules")
    while stage.goes_on():
        module = arrival.module(dice.randrange(NEW_MODULES))
        order = DeployRequest(name=parse_agent_name("newcomer"), profile=Profile.STANDARD)
        await stage.attempt("new module", lambda: stage.runtime.deploy(order, module))  # noqa: B023 - awaited in this turn
        await stage.attempt("delete newcomer", lambda: stage.runtime.delete("newcomer"))
        await asyncio.sleep(dice.uniform(0.1, 0.5))


async def ask(stage: Stage, number: int) -> None:
    """Ask agents and wait, not always long enough."""
    dice = stage.dice(f"ask {number}")
    sender = stage.runtime.external_for(f"asker-{number}")
    while stage.goes_on():
        body = request(dice, dice.choice(NAMES))
        patience_s = dice.choice((0.001, 0.05, 2.0))
        await stage.attempt("ask", lambda: stage.runtime.ask(body, sender, nobody_else, patience_s))  # noqa: B023 - awaited in this turn
        await asyncio.sleep(dice.uniform(0.0, 0.01))


async def post(stage: Stage, sender: AgentId) -> None:
    """Send requests in bursts to agents that answer everything, as long as not too many are open."""
    dice = stage.dice("post")
    answering = [name for name in NAMES if hash_free(name)]
    while stage.goes_on():
        for _ in range(dice.choice((1, 10, 100))):
            if len(stage.requests) > PENDING_MAX:
                break
            receiver = dice.choice(answering)
            try:
                posted = stage.runtime.post(request(dice, receiver), sender, nobody_else)
            except CaxtonError as error:
                stage.tally.note("post", type(error).__name__)
            else:
                stage.requests.sent(posted.message_id, receiver)
                stage.tally.note("post")
        await asyncio.sleep(dice.uniform(0.0, 0.02))


async def read(stage: Stage, inbox: Inbox) -> None:
    """Read the answers to `post` and note each."""
    while True:
        bodies, cursor = await inbox.read(1000, 1000)
        for body in bodies:
            stage.requests.arrived(body)
        inbox.ack(cursor)


async def disturb(stage: Stage) -> None:
    """Send one-way messages and floods to whoever is there, whether it answers or not."""
    dice = stage.dice("disturb")
    sender = stage.runtime.external_for("disturber")
    while stage.goes_on():
        lines = b"\n".join(
            b'{"performative":"inform","receiver":"%s","content":%d}' % (dice.choice(NAMES).encode(), n)
            for n in range(dice.choice((1, 20, 500)))
        )
        _, results = stage.runtime.post_batch(lines, 0, 1000, sender, nobody_else)
        for result in results:
            stage.tally.note("inform", type(result).__name__ if isinstance(result, CaxtonError) else "done")
        await asyncio.sleep(dice.uniform(0.0, 0.05))


async def visit(stage: Stage, number: int) -> None:
    """Use the API over HTTP, well and badly."""
    dice = stage.dice(f"visit {number}")
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        base_url=stage.handle.url, headers=headers, timeout=20.0, trust_env=False
    ) as client:
        while stage.goes_on():
            await stage.attempt("http", lambda: _visit_once(stage, client, dice))
            await asyncio.sleep(dice.uniform(0.0, 0.05))


async def _visit_once(stage: Stage, client: httpx.AsyncClient, dice: random.Random) -> None:
    name = dice.choice(NAMES)
    message = {"performative": "request", "receiver": name, "content": {"a": 1}}
    answer = await dice.choice(
        (
            lambda: client.get(f"{API}/agents", params={"limit": 20}),
            lambda: client.get(f"{API}/agents/{name}"),
            lambda: client.get(f"{API}/agents/{name}/logs"),
            lambda: client.get(f"{API}/system"),
            lambda: client.get(stage.handle.metrics_url),
            lambda: client.post(f"{API}/messages", json=message),
            lambda: client.post(f"{API}/messages", json=message, params={"wait_ms": 50}),
            lambda: client.post(f"{API}/agents/{name}/invoke", json={"content": 1, "timeout_ms": 100}),
            lambda: client.post(f"{API}/messages/batch", content=b'{"bad"\n' * 50, headers=_NDJSON),
            lambda: client.post(f"{API}/messages", content=b"{" * dice.choice((1, 100, 100_000))),
            lambda: client.get(f"{API}/agents", headers={"authorization": "Bearer wrong"}),
            lambda: client.post(f"{API}/agents", json={"name": "bad", "module": "AGFzbQ=="}),
        )
    )()
    stage.tally.note("http answer", str(answer.status_code))
    if answer.status_code >= 500 and answer.status_code not in {502, 503, 504}:
        stage.tally.wrong(f"http {answer.request.url}: {answer.text[:300]}")


_NDJSON: Final = {"content-type": "application/x-ndjson"}


async def hang_up(stage: Stage) -> None:
    """Open connections, say half of something, and go."""
    dice = stage.dice("hang up")
    while stage.goes_on():
        _, writer = await asyncio.open_connection("127.0.0.1", stage.handle.port)
        writer.write(
            b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"[: dice.randrange(70)]
        )
        await asyncio.sleep(dice.uniform(0.0, 0.1))
        if dice.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()
        stage.tally.note("hang up")


async def come_and_go(stage: Stage) -> None:
    """Be an external agent over a WebSocket for a moment, or one with an inbox."""
    dice = stage.dice("come and go")
    count = 0
    while stage.goes_on():
        count += 1
        name = f"visitor-{count % 5}"
        await stage.attempt("external agent", lambda: _be_external(stage, dice, name))  # noqa: B023 - awaited in this turn
        try:
            await stage.runtime.delete(name, force=dice.random() < 0.5)
        except AgentNotFound:
            stage.tally.note("external agent", "was gone")
        await asyncio.sleep(dice.uniform(0.0, 0.2))


async def _be_external(stage: Stage, dice: random.Random, name: str) -> None:
    made = stage.runtime.create_external
    view = await made(ExternalRequest(name=parse_agent_name(name), owner="root", mailbox_max=20))
    sender = stage.runtime.external_for("disturber")
    for _ in range(dice.choice((1, 30))):
        try:
            stage.runtime.post(request(dice, name), sender, nobody_else)
        except CaxtonError as error:
            stage.tally.note("message to a visitor", type(error).__name__)
    if dice.random() < 0.5:
        return
    address = f"ws://127.0.0.1:{stage.handle.port}{API}/agents/{view.agent_id}/stream"
    async with websockets.connect(address, additional_headers={"authorization": f"Bearer {TOKEN}"}) as socket:
        await socket.send(
            '{"type":"send","message":{"performative":"request","content":1,"receiver":"'
            f'{dice.choice(NAMES)}"}}}}'
        )
        async with asyncio.timeout(10):
            await socket.recv()
    stage.tally.note("stream")


async def start_ring(stage: Stage) -> None:
    """Let some agents pass messages on for the whole run."""
    wasm = load.guest(RING, prefix=RING_PREFIX)
    for number in range(RING):
        name = parse_agent_name(f"{RING_PREFIX}{load.FIRST_ID + number}")
        await stage.runtime.deploy(DeployRequest(name=name), wasm)
    sender = stage.runtime.external_for("starter")
    for number in range(RING_IN_FLIGHT):
        body = b'{"performative":"inform","receiver":"%s%d"}' % (
            RING_PREFIX.encode(),
            load.FIRST_ID + number,
        )
        stage.runtime.post(body, sender, nobody_else)
