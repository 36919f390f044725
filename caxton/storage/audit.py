"""The audit as rows: who asked for what, and what became of it."""

import sqlite3
from typing import Final, final

import msgspec

from caxton.storage.statement import Change, add, remove_before

_ADD: Final = add(
    "audit", "at_ns", "identity", "name", "role", "operation", "status", "code", "trace_id", "subject"
)
_REMOVE_OLD: Final = remove_before("audit", "at_ns")


@final
class StoredEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call as it was answered. `subject` is what it was about, `code` the error's, where it was one."""

    at_ns: int
    identity: str
    name: str
    role: str
    operation: str
    status: int
    code: str | None
    trace_id: str
    subject: str | None


def entry_comes(entry: StoredEntry) -> Change:
    """Return the change that keeps an entry."""
    return Change(_ADD, [msgspec.structs.astuple(entry)])


def entries_go(before_ns: int) -> Change:
    """Return the change after which older entries are gone."""
    return Change(_REMOVE_OLD, [(before_ns,)])


def load_entries(
    connection: sqlite3.Connection,
    limit: int,
    before: int | None,
    identity: str | None,
    operation: str | None,
) -> list[tuple[int, StoredEntry]]:
    """Return up to `limit` entries with their places, newest first, from below the place `before`."""
    rows = connection.execute(
        "SELECT sequence, at_ns, identity, name, role, operation, status, code, trace_id, subject FROM audit "
        "WHERE sequence < coalesce(?1, 9223372036854775807) AND identity = coalesce(?2, identity) "
        "AND operation = coalesce(?3, operation) ORDER BY sequence DESC LIMIT ?4",
        (before, identity, operation, limit),
    )
    names = StoredEntry.__struct_fields__
    return [(row[0], StoredEntry(**dict(zip(names, row[1:], strict=True)))) for row in rows]
