"""From an invitation to the agents that take part, and the one message that opens their conversation.

A multicast reaches all or nobody. Whoever is named must be reachable; of the agents with a capability those
whose mailbox is full at the moment are left out, as others can do the same.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.routing import MailboxFull, NoRoute
from caxton.domain.ids import AgentId
from caxton.domain.problem import Problem, ProblemKind
from caxton.tasks.act import Act
from caxton.tasks.request import PARTICIPANTS_MAX, Invited
from caxton.tasks.voice import Conversation, Voice

_LEFT_OUT_MAX: Final = 100


def invite(voice: Voice, conversation: Conversation, invited: Invited, opening: Act) -> Mapping[AgentId, str]:
    """Send the opening; return the names of those who got it, by id.

    Raises:
        AgentNotFound, InvalidRequest: an agent that is named does not exist, or nobody can be asked.
        As `Voice.open`: the message reached nobody.
    """
    if invited.capability is not None:
        return _invite_capable(voice, conversation, invited.capability, opening)
    names: dict[AgentId, str] = {}
    for place, word in enumerate(invited.agents or ()):
        agent, name = voice.find(word)
        if agent in names:
            raise _refused(f"participants[{place}]", f"`{word}` is named twice", "name each agent once")
        names[agent] = name
    voice.open(conversation, msgspec.structs.replace(opening, receivers=tuple(names)))
    return names


def _invite_capable(
    voice: Voice, conversation: Conversation, capability: str, opening: Act
) -> Mapping[AgentId, str]:
    names: dict[AgentId, str] = dict(voice.capable(capability, PARTICIPANTS_MAX + 1))
    if len(names) > PARTICIPANTS_MAX:
        raise _refused(
            "capability",
            f"more than {PARTICIPANTS_MAX} agents have the capability `{capability}`",
            "name those that are to take part in `participants`",
        )
    for _ in range(_LEFT_OUT_MAX):
        if not names:
            break
        try:
            voice.open(conversation, msgspec.structs.replace(opening, receivers=tuple(names)))
        except MailboxFull as error:
            names = {agent: name for agent, name in names.items() if name != error.agent}
        else:
            return names
    raise NoRoute(f"capability {capability}")


def _refused(field: str, problem: str, fix: str) -> InvalidRequest:
    return InvalidRequest([Problem(field=field, kind=ProblemKind.INVALID_VALUE, problem=problem, fix=fix)])
