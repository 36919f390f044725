"""What a caller asks for when it brings an agent: parsed values, checked by the edge that took them in."""

from typing import final

import msgspec

from caxton.domain.agent import Delivery, Profile, RestartPolicy
from caxton.domain.ids import AgentName, Capability, Digest
from caxton.domain.limits import LimitsRequest
from caxton.domain.quantities import Version


@final
class DeployRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with a module. The module's bytes come beside it, or `module_digest` names known ones.

    What is None takes the module's manifest, then the server's default. `wasi` grants the inert subset
    of WASI that a C library needs. `deployed_by` is the identity of whoever brings it, for the record.
    """

    name: AgentName
    module_digest: Digest | None = None
    version: Version | None = None
    limits: LimitsRequest = LimitsRequest()
    profile: Profile | None = None
    capabilities: tuple[Capability, ...] | None = None
    config: dict[str, str] = {}
    tools: tuple[str, ...] = ()
    delivery: Delivery = Delivery.AT_MOST_ONCE
    restart: RestartPolicy = RestartPolicy()
    instances: int = 1
    labels: dict[str, str] = {}
    wasi: bool = False
    deployed_by: str = ""


@final
class ExternalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An agent without a module: a process that speaks through the API. `owner` names its token."""

    name: AgentName
    owner: str
    capabilities: tuple[Capability, ...] = ()
    labels: dict[str, str] = {}
    mailbox_max: int | None = None
    message_bytes_max: int | None = None
