"""What was said in a conversation, accepted and refused."""

from typing import Annotated, Final, final

import msgspec

from caxton.api.call import Call
from caxton.api.route import Route, answering
from caxton.api.schemas import Cursor, Input, Output
from caxton.domain.errors.observability import CursorUnknown
from caxton.runtime.conversation_message import ConversationMessage
from caxton.runtime.conversations import PAGE_MESSAGES_MAX
from caxton.runtime.runtime import Runtime
from caxton.security.roles import Permission

_PATH: Final = "/api/v1/conversations/{conversation_id}/messages"
_SEQUENCE_MAX: Final = 2**63


@final
class ConversationMessagesQuery(Input, frozen=True, kw_only=True):
    """How many messages to show at most, and after which ones to go on."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MESSAGES_MAX)] = 100
    cursor: Cursor | None = None


@final
class ConversationMessageList(Output, frozen=True, kw_only=True):
    """Messages in the order in which they were judged; `next_cursor` is null on the last page.

    `truncated`: the conversation had more messages than are remembered.
    """

    messages: list[ConversationMessage]
    next_cursor: str | None
    truncated: bool


@final
class ConversationMessageRoutes:
    """The handler of `/conversations/{id}/messages`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                _PATH,
                self.list_messages,
                query=ConversationMessagesQuery,
                gives=ConversationMessageList,
                permission=Permission.MESSAGE_READ,
                tag="conversations",
                refuses=("CONVERSATION_NOT_FOUND",),
            ),
        ]

    async def list_messages(self, call: Call, query: ConversationMessagesQuery) -> ConversationMessageList:
        """Show what was said in a conversation, accepted and refused, the oldest first, page by page."""
        after = 0 if query.cursor is None else _sequence_of(query.cursor)
        rows, more, truncated = await self._runtime.conversations.messages(
            call.parameters[0], after, query.limit
        )
        following = str(rows[-1].sequence) if more and rows else None
        return ConversationMessageList(messages=rows, next_cursor=following, truncated=truncated)


def _sequence_of(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) < _SEQUENCE_MAX):
        raise CursorUnknown(cursor)
    return int(cursor)
