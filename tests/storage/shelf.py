"""A store on a real file, and a table of its own to put things in."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from caxton.storage.database import Durability, connect
from caxton.storage.statement import Change, Row, put, remove
from caxton.storage.store import Store

PUT: Final = put("things", "name", "number", blobs=("body",))
REMOVE: Final = remove("things", "name")
REFUSED: Final = put("no_such_table", "name")


def thing(name: str, number: int | None = 0, body: bytes = b"") -> Change:
    """Return the change after which a thing is kept."""
    return Change(PUT, [(name, number, body)])


def gone(*names: str) -> Change:
    """Return the change after which these are not kept."""
    return Change(REMOVE, [(name,) for name in names])


def things(connection: sqlite3.Connection) -> dict[str, tuple[int | None, bytes]]:
    """Return everything that is kept."""
    rows = connection.execute("SELECT name, number, body FROM things").fetchall()
    return {name: (number, body) for name, number, body in rows}


def make_table(path: Path) -> None:
    """Add the table to a database."""
    connection = connect(str(path))
    connection.execute(
        "CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY, number INTEGER, body BLOB NOT NULL) STRICT"
    )
    connection.close()


def open_store(path: Path, *, durability: Durability = "full", group_commit_ms: int = 5) -> Store:
    """Open a store that has the table."""
    fresh = not path.exists()
    store = Store.open(path, durability=durability, group_commit_ms=group_commit_ms)
    if fresh:
        make_table(path)
    return store


@asynccontextmanager
async def shelf(path: Path, *, group_commit_ms: int = 5) -> AsyncGenerator[Store]:
    """Run a store that has the table."""
    store = open_store(path, group_commit_ms=group_commit_ms)
    store.start()
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close, 10.0)


def row(name: str, number: int | None, body: bytes) -> Row:
    """Return a row for `PUT`."""
    return (name, number, body)
