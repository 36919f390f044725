"""A server that starts with ten thousand agents to bring back.

Method: agents of one module are deployed through `Runtime.deploy` into a data directory; then a real server is
started on it, from the birth of the process to the first 200 of /ready. Beside it: the same start with nothing
to bring back.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from benchmarks import house
from benchmarks.figure import Figure
from benchmarks.server_process import cpu_s, serving
from caxton.clock import SystemClock
from caxton.domain.ids import Digest
from caxton.runtime.runtime import Runtime
from tests.guests.corpus import guest

AGENTS: Final = 10_000
DEPLOYED_TOGETHER: Final = 200


def measure(effort: float) -> list[Figure]:
    """Measure for about 20 seconds; `effort` changes nothing, since the number of agents is the claim."""
    del effort
    with serving() as server:
        empty = server.start_s
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as directory:
        house.run(lambda: _deploy_all(Path(directory)))
        with serving(directory=Path(directory), observability__log_level="error") as server:
            full, spent = server.start_s, cpu_s(server.process.pid)
            with server.client() as client:
                totals = client.get("/system").json()["totals"]
                assert totals["instances"] == AGENTS, totals
    return [
        Figure(
            name=f"start to /ready with {AGENTS:,} agents",
            unit="s",
            measured=full,
            aim=5.0,
            beside=empty,
            beside_name="an empty start",
            claim="10,000 agents are back in less than 5 s",
            method="wall clock from the process to the first 200, one worker; all run afterwards",
        ),
        Figure(
            name=f"start to /ready with {AGENTS:,} agents, processor time",
            unit="s",
            measured=spent,
            aim=5.0,
            claim="10,000 agents are back in less than 5 s",
            method="processor seconds of the process until then",
        ),
    ]


async def _deploy_all(directory: Path) -> None:
    runtime = Runtime.open(house.configuration(directory, {}), SystemClock())
    await runtime.start()
    try:
        first = await house.deploy(runtime, "agent-0", guest("echo"))
        digest = Digest(first.module_digest or "")
        for start in range(1, AGENTS, DEPLOYED_TOGETHER):
            together = range(start, min(start + DEPLOYED_TOGETHER, AGENTS))
            await asyncio.gather(
                *(house.deploy(runtime, f"agent-{number}", None, digest) for number in together)
            )
    finally:
        await runtime.stop(10.0)
