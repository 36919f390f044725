"""What goes in and out of conversations, field by field; see `schemas`."""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from caxton.api.schemas import Cursor, Input, Names, Output, Word
from caxton.domain.diagnosis import SECONDS_MAX
from caxton.runtime.conversation_view import ConversationSummary, ConversationView
from caxton.runtime.conversations import PAGE_CONVERSATIONS_MAX

__all__ = ["ConversationSummary", "ConversationView"]

MESSAGES_MAX = 2**32 - 1
FUEL_MAX = 2**63 - 1


@unique
class ConversationState(StrEnum):
    """How far a conversation has come; the last three are ends."""

    INITIATED = "Initiated"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    EXPIRED = "Expired"


class ConversationQueryIn(Input, frozen=True, kw_only=True):
    """Which conversations to list: live ones and those that ended not long ago."""

    state: ConversationState | None = None
    protocol: Annotated[
        Word | None, msgspec.Meta(description="A protocol's word, or `none` for those without one.")
    ] = None
    agent: Annotated[
        Word | None,
        msgspec.Meta(description="Initiator or participant, by id or name; one that has gone by id."),
    ] = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_CONVERSATIONS_MAX)] = 100
    cursor: Cursor | None = None


class ConversationList(Output, frozen=True, kw_only=True):
    """One page of conversations, the newest last; `next_cursor` is null on the last page."""

    conversations: list[ConversationSummary]
    next_cursor: str | None


class ConversationOpen(Input, frozen=True, kw_only=True):
    """A conversation to open ahead of its first message."""

    participants: Annotated[Names, msgspec.Meta(min_length=1, description="Agents by id or name.")]
    conversation_id: Annotated[
        str | None, msgspec.Meta(description="1 to 255 bytes without control characters; made when left out.")
    ] = None
    protocol: Annotated[
        str | None,
        msgspec.Meta(description="The protocol that it is held to; without one only the limits hold."),
    ] = None
    initiator: Annotated[
        str | None, msgspec.Meta(description="Who opens it, by id or name; else the token's own agent.")
    ] = None
    max_messages: (
        Annotated[
            int, msgspec.Meta(ge=1, le=MESSAGES_MAX, description="Accepted messages; one more ends it.")
        ]
        | None
    ) = None
    fuel_budget: (
        Annotated[
            int,
            msgspec.Meta(
                ge=1, le=FUEL_MAX, description="Fuel that the handlers of its messages may burn together."
            ),
        ]
        | None
    ) = None
    ttl_s: (
        Annotated[
            float,
            msgspec.Meta(
                gt=0,
                le=SECONDS_MAX,
                description="It expires so long after its last message; else the server's default.",
            ),
        ]
        | None
    ) = None
