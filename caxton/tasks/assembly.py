"""The service put together: voice, market and what callers ask, made once and handed to the API."""

import asyncio
from typing import Final, final

from caxton.clock import Clock
from caxton.runtime.runtime import Runtime
from caxton.tasks.agent_voice import AgentVoice
from caxton.tasks.auction_service import AuctionService
from caxton.tasks.content_room import ContentRoom
from caxton.tasks.market import Market
from caxton.tasks.shelf import ShelfBounds
from caxton.tasks.task_service import TaskService


@final
class ProtocolServices:
    """Tasks and auctions of one server. `start` before the API listens, `stop` while the core still runs."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        voice = AgentVoice(runtime)
        self._market = Market(voice)
        voice.heard_by(self._market.hear)
        room, bounds = ContentRoom(), ShelfBounds()
        self.tasks: Final = TaskService(self._market, room, clock, bounds)
        self.auctions: Final = AuctionService(self._market, room, clock, bounds)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take tasks from now on."""
        self._running = asyncio.get_running_loop().create_task(self._market.run())
        await self._market.opened.wait()

    async def stop(self) -> None:
        """End what is open as failed. Idempotent."""
        self._market.stop()
        if self._running is not None:
            await self._running
