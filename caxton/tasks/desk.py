"""The doer of one conversation: it waits, lets the decider decide, and says what is to be said.

One coroutine for each conversation. Whatever happens meanwhile is queued by `put` and `hear` and told to
the decider one after the other: what has been heard, then what is wished, then a deadline that has passed.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, final

import anyio
import msgspec

from caxton.domain.ids import AgentId
from caxton.tasks.act import (
    Act,
    Action,
    Fate,
    Halt,
    Heard,
    Occurrence,
    Said,
    Say,
    Tell,
    Tick,
    Words,
)
from caxton.tasks.voice import SLICE_ACTS, Conversation, Voice

WAITING_MAX: Final = 8
"""Of one participant: a proposal, a report, a confirmation, and some that the rules forbid."""

S = TypeVar("S")

_log: Final = logging.getLogger("caxton.tasks.desk")


@final
class Procedure(msgspec.Struct, Generic[S], frozen=True):
    """A decider: what follows from an occurrence, when a state wants to be woken, whether it is the last.

    `kept_bytes` tells how many bytes of contents a state holds.
    """

    decide: Callable[[S, Occurrence, float], tuple[S, Sequence[Action]]]
    alarm: Callable[[S], float | None]
    is_over: Callable[[S], bool]
    kept_bytes: Callable[[S], int]


@final
class _Wish:
    """An occurrence on its way to the decider."""

    __slots__ = ("followed", "occurrence", "useful")

    def __init__(self, occurrence: Occurrence) -> None:
        self.occurrence = occurrence
        self.followed = anyio.Event()
        self.useful = False


@final
class Desk(Generic[S]):
    """One conversation. `state` is the decider's; everything else about it is asked of the decider."""

    def __init__(
        self,
        procedure: Procedure[S],
        state: S,
        conversation: Conversation,
        voice: Voice,
        told: Callable[[int], None],
    ) -> None:
        """`told` hears how many bytes of contents the decider has just been told."""
        self.state = state
        self.conversation: Final = conversation
        self.over: Final = anyio.Event()
        # Set anew whenever the state has changed, for whoever waits for another state.
        self.changed = anyio.Event()
        self._procedure = procedure
        self._voice = voice
        self._told = told
        self._heard: list[Heard] = []
        self._heard_counts: Counter[AgentId] = Counter()
        self._wishes: deque[_Wish] = deque()
        self._bell = anyio.Event()

    def hear(self, heard: Heard) -> bool:
        """Queue a message; False when too many of its sender wait already."""
        if self._heard_counts[heard.agent] >= WAITING_MAX:
            return False
        self._heard_counts[heard.agent] += 1
        self._heard.append(heard)
        self._bell.set()
        return True

    def put(self, occurrence: Occurrence) -> None:
        """Queue anything else."""
        self._wishes.append(_Wish(occurrence))
        self._bell.set()

    async def ask(self, occurrence: Occurrence) -> bool:
        """Queue it and wait until it was followed; False when the decider had no use for it."""
        wish = _Wish(occurrence)
        self._wishes.append(wish)
        self._bell.set()
        if not self.over.is_set():
            await wish.followed.wait()
        return wish.useful

    async def run(self) -> None:
        """Go on until the conversation is over."""
        try:
            while not self._procedure.is_over(self.state):
                await self._wait()
                await self._follow_all()
        except Exception:  # noqa: BLE001 - the outermost frame of this conversation's task: the others go on
            _log.exception(
                "a task cannot go on",
                extra={"event": "task_broken", "conversation_id": self.conversation.id},
            )
            self.state, _ = self._procedure.decide(self.state, Halt("internal-error"), anyio.current_time())
        finally:
            self.over.set()
            self._notify()
            for wish in self._wishes:
                wish.followed.set()
            self._told(sum(each.size for each in self._take_heard()))

    async def _wait(self) -> None:
        due = self._procedure.alarm(self.state)
        with anyio.CancelScope(deadline=float("inf") if due is None else due):
            if not self._heard and not self._wishes:
                await self._bell.wait()
        self._bell = anyio.Event()

    async def _follow_all(self) -> None:
        # Whoever wishes something has seen less than what was heard until now.
        if self._heard:
            heard = self._take_heard()
            await self._follow(Words(heard))
            self._told(sum(each.size for each in heard))
        while self._wishes:
            # It stays in the queue until it was followed: whoever asked is told even if that fails.
            wish, before = self._wishes[0], self.state
            await self._follow(wish.occurrence)
            wish.useful = self.state is not before
            self._wishes.popleft().followed.set()
        due = self._procedure.alarm(self.state)
        if due is not None and anyio.current_time() >= due:
            await self._follow(Tick())
        self._notify()

    def _take_heard(self) -> tuple[Heard, ...]:
        heard = tuple(self._heard)
        self._heard.clear()
        self._heard_counts.clear()
        return heard

    async def _follow(self, occurrence: Occurrence) -> None:
        following: Occurrence | None = occurrence
        while following is not None:
            self.state, actions = self._procedure.decide(self.state, following, anyio.current_time())
            following = None
            for action in actions:
                match action:
                    case Say(acts=acts):
                        following = Said(tuple(await self._say(acts)))
                    case Tell(acts=acts):
                        await self._say(acts)

    async def _say(self, acts: Sequence[Act]) -> list[Fate]:
        fates: list[Fate] = []
        for start in range(0, len(acts), SLICE_ACTS):
            if start > 0:
                await anyio.lowlevel.checkpoint()
            fates += self._voice.say(self.conversation, acts[start : start + SLICE_ACTS])
        return fates

    def _notify(self) -> None:
        changed, self.changed = self.changed, anyio.Event()
        changed.set()
