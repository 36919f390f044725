"""A running core without the shell, and the few words that its own tests speak."""

import functools
import itertools
import json
import select
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypedDict, Unpack, final

from caxton._core import core as names
from caxton._core.core import Core, ModuleCode
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols
from tests.guests.corpus import assemble, guest

DEADLINE_S: Final = 30.0
FAULTS: Final[tuple[str, ...]] = names.FAULT_KINDS
ACTS: Final[tuple[str, ...]] = names.PERFORMATIVES
SETTINGS: Final[dict[str, Any]] = {
    "workers": 2,
    "agents_max": 64,
    "pool_messages": 1024,
    "message_bytes_max": 1 << 20,
    "epoch_tick_ms": 1,
    "instance_bytes_max": 1 << 30,
    "mappings_max": 1000,
    "protocols": compile_protocols(PROTOCOLS),
    "conversations_max": 4096,
    "participants_max": 1000,
    "reply_by_ms": 30_000,
    "conversation_ttl_ms": 300_000,
    "loop_hops": 10_000,
    "history_bytes": 1 << 20,
}


class Limits(TypedDict, total=False):
    """What a test sets for an agent; the rest is as `spawn` has it."""

    fuel_max: int
    memory_bytes_max: int
    execution_ms_max: int
    message_bytes_max: int
    mailbox_max: int
    messages_per_s_max: float
    restart_intensity: int
    restart_period_ms: int
    config: dict[bytes, bytes]
    wasi: bool


@functools.cache
def binary(source: str) -> bytes:
    """Return a guest of the corpus by name, or assemble a source text."""
    return assemble(source) if "(module" in source else guest(source)


@dataclass(frozen=True)
class Agent:
    """One agent's place in the core."""

    id: int
    index: int
    generation: int


@dataclass(frozen=True)
class Event:
    """What the core tells about an agent's life."""

    agent_id: int
    code: int
    fault: str
    text: str


@dataclass(frozen=True)
class Letter:
    """A message for an external agent."""

    receiver_id: int
    sender_id: int
    is_host: bool
    performative: str
    body: dict[str, Any]

    @property
    def error_kind(self) -> str:
        return self.body["content"]["error"]["kind"]

    @property
    def error_text(self) -> str:
        return self.body["content"]["error"]["message"]


@final
class LiveCore:
    """A core, an external agent `me` in it, and everything that came out of it and was not asked for yet."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - an image among numbers
        self.core = Core(**{**SETTINGS, **settings})
        self.ids = itertools.count(1)
        self.codes: dict[tuple[str, bool], ModuleCode] = {}
        self.places: dict[tuple[int, int], Agent] = {}
        self.waiting: list[Event | Letter | tuple[object, ...]] = []
        self.slow_reader = False
        self.me = self.outside("me", mailbox_max=1000)

    # --- agents ---

    def code(self, source: str, *, copy_on_write: bool = False) -> ModuleCode:
        key = (source, copy_on_write)
        if key not in self.codes:
            self.codes[key] = self.core.compile(binary(source), profile=0, copy_on_write=copy_on_write)
        return self.codes[key]

    def spawn(
        self,
        source: str,
        name: str = "",
        *,
        copy_on_write: bool = False,
        fuel_max: int = 200_000_000,
        memory_bytes_max: int = 1 << 24,
        execution_ms_max: int = 20_000,
        message_bytes_max: int = 1 << 20,
        mailbox_max: int = 100,
        messages_per_s_max: float = 0.0,
        restart_intensity: int = 3,
        restart_period_ms: int = 3_600_000,
        config: dict[bytes, bytes] | None = None,
        wasi: bool = False,
    ) -> Agent:
        """Ask for an agent; its start is not waited for."""
        number = next(self.ids)
        place = self.core.spawn(
            agent_id=number,
            name=(name or f"agent-{number}").encode(),
            module=self.code(source, copy_on_write=copy_on_write),
            fuel_max=fuel_max,
            memory_bytes_max=memory_bytes_max,
            execution_ms_max=execution_ms_max,
            message_bytes_max=message_bytes_max,
            mailbox_max=mailbox_max,
            messages_per_s_max=messages_per_s_max,
            restart_intensity=restart_intensity,
            restart_period_ms=restart_period_ms,
            config=config or {},
            wasi=wasi,
        )
        return self._keep(Agent(number, *place))

    def up(
        self, source: str, name: str = "", *, copy_on_write: bool = False, **limits: Unpack[Limits]
    ) -> Agent:
        """Bring an agent and wait until it runs."""
        agent = self.spawn(source, name, copy_on_write=copy_on_write, **limits)
        event = self.event(agent)
        assert event.code == names.EVENT_STARTED, event
        return agent

    def refused(self, source: str, **limits: Unpack[Limits]) -> Event:
        """Bring an agent that does not start, and remove it."""
        agent = self.spawn(source, **limits)
        event = self.event(agent)
        assert event.code == names.EVENT_START_FAILED, event
        assert self.core.state(agent.index, agent.generation) == names.SLOT_STOPPED
        self.remove(agent)
        return event

    def outside(self, name: str, *, mailbox_max: int = 100) -> Agent:
        number = next(self.ids)
        place = self.core.spawn_external(
            agent_id=number, name=name.encode(), message_bytes_max=1 << 20, mailbox_max=mailbox_max
        )
        return self._keep(Agent(number, *place))

    def once_free(self, bring: Callable[[], Agent]) -> Agent:
        """Bring an agent into a slot that becomes free as soon as every worker has moved on."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                return bring()
            except names.CoreError as error:
                if "places for agents" not in error.args[1] or time.monotonic() > deadline:
                    raise
            self.take(0.001)

    def request(self, agent: Agent, what: int) -> bool:
        return self.core.request(agent.index, agent.generation, what)

    def remove(self, agent: Agent) -> None:
        """Remove an agent and give its slot back."""
        assert self.request(agent, names.REQUEST_REMOVE)
        self.event(agent, names.EVENT_REMOVED)
        self.core.retire(agent.index, agent.generation)

    def state(self, agent: Agent) -> int:
        return self.core.state(agent.index, agent.generation)

    def depth(self, agent: Agent) -> int:
        return self.core.totals(agent.index, agent.generation)[1]

    def handled(self, agent: Agent) -> int:
        return self.core.totals(agent.index, agent.generation)[2]

    # --- messages ---

    def post(
        self, receiver: object, content: object = None, **fields: object
    ) -> tuple[int, str, str, object]:
        if isinstance(receiver, Agent):
            receiver = receiver.id
        text = {"performative": "request", "receiver": receiver, "content": content, **fields}
        return self.core.post(json.dumps(text).encode(), self.me.id, False)

    def ask(self, receiver: Agent, content: object = None, **fields: object) -> Letter:
        """Send a message and wait for the answer to it."""
        answer = self.post(receiver, content, **fields)
        assert answer[0] == names.POST_ACCEPTED, answer
        return self.letter(lambda it: it.body.get("in_reply_to") == answer[1])

    def letter(self, wanted: Callable[[Letter], bool] = lambda it: True) -> Letter:
        found = self.wait(lambda it: isinstance(it, Letter) and wanted(it))
        assert isinstance(found, Letter)
        return found

    def event(self, agent: Agent, code: int | None = None) -> Event:
        """Return the agent's next event, or its next of one kind."""
        found = self.wait(
            lambda it: isinstance(it, Event) and it.agent_id == agent.id and code in (None, it.code)
        )
        assert isinstance(found, Event)
        return found

    def wait(self, wanted: Callable[[Any], bool]) -> object:
        """Return the first thing that is wanted; what comes before it stays for others."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            for place, it in enumerate(self.waiting):
                if wanted(it):
                    return self.waiting.pop(place)
            assert time.monotonic() < deadline, f"did not come; waiting: {self.waiting}"
            self.take(0.2)

    def until(self, look: Callable[[], bool]) -> None:
        """Take what comes until `look` is true."""
        deadline = time.monotonic() + DEADLINE_S
        while not look():
            assert time.monotonic() < deadline, f"did not happen; waiting: {self.waiting}"
            self.take(0.001)

    def take(self, wait_s: float) -> None:
        """Take what the core has to tell, once its bell rings."""
        if not select.select([self.core.event_fd], [], [], wait_s)[0]:
            return
        self.waiting += [self._read(row) for row in self.core.take_completions(100)]

    def _read(self, row: tuple[Any, ...]) -> Event | Letter | tuple[object, ...]:
        if row[0] == names.KIND_EVENT:
            return Event(row[3], row[4], FAULTS[int(row[5])], row[6])
        if row[0] == names.KIND_ACL:
            if not self.slow_reader:
                self.core.acknowledge(row[1], row[2], 1)
            return Letter(row[3], row[4], row[5], ACTS[int(row[6])], json.loads(row[10]))
        return row

    # --- the end ---

    def _keep(self, agent: Agent) -> Agent:
        self.places[agent.index, agent.generation] = agent
        return agent

    def _holds_nothing(self, agent: Agent) -> bool:
        return self.depth(agent) == 0

    def check_balance(self, wakeups_left: int) -> None:
        """Remove every agent; nothing may be left: no message, no instance, no place in a mailbox."""
        for agent in self.places.values():
            if self.state(agent) != names.SLOT_FREE:
                self.until(functools.partial(self._holds_nothing, agent))
                self.remove(agent)
        # Wake-ups that lie in the wheel are the only messages that outlive their agents.
        self.until(lambda: self.core.live_messages() == wakeups_left)
        assert self.core.live_instances() == 0

    def close(self) -> None:
        assert self.core.stop(10.0)
        self.core.close()
        for code in self.codes.values():
            code.close()


@contextmanager
def running(*, wakeups_left: int = 0, **settings: int) -> Generator[LiveCore]:
    """Run a core; at the end everything that it gave out must have come back, but for wake-ups far ahead."""
    live = LiveCore(**settings)
    live.core.start()
    try:
        yield live
        live.check_balance(wakeups_left)
    finally:
        live.close()
