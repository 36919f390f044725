"""What a caller sees of an agent: a snapshot that can be written as JSON as it stands."""

import msgspec

from caxton.domain.agent import AgentKind, RestartPolicy, StateName
from caxton.domain.limits import ResourceLimits


class AgentUsage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the agent has used since it was deployed. `fuel_used` and the counts only grow."""

    memory_bytes: int
    fuel_used: int
    messages_handled: int
    mailbox_depth: int
    faults: int
    restarts: int
    logs_dropped: int
    last_error: "LastError | None" = None


class LastError(msgspec.Struct, frozen=True, kw_only=True):
    """The most recent fault of an agent. `at` is RFC 3339, None where only the kind is known."""

    kind: str
    message: str
    at: str | None


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. The fields that only a module has are None for an external agent.

    `owner` names the token that speaks for an external agent.
    """

    agent_id: str
    name: str
    kind: AgentKind
    state: StateName
    version: str | None
    module_digest: str | None
    deployment_id: str | None
    profile: str | None
    limits: ResourceLimits
    restart: RestartPolicy | None
    owner: str | None
    usage: AgentUsage
    capabilities: tuple[str, ...]
    labels: dict[str, str]
    created_at: str
