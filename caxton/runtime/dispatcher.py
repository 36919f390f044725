"""Messages between the API and the core: in, back, and to whoever can.

In: a message is handed to the core, which parses, resolves and reserves; what it leaves to the shell is
a receiver by capability and a sender other than the caller's own. Back: what reaches an external agent
goes to the caller that waits for it, else to the agent's inbox. Nothing here is awaited per message.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Final, final

import msgspec

from caxton.domain.agent import AgentKind
from caxton.domain.errors.resource import RateLimited, Unavailable
from caxton.domain.errors.routing import DeadlineExceeded, NobodyCapable, NobodyFree, NoRoute
from caxton.domain.errors.security import Forbidden
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId, ConversationId, MessageId
from caxton.runtime.answers import DuplicateMessage, Posted, Reply
from caxton.runtime.bridge import Bridge
from caxton.runtime.candidates import Candidates
from caxton.runtime.refusals import CoreRoom, post_refusal
from caxton.runtime.registry import Registry
from caxton.runtime.seam import Incoming, PostCode, Posting, Slot
from caxton.runtime.waiters import Waiter, Waiters

MaySendAs = Callable[[AgentId], bool]
Listener = Callable[[Incoming], None]
Batch = tuple[int, list[Posted | CaxtonError]]

_FAILURE: Final = "failure"
# The kind of the failure that a guest hears when no running agent has the capability that it asked for.
_NO_ROUTE: Final = "no_route"
# An agent's refusal for one of these reasons says nothing of the next agent.
_PASSED_OVER: Final = frozenset(
    {PostCode.NO_ROUTE, PostCode.MAILBOX_FULL, PostCode.RATE_LIMITED, PostCode.NOT_RUNNING}
)
# How many agents a message to a capability is offered to.
TRIED_MAX: Final = 16
_log = logging.getLogger("caxton.runtime.dispatcher")


class _Fault(msgspec.Struct):
    kind: str | None = None
    message: str | None = None


class _FaultContent(msgspec.Struct):
    error: _Fault | None = None


class _FaultMessage(msgspec.Struct):
    content: _FaultContent | None = None


_faults: Final = msgspec.json.Decoder(_FaultMessage)


@final
class Dispatcher:
    """The road of messages. All methods are for the thread of the event loop."""

    def __init__(
        self,
        bridge: Bridge,
        registry: Registry,
        waiters: Waiters,
        *,
        message_bytes_max: int,
        pool_messages: int,
        conversations_max: int,
    ) -> None:
        self._bridge = bridge
        self._registry = registry
        self._waiters = waiters
        self._room = CoreRoom(message_bytes_max, pool_messages, conversations_max)
        self._candidates = Candidates(bridge, registry)
        self._listeners: dict[AgentId, Listener] = {}
        self.unrouted_count = 0

    def post(
        self, body: bytes, sender: AgentId, may_send_as: MaySendAs, receiver: AgentId | None = None
    ) -> Posted:
        """Send one message. Raises: whatever stands in its way."""
        posting, _ = self._send(body, sender, may_send_as, receiver)
        return _posted(posting)

    def post_batch(
        self, data: bytes, start: int, lines_max: int, sender: AgentId, may_send_as: MaySendAs
    ) -> Batch:
        """Send up to `lines_max` lines; each has its own answer, in order. Blank lines have none."""
        end, answers = self._bridge.post_lines(data, start, lines_max, sender)
        results: list[Posted | CaxtonError] = []
        accepted = PostCode.ACCEPTED
        line, line_start = 0, start
        for index, (code, message_id, conversation_id, detail) in enumerate(answers):
            if code == accepted:
                results.append(Posted(MessageId(message_id), ConversationId(conversation_id)))
                continue
            # Only a line that was not taken at once is looked for in the data.
            while line < index:
                line_start = data.index(b"\n", line_start) + 1
                line += 1
            line_end = data.find(b"\n", line_start)
            text = data[line_start:] if line_end < 0 else data[line_start:line_end]
            if text.strip():
                results.append(self._send_slowly(text, sender, may_send_as, code, detail))
        return end, results

    async def ask(
        self, body: bytes, sender: AgentId, may_send_as: MaySendAs, timeout_s: float, receiver: AgentId | None
    ) -> Reply:
        """Send one message and wait for its answer.

        Raises:
            DuplicateMessage: it was accepted before.
            DeadlineExceeded: none came in time; it still reaches the sender's inbox if it comes.
        """
        self._waiters.check_room()
        loop = asyncio.get_running_loop()
        posting, (asker, asked) = self._send(body, sender, may_send_as, receiver)
        if posting.code == PostCode.DUPLICATE:
            raise DuplicateMessage(_posted(posting))
        answer: asyncio.Future[Incoming] = loop.create_future()
        # The answer cannot come before this: completions are taken by the same loop, later.
        waiter = Waiter(asker, posting.message_id, posting.conversation_id, body, asked, answer)
        self._waiters.add(waiter)
        alarm = loop.call_later(timeout_s, self._expire, waiter, timeout_s)
        try:
            message = await answer
        finally:
            alarm.cancel()
            self._waiters.remove(waiter)
        return self._reply(posting, message)

    def listen(self, agent_id: AgentId, listener: Listener) -> None:
        """Hand what comes for an external agent to `listener`, which must not raise: a part of the server.

        Nobody waits for its answers, and nobody else speaks for it.
        """
        self._listeners[agent_id] = listener

    def has_listener(self, agent_id: AgentId) -> bool:
        """Tell whether an agent is a part of the server."""
        return agent_id in self._listeners

    # --- what the core tells ---

    def on_message(self, message: Incoming) -> None:
        """Take a message for an external agent."""
        listener = self._listeners.get(message.receiver_id)
        if listener is not None:
            self._bridge.acknowledge(message.slot, 1)
            listener(message)
            return
        if self._waiters.take(message):
            self._bridge.acknowledge(message.slot, 1)
            return
        record = self._registry.by_slot(message.slot)
        if record is None or record.inbox is None:
            # The agent went while the message was on its way; its place in the mailbox went with it.
            return
        record.inbox.put(message.body)

    def on_unrouted(self, slot: Slot, sender_id: AgentId, capability: str, body: bytes) -> None:
        """Send on what a guest addressed to a capability; when nobody takes it, the guest hears why."""
        try:
            self._send_to_capable(capability, body, sender_id)
        except CaxtonError as error:
            self.unrouted_count += 1
            kind = _NO_ROUTE if isinstance(error, NoRoute) else error.code.lower()
            told = self._bridge.refuse_unrouted(slot, body, kind, error.message)
            _log.info(
                "a message to the capability %s found no agent that takes it",
                capability,
                extra={
                    "event": "message_unrouted",
                    "agent_id": str(sender_id),
                    "reason": kind,
                    "answered": told,
                },
            )

    # --- inside ---

    def _send(
        self, body: bytes, sender: AgentId, may_send_as: MaySendAs, receiver: AgentId | None
    ) -> tuple[Posting, tuple[AgentId, AgentId | None]]:
        """Return the accepted posting, who sent it, and who got it where the shell chose."""
        if receiver is None:
            posting = self._bridge.post(body, sender)
        else:
            posting = self._bridge.post_to(body, sender, receiver)
        if posting.code in {PostCode.ACCEPTED, PostCode.DUPLICATE}:
            return posting, (sender, receiver)
        if posting.code == PostCode.OTHER_SENDER and isinstance(posting.detail, int) and posting.detail != 0:
            other = AgentId(posting.detail)
            if other != sender:
                self._check_sender(other, may_send_as)
                return self._send(body, other, _nobody, receiver)
        if posting.code == PostCode.CAPABILITY and receiver is None:
            posting, chosen = self._send_to_capable(str(posting.detail), body, sender)
            return posting, (sender, chosen)
        raise self._refusal(posting.code, posting.detail, body)

    def _send_slowly(
        self, line: bytes, sender: AgentId, may_send_as: MaySendAs, code: int, detail: object
    ) -> Posted | CaxtonError:
        if code not in {PostCode.OTHER_SENDER, PostCode.CAPABILITY, PostCode.DUPLICATE}:
            return self._refusal(code, detail, line)
        try:
            return self.post(line, sender, may_send_as)
        except CaxtonError as error:
            return error

    def _check_sender(self, agent_id: AgentId, may_send_as: MaySendAs) -> None:
        record = self._registry.by_id(agent_id)
        external = record is not None and record.agent.spec.kind is AgentKind.EXTERNAL
        if not external or agent_id in self._listeners or not may_send_as(agent_id):
            subject = f"agent {self._registry.words(agent_id)} as sender"
            raise Forbidden("message:send", role="caller", subject=subject)

    def _send_to_capable(self, capability: str, body: bytes, sender: AgentId) -> tuple[Posting, AgentId]:
        """Send to the least loaded agent with a capability that takes it; returns which one did.

        Raises:
            NobodyCapable: no running agent has the capability.
            NobodyFree, RateLimited: those who have it take nothing now.
            InvalidMessage, ResourceLimitExceeded: the message, or the server, is at fault.
        """
        refusal: CaxtonError | None = None
        for record in islice(self._candidates.in_order(capability), TRIED_MAX):
            receiver = record.agent.id
            posting = self._bridge.post_to(body, sender, receiver)
            if posting.code == PostCode.ACCEPTED:
                self._candidates.chosen(capability, record)
                return posting, receiver
            refusal = self._refusal(posting.code, posting.detail, body)
            if posting.code not in _PASSED_OVER:
                raise refusal
        if isinstance(refusal, RateLimited):
            raise refusal
        holders, running = self._registry.directory.counts(capability)
        if running:
            raise NobodyFree(capability, running)
        raise NobodyCapable(capability, holders, suggestions=self._near(capability, holders))

    def _near(self, capability: str, holders: int) -> tuple[str, ...]:
        return () if holders else self._registry.near_capabilities(capability)

    def _refusal(self, code: int, detail: object, body: bytes) -> CaxtonError:
        return post_refusal(code, detail, body, self._registry, self._room)

    def _expire(self, waiter: Waiter, timeout_s: float) -> None:
        if not waiter.answer.done():
            waiter.answer.set_exception(
                DeadlineExceeded(
                    round(timeout_s * 1000),
                    message_id=waiter.message_id,
                    conversation_id=waiter.conversation_id,
                )
            )

    def _reply(self, posting: Posting, message: Incoming) -> Reply:
        kind: str | None = None
        words: str | None = None
        if message.is_host and message.performative == _FAILURE:
            kind, words = _fault_of(message.body)
        return Reply(
            message_id=MessageId(posting.message_id),
            conversation_id=ConversationId(posting.conversation_id),
            body=message.body,
            from_host=message.is_host,
            performative=message.performative,
            error_kind=kind,
            error_message=words,
        )

    def close(self) -> None:
        """Tell everybody who waits that no answer will come."""
        self._waiters.fail_all(Unavailable("the server is stopping", components=["core"]))


def _posted(posting: Posting) -> Posted:
    status = "duplicate" if posting.code == PostCode.DUPLICATE else "accepted"
    return Posted(MessageId(posting.message_id), ConversationId(posting.conversation_id), status)


def _nobody(agent_id: AgentId) -> bool:
    """Allow no further sender: the one that the text names has been settled."""
    return False


def _fault_of(body: bytes) -> tuple[str | None, str | None]:
    try:
        content = _faults.decode(body).content
    except msgspec.DecodeError:
        return None, None
    error = content.error if content is not None else None
    return (None, None) if error is None else (error.kind, error.message)
