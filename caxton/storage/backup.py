"""Backups of a data directory, made while a server uses it or not, and put into an empty one.

The database is copied by SQLite's own backup within one read, so that the copy is of one moment and writers
are not held up; then the modules that its agents and deployments name. The copy is checked page by page
before it is packed, and the packed file once more after it was written. The root token is not part of a
backup: who has the file shall not have the server.
"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind
from caxton.storage.archive import (
    FORMAT,
    ArchivedFile,
    Manifest,
    copy_verified,
    describe,
    not_a_backup,
    open_archive,
    write_archive,
)
from caxton.storage.database import DATABASE_NAME, connect, quick_check
from caxton.storage.durable_file import sync_directory, sync_file
from caxton.storage.refusals import cannot_open, not_usable
from caxton.storage.schema import Schema

MODULES_NAME: Final = "modules"
# A directory may hold the lock of whoever restores into it.
_EMPTY_BUT_FOR: Final = frozenset({"lock"})


def write_backup(data_dir: Path, target: Path, *, version: str, created_at: str) -> Manifest:
    """Write a backup of a data directory to a file that does not exist yet, and verify it.

    Raises:
        InvalidRequest: there is nothing to back up, or the file exists.
        ConfigurationInvalid: the database is damaged, or of a newer version.
        OSError: the file cannot be written; nothing of it is left.
    """
    source = data_dir / DATABASE_NAME
    if not source.exists():
        raise _refusal(
            "data_dir",
            f"{data_dir} holds no {DATABASE_NAME}",
            "name the server's data directory with --data-dir",
        )
    if target.exists():
        raise _refusal("file", f"{target} exists already", "choose another name, or remove that file first")
    with tempfile.TemporaryDirectory(prefix=".caxton-backup-", dir=target.absolute().parent) as scratch:
        copy = Path(scratch, DATABASE_NAME)
        _copy_database(source, copy)
        manifest, places = _collect(data_dir, copy, version, created_at)
        packed = Path(scratch, "backup")
        with packed.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            write_archive(file, manifest, places)
            sync_file(file)
        verify_backup(packed)
        # Not a rename: another file of that name that came meanwhile stays.
        os.link(packed, target)
        sync_directory(target.absolute().parent)
    return manifest


def verify_backup(path: Path) -> Manifest:
    """Read a backup from its beginning to its end. Raises: InvalidRequest with what is wrong."""
    with open_archive(path) as (manifest, files):
        for one, content in files:
            copy_verified(path, one, content, None)
    return manifest


def restore_backup(path: Path, data_dir: Path) -> Manifest:
    """Put a backup into an empty data directory, which the caller has locked.

    The database comes last: without it, a restore that was interrupted is not taken for one.

    Raises:
        InvalidRequest: the file is no whole backup, of a newer version, or the directory is not empty.
        OSError: the directory cannot be written.
    """
    found = sorted(entry.name for entry in data_dir.iterdir() if entry.name not in _EMPTY_BUT_FOR)
    if found:
        raise _refusal(
            "data_dir",
            f"{data_dir} is not empty: it holds {', '.join(found[:5])}",
            "restore into a new directory, or move away what is there",
        )
    manifest = verify_backup(path)
    newest = Schema().version
    if manifest.schema_version > newest:
        raise not_a_backup(
            path, f"it is of schema version {manifest.schema_version}, this server knows {newest}"
        )
    (data_dir / MODULES_NAME).mkdir(mode=0o700)
    unfinished = data_dir / f"{DATABASE_NAME}.new"
    with open_archive(path) as (_, files):
        for one, content in files:
            place = unfinished if one.name == DATABASE_NAME else data_dir / one.name
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                copy_verified(path, one, content, file)
                sync_file(file)
    sync_directory(data_dir / MODULES_NAME)
    with closing(connect(str(unfinished))) as connection:
        quick_check(connection, unfinished)
    unfinished.rename(data_dir / DATABASE_NAME)
    sync_directory(data_dir)
    return manifest


def _copy_database(source: Path, copy: Path) -> None:
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(connect(source.absolute().as_uri() + "?mode=ro", uri=True)) as reader,
            closing(connect(str(copy))) as writer,
        ):
            if Schema().check(reader, source) == 0:
                raise not_usable(f"{source} is empty", "start the server once, or name another directory")
            reader.backup(writer, pages=-1)
            # One file, without a log beside it.
            writer.execute("PRAGMA journal_mode = DELETE")
            quick_check(writer, copy)
    except sqlite3.Error as error:
        raise cannot_open(source, error) from error


def _collect(data_dir: Path, copy: Path, version: str, created_at: str) -> tuple[Manifest, dict[str, Path]]:
    with closing(connect(str(copy))) as connection:
        schema_version = Schema().check(connection, copy)
        agents, tokens = (
            int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours
            for table in ("agents", "tokens")
        )
        wanted = _digests(connection)
    places = {DATABASE_NAME: copy}
    files: list[ArchivedFile] = [describe(DATABASE_NAME, copy)]
    missing: list[str] = []
    for digest in wanted:
        name = f"{MODULES_NAME}/{digest}.wasm"
        place = data_dir / name
        if not place.exists():
            missing.append(digest)
            continue
        one = describe(name, place)
        if one.sha256 != digest:
            missing.append(digest)
            continue
        files.append(one)
        places[name] = place
    manifest = Manifest(
        format=FORMAT,
        caxton_version=version,
        schema_version=schema_version,
        created_at=created_at,
        agents=agents,
        tokens=tokens,
        files=tuple(files),
        modules_missing=tuple(missing),
    )
    return manifest, places


def _digests(connection: sqlite3.Connection) -> list[str]:
    programs = connection.execute("SELECT program FROM agents").fetchall()
    digests = {msgspec.json.decode(program, type=dict[str, object]).get("digest") for (program,) in programs}
    digests |= {digest for (digest,) in connection.execute("SELECT module_digest FROM deployments")}
    return sorted(str(digest) for digest in digests if digest is not None)


def _refusal(field: str, problem: str, fix: str) -> InvalidRequest:
    return InvalidRequest([Problem(field=field, kind=ProblemKind.INVALID_VALUE, problem=problem, fix=fix)])
