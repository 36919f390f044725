"""One task or auction under way: its desk, what was asked for, who takes part, what is kept of it."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar, final

import msgspec

from caxton.domain.ids import AgentId
from caxton.domain.timestamp import WallNs
from caxton.tasks.act import Heard, Occurrence
from caxton.tasks.content_room import PROPOSAL_BYTES_MAX, SEAT_BYTES, ContentRoom
from caxton.tasks.desk import Desk, Procedure
from caxton.tasks.voice import Conversation, Voice

_REPORTS: Final = frozenset({"inform", "failure"})

S = TypeVar("S")
Q = TypeVar("Q")


@final
class Job(Generic[S, Q]):
    """`S` is the state of the decider, `Q` what was asked for. For the thread of the event loop."""

    def __init__(
        self,
        job_id: str,
        procedure: Procedure[S],
        state: S,
        conversation: Conversation,
        voice: Voice,
        *,
        asked: Q,
        asked_bytes: int,
        names: Mapping[AgentId, str],
        created_ns: WallNs,
        room: ContentRoom,
    ) -> None:
        """There is room for what was asked and the participants: that was looked at before."""
        self.id: Final = job_id
        self.desk: Final = Desk(procedure, state, conversation, voice, self._settle)
        self.asked: Final[Q] = asked
        self.names: Final = names
        self.created_ns: Final = created_ns
        # Place in the order of creation, given by the shelf.
        self.number = 0
        self._procedure = procedure
        self._room = room
        # Taken of the room: for the job itself, and for the contents that its state holds.
        self._own_bytes = asked_bytes + SEAT_BYTES * len(names)
        self._kept_bytes = 0
        room.force(self._own_bytes)
        self._heard_count = 0

    @property
    def conversation(self) -> Conversation:
        """The conversation that it is about."""
        return self.desk.conversation

    @property
    def over(self) -> bool:
        """Tell whether it has ended."""
        return self.desk.over.is_set()

    def hear(self, heard: Heard) -> None:
        """Queue a participant's message, without its content where there is no room for that."""
        too_large = heard.size > PROPOSAL_BYTES_MAX and heard.performative not in _REPORTS
        self._heard_count += 1
        heard = msgspec.structs.replace(heard, number=self._heard_count)
        if too_large or not self._room.take(heard.size):
            heard = msgspec.structs.replace(heard, content=None)
        if not self.desk.hear(heard):
            self._room.give(heard.size)

    def put(self, occurrence: Occurrence) -> None:
        """Queue anything else."""
        self.desk.put(occurrence)

    async def run(self) -> None:
        """Go on until it has ended."""
        await self.desk.run()

    def forget(self) -> None:
        """Give back the room that its contents took."""
        self._room.give(self._own_bytes + self._kept_bytes)
        self._own_bytes = self._kept_bytes = 0

    def _settle(self, told_bytes: int) -> None:
        """Keep the room of what the decider has made its own of what it was told, and give the rest back."""
        kept_bytes = self._procedure.kept_bytes(self.desk.state)
        self._room.give(told_bytes + self._kept_bytes)
        self._room.force(kept_bytes)
        self._kept_bytes = kept_bytes
