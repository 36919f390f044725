"""What is said and heard in a conversation, and what deciders and desks tell each other.

A decider gets an `Occurrence` and hands back `Action`s. A `Say` is the last of them and is answered by a
`Said` before anything else happens, so that the decider can go by which of its acts reached nobody.
"""

from typing import Final, final

import msgspec

from caxton.domain.ids import AgentId, MessageId

NULL: Final = b"null"
_CONFIRMING: Final = frozenset({"inform", "failure", "not-understood"})


@final
class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send. `content` is JSON text; times are in seconds from now.

    Each receiver of a multicast gets a message with an id of its own: what all are to cite is `reply_with`.
    """

    performative: str
    receivers: tuple[AgentId, ...]
    content: bytes = NULL
    content_kind: str | None = None
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by_s: float | None = None
    conversation_ttl_s: float | None = None
    max_awards: int | None = None


@final
class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a participant.

    `content` is JSON text, None where there was no room to keep it. `number` counts the messages of the
    conversation in the order in which they came; `at` is when the server accepted it, as text.
    """

    agent: AgentId
    performative: str
    message_id: MessageId
    number: int
    at: str
    content: bytes | None = NULL
    content_kind: str | None = None
    in_reply_to: str | None = None

    @property
    def size(self) -> int:
        """Bytes of content that are kept with it."""
        return 0 if self.content is None else len(self.content)

    def confirms(self, cancel_id: MessageId) -> bool:
        """Tell whether this answers a cancellation, one way or the other."""
        return self.performative in _CONFIRMING and self.answers(cancel_id)

    def answers(self, message_id: MessageId) -> bool:
        """Tell whether this may answer that message: it names it, or nothing."""
        return self.in_reply_to is None or self.in_reply_to == message_id


@final
class Taken(msgspec.Struct, frozen=True):
    """An act lies in the mailbox of each of its receivers."""

    message_id: MessageId


@final
class NotTaken(msgspec.Struct, frozen=True):
    """An act reached nobody. `agent` is the receiver that stood in the way, where that is known."""

    reason: str
    agent: AgentId | None = None


Fate = Taken | NotTaken


@final
class Words(msgspec.Struct, frozen=True):
    """Messages have come, the oldest first."""

    heard: tuple[Heard, ...]


@final
class Said(msgspec.Struct, frozen=True):
    """What became of the acts of the latest `Say`, in their order."""

    fates: tuple[Fate, ...]


@final
class Tick(msgspec.Struct, frozen=True):
    """The time that the decider asked to be woken at has come."""


@final
class Gone(msgspec.Struct, frozen=True):
    """A participant was removed, has stopped or failed: nothing more comes from it."""

    agent: AgentId


@final
class AwardAsked(msgspec.Struct, frozen=True):
    """Somebody chose the winners, the first one first; none at all turns every proposal down."""

    winners: tuple[AgentId, ...]


@final
class CancelAsked(msgspec.Struct, frozen=True):
    """Somebody wants the conversation to end."""


@final
class Halt(msgspec.Struct, frozen=True):
    """Nothing can be said any more, since the server stops or has failed; `word` is the outcome."""

    word: str = "server-stopped"


Occurrence = Words | Said | Tick | Gone | AwardAsked | CancelAsked | Halt


@final
class Say(msgspec.Struct, frozen=True):
    """Send these messages, one after the other, and tell what became of them."""

    acts: tuple[Act, ...]


@final
class Tell(msgspec.Struct, frozen=True):
    """Send these messages, one after the other; whom one does not reach need not hear it."""

    acts: tuple[Act, ...]


Action = Say | Tell


def because(reason: str) -> bytes:
    """Return the content of an act that says why."""
    return msgspec.json.encode({"reason": reason})
