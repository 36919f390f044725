"""What happened, as values that are kept, streamed and shown.

Every event has a cursor (its place in the one order of all events of a server), a time, the agent that
it concerns, where there is one, and the trace that it belongs to. Its type is a word of two parts,
such as `agent.failed`, by which streams are filtered.
"""

from enum import StrEnum, unique
from typing import Final, Literal, NewType, assert_never, final

import msgspec

from caxton.domain.agent import StateName
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import ParseError, ParseKind
from caxton.domain.ids import AgentId, ConversationId, DeploymentId, MessageId, SpanId, TraceId
from caxton.domain.performative import Performative
from caxton.domain.quantities import ByteSize
from caxton.domain.suggestion import did_you_mean, near_names
from caxton.domain.timestamp import WallNs

EventCursor = NewType("EventCursor", int)
"""Place of an event, rising without end from 1; 0 is before the first."""

CURSOR_MAX: Final = 2**63 - 1
PATTERNS_MAX: Final = 64


@unique
class EventType(StrEnum):
    """The types of events; the part before the dot is the family."""

    AGENT_DEPLOYED = "agent.deployed"
    AGENT_STARTED = "agent.started"
    AGENT_RESTARTED = "agent.restarted"
    AGENT_DRAINING = "agent.draining"
    AGENT_STOPPED = "agent.stopped"
    AGENT_FAULT = "agent.fault"
    AGENT_FAILED = "agent.failed"
    AGENT_REMOVED = "agent.removed"
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_REJECTED = "message.rejected"
    MESSAGE_EXPIRED = "message.expired"
    MESSAGE_DEAD_LETTERED = "message.dead_lettered"
    CONVERSATION_CONTRACT_AWARDED = "conversation.contract_awarded"
    CONVERSATION_COMPLETED = "conversation.completed"
    CONVERSATION_FAILED = "conversation.failed"
    CONVERSATION_EXPIRED = "conversation.expired"
    CONVERSATION_LOOP = "conversation.loop"
    PERFORMANCE_SAMPLED = "performance.sampled"
    DEPLOYMENT_STARTED = "deployment.started"
    DEPLOYMENT_STAGE = "deployment.stage"
    DEPLOYMENT_COMPLETED = "deployment.completed"
    DEPLOYMENT_FAILED = "deployment.failed"
    DEPLOYMENT_ROLLED_BACK = "deployment.rolled_back"
    SECURITY_UNAUTHORIZED = "security.unauthorized"
    SECURITY_FORBIDDEN = "security.forbidden"
    SECURITY_TOKEN_CREATED = "security.token_created"  # noqa: S105 - the name of an event
    SECURITY_TOKEN_REVOKED = "security.token_revoked"  # noqa: S105 - the name of an event


@final
class LifecycleData(msgspec.Struct, frozen=True, kw_only=True, tag="lifecycle"):
    """An agent went from one state to another, or lost an instance on the way."""

    old_state: StateName | None
    new_state: StateName | None
    reason: str | None = None


@final
class CommunicationData(msgspec.Struct, frozen=True, kw_only=True, tag="communication"):
    """A message came to an agent or left it. `reason` says why one was rejected."""

    message_id: MessageId | None
    conversation_id: ConversationId
    performative: Performative
    direction: Literal["inbound", "outbound"]
    reason: str | None = None


@final
class ConversationData(msgspec.Struct, frozen=True, kw_only=True, tag="conversation"):
    """A conversation ended, somebody was awarded in it, or it goes round in circles.

    `agent` is the one that was awarded; `messages` counts the accepted ones, of a loop those in a row.
    """

    conversation_id: ConversationId
    protocol: str | None
    state: str
    messages: int
    outcome: str | None = None
    agent: AgentId | None = None


@final
class PerformanceData(msgspec.Struct, frozen=True, kw_only=True, tag="performance"):
    """What an agent used, at one moment. `cpu_ratio` is the share of one core since the last sample."""

    cpu_ratio: float
    memory_bytes: ByteSize
    queue_messages: int
    conversations_active: int


@final
class DeploymentData(msgspec.Struct, frozen=True, kw_only=True, tag="deployment"):
    """A deployment went on or ended."""

    deployment_id: DeploymentId
    state: str
    stage: int | None = None
    reason: str | None = None


@final
class SecurityData(msgspec.Struct, frozen=True, kw_only=True, tag="security"):
    """Somebody was let in, sent away, or given a token. Holds no secret."""

    subject: str
    action: str
    reason: str | None = None


EventData = (
    LifecycleData | CommunicationData | ConversationData | PerformanceData | DeploymentData | SecurityData
)


@final
class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened. The data's class goes with the family of the type."""

    cursor: EventCursor
    type: EventType
    at_ns: WallNs
    data: EventData
    agent_id: AgentId | None = None
    trace_id: TraceId | None = None
    span_id: SpanId | None = None

    def __post_init__(self) -> None:
        assert family_of(self.data) == self.type.partition(".")[0], "the data goes with the type"


@final
class EventFilter(msgspec.Struct, frozen=True):
    """Which types somebody wants to hear of; made by `parse_event_filter`."""

    types: frozenset[EventType]

    def admits(self, event: Event) -> bool:
        """Tell whether the event is wanted."""
        return event.type in self.types


EVERY_EVENT: Final = EventFilter(frozenset(EventType))


def family_of(data: EventData) -> str:
    """Return the part before the dot of the types that such data goes with."""
    match data:
        case LifecycleData():
            return "agent"
        case CommunicationData():
            return "message"
        case ConversationData():
            return "conversation"
        case PerformanceData():
            return "performance"
        case DeploymentData():
            return "deployment"
        case SecurityData():
            return "security"
        case _:
            assert_never(data)


def parse_event_filter(text: str) -> EventFilter:
    """Return the filter that a list like `agent.*,message.rejected` describes; empty text wants everything.

    Raises:
        ParseError: `Unknown` for a pattern that no type fits, `TooLong` for too many patterns.
    """
    patterns = [pattern.strip() for pattern in text.split(",") if pattern.strip()]
    if not patterns:
        return EVERY_EVENT
    if len(patterns) > PATTERNS_MAX:
        problem = f"{len(patterns)} patterns are too many"
        raise ParseError("event filter", text, ParseKind.TOO_LONG, problem, f"name at most {PATTERNS_MAX}")
    wanted: set[EventType] = set()
    for pattern in patterns:
        wanted |= _fitting(pattern)
    return EventFilter(frozenset(wanted))


def parse_event_cursor(text: str) -> EventCursor:
    """Return the cursor that `text` spells. Raises: CursorUnknown."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(CURSOR_MAX)) or int(text) > CURSOR_MAX:
        raise CursorUnknown(text)
    return EventCursor(int(text))


def _fitting(pattern: str) -> set[EventType]:
    if pattern == "*":
        return set(EventType)
    prefix = pattern.removesuffix("*") if pattern.endswith(".*") else None
    found = {
        each for each in EventType if each == pattern or (prefix is not None and each.startswith(prefix))
    }
    if not found:
        families = {f"{each.partition('.')[0]}.*" for each in EventType}
        suggestions = near_names(pattern, [*(str(each) for each in EventType), *sorted(families)])
        problem = f"no event is of the type `{pattern[:64]}`"
        fix = did_you_mean(suggestions) or f"use types such as {', '.join(sorted(families))}"
        raise ParseError("event type", pattern, ParseKind.UNKNOWN, problem, fix, suggestions=suggestions)
    return found
