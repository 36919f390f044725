"""One task or auction under way: its desk, what was asked for, who takes part, what is kept of it."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar, final

import msgspec

from caxton.domain.ids import AgentId
from caxton.domain.timestamp import WallNs
from caxton.tasks.act import Heard, Occurrence
from caxton.tasks.content_room import PROPOSAL_BYTES_MAX, ContentRoom
from caxton.tasks.desk import Desk
from caxton.tasks.voice import Conversation

# Of one participant: a proposal, a report, an answer to a cancellation, and some that the rules forbid.
MESSAGES_WAITING_MAX: Final = 8
_REPORTS: Final = frozenset({"inform", "failure"})

S = TypeVar("S")
Q = TypeVar("Q")


@final
class Job(Generic[S, Q]):
    """`S` is the state of the decider, `Q` what was asked for. For the thread of the event loop."""

    def __init__(
        self,
        job_id: str,
        desk: Desk[S],
        asked: Q,
        names: Mapping[AgentId, str],
        created_ns: WallNs,
        room: ContentRoom,
    ) -> None:
        self.id: Final = job_id
        self.desk: Final = desk
        self.asked: Final[Q] = asked
        self.names: Final = names
        self.created_ns: Final = created_ns
        # Place in the order of creation, given by the shelf.
        self.number = 0
        self._room = room
        self._kept_bytes = 0
        self._heard_count = 0

    @property
    def conversation(self) -> Conversation:
        """The conversation that it is about."""
        return self.desk.conversation

    @property
    def over(self) -> bool:
        """Tell whether it has ended."""
        return self.desk.over.is_set()

    def keep(self, size: int) -> None:
        """Count bytes that are kept of it, for which there is room."""
        if self._room.take(size):
            self._kept_bytes += size

    def hear(self, heard: Heard) -> None:
        """Queue a participant's message, without its content where there is no room for that."""
        size = 0 if heard.content is None else len(heard.content)
        too_large = size > PROPOSAL_BYTES_MAX and heard.performative not in _REPORTS
        self._heard_count += 1
        heard = msgspec.structs.replace(heard, number=self._heard_count)
        if too_large or not self._room.take(size):
            heard, size = msgspec.structs.replace(heard, content=None), 0
        if self.desk.hear(heard):
            self._kept_bytes += size
        else:
            self._room.give(size)

    def put(self, occurrence: Occurrence) -> None:
        """Queue anything else."""
        self.desk.put(occurrence)

    async def run(self) -> None:
        """Go on until it has ended."""
        await self.desk.run()

    def forget(self) -> None:
        """Give back the room that its contents took."""
        self._room.give(self._kept_bytes)
        self._kept_bytes = 0
