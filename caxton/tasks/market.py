"""All conversations of the service: who hears what, and their life from the opening to the end.

A doer on anyio: `run` holds a task group with one task for each conversation, so everything ends with it.
What participants say comes through `hear`, on the thread of the event loop.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol, final

import anyio
from anyio.abc import TaskGroup

from caxton.domain.errors.resource import Unavailable
from caxton.domain.ids import AgentId, ConversationId
from caxton.tasks.act import Gone, Halt, Heard, Occurrence
from caxton.tasks.hearing import refusal
from caxton.tasks.voice import Conversation, Voice

_log: Final = logging.getLogger("caxton.tasks.market")


class Stall(Protocol):
    """A job as the market sees it, whatever its protocol."""

    @property
    def conversation(self) -> Conversation: ...
    @property
    def names(self) -> Mapping[AgentId, str]: ...
    @property
    def over(self) -> bool: ...

    def hear(self, heard: Heard) -> None: ...
    def put(self, occurrence: Occurrence) -> None: ...
    async def run(self) -> None: ...


@final
class Market:
    """Runs jobs. All methods are for the thread of the event loop."""

    def __init__(self, voice: Voice) -> None:
        self.voice: Final = voice
        self._stalls: dict[ConversationId, Stall] = {}
        self._by_agent: dict[AgentId, set[ConversationId]] = {}
        self._group: TaskGroup | None = None
        self._told_to_stop = anyio.Event()
        self.opened: Final = anyio.Event()

    async def run(self) -> None:
        """Serve until `stop`, then let every job end as failed."""
        async with anyio.create_task_group() as group:
            async with anyio.create_task_group() as jobs:
                group.start_soon(self._watch)
                self._group = jobs
                self.opened.set()
                await self._told_to_stop.wait()
                self._group = None
                for stall in self._stalls.values():
                    stall.put(Halt())
            group.cancel_scope.cancel()

    def stop(self) -> None:
        """Take no new job and end all that are under way; `run` returns when they have."""
        self._group = None
        self._told_to_stop.set()

    def check_open(self) -> None:
        """Refuse before anything is said. Raises: Unavailable."""
        if self._group is None:
            raise Unavailable("no tasks are taken now", components=["tasks"])

    def begin(self, stall: Stall, ended: Callable[[], None]) -> None:
        """Let a job go on by itself, its first message sent a moment ago; `ended` is called at its end."""
        assert self._group is not None, "asked for before the first message was sent"
        self._stalls[stall.conversation.id] = stall
        for agent in stall.names:
            self._by_agent.setdefault(agent, set()).add(stall.conversation.id)
        self._group.start_soon(self._run, stall, ended)

    def forget(self, conversation_id: ConversationId) -> None:
        """Let go of a job that has ended: what still comes is not heard."""
        self._stalls.pop(conversation_id, None)

    def hear(self, conversation_id: str, heard: Heard) -> None:
        """Take a message to the service."""
        stall = self._stalls.get(ConversationId(conversation_id))
        if stall is None or heard.agent not in stall.names:
            return
        if not stall.over:
            stall.hear(heard)
        elif heard.performative == "propose":
            # FIPA SC00029: a proposal that comes too late is turned down, and not passed over.
            late = refusal(heard.agent, heard.message_id, "the call for proposals is over")
            self.voice.say(stall.conversation, [late])

    async def _run(self, stall: Stall, ended: Callable[[], None]) -> None:
        try:
            await stall.run()
        finally:
            for agent in stall.names:
                its = self._by_agent.get(agent)
                if its is not None:
                    its.discard(stall.conversation.id)
                    if not its:
                        del self._by_agent[agent]
            ended()

    async def _watch(self) -> None:
        """Tell jobs of participants that have gone."""
        try:
            async for agent in self.voice.departures():
                for conversation_id in self._by_agent.get(agent, ()):
                    self._stalls[conversation_id].put(Gone(agent))
        except Exception:  # noqa: BLE001 - the outermost frame of this task: timeouts still end what cannot go on
            _log.exception("participants that go are not noticed any more", extra={"event": "watch_broken"})
