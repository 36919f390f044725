"""An agent in each of its states, and the ways between them.

One frozen class per state, so that a field which makes no sense in a state does not exist in it. A
transition is a function from the exact state that it leaves to the exact state that it enters; a
wrong one does not pass the type checker. Where the state is known only at run time (a call from
outside, a record from the journal) `transition` is the one door: it applies an operation or raises
`InvalidState`.

    unloaded -load-> loaded -start-> running -drain-> draining -stop-> stopped
                        ^              |  ^restart        |               |
                        |              +------fail--------+-> failed      |
                        +---------------------revive-------------+--------+

The registry is the only holder of an agent's present state: it compares id and generation before it
swaps. Each transition raises the generation by one.
"""

from enum import StrEnum, unique
from typing import Final, Literal, final

import msgspec

from caxton.domain.errors.agent import FaultKind
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import AgentId, AgentName, Capability, Digest
from caxton.domain.limits import ResourceLimits
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import Version

INSTANCES_MAX: Final = 1000
RESTART_INTENSITY_MAX: Final = 1_000_000
RESTART_PERIOD_S_MAX: Final = 86_400.0


@unique
class AgentKind(StrEnum):
    """Where an agent runs: as a module in a sandbox of this server, or outside behind the API."""

    GUEST = "guest"
    EXTERNAL = "external"


@unique
class Profile(StrEnum):
    """Which proposals of WebAssembly a module may use."""

    STRICT = "strict"
    STANDARD = "standard"


@unique
class Delivery(StrEnum):
    """What is promised for a message on its way."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"
    EXACTLY_ONCE = "exactly_once"


@final
class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a failed instance is replaced, as OTP's supervisors say it.

    More than `intensity` faults within `period_s` seconds make the agent `failed`. `permanent` and
    `transient` replace the instance after a fault, `temporary` never.

    Raises:
        InvalidRequest: a value is out of bounds.
    """

    policy: Literal["permanent", "transient", "temporary"] = "permanent"
    intensity: int = 10
    period_s: float = 60.0

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if not 0 <= self.intensity <= RESTART_INTENSITY_MAX:
            problems.append(
                _out_of_bounds("restart.intensity", self.intensity, f"give 0 to {RESTART_INTENSITY_MAX}")
            )
        if not 0.0 < self.period_s <= RESTART_PERIOD_S_MAX:
            problems.append(
                _out_of_bounds(
                    "restart.period_s", self.period_s, f"give more than 0, at most {RESTART_PERIOD_S_MAX:g} s"
                )
            )
        if problems:
            raise InvalidRequest(problems)


@final
class AgentSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a deployer wants an agent to be; stays the same through all states of a revision.

    `config` is what the guest reads by `config_get`; `tools` are the names of those it may call.
    Several `instances` share no state: only an agent that keeps none may ask for more than one.

    Raises:
        InvalidRequest: `instances` is out of bounds, or an external agent asks for more than one.
    """

    name: AgentName
    version: Version
    kind: AgentKind = AgentKind.GUEST
    limits: ResourceLimits = ResourceLimits()
    profile: Profile = Profile.STRICT
    capabilities: tuple[Capability, ...] = ()
    config: dict[str, str] = {}
    tools: tuple[str, ...] = ()
    delivery: Delivery = Delivery.AT_MOST_ONCE
    restart: RestartPolicy = RestartPolicy()
    instances: int = 1
    labels: dict[str, str] = {}

    def __post_init__(self) -> None:
        if not 1 <= self.instances <= INSTANCES_MAX:
            raise InvalidRequest([_out_of_bounds("instances", self.instances, f"give 1 to {INSTANCES_MAX}")])
        if self.kind is AgentKind.EXTERNAL and self.instances != 1:
            raise InvalidRequest(
                [
                    Problem(
                        field="instances",
                        kind=ProblemKind.CONTRADICTION,
                        problem="an external agent has no instances in this server",
                        fix="leave `instances` out",
                    )
                ]
            )


@final
class GuestProgram(msgspec.Struct, frozen=True, kw_only=True, tag="guest"):
    """The module that a guest runs: its digest and size in bytes."""

    digest: Digest
    module_bytes: int


@final
class ExternalProgram(msgspec.Struct, frozen=True, kw_only=True, tag="external"):
    """An agent whose program runs elsewhere; `owner` is the token that speaks for it."""

    owner: str


Program = GuestProgram | ExternalProgram


@final
class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why an agent failed: the kind, and a sentence of the core or of the agent."""

    kind: FaultKind
    reason: str


class _Identity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every state of an agent has."""

    id: AgentId
    spec: AgentSpec
    generation: int
    created_ns: int


class _Programmed(_Identity, frozen=True, kw_only=True):
    """What every state of an agent with a program has."""

    program: Program


@final
class Unloaded(_Identity, frozen=True, kw_only=True, tag="unloaded"):
    """Known, but without a program yet."""


@final
class Loaded(_Programmed, frozen=True, kw_only=True, tag="loaded"):
    """The program is compiled and accepted; nothing runs."""

    loaded_ns: int


@final
class Running(_Programmed, frozen=True, kw_only=True, tag="running"):
    """Takes messages. `restarts_count` counts from the first start of this revision."""

    started_ns: int
    restarts_count: int


@final
class Draining(_Programmed, frozen=True, kw_only=True, tag="draining"):
    """Takes no new messages, finishes those it has until `deadline_ns`."""

    draining_since_ns: int
    deadline_ns: int


@final
class Failed(_Programmed, frozen=True, kw_only=True, tag="failed"):
    """Failed more often than its restart policy allows, or could not start."""

    failed_ns: int
    fault: Fault


@final
class Stopped(_Programmed, frozen=True, kw_only=True, tag="stopped"):
    """Drained to the end. Its mailbox is empty, its instance is gone."""

    stopped_ns: int


Agent = Unloaded | Loaded | Running | Draining | Failed | Stopped

StateName = Literal["unloaded", "loaded", "running", "draining", "failed", "stopped"]
OperationName = Literal["load", "start", "drain", "stop", "fail", "restart", "revive"]


def register(agent_id: AgentId, spec: AgentSpec, *, now_ns: int) -> Unloaded:
    """Return a new agent, generation 1."""
    return Unloaded(id=agent_id, spec=spec, generation=1, created_ns=now_ns)


def load(agent: Unloaded, program: Program, *, now_ns: int) -> Loaded:
    """Give the agent its program."""
    return Loaded(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=program,
        loaded_ns=now_ns,
    )


def start(agent: Loaded, *, now_ns: int) -> Running:
    """Let the agent take messages."""
    return _running(agent, now_ns=now_ns, restarts_count=0)


def drain(agent: Running, *, now_ns: int, deadline_ns: int) -> Draining:
    """Stop taking messages; what waits is handled until `deadline_ns`."""
    return Draining(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=agent.program,
        draining_since_ns=now_ns,
        deadline_ns=deadline_ns,
    )


def stop(agent: Draining, *, now_ns: int) -> Stopped:
    """End a completed drain."""
    return Stopped(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=agent.program,
        stopped_ns=now_ns,
    )


def fail(agent: Loaded | Running | Draining, fault: Fault, *, now_ns: int) -> Failed:
    """Give up on the agent until somebody revives it."""
    return Failed(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=agent.program,
        failed_ns=now_ns,
        fault=fault,
    )


def restart(agent: Running, *, now_ns: int) -> Running:
    """Replace the agent's instance by a fresh one."""
    return _running(agent, now_ns=now_ns, restarts_count=agent.restarts_count + 1)


def revive(agent: Failed | Stopped, *, now_ns: int) -> Loaded:
    """Make a failed or stopped agent ready to start again."""
    return Loaded(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=agent.program,
        loaded_ns=now_ns,
    )


def _running(agent: Loaded | Running, *, now_ns: int, restarts_count: int) -> Running:
    return Running(
        id=agent.id,
        spec=agent.spec,
        generation=agent.generation + 1,
        created_ns=agent.created_ns,
        program=agent.program,
        started_ns=now_ns,
        restarts_count=restarts_count,
    )


def _out_of_bounds(field: str, value: float, fix: str) -> Problem:
    return Problem(field=field, kind=ProblemKind.OUT_OF_BOUNDS, problem=f"{value} is out of bounds", fix=fix)
