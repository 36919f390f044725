"""The conversations that the core holds to something: seen, opened, cancelled from outside, and told of.

The core is the only judge and the only keeper; nothing of a conversation is remembered here.
"""

import asyncio
import heapq
import logging
from typing import Final, NamedTuple, final

import msgspec

from caxton.clock import Clock
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.routing import ConversationNotFound, ProtocolViolation
from caxton.domain.events import CommunicationData, ConversationData, EventType
from caxton.domain.ids import AgentId, ConversationId, MessageId
from caxton.domain.performative import Performative
from caxton.protocols.catalogue import FREE
from caxton.protocols.row import (
    CONVERSATION_STATES,
    OUTCOME_WORDS,
    REASON_WORDS,
    TERMINAL,
    Outcome,
    Reason,
    Role,
    State,
)
from caxton.runtime.bridge import Bridge
from caxton.runtime.conversation_message import ConversationMessage, conversation_message
from caxton.runtime.conversation_view import (
    ConversationSummary,
    ConversationView,
    conversation_summary,
    conversation_view,
    outcome_word,
    protocol_word,
)
from caxton.runtime.dispatcher import Dispatcher
from caxton.runtime.refusals import open_refusal
from caxton.runtime.registry import Registry
from caxton.runtime.seam import ConversationCode, ConversationNews, ConversationOrder, ConversationReading
from caxton.telemetry.events import EventRing

PAGE_CONVERSATIONS_MAX: Final = 1000
PAGE_MESSAGES_MAX: Final = 1000
# So many are looked at before the loop has its turn: about ten microseconds each.
SLICE_CONVERSATIONS: Final = 250

_LIVE: Final = frozenset({CONVERSATION_STATES.index("Initiated"), CONVERSATION_STATES.index("InProgress")})
_ENDS: Final = {
    "Completed": EventType.CONVERSATION_COMPLETED,
    "Failed": EventType.CONVERSATION_FAILED,
    "Expired": EventType.CONVERSATION_EXPIRED,
}

_log = logging.getLogger("caxton.runtime.conversations")


class ConversationQuery(NamedTuple):
    """Which conversations a caller wants to see; None matches all.

    `protocol` is a protocol's name, or `FREE` for conversations without one.
    """

    state: str | None = None
    protocol: str | None = None
    agent_id: AgentId | None = None

    def admits(self, reading: ConversationReading) -> bool:
        """Tell whether the conversation is wanted."""
        if self.state is not None and CONVERSATION_STATES[reading.state] != self.state:
            return False
        if self.protocol is not None and (protocol_word(reading.protocol) or FREE) != self.protocol:
            return False
        return self.agent_id is None or takes_part(reading, self.agent_id)


@final
class Conversations:
    """The way to the core's conversations. All methods are for the thread of the event loop."""

    def __init__(
        self,
        bridge: Bridge,
        registry: Registry,
        dispatcher: Dispatcher,
        events: EventRing,
        clock: Clock,
        *,
        conversations_max: int,
    ) -> None:
        self._bridge = bridge
        self._registry = registry
        self._dispatcher = dispatcher
        self._events = events
        self._clock = clock
        self._conversations_max = conversations_max

    def get(self, conversation_id: str) -> ConversationReading:
        """Return a conversation. Raises: ConversationNotFound."""
        found = self._bridge.conversation(conversation_id)
        if found is None:
            raise ConversationNotFound(conversation_id)
        return found

    def view(self, conversation_id: str) -> ConversationView:
        """Return a conversation as a caller sees it. Raises: ConversationNotFound."""
        return conversation_view(self.get(conversation_id), self._name_of)

    def page(self, start: int, count_max: int, *, live_only: bool) -> tuple[list[ConversationReading], int]:
        """Return some conversations from place `start` on, and the place to go on from; 0 is the end.

        A page may hold fewer than asked for before the end is reached.
        """
        return self._bridge.conversations(start, min(count_max, PAGE_CONVERSATIONS_MAX), live_only=live_only)

    async def select(
        self, query: ConversationQuery, limit: int, cursor: str | None
    ) -> tuple[list[ConversationSummary], str | None]:
        """Return a page of conversations in the order of their opening, and the cursor of the next one.

        All that are held are looked at, in slices between which the loop has its turn.

        Raises: CursorUnknown.
        """
        after = _place_in(cursor)
        limit = min(max(limit, 1), PAGE_CONVERSATIONS_MAX)
        live_only = query.state is not None and CONVERSATION_STATES.index(query.state) in _LIVE
        found: list[ConversationReading] = []
        start = 0
        while True:
            readings, start = self.page(start, SLICE_CONVERSATIONS, live_only=live_only)
            found += [one for one in readings if query.admits(one) and _place_of(one) > after]
            # One more than a page shows whether another follows.
            found = heapq.nsmallest(limit + 1, found, key=_place_of)
            if start == 0:
                break
            await asyncio.sleep(0)
        rows = [conversation_summary(one, self._name_of) for one in found[:limit]]
        return rows, _cursor_at(found[limit - 1]) if len(found) > limit else None

    def open(self, order: ConversationOrder) -> ConversationView:
        """Open a conversation ahead of its first message.

        Raises:
            ProtocolViolation: the id is in use, or the participants are too many or none.
            ResourceLimitExceeded: too many conversations are held.
        """
        reason = Reason(self._bridge.open_conversation(order))
        if reason is not Reason.NONE:
            known = self._bridge.conversation(order.conversation_id)
            state = 0 if known is None else known.state
            raise open_refusal(reason, state, order.protocol, self._conversations_max)
        return self.view(order.conversation_id)

    def cancel(self, conversation_id: str) -> tuple[ConversationView, bool]:
        """Cancel a conversation; returns it, and whether it has ended.

        One that its participants have a say in goes on until they have answered the `cancel`, which is sent
        on the initiator's behalf; where they were asked before nothing more is sent.

        Raises:
            ConversationNotFound.
            ProtocolViolation: it has ended.
            As `Dispatcher.post`: the `cancel` cannot be sent, to nobody.
        """
        reading = self.get(conversation_id)
        if reading.state not in _LIVE:
            reason = "conversation_expired" if reading.outcome == Outcome.TTL else "conversation_closed"
            raise ProtocolViolation(
                reason,
                CONVERSATION_STATES[reading.state],
                performative="cancel",
                protocol=protocol_word(reading.protocol),
            )
        if self.end(conversation_id):
            return self.view(conversation_id), True
        text = cancel_text(reading)
        if text is not None:
            self._dispatcher.post(text, reading.initiator, _nobody)
        return self.view(conversation_id), False

    def end(self, conversation_id: str) -> bool:
        """End, as cancelled, a conversation that its participants have no say in; False for all others."""
        if not self._bridge.end_conversation(conversation_id):
            return False
        reading = self.get(conversation_id)
        data = ConversationData(
            conversation_id=ConversationId(conversation_id),
            protocol=protocol_word(reading.protocol),
            state=CONVERSATION_STATES[reading.state],
            messages=reading.messages,
            outcome=outcome_word(reading.outcome),
        )
        self._events.record(EventType.CONVERSATION_COMPLETED, data, self._clock.wall_ns(), reading.initiator)
        return True

    async def messages(
        self, conversation_id: str, after: int, count_max: int
    ) -> tuple[list[ConversationMessage], bool, bool]:
        """Return what was said after a sequence, whether more follows, and whether some of it is forgotten.

        Raises:
            ConversationNotFound: nothing is known of it.
        """
        read = self._bridge.history
        # The search goes through all that is kept: never on the loop.
        found = await asyncio.to_thread(read, conversation_id, after, min(count_max, PAGE_MESSAGES_MAX))
        if not found.known:
            raise ConversationNotFound(conversation_id)
        words = self._bridge.performatives
        rows = [conversation_message(row, conversation_id, words) for row in found.rows]
        return rows, found.more, found.truncated

    def follow(self, news: ConversationNews) -> None:
        """Record what the core tells."""
        match news.code:
            case ConversationCode.REFUSED:
                self._refused(news)
            case ConversationCode.ENDED:
                outcome = OUTCOME_WORDS[Outcome(news.number)]
                self._record(_ENDS[CONVERSATION_STATES[news.state]], news, outcome=outcome)
            case ConversationCode.AWARDED:
                self._record(EventType.CONVERSATION_CONTRACT_AWARDED, news, agent=AgentId(news.receiver))
            case ConversationCode.LOOPS:
                self._looping(news)

    def words(self, news: ConversationNews) -> str:
        """Return a refusal in a sentence, for the log of the agent that spoke."""
        receiver = self._registry.words(AgentId(news.receiver))
        reason = REASON_WORDS[Reason(news.number)]
        where = f"in conversation {news.conversation_id}"
        return f"`{news.performative}` to {receiver} was refused {where}: {reason}"

    def _refused(self, news: ConversationNews) -> None:
        data = CommunicationData(
            message_id=None if news.message_id is None else MessageId(news.message_id),
            conversation_id=ConversationId(news.conversation_id),
            performative=Performative(news.performative),
            direction="outbound",
            reason=REASON_WORDS[Reason(news.number)],
        )
        self._events.record(EventType.MESSAGE_REJECTED, data, self._clock.wall_ns(), AgentId(news.sender))

    def _looping(self, news: ConversationNews) -> None:
        self._record(EventType.CONVERSATION_LOOP, news, messages=news.number)
        _log.warning(
            "agents answer each other without end: %d messages in a row",
            news.number,
            extra={
                "event": "conversation_loop",
                "agent_id": str(news.sender),
                "conversation_id": news.conversation_id,
            },
        )

    def _record(
        self,
        type: EventType,  # noqa: A002 - the API's word
        news: ConversationNews,
        *,
        outcome: str | None = None,
        agent: AgentId | None = None,
        messages: int | None = None,
    ) -> None:
        data = ConversationData(
            conversation_id=ConversationId(news.conversation_id),
            protocol=protocol_word(news.protocol),
            state=CONVERSATION_STATES[news.state],
            messages=news.messages if messages is None else messages,
            outcome=outcome,
            agent=agent,
        )
        about = news.initiator or news.sender
        self._events.record(type, data, self._clock.wall_ns(), AgentId(about) if about else None)

    def _name_of(self, agent_id: AgentId) -> str | None:
        record = self._registry.by_id(agent_id)
        return None if record is None else record.name


def takes_part(reading: ConversationReading, agent_id: AgentId) -> bool:
    """Tell whether an agent is in a conversation."""
    return reading.initiator == agent_id or any(one.agent_id == agent_id for one in reading.sessions)


def cancel_text(reading: ConversationReading) -> bytes | None:
    """Return the initiator's `cancel` to all participants that are still in; None where nobody is."""
    receivers = [
        str(session.agent_id)
        for session in reading.sessions
        if session.role == Role.PARTICIPANT
        and State(session.state) not in TERMINAL
        and not session.cancelling
    ]
    if not receivers:
        return None
    message = {
        "performative": Performative.CANCEL,
        "receiver": receivers[0] if len(receivers) == 1 else receivers,
        "conversation_id": reading.conversation_id,
        "protocol": protocol_word(reading.protocol),
    }
    return msgspec.json.encode(message)


def _place_of(reading: ConversationReading) -> tuple[int, str]:
    return reading.opened_monotonic_ns, reading.conversation_id


def _cursor_at(reading: ConversationReading) -> str:
    return f"{reading.opened_monotonic_ns}:{reading.conversation_id}"


def _place_in(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    opened, colon, conversation_id = cursor.partition(":")
    if not colon or not (opened.isascii() and opened.isdigit()) or len(opened) > 20:
        raise CursorUnknown(cursor)
    return int(opened), conversation_id


def _nobody(agent_id: AgentId) -> bool:
    """Allow no other sender: the text names none."""
    return False
