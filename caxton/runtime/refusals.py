"""From the core's codes to the errors that a caller sees: one function for each road."""

from typing import Final, final

import msgspec

from caxton.domain.diagnosis import explain_message
from caxton.domain.errors.agent import AgentNotFound, InvalidState
from caxton.domain.errors.resource import RateLimited, ResourceLimitExceeded
from caxton.domain.errors.routing import (
    InvalidMessage,
    MailboxFull,
    MessageTooLarge,
    NoRoute,
    ProtocolViolation,
)
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId
from caxton.domain.problem import Problem, ProblemKind
from caxton.protocols.catalogue import PROTOCOLS, near_protocols
from caxton.protocols.row import CONVERSATION_STATES, REASON_WORDS, Reason
from caxton.runtime.registry import Registry
from caxton.runtime.seam import PostCode, SlotState

_STATE_WORDS: Final = {
    SlotState.FREE: "unloaded",
    SlotState.STARTING: "loaded",
    SlotState.RUNNING: "running",
    SlotState.DRAINING: "draining",
    SlotState.STOPPED: "stopped",
    SlotState.FAILED: "failed",
    SlotState.REMOVING: "stopped",
}


def state_word(state: int) -> str:
    """Return the contract's word for a slot's state."""
    return _STATE_WORDS[SlotState(state)]


@final
class CoreRoom(msgspec.Struct, frozen=True):
    """How much the core takes, for the words of refusals."""

    message_bytes_max: int
    pool_messages: int
    conversations_max: int


def post_refusal(code: int, detail: object, body: bytes, registry: Registry, room: CoreRoom) -> CaxtonError:
    """Return the error for a message that the core did not take. `body` is its text."""
    match code, detail:
        case PostCode.INVALID, _:
            return _invalid(body, detail, room.message_bytes_max)
        case PostCode.NO_RECEIVER, _:
            return InvalidMessage([_NO_RECEIVER])
        case PostCode.NO_ROUTE, _:
            name = str(detail)
            known = registry.known(name)
            if known is not None:
                # It has no place in the core: it was not running when the server started.
                return InvalidState(
                    known.state, "receive", subject=f"agent {known.name}", allowed=_TO_RECEIVE_AGAIN
                )
            return NoRoute(name, suggestions=registry.near_names(name))
        case PostCode.OTHER_SENDER, _:
            name = _named_sender(body)
            return AgentNotFound(name, suggestions=registry.near_names(name))
        case PostCode.MAILBOX_FULL, int(receiver):
            return MailboxFull(registry.words(AgentId(receiver)), registry.mailbox_max(AgentId(receiver)))
        case PostCode.RATE_LIMITED, (int(receiver), int(wait_ns)):
            rate = registry.messages_per_s_max(AgentId(receiver))
            subject = f"agent {registry.words(AgentId(receiver))}"
            return RateLimited(subject, rate, retry_after_s=max(wait_ns / 1e9, 0.001))
        case PostCode.TOO_LARGE, (int(size), int(allowed)):
            return MessageTooLarge(size, allowed)
        case PostCode.NOT_RUNNING, (int(receiver), int(state)):
            subject = f"agent {registry.words(AgentId(receiver))}"
            return InvalidState(state_word(state), "receive", subject=subject, allowed=_TO_RECEIVE_AGAIN)
        case PostCode.REFUSED, (int(reason), int(protocol), int(state), int()):
            return _verdict_refusal(Reason(reason), protocol, state, body, room)
        case _:
            return ResourceLimitExceeded("messages in flight", room.pool_messages, retry_after_s=1.0)


class _Act(msgspec.Struct):
    performative: object = None
    protocol: str | None = None


def open_refusal(
    reason: Reason, state: int, protocol: str | None, conversations_max: int
) -> ProtocolViolation | ResourceLimitExceeded:
    """Return the error for a conversation that cannot be opened ahead of its first message."""
    if reason is Reason.CONVERSATIONS_EXHAUSTED:
        return _exhausted(conversations_max)
    return ProtocolViolation(
        REASON_WORDS[reason], CONVERSATION_STATES[state], performative="open", protocol=protocol
    )


def _exhausted(conversations_max: int) -> ResourceLimitExceeded:
    subject = "conversations that are held (messaging.conversations_max)"
    return ResourceLimitExceeded(subject, conversations_max, retry_after_s=1.0)


def _verdict_refusal(
    reason: Reason, protocol: int, state: int, body: bytes, room: CoreRoom
) -> ProtocolViolation | ResourceLimitExceeded:
    if reason is Reason.CONVERSATIONS_EXHAUSTED:
        return _exhausted(room.conversations_max)
    try:
        act = msgspec.json.decode(body, type=_Act)
    except msgspec.DecodeError:
        act = _Act()
    name = PROTOCOLS[protocol].name if protocol < len(PROTOCOLS) else act.protocol
    unknown = act.protocol if reason is Reason.UNKNOWN_PROTOCOL else None
    return ProtocolViolation(
        REASON_WORDS[reason],
        CONVERSATION_STATES[state],
        performative=str(act.performative),
        protocol=name if unknown is None else unknown,
        suggestions=() if unknown is None else near_protocols(unknown),
    )


_TO_RECEIVE_AGAIN: Final = ("start",)
_NO_RECEIVER: Final = Problem(
    field="receiver",
    kind=ProblemKind.MISSING,
    problem="the message names no receiver",
    fix='give an agent\'s id or name, a list of them, or {"capability": "..."}',
)


class _Head(msgspec.Struct):
    sender: object = None


def _named_sender(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body, type=_Head).sender)
    except msgspec.DecodeError:
        return ""


def _invalid(body: bytes, detail: object, message_bytes_max: int) -> InvalidMessage:
    problems = explain_message(body, message_bytes_max=message_bytes_max)
    if problems:
        return InvalidMessage(problems)
    # The core is the judge; the explanation beside it found nothing, so its own words have to do.
    match detail:
        case (int(status), int(offset), str(field)):
            return InvalidMessage([_refused_at(field, f"it is refused at byte {offset} (code {status})")])
        case (int(status), int(offset), None):
            return InvalidMessage([_refused_at("", f"it is refused at byte {offset} (code {status})")])
        case _:
            return InvalidMessage([_refused_at("", "it is refused")])


def _refused_at(field: str, problem: str) -> Problem:
    return Problem(
        field=field, kind=ProblemKind.INVALID_VALUE, problem=problem, fix="check the message at that place"
    )
