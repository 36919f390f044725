"""What this server is called among others: the part behind the `@` of its agents' names."""

from typing import final

import msgspec

from caxton.domain.ids import AgentId, AgentName
from caxton.fipa.acl_message import AgentIdentifier


@final
class Platform(msgspec.Struct, frozen=True):
    """A platform by its name, which is a word without an `@`."""

    name: str

    def local_part(self, name: str) -> str | None:
        """Return what stands before the `@` of an agent of this platform; None for an agent of another.

        A name without any platform is local. Letter case does not count in a platform's name, which may
        be that of a host.
        """
        local, at, platform = name.rpartition("@")
        if not at:
            return name
        return local if platform.casefold() == self.name.casefold() else None

    def identifier(self, agent: AgentId | AgentName) -> AgentIdentifier:
        """Return the identifier by which other platforms know an agent of this one."""
        return AgentIdentifier(name=f"{agent}@{self.name}")
