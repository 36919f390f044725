"""What an agent's guest logged, the newest lines only."""

from collections.abc import AsyncIterator
from typing import final

import msgspec


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `timestamp` is RFC 3339; `level` one of trace, debug, info, warn, error."""

    cursor: int
    timestamp: str
    level: str
    message: str


@final
class AgentLog:
    """A bounded ring of lines."""

    def tail(self, limit: int) -> list[LogLine]: ...
    def follow(self) -> AsyncIterator[LogLine]: ...
