"""A whole runtime in this process: what the server is without HTTP."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import uvloop

from caxton.clock import SystemClock
from caxton.config import Config, load_config
from caxton.domain.ids import AgentId, Digest, parse_agent_name
from caxton.domain.limits import LimitsRequest
from caxton.runtime.agent_view import AgentView
from caxton.runtime.deploy_request import DeployRequest
from caxton.runtime.runtime import Runtime

T = TypeVar("T")
Task = Callable[[], Coroutine[object, object, None]]
CALLER: Final = "benchmark"


def run(question: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a coroutine on the loop that the server uses."""
    return uvloop.run(question())


@asynccontextmanager
async def housed(**settings: object) -> AsyncGenerator[Runtime]:
    """Open, start and stop a runtime with a throw-away data directory; settings with `__` for the dot."""
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as directory:
        runtime = Runtime.open(configuration(Path(directory), settings), SystemClock())
        try:
            await runtime.start()
            yield runtime
        finally:
            await runtime.stop(5.0)


def configuration(directory: Path, settings: Mapping[str, object]) -> Config:
    """Return the defaults but for what is named."""
    page = directory / "config.yaml"
    page.write_text("{}\n")
    flags: dict[str, object] = {"storage.data_dir": str(directory / "data"), "runtime.workers": 1}
    flags |= {name.replace("__", "."): value for name, value in settings.items()}
    return load_config(None, {"CAXTON_CONFIG_PATH": str(page)}, [], flags).config


async def deploy(
    runtime: Runtime, name: str, wasm: bytes | None, digest: Digest | None = None, **limits: int
) -> AgentView:
    """Deploy an agent from a module's bytes, or from the digest of a known one."""
    request = DeployRequest(name=parse_agent_name(name), module_digest=digest, limits=LimitsRequest(**limits))
    return await runtime.deploy(request, wasm)


def nobody_else(_: AgentId) -> bool:
    """Let nobody speak for another."""
    return False


async def turn() -> None:
    """Let the loop go round once."""
    await asyncio.sleep(0)
