"""The words of the seam: what the shell says to the core, and what it hears.

Plain values without behaviour. The numbers of the enumerations are the core's own; the bridge compares
them when it loads the core. Only the bridge turns them into calls.
"""

from enum import IntEnum, unique
from typing import NewType, Protocol, final

import msgspec

from caxton.domain.ids import AgentId

Code = NewType("Code", object)
"""Machine code of one module, as the core holds it. Made by `Bridge.compile` and `Bridge.deserialize`."""


@unique
class PostCode(IntEnum):
    """What the core says to a message; the numbers are the core's."""

    ACCEPTED = 0
    INVALID = 1
    NO_ROUTE = 2
    MAILBOX_FULL = 3
    RATE_LIMITED = 4
    TOO_LARGE = 5
    POOL_EXHAUSTED = 6
    NOT_RUNNING = 7
    OTHER_SENDER = 8
    NO_RECEIVER = 9
    CAPABILITY = 10


@unique
class SlotState(IntEnum):
    """The state of an agent's place in the core."""

    FREE = 0
    STARTING = 1
    RUNNING = 2
    DRAINING = 3
    STOPPED = 4
    FAILED = 5
    REMOVING = 6


@unique
class Ask(IntEnum):
    """What a slot can be asked to do."""

    START = 1
    DRAIN = 2
    REMOVE = 3


@unique
class EventCode(IntEnum):
    """What happened to a slot."""

    STARTED = 1
    START_FAILED = 2
    FAULT = 3
    FAILED = 4
    STOPPED = 5
    REMOVED = 6


@final
class Slot(msgspec.Struct, frozen=True, gc=False):
    """An agent's place in the core. Used again for others, hence the generation."""

    number: int
    generation: int


@final
class Posting(msgspec.Struct, frozen=True, gc=False):
    """The core's answer to one message: `detail` depends on the code (see the core's own page)."""

    code: int
    message_id: str
    conversation_id: str
    detail: object


@final
class Totals(msgspec.Struct, frozen=True, gc=False):
    """What the core counts for a slot."""

    state: int
    mailbox_depth: int
    messages_handled: int
    fuel_used: int
    memory_bytes: int
    faults: int
    last_fault: int
    logs_dropped: int


@final
class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A message for an external agent."""

    slot: Slot
    receiver_id: AgentId
    sender_id: int
    is_host: bool
    performative: str
    message_id: str
    conversation_id: str
    in_reply_to: str | None
    body: bytes


@final
class CoreEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a slot. `fault` is a word of the core's, `none` where there was none."""

    slot: Slot
    agent_id: AgentId
    code: EventCode
    fault: str
    text: str


class Sink(Protocol):
    """Whoever takes what the core tells. Called on the loop; must not block and must not raise."""

    def on_message(self, message: Incoming) -> None: ...
    def on_event(self, event: CoreEvent) -> None: ...
    def on_log(self, slot: Slot, agent_id: AgentId, level: int, text: str, wall_ns: int) -> None: ...
    def on_capability(self, slot: Slot, agent_id: AgentId, name: str) -> None: ...
    def on_unrouted(self, slot: Slot, sender_id: AgentId, capability: str, body: bytes) -> None: ...


@final
class CoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the core is made with."""

    workers: int
    agents_max: int
    pool_messages: int
    message_bytes_max: int
    epoch_tick_ms: int
    instance_bytes_max: int
    mappings_max: int


@final
class SpawnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the core needs to know of an agent that runs a module."""

    agent_id: AgentId
    name: str
    fuel_max: int
    memory_bytes_max: int
    execution_ms_max: int
    message_bytes_max: int
    mailbox_max: int
    messages_per_s_max: float
    restart_intensity: int
    restart_period_ms: int
    config: dict[str, str]
    wasi: bool
