"""Jobs by id: those under way, and finished ones for a while. Bounded in number and age.

Whoever adds a job after `check_room` said nothing finds a place for it.
"""

from collections.abc import Callable
from itertools import islice
from typing import Final, Generic, TypeVar, final

import msgspec

from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.suggestion import near_names
from caxton.tasks.job import Job

FINISHED_S_MAX: Final = 3600.0
_LOOKED_AT_MAX: Final = 1000

S = TypeVar("S")
Q = TypeVar("Q")


@final
class ShelfBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs of a kind may be under way, and how many finished ones are kept."""

    live_max: int = 10_000
    finished_max: int = 10_000


@final
class Shelf(Generic[S, Q]):
    """Jobs of one kind; `noun` is its word. For the thread of the event loop."""

    def __init__(self, noun: str, bounds: ShelfBounds, forget: Callable[[Job[S, Q]], None]) -> None:
        """`forget` is told of each job that has to make room for others."""
        self._noun = noun
        self._forget = forget
        self._bounds = bounds
        self._jobs: dict[str, Job[S, Q]] = {}
        # Finished ones in the order in which they ended, and when.
        self._finished: dict[str, float] = {}
        self._added_count = 0

    @property
    def live_count(self) -> int:
        """Jobs under way."""
        return len(self._jobs) - len(self._finished)

    def check_room(self) -> None:
        """Refuse before anything is said. Raises: ResourceLimitExceeded."""
        if self.live_count >= self._bounds.live_max:
            raise ResourceLimitExceeded(f"{self._noun}s under way", self._bounds.live_max)

    def add(self, job: Job[S, Q]) -> None:
        """Take a new job."""
        self._added_count += 1
        job.number = self._added_count
        self._jobs[job.id] = job

    def finish(self, job: Job[S, Q], now_s: float) -> None:
        """Keep a job that has ended, as long as there is room."""
        self._finished[job.id] = now_s
        self.drop_old(now_s)

    def drop_old(self, now_s: float) -> None:
        """Let go of finished jobs that are too old or too many."""
        while self._finished:
            job_id, ended_s = next(iter(self._finished.items()))
            if len(self._finished) <= self._bounds.finished_max and now_s - ended_s <= FINISHED_S_MAX:
                return
            del self._finished[job_id]
            self._forget(self._jobs.pop(job_id))

    def drop_oldest(self) -> bool:
        """Let go of the job that ended first; False when none has ended."""
        if not self._finished:
            return False
        job_id = next(iter(self._finished))
        del self._finished[job_id]
        self._forget(self._jobs.pop(job_id))
        return True

    def get(self, job_id: str) -> Job[S, Q]:
        """Return the job with this id. Raises: NotFound."""
        job = self._jobs.get(job_id)
        if job is None:
            recent = list(islice(reversed(self._jobs), _LOOKED_AT_MAX))
            raise NotFound(self._noun, job_id, suggestions=near_names(job_id, recent))
        return job

    def page(
        self, admits: Callable[[Job[S, Q]], bool], limit: int, cursor: str | None
    ) -> tuple[list[Job[S, Q]], str | None]:
        """Return up to `limit` jobs, the newest first, and the cursor of the rest. Raises: CursorUnknown."""
        before = self._added_count + 1
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
                raise CursorUnknown(cursor)
            before = int(cursor)
        found: list[Job[S, Q]] = []
        for job in reversed(self._jobs.values()):
            if job.number >= before or not admits(job):
                continue
            if len(found) == limit:
                return found, str(found[-1].number)
            found.append(job)
        return found, None
