"""From what SQLite says to the errors that an operator or a caller sees."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.errors.resource import StorageFull, Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.problem import Problem, ProblemKind

_SETTING: Final = "storage.data_dir"
_PRIMARY: Final = 0xFF
_IO_WORDS: Final = {
    sqlite3.SQLITE_IOERR_FSYNC: "the disk did not confirm a write",
    sqlite3.SQLITE_IOERR_WRITE: "the disk refused a write",
    sqlite3.SQLITE_IOERR_SHORT_READ: "a file is shorter than it should be",
}


def not_usable(problem: str, fix: str) -> ConfigurationInvalid:
    """Return the refusal to start with this data directory."""
    return ConfigurationInvalid(
        [Problem(field=_SETTING, kind=ProblemKind.INVALID_VALUE, problem=problem, fix=fix)]
    )


def damaged(path: Path, what: str) -> ConfigurationInvalid:
    """Return the refusal to start with a damaged database: nothing in it is skipped in silence."""
    return not_usable(
        f"{path} is damaged: {what}",
        "keep a copy of it, then `caxton restore` a backup into an empty directory; or move the file and its "
        "-wal away to start without any agents and tokens",
    )


def cannot_open(path: Path, error: sqlite3.Error) -> ConfigurationInvalid:
    """Return the refusal for a database that SQLite itself does not open or read."""
    match code_of(error):
        case sqlite3.SQLITE_NOTADB:
            return damaged(path, "it does not begin like a database")
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, str(error))
        case sqlite3.SQLITE_FULL:
            return not_usable(f"there is no room left for {path}", "free disk space, then start again")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return not_usable(
                f"{path} is in use by another program", "close what reads or writes it, then start again"
            )
        case _:
            return not_usable(
                f"{path} cannot be used: {error}", "check who owns the file and its disk, then start again"
            )


def write_refusal(path: Path, error: sqlite3.Error) -> CaxtonError:
    """Return the error for whoever wanted something kept that could not be written."""
    code = code_of(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StorageFull(str(path.parent))
    extended = getattr(error, "sqlite_errorcode", 0)
    words = _IO_WORDS.get(extended, str(error))
    return Unavailable(f"nothing could be stored: {words}", components=["store"], retry_after_s=5.0)


def is_of_the_disk(error: sqlite3.Error) -> bool:
    """Tell whether the file or the disk refused, and not one of the changes."""
    return code_of(error) in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
    }


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary code; 0 for what the binding itself refused."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
