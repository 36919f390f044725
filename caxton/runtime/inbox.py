"""The waiting messages of an external agent, kept until it says that it has them."""

from collections.abc import AsyncIterator
from typing import final


@final
class Inbox:
    """Messages in order of arrival. A read does not take them away; `ack` does."""

    async def read(self, wait_ms: int, max: int) -> tuple[list[bytes], str]: ...
    def ack(self, cursor: str) -> int: ...
    def subscribe(self) -> "InboxStream": ...


@final
class InboxStream:
    """One reader's place in an inbox: `async with inbox.subscribe() as stream: async for cursor, body in stream`."""

    async def __aenter__(self) -> "InboxStream": ...
    async def __aexit__(self, *exc: object) -> None: ...
    def __aiter__(self) -> AsyncIterator[tuple[str, bytes]]: ...
