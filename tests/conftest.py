"""What every test may rely on."""

import os
from typing import Any

import pytest
from hypothesis import settings

# A test says what happens, not how soon; and it says the same each time. CAXTON_SEARCH=1 looks for new
# examples, of which a failing one is printed to become a test by name.
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if os.environ.get("CAXTON_SEARCH") else "steady")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on the production loop; a room whose time is virtual overrides this with trio and its MockClock."""
    return ("asyncio", {"use_uvloop": True})
