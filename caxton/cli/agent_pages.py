"""All agents of a server, page by page."""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from caxton.cli.client import Client, Query
from caxton.cli.pages import every_page

T = TypeVar("T")


class _Page(msgspec.Struct, Generic[T], frozen=True):
    agents: list[T]
    next_cursor: str | None = None


def every_agent(
    client: Client, shape: type[T], filters: Query | None = None, wanted: int | None = None
) -> Iterator[T]:
    """Yield each agent that the filters let through, as the given shape; pages come as they are needed.

    `wanted` keeps the pages small for a caller that will take no more.

    Raises: Refused, Unreachable.
    """
    for page in every_page(client, "/agents", _Page[shape], filters, wanted):
        yield from page.agents
