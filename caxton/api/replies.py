"""Answers of agents: a failure that the host made is an error of the call, one that the agent said is not."""

from typing import Final

import msgspec

from caxton.domain.errors.agent import AgentFailed, FaultKind
from caxton.runtime.answers import Reply

_KINDS: Final = {str(kind): kind for kind in FaultKind}


def unwrap(reply: Reply, agent: str) -> msgspec.Raw:
    """Return the answer as it came.

    Raises:
        AgentFailed: the server had to answer for the agent because of a fault.
    """
    if reply.from_host and reply.error_kind is not None:
        kind = _KINDS.get(reply.error_kind, FaultKind.AGENT_ERROR)
        raise AgentFailed(agent, kind, reply.error_message or reply.error_kind)
    return msgspec.Raw(reply.body)
