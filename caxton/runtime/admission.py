"""From what a deployer asks for to an agent that may be started: what is granted, filled in or refused."""

from typing import Final, final

from caxton.clock import Clock
from caxton.config import Config, default_limits, limit_maxima
from caxton.domain.agent import (
    AgentKind,
    AgentSpec,
    Delivery,
    ExternalProgram,
    GuestProgram,
    Loaded,
    Profile,
    load,
    register,
)
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import AgentId, Capability, new_agent_id, new_deployment_id, parse_capability
from caxton.domain.limits import LimitsRequest, ResourceLimits, explain_limits, merge_limits
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import Version, parse_version
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.modules import CodeLease

FIRST_VERSION: Final = Version("1")


@final
class Admission:
    """What this server's settings make of a request."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        self._default_limits = default_limits(config)
        self._limit_maxima = limit_maxima(config)
        self._allowed_profiles = frozenset(Profile(name) for name in config.runtime.allowed_profiles)

    def limits(self, request: DeployRequest) -> ResourceLimits:
        """Check what the edge cannot know, and return the limits in force.

        Raises:
            InvalidRequest: with everything that this server does not do.
        """
        problems = [*explain_limits(request.limits, self._limit_maxima)]
        if request.profile is not None and request.profile not in self._allowed_profiles:
            allowed = ", ".join(sorted(self._allowed_profiles))
            problems.append(
                _unsupported("profile", f"this server does not allow `{request.profile}`", f"use {allowed}")
            )
        if request.instances != 1:
            problems.append(
                _unsupported(
                    "instances", "this version runs one instance of an agent", "leave it out or send 1"
                )
            )
        if request.delivery is not Delivery.AT_MOST_ONCE:
            problems.append(
                _unsupported(
                    "delivery", "this version delivers at most once", "leave it out or send at_most_once"
                )
            )
        problems += [
            _unsupported(f"tools[{place}]", f"this server has no tool `{tool}`", "leave it out")
            for place, tool in enumerate(request.tools)
        ]
        if problems:
            raise InvalidRequest(problems)
        return merge_limits(request.limits, self._default_limits, self._limit_maxima)

    def guest(
        self, agent_id: AgentId, request: DeployRequest, limits: ResourceLimits, lease: CodeLease
    ) -> AgentRecord:
        """Return the agent that a deployer asks for, loaded; what is left out the module's manifest says."""
        manifest = lease.manifest
        capabilities = request.capabilities
        if capabilities is None:
            capabilities = _valid_capabilities(manifest.capabilities) if manifest is not None else ()
        version = request.version
        if version is None:
            version = _valid_version(manifest.version if manifest is not None else None)
        spec = AgentSpec(
            name=request.name,
            version=version,
            limits=limits,
            profile=lease.profile,
            capabilities=capabilities,
            config=request.config,
            delivery=request.delivery,
            restart=request.restart,
            labels=request.labels,
        )
        now_ns = self._clock.wall_ns()
        program = GuestProgram(digest=lease.digest, module_bytes=lease.size_bytes)
        agent = load(register(agent_id, spec, now_ns=now_ns), program, now_ns=now_ns)
        return AgentRecord(
            agent, new_deployment_id(), wasi=request.wasi, capabilities=capabilities, lease=lease
        )

    def external(self, request: ExternalRequest) -> Loaded:
        """Return the external agent that somebody asks for.

        Raises:
            InvalidRequest: with every limit that is not granted.
        """
        asked = LimitsRequest(mailbox_max=request.mailbox_max, message_bytes_max=request.message_bytes_max)
        limits = merge_limits(asked, self._default_limits, self._limit_maxima)
        now_ns = self._clock.wall_ns()
        spec = AgentSpec(
            name=request.name,
            version=FIRST_VERSION,
            kind=AgentKind.EXTERNAL,
            limits=limits,
            capabilities=request.capabilities,
            labels=request.labels,
        )
        return load(
            register(new_agent_id(), spec, now_ns=now_ns), ExternalProgram(owner=request.owner), now_ns=now_ns
        )

    def check_profile(self, profile: Profile) -> None:
        """Let a profile pass that agents may have.

        Raises:
            InvalidRequest: the operator does not allow it, or not any more.
        """
        if profile not in self._allowed_profiles:
            fix = (
                f"deploy it for {' or '.join(sorted(self._allowed_profiles))}, "
                "or allow the profile in runtime.allowed_profiles"
            )
            problem = f"this server does not allow the profile `{profile}`"
            raise InvalidRequest([_unsupported("profile", problem, fix)])


def _unsupported(field: str, problem: str, fix: str) -> Problem:
    return Problem(field=field, kind=ProblemKind.UNSUPPORTED, problem=problem, fix=fix)


def _valid_capabilities(words: tuple[str, ...]) -> tuple[Capability, ...]:
    return tuple(dict.fromkeys(parse_capability(word) for word in words))


def _valid_version(text: str | None) -> Version:
    return FIRST_VERSION if text is None else parse_version(text)
