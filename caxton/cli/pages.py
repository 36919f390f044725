"""A listing of the API, page by page."""

from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

from caxton.cli.client import Client, Query

# As many rows as the API hands over at once.
PAGE_ROWS_MAX: Final = 1000


class Page(Protocol):
    """One page; the next begins at its cursor."""

    @property
    def next_cursor(self) -> str | None: ...


P = TypeVar("P", bound=Page)


def every_page(
    client: Client, path: str, shape: type[P], query: Query | None = None, wanted: int | None = None
) -> Iterator[P]:
    """Yield the pages of a listing, each in the given shape, as they are needed.

    `wanted` rows at most will be taken of all pages together: it keeps them small.

    Raises: Refused, Unreachable.
    """
    limit = min(PAGE_ROWS_MAX, wanted or PAGE_ROWS_MAX)
    cursor: str | None = None
    while True:
        page = client.get(path, query={**(query or {}), "limit": limit, "cursor": cursor}).decode(shape)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
