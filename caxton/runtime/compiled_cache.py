"""Machine code on disk, so that a known module starts in microseconds.

The engine trusts the code that it is given: it is native code. Hence an entry counts only if this
server wrote it. The directory is ours alone (0700) and holds a random key (0600); an entry is

    magic, length of the header, header, HMAC-SHA256(key, header + code), code

and the header says what the code is for: module, engine version, profile, data mapping, processor and
format. An entry that was cut, changed, renamed or made for something else is logged, removed and
compiled anew. The bytes that were verified are the bytes that run: no path is opened twice.
"""

import contextlib
import errno
import hmac
import logging
import os
import platform
import secrets
import stat
from pathlib import Path
from typing import Final, final

import msgspec

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.ids import Digest
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime.module_store import write_durably

CACHE_BYTES_MAX: Final = 2 << 30
CACHE_ENTRIES_MAX: Final = 10_000
ENTRY_BYTES_MAX: Final = 512 << 20
# Raised whenever the engine's settings change in a way that the engine itself would not notice.
FORMAT: Final = 1

_KEY_NAME: Final = "key"
_KEY_BYTES: Final = 32
_MAGIC: Final = b"CAXCODE1"
_LENGTH_BYTES: Final = 4
_MAC_BYTES: Final = 32
_SUFFIX: Final = ".code"

_log = logging.getLogger("caxton.runtime.compiled_cache")


@final
class CodeKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of machine code is for. Two equal keys mean interchangeable code."""

    digest: Digest
    profile: str
    copy_on_write: bool


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    key: CodeKey
    engine: str
    processor: str
    format: int


@final
class CompiledCache:
    """The machine code under one directory. Methods block on the disk; calls are serialised by the caller."""

    def __init__(
        self,
        directory: Path,
        engine_version: str,
        *,
        bytes_max: int = CACHE_BYTES_MAX,
        entries_max: int = CACHE_ENTRIES_MAX,
    ) -> None:
        """Open or make the cache.

        Raises:
            ConfigurationInvalid: somebody else may write to the directory or the key.
        """
        self._directory = directory
        self._engine = engine_version
        self._bytes_max = bytes_max
        self._entries_max = entries_max
        self.refused_count = 0
        self._fd = _open_private_directory(directory)
        try:
            self._secret = _open_key(directory, self._fd)
        except BaseException:
            os.close(self._fd)
            raise

    def close(self) -> None:
        """Let go of the directory. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def get(self, key: CodeKey) -> bytes | None:
        """Return the machine code for `key`, or None if there is none that this server wrote."""
        name = self._name(key)
        try:
            entry = _read_private(self._fd, name, ENTRY_BYTES_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._refuse(name, error.strerror or "it cannot be read")
            return None
        code = self._verified(entry, key)
        if code is None:
            self._refuse(name, "it was not written by this server for this module and engine")
            return None
        os.utime(name, dir_fd=self._fd)
        return code

    def put(self, key: CodeKey, code: bytes) -> None:
        """Keep machine code, and remove what was not used for longest where room is short.

        Raises:
            StorageFull: the disk has no room.
        """
        header = self._header(key)
        mac = hmac.digest(self._secret, header + code, "sha256")
        self._make_room(len(code))
        length = len(header).to_bytes(_LENGTH_BYTES, "little")
        write_durably(self._directory / self._name(key), _MAGIC, length, header, mac, code)

    def remove(self, key: CodeKey) -> None:
        """Forget the code for `key`."""
        self._unlink(self._name(key))

    def reject(self, key: CodeKey, reason: str) -> None:
        """Remove an entry that the engine itself would not take."""
        self._refuse(self._name(key), reason)

    def _header(self, key: CodeKey) -> bytes:
        return msgspec.json.encode(
            _Header(key=key, engine=self._engine, processor=platform.machine(), format=FORMAT)
        )

    def _verified(self, entry: bytes, key: CodeKey) -> bytes | None:
        header = self._header(key)
        start = len(_MAGIC) + _LENGTH_BYTES
        expected = _MAGIC + len(header).to_bytes(_LENGTH_BYTES, "little") + header
        # The header is compared with the one we would write, so that nothing of the file is believed
        # before the code is authentic, not even a length.
        if not entry.startswith(expected):
            return None
        mac = entry[start + len(header) : start + len(header) + _MAC_BYTES]
        code = entry[start + len(header) + _MAC_BYTES :]
        if not hmac.compare_digest(mac, hmac.digest(self._secret, header + code, "sha256")):
            return None
        return code

    def _name(self, key: CodeKey) -> str:
        mapping = "cow" if key.copy_on_write else "copy"
        return f"{key.digest}.{key.profile}.{mapping}{_SUFFIX}"

    def _refuse(self, name: str, reason: str) -> None:
        self.refused_count += 1
        _log.warning(
            "machine code refused and removed: %s",
            reason,
            extra={"event": "compiled_code_refused", "entry": name},
        )
        self._unlink(name)

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def _make_room(self, incoming_bytes: int) -> None:
        entries: list[tuple[float, int, str]] = []
        with os.scandir(self._fd) as listing:
            for found in listing:
                if found.name.endswith(_SUFFIX):
                    status = found.stat(follow_symlinks=False)
                    entries.append((status.st_mtime, status.st_size, found.name))
        entries.sort()
        kept_bytes = sum(size for _, size, _ in entries)
        kept = len(entries)
        for _, size, name in entries:
            if kept < self._entries_max and kept_bytes + incoming_bytes <= self._bytes_max:
                return
            self._unlink(name)
            kept -= 1
            kept_bytes -= size


def _open_private_directory(directory: Path) -> int:
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _not_private(directory, error.strerror or str(error)) from error
    problem = _exposure(os.fstat(fd))
    if problem is not None:
        os.close(fd)
        raise _not_private(directory, problem)
    for name in os.listdir(fd):  # noqa: PTH208 - the descriptor was checked, the path was not
        if name.endswith(".new"):
            os.unlink(name, dir_fd=fd)
    return fd


def _open_key(directory: Path, directory_fd: int) -> bytes:
    try:
        key = _read_private(directory_fd, _KEY_NAME, _KEY_BYTES)
    except FileNotFoundError:
        key = secrets.token_bytes(_KEY_BYTES)
        write_durably(directory / _KEY_NAME, key)
    except OSError as error:
        raise _not_private(directory / _KEY_NAME, error.strerror or str(error)) from error
    if len(key) != _KEY_BYTES:
        # Without its key no entry counts, so a new key costs compilations and nothing else.
        _log.warning("the key of the machine code is damaged; a new one takes its place")
        key = secrets.token_bytes(_KEY_BYTES)
        write_durably(directory / _KEY_NAME, key)
    return key


def _read_private(directory_fd: int, name: str, size_max: int) -> bytes:
    """Read a file that is ours alone, from one descriptor. Raises OSError for anything else."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    fd = os.open(name, flags, dir_fd=directory_fd)
    try:
        status = os.fstat(fd)
        problem = _exposure(status)
        if problem is None and not stat.S_ISREG(status.st_mode):
            problem = "it is not a file"
        if problem is None and status.st_size > size_max:
            problem = "it is too large"
        if problem is not None:
            raise OSError(errno.EPERM, problem)
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(size_max + 1)
    finally:
        os.close(fd)


def _exposure(status: os.stat_result) -> str | None:
    if status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}, not to the user of this server ({os.geteuid()})"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return f"others may use it (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _not_private(path: Path, problem: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        [
            Problem(
                field="storage.data_dir",
                kind=ProblemKind.INVALID_VALUE,
                problem=f"{path} holds code that this server runs, but {problem}",
                fix=f"check who changed it, then remove {path}: it is made anew",
            )
        ]
    )
