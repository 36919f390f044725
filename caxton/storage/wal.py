"""The write-ahead log as it lies on the disk after a crash: what will be replayed, and what will not.

SQLite replays the log up to its last whole transaction and passes over the rest without a word. What it
passes over is either the one transaction that was under way, or damage. A look at the headers of the frames,
before and after SQLite's own recovery, tells them apart.

Format: a header of 32 bytes, then frames of a header of 24 bytes and one page. Frames of this generation of
the log carry the salts of its header; older ones lie behind them. (SQLite, "WAL-mode File Format".)
"""

import os
import struct
from pathlib import Path
from typing import Final, final

import msgspec

_HEADER: Final = struct.Struct(">IIIIIIII")
_FRAME: Final = struct.Struct(">IIIIII")
_MAGICS: Final = frozenset({0x377F0682, 0x377F0683})
_PAGE_BYTES: Final = frozenset(1 << power for power in range(9, 17))


@final
class WalFrames(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers say.

    The frames of the present generation reach to `frames_count`; a transaction ends at the places `ends`
    (from 1); `rest_bytes` of a frame were begun behind them. With a damaged header nothing is replayed.
    """

    frames_count: int = 0
    ends: tuple[int, ...] = ()
    rest_bytes: int = 0
    header_damaged: bool = False

    def unfinished(self, replayed: int) -> int:
        """Return how many frames lie behind those that were replayed."""
        return max(0, self.frames_count - replayed) + (1 if self.rest_bytes else 0)

    def lost_ends(self, replayed: int) -> int:
        """Return how many transactions end behind what was replayed."""
        return sum(1 for end in self.ends if end > replayed)


def wal_path(database: Path) -> Path:
    """Return where the log of a database lies."""
    return database.with_name(f"{database.name}-wal")


def read_wal_frames(database: Path) -> WalFrames:
    """Read the headers of a database's log; nothing of a log that is missing or empty.

    Raises:
        OSError: it cannot be read.
    """
    try:
        file = wal_path(database).open("rb")
    except FileNotFoundError:
        return WalFrames()
    with file:
        size = os.fstat(file.fileno()).st_size
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return WalFrames(rest_bytes=size)
        magic, _, page_bytes, _, *salts, first, second = _HEADER.unpack(header)
        if page_bytes not in _PAGE_BYTES or _checksum(header[:-8], magic) != (first, second):
            return WalFrames(rest_bytes=size, header_damaged=size > _HEADER.size)
        step = _FRAME.size + page_bytes
        whole, rest = divmod(size - _HEADER.size, step)
        reach = 0
        ends: list[int] = []
        # To the end, not to the first frame of another generation: its salts may be what was damaged.
        for place in range(1, whole + 1):
            file.seek(_HEADER.size + (place - 1) * step)
            _, pages, *frame_salts, _, _ = _FRAME.unpack(file.read(_FRAME.size))
            if frame_salts == salts:
                reach = place
                if pages:
                    ends.append(place)
        # Behind frames of an older generation a rest is older, too.
        return WalFrames(frames_count=reach, ends=tuple(ends), rest_bytes=rest if reach == whole else 0)


def _checksum(content: bytes, magic: int) -> tuple[int, int]:
    if magic not in _MAGICS:
        return -1, -1
    first = second = 0
    for one, other in struct.iter_unpack(">II" if magic & 1 else "<II", content):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
