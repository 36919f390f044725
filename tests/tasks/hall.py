"""An in-memory twin of the voice: participants that follow a script, in whatever time there is.

What the service says is judged by a referee before it reaches anybody.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, final

import anyio
import msgspec
import trio
import uvloop
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from trio.testing import MockClock

from caxton.clock import SystemClock
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.routing import MailboxFull, NoRoute
from caxton.domain.ids import AgentId, MessageId, new_message_id
from caxton.domain.timestamp import format_timestamp
from caxton.tasks.act import Act, Fate, Heard, NotTaken, Taken
from caxton.tasks.auction_service import AuctionService
from caxton.tasks.content_room import ContentRoom
from caxton.tasks.market import Market
from caxton.tasks.shelf import ShelfBounds
from caxton.tasks.task_service import TaskService
from caxton.tasks.voice import Conversation
from tests.tasks.auction_referee import AuctionReferee
from tests.tasks.referee import Referee


class Answer(NamedTuple):
    """What a participant says to an act, after a time; `cites` None cites that act."""

    after_s: float
    performative: str
    content: object = None
    kind: str | None = None
    cites: str | None = None


Script = Callable[[Act], Sequence[Answer]]


class Seen(NamedTuple):
    """An act as it reached a participant, and when."""

    at_s: float
    to: AgentId
    act: Act

    @property
    def performative(self) -> str:
        return self.act.performative


@final
class Hall:
    """A voice, its audience, and the service."""

    def __init__(self, group: TaskGroup, room: ContentRoom, bounds: ShelfBounds) -> None:
        self._group = group
        self._scripts: dict[AgentId, Script] = {}
        self.names: dict[AgentId, str] = {}
        self.unreachable: set[AgentId] = set()
        self.full: set[AgentId] = set()
        # Lets everything through, as a node does that does not check protocols.
        self.lenient = False
        self.seen: list[Seen] = []
        self.referees: dict[str, Referee | AuctionReferee] = {}
        self._gone_send, self._gone = anyio.create_memory_object_stream[AgentId](100)
        self.began_s = anyio.current_time()
        self.market: Final = Market(self)
        self.room: Final = room
        self.auctions: Final = AuctionService(self.market, room, SystemClock(), bounds)
        self.tasks: Final = TaskService(self.market, room, SystemClock(), bounds)

    @property
    def now_s(self) -> float:
        """Seconds since the hall was opened."""
        return anyio.current_time() - self.began_s

    def add(self, name: str, script: Script) -> AgentId:
        """Let a participant in."""
        agent = AgentId(len(self.names) + 1)
        self.names[agent] = name
        self._scripts[agent] = script
        return agent

    def leave(self, agent: AgentId) -> None:
        """Let a participant go for good."""
        self.unreachable.add(agent)
        self._gone_send.send_nowait(agent)

    async def leave_after(self, agent: AgentId, after_s: float) -> None:
        """Let a participant go for good when some time has passed."""
        await anyio.sleep(after_s)
        self.leave(agent)

    def told(self, agent: AgentId) -> list[str]:
        """Return which acts reached a participant."""
        return [each.performative for each in self.seen if each.to == agent]

    def close(self) -> None:
        """Close what is left open."""
        self._gone_send.close()

    # --- the voice ---

    def open(self, conversation: Conversation, act: Act) -> None:
        for agent in act.receivers:
            if agent in self.full:
                raise MailboxFull(self.names[agent], 1)
            if agent in self.unreachable:
                raise NoRoute(str(agent))
        judges = Referee if act.performative == "cfp" else AuctionReferee
        self.referees[conversation.id] = judges(act, anyio.current_time())
        self._deliver(conversation, act)

    def say(self, conversation: Conversation, acts: Sequence[Act]) -> list[Fate]:
        return [self._say(conversation, act) for act in acts]

    def find(self, agent: str) -> tuple[AgentId, str]:
        for agent_id, name in self.names.items():
            if agent in (name, str(agent_id)):
                return agent_id, name
        raise AgentNotFound(agent)

    def capable(self, capability: str, limit: int) -> list[tuple[AgentId, str]]:
        return [(agent, name) for agent, name in self.names.items() if name.startswith(capability)][:limit]

    async def departures(self) -> AsyncIterator[AgentId]:
        with self._gone:
            async for agent in self._gone:
                yield agent

    def _say(self, conversation: Conversation, act: Act) -> Fate:
        for agent in act.receivers:
            if agent in self.unreachable:
                return NotTaken("it is not there", agent)
        message_id = new_message_id()
        self.referees[conversation.id].judge(act, message_id, anyio.current_time())
        self._deliver(conversation, act, message_id)
        return Taken(message_id)

    def _deliver(self, conversation: Conversation, act: Act, message_id: MessageId | None = None) -> None:
        for agent in act.receivers:
            self.seen.append(Seen(self.now_s, agent, act))
            cited = message_id or MessageId(str(act.reply_with))
            for answer in self._scripts[agent](act):
                self._group.start_soon(self._answer, conversation, agent, answer, cited)

    async def _answer(self, conversation: Conversation, agent: AgentId, answer: Answer, cited: str) -> None:
        await anyio.sleep(answer.after_s)
        if agent in self.unreachable:
            return
        cites = answer.cites or cited
        message_id = new_message_id()
        heard = Heard(
            agent=agent,
            performative=answer.performative,
            message_id=message_id,
            number=0,
            at=format_timestamp(0),
            content=msgspec.json.encode(answer.content),
            content_kind=answer.kind,
            in_reply_to=cites,
        )
        if self.referees[conversation.id].admit(heard, anyio.current_time()) or self.lenient:
            self.market.hear(conversation.id, heard)


Play = Callable[[Hall], Awaitable[None]]


async def _perform(play: Play, room: ContentRoom, bounds: ShelfBounds) -> None:
    async with anyio.create_task_group() as group:
        hall = Hall(group, room, bounds)
        group.start_soon(hall.market.run)
        await hall.market.opened.wait()
        await play(hall)
        hall.market.stop()
        await checkpoint()
        hall.close()
        group.cancel_scope.cancel()


def perform(play: Play, *, room: ContentRoom | None = None, bounds: ShelfBounds | None = None) -> None:
    """Run a play on a clock that jumps over every wait."""
    trio.run(
        _perform, play, room or ContentRoom(), bounds or ShelfBounds(), clock=MockClock(autojump_threshold=0)
    )


def perform_for_real(play: Play) -> None:
    """Run the same on the loop of the server, in real time."""
    uvloop.run(_perform(play, ContentRoom(), ShelfBounds()))


def bidder(
    price: object,
    *,
    after_s: float = 1.0,
    work_s: float = 5.0,
    report: str = "inform",
    result: object = None,
    kind: str | None = "result",
    cancels: str | None = "inform",
) -> Script:
    """Return a participant that proposes, works, and confirms a cancellation."""

    def script(act: Act) -> Sequence[Answer]:
        match act.performative:
            case "cfp":
                return [Answer(after_s, "propose", {"price": price})]
            case "accept-proposal":
                return [Answer(work_s, report, result if result is not None else {"price": price}, kind)]
            case "cancel" if cancels is not None:
                return [Answer(0.1, cancels)]
            case _:
                return []

    return script


def decliner(performative: str = "refuse", *, after_s: float = 1.0) -> Script:
    """Return a participant that does not want the task."""
    return lambda act: [Answer(after_s, performative, {"reason": "no"})] if act.performative == "cfp" else []


def mute(_act: Act) -> Sequence[Answer]:
    """Say nothing, whatever comes."""
    return []


def decoded(raw: msgspec.Raw | None) -> Any:  # noqa: ANN401 - JSON is what it is
    """Return the value of a content."""
    return None if raw is None else msgspec.json.decode(raw)
