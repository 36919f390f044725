"""What all kinds of jobs have in common: opened, looked up, waited for, cancelled, let go in the end."""

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar, final

import anyio
import msgspec

from caxton.clock import Clock
from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.ids import AgentId
from caxton.tasks.act import CancelAsked
from caxton.tasks.content_room import SEAT_BYTES, ContentRoom
from caxton.tasks.desk import Procedure
from caxton.tasks.job import Job
from caxton.tasks.market import Market
from caxton.tasks.request import PARTICIPANTS_MAX
from caxton.tasks.shelf import Shelf, ShelfBounds
from caxton.tasks.voice import Conversation

S = TypeVar("S")
Q = TypeVar("Q")


@final
class Kind(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A kind of job: its noun, its decider, and two questions about the decider's states."""

    noun: str
    procedure: Procedure[S]
    state_word: Callable[[S], str]
    is_cancelling: Callable[[S], bool]


@final
class Office(Generic[S, Q]):
    """The jobs of one kind. All methods are for the thread of the event loop."""

    def __init__(
        self, kind: Kind[S], market: Market, room: ContentRoom, clock: Clock, bounds: ShelfBounds
    ) -> None:
        self._kind = kind
        self._market = market
        self._room = room
        self._clock = clock
        self.shelf: Final = Shelf[S, Q](kind.noun, bounds, self._forget)
        room.made_by(self.shelf.drop_oldest)

    def check_open(self, content: bytes) -> None:
        """Refuse before anything is said. Raises: Unavailable, ResourceLimitExceeded."""
        self._market.check_open()
        self.shelf.drop_old(anyio.current_time())
        self.shelf.check_room()
        if not self._room.has(len(content) + SEAT_BYTES * PARTICIPANTS_MAX):
            raise ResourceLimitExceeded("bytes of tasks and auctions", self._room.bytes_max)

    def begin(
        self,
        job_id: str,
        conversation: Conversation,
        names: Mapping[AgentId, str],
        state: S,
        asked: Q,
        content: bytes,
    ) -> None:
        """Let a job go on by itself, its first message with that content sent a moment ago."""
        job = Job(
            job_id,
            self._kind.procedure,
            state,
            conversation,
            self._market.voice,
            asked=asked,
            asked_bytes=len(content),
            names=names,
            created_ns=self._clock.wall_ns(),
            room=self._room,
        )
        self.shelf.add(job)
        self._market.begin(job, lambda: self.shelf.finish(job, anyio.current_time()))

    async def wait(self, job_id: str, timeout_s: float) -> Job[S, Q]:
        """Return a job when it has ended, or as it is when the time is over. Raises: NotFound."""
        job = self.shelf.get(job_id)
        with anyio.move_on_after(timeout_s):
            await job.desk.over.wait()
        return job

    async def cancel(self, job_id: str) -> Job[S, Q]:
        """Tell participants to stop, and wait for their answers, for as long as the protocol lets them.

        Raises:
            NotFound: there is no such job.
            InvalidState: it has ended, or is being cancelled already.
        """
        job = self.shelf.get(job_id)
        if not await job.desk.ask(CancelAsked()):
            raise self.wrong_state(job, "cancel")
        while self._kind.is_cancelling(job.desk.state) and not job.over:
            await job.desk.changed.wait()
        return job

    def wrong_state(self, job: Job[S, Q], operation: str) -> InvalidState:
        """Return the refusal of an operation that the state of a job does not allow."""
        word = self._kind.state_word(job.desk.state)
        allowed = ("get",) if job.over else ("get", "cancel")
        return InvalidState(word, operation, subject=f"the {self._kind.noun} {job.id}", allowed=allowed)

    def _forget(self, job: Job[S, Q]) -> None:
        job.forget()
        self._market.forget(job.conversation.id)
