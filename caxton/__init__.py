"""Caxton: a multi-agent orchestration server whose agents are sandboxed WebAssembly modules."""

from typing import Final

__version__: Final = "0.1.0"
