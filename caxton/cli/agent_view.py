"""What the commands read of the API's answer about an agent, and how they show it."""

from typing import Final, final

import msgspec

from caxton.cli.tables import show_fields, show_rows, size

_COLUMNS: Final = ("name", "id", "version", "state", "handled", "mailbox", "memory", "last error")


class LastError(msgspec.Struct, frozen=True, kw_only=True):
    """The most recent fault of an agent."""

    kind: str = ""
    message: str = ""
    at: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent used so far."""

    memory_bytes: int | None = None
    fuel_used: int | None = None
    messages_handled: int | None = None
    mailbox_depth: int | None = None
    faults: int | None = None
    restarts: int | None = None
    last_error: LastError | None = None


@final
class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent as the API shows it. Only what every answer carries is required."""

    agent_id: str
    name: str
    state: str
    kind: str | None = None
    version: str | None = None
    profile: str | None = None
    module_digest: str | None = None
    deployment_id: str | None = None
    capabilities: list[str] = []
    labels: dict[str, str] = {}
    limits: dict[str, float | int | None] = {}
    usage: Usage = Usage()
    created_at: str | None = None


def show_agents(agents: list[AgentView]) -> None:
    """Write one line for each agent."""
    rows = [
        (
            agent.name,
            agent.agent_id,
            agent.version,
            agent.state,
            agent.usage.messages_handled,
            agent.usage.mailbox_depth,
            size(agent.usage.memory_bytes) if agent.kind != "external" else None,
            agent.usage.last_error.kind if agent.usage.last_error else None,
        )
        for agent in agents
    ]
    show_rows(_COLUMNS, rows, empty="No agents. Deploy one: caxton agent deploy FILE.wasm")


def show_agent(agent: AgentView) -> None:
    """Write all that is known of one agent."""
    usage = agent.usage
    error = usage.last_error
    show_fields(
        [
            ("name", agent.name),
            ("id", agent.agent_id),
            ("state", agent.state),
            ("version", agent.version),
            ("kind", agent.kind),
            ("profile", agent.profile),
            ("capabilities", agent.capabilities),
            ("labels", agent.labels),
            ("module", agent.module_digest),
            ("deployment", agent.deployment_id),
            ("created", agent.created_at),
            ("limits", {name: value for name, value in agent.limits.items() if value is not None}),
            ("memory", size(usage.memory_bytes)),
            ("fuel used", usage.fuel_used),
            ("handled", usage.messages_handled),
            ("mailbox", usage.mailbox_depth),
            ("faults", usage.faults),
            ("restarts", usage.restarts),
            ("last error", f"{error.at} {error.kind}: {error.message}" if error else None),
        ]
    )
