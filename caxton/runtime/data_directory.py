"""The data directory: who may use it, and where things lie in it.

    <data_dir>/           made with mode 0700
      lock                held by the one server that uses the directory; holds its process id as text
      caxton.db           agents, tokens and more, with its -wal and -shm (see the storage room)
      modules/            WebAssembly modules by digest
      compiled/           machine code, 0700 and authenticated (see `compiled_cache`)
      root.token          belongs to the security room

The lock is an advisory lock of the kernel (flock), so that it ends with the process that holds it,
however that ends.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Final, final

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.problem import Problem, ProblemKind
from caxton.storage.database import DATABASE_NAME

LOCK_NAME: Final = "lock"
MODULES_NAME: Final = "modules"
COMPILED_NAME: Final = "compiled"

_PID_BYTES_MAX: Final = 32
_SETTING: Final = "storage.data_dir"


@final
class DataDirectory:
    """A data directory that this process alone uses, until `close`."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd: int | None = lock_fd

    @classmethod
    def open(cls, path: Path) -> "DataDirectory":
        """Make the directory if it is missing, and lock it.

        Raises:
            ConfigurationInvalid: it cannot be made or written, or another server uses it.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock_fd = os.open(path / LOCK_NAME, flags, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            _lock(path, lock_fd)
        except BaseException:
            os.close(lock_fd)
            raise
        return cls(path.resolve(), lock_fd)

    @property
    def database(self) -> Path:
        """The database."""
        return self.path / DATABASE_NAME

    @property
    def modules(self) -> Path:
        """The directory of modules."""
        return self.path / MODULES_NAME

    @property
    def compiled(self) -> Path:
        """The directory of machine code."""
        return self.path / COMPILED_NAME

    def close(self) -> None:
        """Give the directory up. Idempotent."""
        if self._lock_fd is not None:
            # The file stays: removing it would let two later servers lock two different files.
            os.ftruncate(self._lock_fd, 0)
            os.close(self._lock_fd)
            self._lock_fd = None


def _lock(path: Path, lock_fd: int) -> None:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise _unusable(path, error) from error
        holder = os.pread(lock_fd, _PID_BYTES_MAX, 0).decode("ascii", "replace").strip()
        who = f"the server with process id {holder}" if holder else "another server"
        raise ConfigurationInvalid(
            [
                Problem(
                    field=_SETTING,
                    kind=ProblemKind.CONTRADICTION,
                    problem=f"{path} is in use by {who}",
                    fix="stop that server, or choose another directory with --data-dir",
                )
            ]
        ) from error
    os.ftruncate(lock_fd, 0)
    os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)


def _unusable(path: Path, error: OSError) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        [
            Problem(
                field=_SETTING,
                kind=ProblemKind.INVALID_VALUE,
                problem=f"{path} cannot be used: {error.strerror or error}",
                fix="choose a directory that this user may write, with --data-dir",
            )
        ]
    )
