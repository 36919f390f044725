"""The group `caxton conversation`: look at conversations, open one, cancel one."""

from typing import Final

from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

conversation: Final = server_options(
    LazyGroup(
        "conversation",
        entries=(
            Entry("list", "caxton.cli.conversation_list:list_conversations", "Look", "List conversations."),
            Entry(
                "show",
                "caxton.cli.conversation_show:show",
                "Look",
                "Show one: its state, its participants, what was said.",
            ),
            Entry(
                "open",
                "caxton.cli.conversation_steering:open_conversation",
                "Steer",
                "Open one ahead of its first message.",
            ),
            Entry("cancel", "caxton.cli.conversation_steering:cancel", "Steer", "Cancel one."),
        ),
        help="Look at conversations, open one, cancel one. ID is a conversation's id.",
    )
)
