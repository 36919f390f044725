"""A process that keeps things, two to a batch, and says so: for tests that kill it."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.storage.shelf import shelf, thing

TOGETHER = 20
"""Batches on their way at a time."""


async def _keep(path: Path, prefix: str) -> None:
    async with shelf(path, group_commit_ms=1) as store:
        numbers = count()

        async def writer(place: int) -> None:
            while True:
                number = next(numbers)
                name = f"{prefix}.{place}.{number}"
                pair = [thing(f"{name}/1", number), thing(f"{name}/2", number, bytes(2000))]
                await store.append(pair, urgent=number % 3 == 0)
                sys.stdout.write(f"{name} {number}\n")
                sys.stdout.flush()

        await asyncio.gather(*(writer(place) for place in range(TOGETHER)))


if __name__ == "__main__":
    asyncio.run(_keep(Path(sys.argv[1]), sys.argv[2]))
