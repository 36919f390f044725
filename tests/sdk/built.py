"""Agents built from C for tests: one cache for the machine, keyed by all that the result depends on."""

import os
import tempfile
from pathlib import Path
from typing import Final

from caxton.sdk import toolchain

ROOT: Final = Path(__file__).parents[2]
AGENTS: Final = ROOT / "caxton" / "demo" / "agents"
SOURCES: Final = Path(__file__).parent / "agents"
CACHE: Final = Path(tempfile.gettempdir()) / f"caxton-test-agents-{os.getuid()}"
COMPILER_CACHE: Final = CACHE / "compiler"


def built(source: Path) -> bytes:
    """Build a source, or take it from the cache that all test runs on this machine share."""
    return toolchain.build_c(source, cache_directory=CACHE).wasm


def demo_agent(name: str) -> bytes:
    """Build one of the demo's agents."""
    return built(AGENTS / f"{name}.c")
