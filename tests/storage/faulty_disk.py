"""A disk that fails on command: the shim of `faults.c`, compiled, and the page that tells it what to do."""

import errno
import mmap
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final, final

WRITES: Final = 1
SYNCS: Final = 2
SHORT: Final = 4
ALL: Final = -1
_RULE: Final = struct.Struct("iiii")


@final
class FaultyDisk:
    """Fails calls of processes that run with its `environ` on files below `directory`."""

    def __init__(self, scratch: Path, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler is not None, "the core was built with a C compiler"
        library = scratch / "faults.so"
        source = Path(__file__).with_name("faults.c")
        subprocess.run(
            [
                compiler,
                "-shared",
                "-fPIC",
                "-O1",
                "-Wall",
                "-Werror",
                "-o",
                str(library),
                str(source),
                "-ldl",
            ],
            check=True,
        )
        page = scratch / "faults.page"
        page.write_bytes(bytes(mmap.PAGESIZE))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environ: Final = {
            "LD_PRELOAD": str(library),
            "CAXTON_FAULT_PAGE": str(page),
            "CAXTON_FAULT_DIRECTORY": str(directory),
        }

    def fail(self, calls: int, why: int = errno.EIO, *, after: int = 0, times: int = ALL) -> None:
        """Let calls fail, from the one after the next `after` on."""
        self._page[: _RULE.size] = _RULE.pack(calls, why, after, times)

    def heal(self) -> None:
        """Let everything succeed."""
        self._page[: _RULE.size] = bytes(_RULE.size)
