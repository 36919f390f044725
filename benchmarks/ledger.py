"""The books of a long run: what the process held over time, and what became of every request."""

import contextlib
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Final, final

import msgspec

WINDOW_S: Final = 10.0
_FILES: Final = Path("/proc/self/fd")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class _Answer(msgspec.Struct):
    """The field of an answer that tells which request it belongs to."""

    in_reply_to: str | None = None


_answers: Final = msgspec.json.Decoder(_Answer)


class Sample(msgspec.Struct, frozen=True):
    """The process at one moment; of what is resident, `guest_bytes` are the memories of its guests."""

    at_s: float
    resident_bytes: int
    guest_bytes: int
    files: int
    tasks: int
    agents: int


def resident_bytes() -> int:
    """Return the memory that this process has resident."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def files() -> int:
    """Return how many files this process has open, the one that is read for it aside."""
    return sum(1 for _ in _FILES.iterdir()) - 1


def file_names() -> list[str]:
    """Say what the open files are."""
    names: list[str] = []
    for link in _FILES.iterdir():
        # The one that lists them is gone when it is looked at.
        with contextlib.suppress(OSError):
            names.append(str(link.readlink()))
    return sorted(names)


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the line that fits best (least squares); 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def growth_bytes_per_min(samples: list[Sample]) -> float:
    """Return by how much the second half of a run grew, as a straight line sees it.

    What guests hold is theirs by their limits, and comes and goes by tens of megabytes with the few that
    take much; so the line is that of the rest. A guest's memory is counted when its handler ends: the
    medians of WINDOW_S leave out the moments between.
    """
    windows: dict[int, list[Sample]] = {}
    for sample in samples[len(samples) // 2 :]:
        windows.setdefault(int(sample.at_s // WINDOW_S), []).append(sample)
    return 60 * slope(
        [
            (
                statistics.median(sample.at_s for sample in window),
                statistics.median(float(sample.resident_bytes - sample.guest_bytes) for sample in window),
            )
            for window in windows.values()
        ]
    )


@final
class Requests:
    """Requests of which each must get one answer, whatever becomes of the agent it went to."""

    def __init__(self) -> None:
        # When it was sent, and to whom.
        self._open: dict[str, tuple[float, str]] = {}
        # Answers may come before the sender has read the id of its own message.
        self._early: set[str] = set()
        self.answered = 0
        self.unasked = 0

    def __len__(self) -> int:
        return len(self._open)

    def sent(self, message_id: str, receiver: str) -> None:
        """Expect an answer."""
        if message_id in self._early:
            self._early.remove(message_id)
            self.answered += 1
        else:
            self._open[message_id] = (time.monotonic(), receiver)

    def arrived(self, body: bytes) -> None:
        """Take an answer."""
        message_id = _answers.decode(body).in_reply_to
        if message_id is None:
            self.unasked += 1
        elif self._open.pop(message_id, None) is not None:
            self.answered += 1
        else:
            self._early.add(message_id)

    def waited_for(self) -> Counter[str]:
        """Return who owes how many answers."""
        return Counter(receiver for _, receiver in self._open.values())

    def leftovers(self) -> str:
        """Say what does not add up; empty when all does."""
        words: list[str] = []
        if self._open:
            now = time.monotonic()
            oldest = max(now - sent for sent, _ in self._open.values())
            words.append(f"{len(self._open)} requests without an answer, the oldest of {oldest:.1f} s")
        if self._early:
            words.append(f"{len(self._early)} answers to requests that nobody sent, or second ones")
        if self.unasked:
            words.append(f"{self.unasked} messages that answer nothing")
        return "; ".join(words)


@final
class Tally:
    """What was done, and how it went."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.unexpected: list[str] = []

    def note(self, deed: str, outcome: str = "done") -> None:
        """Count a deed."""
        self.done[f"{deed}: {outcome}"] += 1

    def wrong(self, words: str) -> None:
        """Keep what should not have happened, the first few of it."""
        self.done["unexpected"] += 1
        if len(self.unexpected) < 20:
            self.unexpected.append(words)
