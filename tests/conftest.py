"""What every test may rely on."""

from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on the production loop; a room whose time is virtual overrides this with trio and its MockClock."""
    return ("asyncio", {"use_uvloop": True})
