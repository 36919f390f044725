"""The newest events of the server, each with a cursor."""

from collections.abc import AsyncIterator
from typing import final

import msgspec


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event and its place. `type` is dotted (`agent.started`); `data` can be written as JSON."""

    cursor: int
    type: str
    timestamp: str
    agent_id: str | None
    data: dict[str, object]


@final
class EventRing:
    """A bounded ring of events."""

    def since(self, cursor: int, *, types: tuple[str, ...] = (), limit: int = 100) -> list[RecordedEvent]: ...
    def subscribe(self, *, types: tuple[str, ...] = (), since: int | None = None) -> AsyncIterator[RecordedEvent]: ...
