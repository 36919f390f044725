"""Changes that are done together, and who is told when they are on the disk."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, final

from caxton.domain.errors.taxonomy import CaxtonError
from caxton.storage.statement import Change, Row, Statement

Told = Callable[["list[Batch]", CaxtonError | None], None]
"""Called on the writer's thread when these batches are on the disk, or with why none of them is."""


@final
class Batch:
    """Changes that are done all or not at all. `owner` is woken on its loop when they are."""

    __slots__ = ("changes", "owner", "rows_count", "size_bytes", "urgent")

    def __init__(self, changes: Sequence[Change], owner: "asyncio.Future[None]", *, urgent: bool) -> None:
        self.changes: Final = changes
        self.owner: Final = owner
        # Somebody waits for the answer: other batches may join, but are not waited for.
        self.urgent: Final = urgent
        self.rows_count: Final = sum(len(change.rows) for change in changes)
        self.size_bytes: Final = sum(change.statement.size_bytes(change.rows) for change in changes)


def steps(batches: Sequence[Batch]) -> list[tuple[Statement, list[Row]]]:
    """Return the statements of these batches with their rows, in order; neighbours of one kind become one."""
    changes = (change for batch in batches for change in batch.changes)
    return [
        (statement, [row for change in run for row in change.rows])
        for statement, run in groupby(changes, key=attrgetter("statement"))
    ]
