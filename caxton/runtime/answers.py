"""What the runtime says to somebody who sent a message."""

from typing import Literal

import msgspec

from caxton.domain.ids import ConversationId, MessageId


class Posted(msgspec.Struct, frozen=True):
    """The message was taken: it lies in the mailbox of each of its receivers.

    A duplicate is one whose id was accepted in its conversation before: nothing was done with it.
    """

    message_id: MessageId
    conversation_id: ConversationId
    status: Literal["accepted", "duplicate"] = "accepted"


class DuplicateMessage(Exception):
    """No answer will come: the message was accepted before. `posted` is what its sender gets."""

    def __init__(self, posted: Posted) -> None:
        super().__init__()
        self.posted = posted


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a message.

    `message_id` and `conversation_id` are those of the message that was answered; `body` is the whole
    answer as JSON text (an ACL message). `from_host` tells that the server answered on behalf of the
    agent; when that was because of a fault, `error_kind` and `error_message` say which.
    """

    message_id: MessageId
    conversation_id: ConversationId
    body: bytes
    from_host: bool
    performative: str
    error_kind: str | None = None
    error_message: str | None = None
