"""A real runtime over the real core, and the few words that the tests of this room speak."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import anyio
import msgspec
import orjson

from caxton.clock import SystemClock
from caxton.config import Config
from caxton.domain.agent import RestartPolicy
from caxton.domain.ids import AgentId, parse_agent_name, parse_capability
from caxton.domain.limits import LimitsRequest
from caxton.runtime.agent_view import AgentView
from caxton.runtime.answers import Posted, Reply
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.runtime import Runtime
from tests.guests.corpus import guest

DEADLINE_S: Final = 20.0
TOKEN: Final = "tester"


def nobody_else(agent_id: AgentId) -> bool:
    """Allow no other sender."""
    return False


def small_config(data_dir: Path, *, durability: str = "full", **runtime_settings: object) -> Config:
    """Return settings for a small core with its data in a directory."""
    settings = {"workers": 2, "agents_max": 2000, "pool_messages": 8192, **runtime_settings}
    storage = {"data_dir": str(data_dir), "durability": durability}
    return msgspec.convert({"runtime": settings, "storage": storage}, type=Config, strict=False)


def message(performative: str, receiver: object, content: object = None, **fields: object) -> bytes:
    """Return the text of a message."""
    return orjson.dumps({"performative": performative, "receiver": receiver, "content": content, **fields})


async def until(look: Callable[[], bool] | Callable[[], Awaitable[bool]], why: str = "") -> None:
    """Let the loop turn until `look` is true, or fail at the deadline."""
    with anyio.move_on_after(DEADLINE_S):
        while True:
            found = look()
            if found if isinstance(found, bool) else await found:
                return
            await anyio.lowlevel.checkpoint()
    raise AssertionError(f"did not happen within {DEADLINE_S} s: {why}")


@final
class Rig:
    """A running runtime and a client of it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.me = runtime.external_for(TOKEN)

    async def deploy(
        self,
        name: str,
        source: str | bytes | None = None,
        *,
        capabilities: tuple[str, ...] | None = None,
        config: dict[str, str] | None = None,
        restart: RestartPolicy | None = None,
        labels: dict[str, str] | None = None,
        limits: LimitsRequest | None = None,
    ) -> AgentView:
        """Deploy a guest of the corpus, by default the one of the agent's name."""
        module = source if isinstance(source, bytes) else guest(source or name)
        request = DeployRequest(
            name=parse_agent_name(name),
            limits=limits or LimitsRequest(),
            capabilities=None if capabilities is None else tuple(map(parse_capability, capabilities)),
            config=config or {},
            restart=restart or RestartPolicy(),
            labels=labels or {},
        )
        return await self.runtime.deploy(request, module)

    async def external(
        self, name: str, *, mailbox_max: int | None = None, capabilities: tuple[str, ...] = ()
    ) -> AgentId:
        """Make an external agent."""
        request = ExternalRequest(
            name=parse_agent_name(name),
            owner=TOKEN,
            mailbox_max=mailbox_max,
            capabilities=tuple(map(parse_capability, capabilities)),
        )
        return self.runtime.agent_id((await self.runtime.create_external(request)).agent_id)

    async def ask(
        self, receiver: object, content: object = None, *, performative: str = "request", **fields: object
    ) -> Reply:
        """Send a message and wait for the answer."""
        body = message(performative, receiver, content, **fields)
        return await self.runtime.ask(body, self.me, nobody_else, DEADLINE_S)

    def post(
        self, receiver: object, content: object = None, *, performative: str = "request", **fields: object
    ) -> Posted:
        """Send a message."""
        return self.runtime.post(message(performative, receiver, content, **fields), self.me, nobody_else)

    @property
    def totals(self) -> dict[str, int]:
        """The runtime's totals."""
        return msgspec.convert(self.runtime.system()["totals"], type=dict[str, int])


@asynccontextmanager
async def running(data_dir: Path, *, durability: str = "full", **settings: object) -> AsyncGenerator[Rig]:
    """Run a runtime on a data directory."""
    runtime = Runtime.open(small_config(data_dir, durability=durability, **settings), SystemClock())
    await runtime.start()
    try:
        yield Rig(runtime)
    finally:
        await runtime.stop(10.0)


def content_of(reply: Reply | bytes) -> object:
    """Return the content of an answer."""
    body = reply if isinstance(reply, bytes) else reply.body
    return msgspec.json.decode(body, type=dict[str, object])["content"]
