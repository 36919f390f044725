"""Modules on disk, by their digest.

Bytes go in once they have proved to be an agent, and come out only if they still have the digest that
they are asked for by. A file is written beside its place, flushed, and moved there, so that a crash
leaves either the whole module or a leftover that the next start removes.
"""

import errno
import os
import secrets
from pathlib import Path
from typing import Final, final

from caxton.domain.errors.request import ParseError
from caxton.domain.errors.resource import StorageFull
from caxton.domain.ids import Digest, digest_of, parse_digest
from caxton.storage.durable_file import sync_directory

# Modules that no agent uses are kept for a later deployment by digest, the newest first, up to these bounds.
UNUSED_MODULES_MAX: Final = 1000
UNUSED_BYTES_MAX: Final = 1 << 30

_SUFFIX: Final = ".wasm"
_UNFINISHED: Final = ".new"


@final
class ModuleStore:
    """The modules under one directory. Every method may block on the disk: call them on a thread.

    Calls are serialised by the caller. `used` tells which digests agents run; those are never removed.
    """

    def __init__(self, directory: Path, *, unused_max: int = UNUSED_MODULES_MAX) -> None:
        self._directory = directory
        self._unused_max = unused_max
        directory.mkdir(mode=0o700, exist_ok=True)
        for leftover in directory.glob(f"*{_UNFINISHED}"):
            leftover.unlink(missing_ok=True)

    def put(self, digest: Digest, module: bytes, used: frozenset[Digest] = frozenset()) -> None:
        """Keep a module; it is on the disk when this returns.

        Raises:
            StorageFull: the disk has no room; nothing was kept.
        """
        place = self._place(digest)
        # One that was damaged since is written again.
        if self.get(digest) is not None:
            os.utime(place)
            return
        self._make_room(len(module), used | {digest})
        write_durably(place, module)

    def get(self, digest: Digest) -> bytes | None:
        """Return a module, or None if it is not here. One that no longer has its digest is removed."""
        place = self._place(digest)
        try:
            module = place.read_bytes()
        except FileNotFoundError:
            return None
        if digest_of(module) != digest:
            place.unlink(missing_ok=True)
            return None
        return module

    def remove(self, digest: Digest) -> None:
        """Forget a module."""
        self._place(digest).unlink(missing_ok=True)

    def digests(self) -> list[Digest]:
        """Return the digests of all modules here."""
        found: list[Digest] = []
        for entry in self._directory.glob(f"*{_SUFFIX}"):
            try:
                found.append(parse_digest(entry.stem))
            except ParseError:
                continue
        return found

    def _place(self, digest: Digest) -> Path:
        return self._directory / f"{digest}{_SUFFIX}"

    def _make_room(self, incoming_bytes: int, used: frozenset[Digest]) -> None:
        unused: list[tuple[float, int, Path]] = []
        for entry in self._directory.glob(f"*{_SUFFIX}"):
            if entry.stem not in used:
                status = entry.stat()
                unused.append((status.st_mtime, status.st_size, entry))
        unused.sort()
        unused_bytes = sum(size for _, size, _ in unused)
        count = len(unused)
        for _, size, entry in unused:
            if count < self._unused_max and unused_bytes + incoming_bytes <= UNUSED_BYTES_MAX:
                return
            entry.unlink(missing_ok=True)
            count -= 1
            unused_bytes -= size


def write_durably(place: Path, *parts: bytes) -> None:
    """Write a file so that a reader sees all of it or none, also after a crash. Mode 0600.

    Raises:
        StorageFull: the disk has no room; `place` is as it was.
    """
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(4)}{_UNFINISHED}")
    try:
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for part in parts:
                _write_all(fd, part)
            os.fsync(fd)
        finally:
            os.close(fd)
        unfinished.rename(place)
        sync_directory(place.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(str(place.parent)) from error
        raise


def _write_all(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
