"""A runtime for each test that asks for one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton.clock import SystemClock
from caxton.runtime.runtime import Runtime
from tests.runtime.rig import Rig, small_config


@pytest.fixture
async def rig(tmp_path: Path, anyio_backend: object) -> AsyncIterator[Rig]:
    """Run a small runtime; at the end everything that it held must be given back."""
    runtime = Runtime.open(small_config(tmp_path / "data"), SystemClock())
    await runtime.start()
    try:
        yield Rig(runtime)
    finally:
        await runtime.stop(10.0)
