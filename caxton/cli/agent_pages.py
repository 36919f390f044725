"""All agents of a server, page by page."""

from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

import msgspec

from caxton.cli.client import Client

T = TypeVar("T")

# As many as the API hands over at once.
_PAGE_AGENTS_MAX: Final = 1000


class _Page(msgspec.Struct, Generic[T], frozen=True):
    agents: list[T]
    next_cursor: str | None = None


def every_agent(
    client: Client, shape: type[T], filters: Mapping[str, str | None] | None = None, wanted: int | None = None
) -> Iterator[T]:
    """Yield each agent that the filters let through, as the given shape; pages come as they are needed.

    `wanted` keeps the pages small for a caller that will take no more.

    Raises: Refused, Unreachable.
    """
    limit = min(_PAGE_AGENTS_MAX, wanted or _PAGE_AGENTS_MAX)
    cursor: str | None = None
    while True:
        page = client.get("/agents", query={**(filters or {}), "limit": limit, "cursor": cursor}).decode(
            _Page[shape]
        )
        yield from page.agents
        cursor = page.next_cursor
        if cursor is None:
            return
