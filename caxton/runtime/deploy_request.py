"""What a caller asks for when it brings an agent: parsed values, checked by the edge that took them in."""

from typing import Literal

import msgspec

from caxton.domain.ids import AgentName, Capability, Digest
from caxton.domain.quantities import Version

Profile = Literal["strict", "standard"]
Delivery = Literal["at_most_once", "at_least_once", "exactly_once"]
RestartPolicy = Literal["permanent", "transient", "temporary"]


class LimitOverrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits that the caller set; what is None comes from the server's `runtime.default_limits`."""

    memory_bytes_max: int | None = None
    cpu_ms_max: float | None = None
    fuel_max: int | None = None
    execution_ms_max: int | None = None
    message_bytes_max: int | None = None
    mailbox_max: int | None = None
    messages_per_s_max: float | None = None


class RestartRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an agent comes back after a fault: at most `intensity` times within `period_s` seconds.

    `temporary` never comes back. `permanent` and `transient` differ only in what a normal end means;
    a module has no normal end of its own, hence both restart after each fault.
    """

    policy: RestartPolicy = "permanent"
    intensity: int = 5
    period_s: float = 10.0


class DeployRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with a module. The module's bytes come beside it, or `module_digest` names known ones."""

    name: AgentName
    module_digest: Digest | None = None
    version: Version | None = None
    limits: LimitOverrides = LimitOverrides()
    profile: Profile | None = None
    capabilities: tuple[Capability, ...] = ()
    config: dict[str, str] = {}
    tools: tuple[str, ...] = ()
    delivery: Delivery = "at_most_once"
    restart: RestartRequest = RestartRequest()
    instances: int = 1
    labels: dict[str, str] = {}
    wasi: bool = False


class ExternalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An agent without a module: a process that speaks through the API."""

    name: AgentName
    capabilities: tuple[Capability, ...] = ()
    labels: dict[str, str] = {}
    mailbox_max: int | None = None
    message_bytes_max: int | None = None
