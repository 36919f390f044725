"""Fill what fills up once, so that a long run begins where it would be after an hour.

The newest events, the unread messages of tokens' agents, machine code that nobody uses: each is bounded,
and until the bound is reached resident memory grows by design. Filled with the like of what the run brings
they do not grow under its readings. The messages of a burst do the same for the pool.
"""

import asyncio
import contextlib
import random
from collections.abc import Iterable
from typing import Final

from benchmarks import arrival
from benchmarks.house import nobody_else
from caxton.domain.agent import RESTART_INTENSITY_MAX, Profile, RestartPolicy
from caxton.domain.errors.routing import MailboxFull
from caxton.domain.ids import AgentId, parse_agent_name
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.runtime import Runtime
from caxton.telemetry.events import EVENTS_MAX
from tests.guests.corpus import guest

PAD_BYTES: Final = (0, 10, 200, 200, 5000)
BURST_MESSAGES: Final = 3000
_NAME: Final = "filler"
_AT_ONCE: Final = 100


def request(dice: random.Random, receiver: str) -> bytes:
    """Return a request of one of the sizes that a run has."""
    pad = b"x" * dice.choice(PAD_BYTES)
    return b'{"performative":"request","receiver":"%s","content":{"pad":"%s"}}' % (receiver.encode(), pad)


async def fill(runtime: Runtime, modules: set[str], new_modules: int, tokens: Iterable[str]) -> None:
    """Fill everything; nothing but memory is left of it."""
    dice = random.Random(_NAME)
    await _codes(runtime, modules, new_modules)
    await _events(runtime)
    sender = runtime.external_for(_NAME)
    for token in tokens:
        await _inbox(runtime, dice, sender, runtime.external_for(token))
    await _burst(runtime, dice, sender)
    await runtime.delete(str(sender))


async def _codes(runtime: Runtime, modules: set[str], new_modules: int) -> None:
    order = DeployRequest(name=parse_agent_name(_NAME), profile=Profile.STANDARD)
    wasms = [guest(name) for name in sorted(modules)] + [arrival.module(n) for n in range(new_modules)]
    for wasm in wasms:
        await runtime.deploy(order, wasm)
        await runtime.delete(_NAME)


async def _events(runtime: Runtime) -> None:
    """Let an agent trap until the ring has gone round: no other events are as long."""
    first = runtime.events.last_cursor
    restart = RestartPolicy(intensity=RESTART_INTENSITY_MAX)
    await runtime.deploy(DeployRequest(name=parse_agent_name(_NAME), restart=restart), guest("trap"))
    sender = runtime.external_for(_NAME)
    while runtime.events.last_cursor - first < EVENTS_MAX:
        with contextlib.suppress(MailboxFull):
            for _ in range(_AT_ONCE):
                runtime.post(b'{"performative":"inform","receiver":"filler"}', sender, nobody_else)
        await asyncio.sleep(0)
    await runtime.delete(_NAME)


async def _inbox(runtime: Runtime, dice: random.Random, sender: AgentId, receiver: AgentId) -> None:
    """Send to an agent that nobody reads until its oldest messages give way."""
    inbox = runtime.inbox(str(receiver))
    while inbox.dropped_count == 0:
        for _ in range(_AT_ONCE):
            runtime.post(request(dice, str(receiver)), sender, nobody_else)
        await asyncio.sleep(0)


async def _burst(runtime: Runtime, dice: random.Random, sender: AgentId) -> None:
    """Have more messages in the pool at once than the run will; the loop takes none before the end of this."""
    name = parse_agent_name(_NAME)
    await runtime.create_external(ExternalRequest(name=name, owner="root", mailbox_max=BURST_MESSAGES))
    for _ in range(BURST_MESSAGES):
        runtime.post(request(dice, _NAME), sender, nobody_else)
    await runtime.delete(_NAME)
