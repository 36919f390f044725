"""The voice of the service in a server: an external agent of its own, made when it first speaks."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, final

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.routing import MailboxFull, NoRoute
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.events import EventFilter, EventType
from caxton.domain.ids import AgentId
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime.answers import Posted
from caxton.runtime.runtime import Runtime
from caxton.runtime.seam import Incoming
from caxton.tasks.act import Act, Fate, Heard, NotTaken, Taken
from caxton.tasks.voice import Conversation, decode, encode

AGENT_NAME: Final = "caxton.tasks"
_DEPARTED: Final = EventFilter(
    frozenset({EventType.AGENT_REMOVED, EventType.AGENT_STOPPED, EventType.AGENT_FAILED})
)

Hear = Callable[[str, Heard], None]


@final
class AgentVoice:
    """Speaks through a runtime; `hear` gets what is answered, with the id of its conversation."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._agent_id: AgentId | None = None
        self._hear: Hear | None = None

    def heard_by(self, hear: Hear) -> None:
        """Say who takes the answers, before anything is said."""
        self._hear = hear

    def open(self, conversation: Conversation, act: Act) -> None:
        """See `Voice`."""
        self._runtime.post(encode(conversation, act), self._own_agent(), _nobody_else)

    def say(self, conversation: Conversation, acts: Sequence[Act]) -> list[Fate]:
        """See `Voice`."""
        lines = b"\n".join([encode(conversation, act) for act in acts])
        try:
            _, answers = self._runtime.post_batch(lines, 0, len(acts), self._own_agent(), _nobody_else)
        except CaxtonError as error:
            # The server stops: nothing is said any more.
            return [NotTaken(str(error)) for _ in acts]
        return [self._fate(answer) for answer in answers]

    def find(self, agent: str) -> tuple[AgentId, str]:
        """See `Voice`."""
        found = self._runtime.agent_id(agent)
        if found == self._agent_id:
            problem = Problem(
                field="participants",
                kind=ProblemKind.CONTRADICTION,
                problem=f"`{AGENT_NAME}` is the agent that asks",
                fix="name agents that are to be asked",
            )
            raise InvalidRequest([problem])
        return found, self._word(found)

    def capable(self, capability: str, limit: int) -> list[tuple[AgentId, str]]:
        """See `Voice`."""
        return [(agent_id, self._word(agent_id)) for agent_id in self._runtime.capable(capability, limit)]

    async def departures(self) -> AsyncIterator[AgentId]:
        """See `Voice`."""
        async for event in self._runtime.events.subscribe(wanted=_DEPARTED):
            if event.agent_id is not None:
                yield event.agent_id

    def _word(self, agent_id: AgentId) -> str:
        return self._runtime.name_of(agent_id) or str(agent_id)

    def _own_agent(self) -> AgentId:
        if self._agent_id is None:
            self._agent_id = self._runtime.service_agent(AGENT_NAME, self._listen)
        return self._agent_id

    def _listen(self, message: Incoming) -> None:
        assert self._hear is not None, "who hears is known before anything is said"
        heard = decode(
            AgentId(message.sender_id),
            message.performative,
            message.message_id,
            message.in_reply_to,
            message.body,
        )
        self._hear(message.conversation_id, heard)

    def _fate(self, answer: Posted | CaxtonError) -> Fate:
        if isinstance(answer, Posted):
            return Taken(answer.message_id)
        return NotTaken(str(answer), self._blamed(answer))

    def _blamed(self, error: CaxtonError) -> AgentId | None:
        """Return the receiver that an error is about."""
        match error:
            case MailboxFull(agent=word) | NoRoute(agent=word):
                pass
            case InvalidState(subject=subject):
                word = subject.removeprefix("agent ")
            case _:
                return None
        if word.isdigit():
            return AgentId(int(word))
        try:
            return self._runtime.agent_id(word)
        except CaxtonError:
            return None


def _nobody_else(agent_id: AgentId) -> bool:
    """Speak for no other agent."""
    return False
