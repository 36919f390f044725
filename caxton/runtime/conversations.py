"""The conversations that the core holds to something: seen, opened and ended from outside, and told of.

The core is the only judge and the only keeper; nothing of a conversation is remembered here.
"""

import asyncio
import logging
from typing import Final, final

from caxton.clock import Clock
from caxton.domain.errors.routing import ConversationNotFound, ProtocolViolation
from caxton.domain.events import CommunicationData, ConversationData, EventType
from caxton.domain.ids import AgentId, ConversationId, MessageId
from caxton.domain.performative import Performative
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.row import CONVERSATION_STATES, OUTCOME_WORDS, Outcome, Reason
from caxton.runtime.bridge import Bridge
from caxton.runtime.conversation_message import ConversationMessage, conversation_message
from caxton.runtime.registry import Registry
from caxton.runtime.seam import ConversationCode, ConversationNews, ConversationOrder, ConversationReading
from caxton.telemetry.events import EventRing

PAGE_CONVERSATIONS_MAX: Final = 1000
PAGE_MESSAGES_MAX: Final = 1000

_ENDS: Final = {
    "Completed": EventType.CONVERSATION_COMPLETED,
    "Failed": EventType.CONVERSATION_FAILED,
    "Expired": EventType.CONVERSATION_EXPIRED,
}

_log = logging.getLogger("caxton.runtime.conversations")


@final
class Conversations:
    """The way to the core's conversations. All methods are for the thread of the event loop."""

    def __init__(self, bridge: Bridge, registry: Registry, events: EventRing, clock: Clock) -> None:
        self._bridge = bridge
        self._registry = registry
        self._events = events
        self._clock = clock

    def get(self, conversation_id: str) -> ConversationReading:
        """Return a conversation. Raises: ConversationNotFound."""
        found = self._bridge.conversation(conversation_id)
        if found is None:
            raise ConversationNotFound(conversation_id)
        return found

    def page(
        self, start: int, count_max: int, *, live_only: bool
    ) -> tuple[list[ConversationReading], int]:
        """Return some conversations from place `start` on, and the place to go on from; 0 is the end.

        A page may hold fewer than asked for before the end is reached.
        """
        return self._bridge.conversations(start, min(count_max, PAGE_CONVERSATIONS_MAX), live_only=live_only)

    def open(self, order: ConversationOrder) -> ConversationReading:
        """Open a conversation ahead of its first message.

        Raises:
            ProtocolViolation: the protocol is unknown, the id in use, or the participants are too many or none.
        """
        reason = Reason(self._bridge.open_conversation(order))
        if reason is not Reason.NONE:
            raise ProtocolViolation(
                reason.name.lower(), "None", performative="open", protocol=order.protocol
            )
        return self.get(order.conversation_id)

    def end(self, conversation_id: str) -> bool:
        """End, as cancelled, a conversation that its participants have no say in; False for all others."""
        return self._bridge.end_conversation(conversation_id)

    async def messages(
        self, conversation_id: str, after: int, count_max: int
    ) -> tuple[list[ConversationMessage], bool, bool]:
        """Return what was said in a conversation after a sequence, in order, whether more follows, and whether some of
        the conversation's messages are forgotten.

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
        reason = Reason(news.number).name.lower()
        return (
            f"`{news.performative}` to {receiver} was refused in conversation {news.conversation_id}: {reason}"
        )

    def _refused(self, news: ConversationNews) -> None:
        data = CommunicationData(
            message_id=None if news.message_id is None else MessageId(news.message_id),
            conversation_id=ConversationId(news.conversation_id),
            performative=Performative(news.performative),
            direction="outbound",
            reason=Reason(news.number).name.lower(),
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


def protocol_word(number: int) -> str | None:
    """Return the word of a protocol's number, None for a conversation without one."""
    return PROTOCOLS[number].name if number < len(PROTOCOLS) else None
