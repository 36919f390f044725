"""The database file: made, checked, brought to the present schema, and opened for whoever writes or reads.

`open_database` is for the start of a server, before anything else uses the file. Durability `full` confirms
each commit with the disk, `normal` leaves the confirmation to the system (a crash of the process loses
nothing, one of the machine may lose the last commits), `memory` keeps no file at all.
"""

import logging
import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final, Literal, final

import msgspec

from caxton.storage.refusals import cannot_open, damaged, not_usable
from caxton.storage.schema import Schema
from caxton.storage.wal import WalFrames, read_wal_frames

DATABASE_NAME: Final = "caxton.db"

Durability = Literal["full", "normal", "memory"]

SQLITE_VERSION_MIN: Final = (3, 37, 0)
"""The first with strict tables."""

# Large pages make few, long writes: many messages to a commit are kept faster, a single one as fast.
_PAGE_BYTES: Final = 16384
_WAL_KEPT_BYTES_MAX: Final = 64 << 20
_BUSY_S: Final = 5.0
# Kept between calls; a table has a handful of statements.
_STATEMENTS_CACHED: Final = 64
_FAULTS_TOLD_MAX: Final = 5

_log = logging.getLogger("caxton.storage")


@final
class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A database that is ready for its writer. `target` and `uri` are how further connections find it."""

    path: Path
    connection: sqlite3.Connection
    target: str
    uri: bool
    version_found: int
    frames_unfinished: int


def open_database(path: Path, durability: Durability) -> Opened:
    """Open or make a database and return it with the connection for its one writer. Blocks.

    Raises:
        ConfigurationInvalid: it is damaged, another program's, or of a newer version; says what to do.
    """
    if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
        wanted = ".".join(map(str, SQLITE_VERSION_MIN))
        raise not_usable(
            f"this Python has SQLite {sqlite3.sqlite_version}, and the store needs {wanted}",
            f"install SQLite {wanted} or newer, or set storage.durability to memory",
        )
    frames = WalFrames()
    target, uri = str(path), False
    if durability == "memory":
        if path.exists():
            _log.warning(
                "storage.durability is memory: what %s holds is not used",
                path,
                extra={"event": "store_ignored"},
            )
        # A name of its own, so that the readers of this server find it and nobody else does.
        target, uri = f"file:caxton-{secrets.token_hex(8)}?mode=memory&cache=shared", True
    else:
        frames = _look_at(path)
    try:
        connection = connect(target, uri=uri)
    except sqlite3.Error as error:
        raise cannot_open(path, error) from error
    try:
        unfinished = _settle(connection, path, durability, frames)
        found = Schema().migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise cannot_open(path, error) from error
    except BaseException:
        connection.close()
        raise
    return Opened(
        path=path,
        connection=connection,
        target=target,
        uri=uri,
        version_found=found,
        frames_unfinished=unfinished,
    )


def connect(target: str, *, uri: bool = False) -> sqlite3.Connection:
    """Return a connection that any one thread at a time may use, without transactions of its own making."""
    return sqlite3.connect(
        target,
        uri=uri,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_CACHED,
    )


def connect_reader(opened: Opened) -> sqlite3.Connection:
    """Return a connection that cannot write."""
    if opened.uri:
        connection = connect(opened.target, uri=True)
        # The tables of a shared memory are locked as a whole; a reader takes what it sees.
        connection.execute("PRAGMA read_uncommitted = ON")
    else:
        connection = connect(opened.path.absolute().as_uri() + "?mode=ro", uri=True)
    connection.execute("PRAGMA query_only = ON")
    return connection


def quick_check(connection: sqlite3.Connection, path: Path) -> None:
    """Let SQLite look at every page.

    Raises:
        ConfigurationInvalid: with the first faults that it found.
    """
    rows = connection.execute(f"PRAGMA quick_check({_FAULTS_TOLD_MAX})").fetchall()
    faults = [str(fault) for (fault,) in rows]
    if faults != ["ok"]:
        raise damaged(path, "; ".join(faults))


def _look_at(path: Path) -> WalFrames:
    """Make the file if it is missing, for its owner alone, and read its log as a crash left it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.close(fd)
        frames = read_wal_frames(path)
        empty = path.stat().st_size == 0
    except OSError as error:
        raise not_usable(
            f"{path} cannot be used: {error.strerror or error}", "check who owns the file and its disk"
        ) from error
    if empty and (frames.frames_count or frames.header_damaged):
        # SQLite would throw the log away.
        raise damaged(path, "it is empty, while its write-ahead log is not")
    return frames


def _settle(connection: sqlite3.Connection, path: Path, durability: Durability, frames: WalFrames) -> int:
    """Replay the log, check every page, and set what the file and the connection shall be like."""
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if durability == "memory":
        return 0
    _, replayed, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    unfinished = _judge(path, durability, frames, max(0, int(replayed)))
    quick_check(connection, path)
    # Holds for a file that is made now; an older one keeps its size of pages.
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise not_usable(
            f"the file system of {path} cannot hold a write-ahead log",
            "move storage.data_dir to a local disk",
        )
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES_MAX}")
    return unfinished


def _judge(path: Path, durability: Durability, frames: WalFrames, replayed: int) -> int:
    """Tell what was not replayed. With durability `full` at most one transaction can have been under way.

    Raises:
        ConfigurationInvalid: more than that is missing, so something acknowledged would be lost.
    """
    lost = frames.lost_ends(replayed)
    if frames.header_damaged or (lost > 1 and durability == "full"):
        what = "its head" if frames.header_damaged else f"what lies before its last {lost} commits"
        raise damaged(path, f"the write-ahead log {path.name}-wal cannot be replayed, {what} was changed")
    unfinished = frames.unfinished(replayed)
    if unfinished:
        _log.warning(
            "%s: a write that was never acknowledged was cut off (%d frames of the log, %d commits)",
            path,
            unfinished,
            lost,
            extra={"event": "store_tail_cut", "frames": unfinished, "commits": lost},
        )
    return unfinished
