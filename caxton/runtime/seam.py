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
    REFUSED = 11
    DUPLICATE = 12


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


@unique
class ConversationCode(IntEnum):
    """What happened to a conversation."""

    REFUSED = 1
    ENDED = 2
    AWARDED = 3
    LOOPS = 4


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


@final
class ConversationNews(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a conversation.

    `number` is a `Reason` for REFUSED, an `Outcome` for ENDED, the messages in a row for LOOPS; `sender`,
    `receiver` and `performative` are those of the message that it happened by, 0 where it was none.
    `protocol` and `state` are the core's numbers, for `caxton.protocols`.
    """

    code: ConversationCode
    number: int
    conversation_id: str
    sender: int
    receiver: int
    performative: str
    protocol: int
    state: int
    initiator: int
    messages: int
    message_id: str | None


@final
class SessionReading(msgspec.Struct, frozen=True, gc=False):
    """One participant of a conversation. `state` and `role` are numbers of `caxton.protocols.row`."""

    agent_id: AgentId
    state: int
    role: int
    cancelling: bool


@final
class ConversationReading(msgspec.Struct, frozen=True, gc=False):
    """A conversation as the core knew it when it was asked. Times are Unix nanoseconds."""

    conversation_id: str
    protocol: int
    state: int
    outcome: int
    phase: int
    initiator: AgentId
    sessions: list[SessionReading]
    messages: int
    messages_max: int
    fuel: int
    fuel_max: int
    refused: int
    opened_ns: int
    ended_ns: int | None
    reply_by_ns: int | None
    expires_ns: int | None
    is_ahead: bool
    """Opened by hand, its first message still to come."""
    opened_monotonic_ns: int
    """On the machine's monotonic clock: the same at each look, hence the order of pages."""


@final
class ConversationOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to be opened ahead of its first message; 0 is no limit, `ttl_ms` 0 the default."""

    conversation_id: str
    protocol: str | None
    initiator: AgentId
    participants: tuple[AgentId, ...]
    messages_max: int = 0
    fuel_max: int = 0
    ttl_ms: int = 0


class Sink(Protocol):
    """Whoever takes what the core tells. Called on the loop; must not block and must not raise."""

    def on_message(self, message: Incoming) -> None: ...
    def on_event(self, event: CoreEvent) -> None: ...
    def on_log(self, slot: Slot, agent_id: AgentId, level: int, text: str, wall_ns: int) -> None: ...
    def on_capability(self, slot: Slot, agent_id: AgentId, name: str) -> None: ...
    def on_unrouted(self, slot: Slot, sender_id: AgentId, capability: str, body: bytes) -> None: ...
    def on_conversation(self, news: ConversationNews) -> None: ...


@final
class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the core holds conversations. `protocols` is the image of `caxton.protocols.compiled`."""

    protocols: bytes
    conversations_max: int
    participants_max: int
    reply_by_ms: int
    conversation_ttl_ms: int
    loop_hops: int
    history_bytes: int


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
    conversations: ConversationSettings


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
