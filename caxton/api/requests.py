"""From the API's words to the runtime's: names parsed, what this version cannot do refused, all at once."""

from collections.abc import Callable
from typing import Final, TypeVar

from caxton.api.schemas import AgentCreate
from caxton.domain.agent import AgentKind, Delivery
from caxton.domain.errors.request import InvalidRequest, ParseError
from caxton.domain.ids import Capability, parse_agent_name, parse_capability, parse_digest
from caxton.domain.limits import LimitMaxima, explain_limits
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import parse_version
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest

T = TypeVar("T")

_GUEST_ONLY: Final = (
    *("module", "module_digest", "version", "profile", "config", "tools"),
    *("delivery", "restart", "instances", "wasi"),
)
_EXTERNAL_LIMITS: Final = frozenset({"mailbox_max", "message_bytes_max"})


def deploy_request(body: AgentCreate, maxima: LimitMaxima, *, has_module: bool, by: str) -> DeployRequest:
    """Return what the runtime is asked for.

    `has_module` tells whether the module's bytes came along, `by` is the identity of the deployer.

    Raises:
        InvalidRequest: with every problem of the body.
    """
    problems = _Problems()
    name = problems.parsed("name", body.name, parse_agent_name)
    version = None if body.version is None else problems.parsed("version", body.version, parse_version)
    digest = None
    if body.module_digest is not None:
        digest = problems.parsed("module_digest", body.module_digest, parse_digest)
    capabilities = None if body.capabilities is None else problems.capabilities(body.capabilities)
    problems.found.extend(explain_limits(body.limits, maxima))
    if has_module == (body.module_digest is not None):
        problems.add(
            "module",
            ProblemKind.CONTRADICTION if has_module else ProblemKind.MISSING,
            "the module is given twice" if has_module else "there is no module",
            "send `module` (its bytes) or `module_digest`, one of them",
        )
    if body.delivery is not Delivery.AT_MOST_ONCE:
        problems.add(
            "delivery",
            ProblemKind.UNSUPPORTED,
            f"`{body.delivery}` is not available in this version",
            "leave `delivery` out: messages are delivered at most once",
        )
    if body.instances != 1:
        problems.add(
            "instances",
            ProblemKind.UNSUPPORTED,
            "several instances of one agent are not available in this version",
            "leave `instances` out, or deploy several agents with one capability",
        )
    if body.tools:
        problems.add(
            "tools",
            ProblemKind.UNSUPPORTED,
            "tools are not available in this version",
            "leave `tools` out: a call of a tool is answered with `unavailable`",
        )
    problems.refuse()
    assert name is not None, "a name that cannot be parsed is a problem"
    return DeployRequest(
        name=name,
        deployed_by=by,
        module_digest=digest,
        version=version,
        limits=body.limits,
        profile=body.profile,
        capabilities=capabilities,
        config=body.config,
        restart=body.restart,
        labels=body.labels,
        wasi=body.wasi,
    )


def external_request(body: AgentCreate, owner: str, maxima: LimitMaxima) -> ExternalRequest:
    """Return what the runtime is asked for an agent without a module.

    Raises:
        InvalidRequest: with every problem of the body, among them whatever only a module could use.
    """
    problems = _Problems()
    name = problems.parsed("name", body.name, parse_agent_name)
    capabilities = problems.capabilities(body.capabilities or [])
    defaults = AgentCreate(name=body.name, kind=AgentKind.EXTERNAL)
    for field in _GUEST_ONLY:
        if getattr(body, field) != getattr(defaults, field):
            problems.add(
                field,
                ProblemKind.CONTRADICTION,
                f"an external agent has no use for `{field}`",
                "leave it out, or leave `kind` out to deploy a module",
            )
    problems.found.extend(explain_limits(body.limits, maxima))
    for field in body.limits.__struct_fields__:
        if field not in _EXTERNAL_LIMITS and getattr(body.limits, field) is not None:
            problems.add(
                f"limits.{field}",
                ProblemKind.CONTRADICTION,
                "an external agent does not run here",
                f"leave it out; possible are {' and '.join(sorted(_EXTERNAL_LIMITS))}",
            )
    problems.refuse()
    assert name is not None, "a name that cannot be parsed is a problem"
    return ExternalRequest(
        name=name,
        owner=owner,
        capabilities=capabilities,
        labels=body.labels,
        mailbox_max=body.limits.mailbox_max,
        message_bytes_max=body.limits.message_bytes_max,
    )


class _Problems:
    """Problems on their way together."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, field: str, kind: ProblemKind, problem: str, fix: str) -> None:
        self.found.append(Problem(field=field, kind=kind, problem=problem, fix=fix))

    def parsed(self, field: str, text: str, parse: Callable[[str], T]) -> T | None:
        """Return the parsed text, or None after noting why it is none."""
        try:
            return parse(text)
        except ParseError as error:
            self.found.append(error.at(field))
            return None

    def capabilities(self, texts: list[str]) -> tuple[Capability, ...]:
        parsed = [
            self.parsed(f"capabilities[{index}]", text, parse_capability) for index, text in enumerate(texts)
        ]
        return tuple(dict.fromkeys(capability for capability in parsed if capability is not None))

    def refuse(self) -> None:
        """Raise what was found, if anything was."""
        if self.found:
            raise InvalidRequest(self.found)
