"""The group `caxton capability`: find agents by what they can do."""

from typing import Final

from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

capability: Final = server_options(
    LazyGroup(
        "capability",
        entries=(
            Entry("list", "caxton.cli.capability_list:list_capabilities", "Look", "List what agents can do."),
            Entry(
                "get",
                "caxton.cli.capability_list:get_capability",
                "Look",
                "Show which agents have a capability, and how busy they are.",
            ),
        ),
        help="Find agents by what they can do. Messages to a capability go to the least busy of them.",
    )
)
