"""What a caller sees of an agent: a snapshot that can be written as JSON as it stands."""

from typing import Literal

import msgspec

AgentState = Literal["unloaded", "loaded", "running", "draining", "failed", "stopped"]


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
    """The most recent fault of an agent. `at` is RFC 3339."""

    kind: str
    message: str
    at: str


class LimitsView(msgspec.Struct, frozen=True, kw_only=True):
    """The limits in force. `fuel_max` is None where the agent is bounded by time alone."""

    memory_bytes_max: int
    cpu_ms_max: float | None
    fuel_max: int | None
    execution_ms_max: int
    message_bytes_max: int
    mailbox_max: int
    messages_per_s_max: float | None


class RestartView(msgspec.Struct, frozen=True, kw_only=True):
    """The restart rule in force."""

    policy: str
    intensity: int
    period_s: float


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. The fields that only a module has are None for an external agent."""

    agent_id: str
    name: str
    kind: Literal["module", "external"]
    state: AgentState
    version: str | None
    module_digest: str | None
    deployment_id: str | None
    profile: str | None
    limits: LimitsView
    restart: RestartView | None
    usage: AgentUsage
    capabilities: tuple[str, ...]
    labels: dict[str, str]
    created_at: str
