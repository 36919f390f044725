"""From the API's words to the service's: who is invited and by which rule, refused all at once."""

from collections.abc import Callable
from typing import TypeVar

from caxton.api.task_schemas import AuctionCreate, AwardRuleIn, TaskCreate
from caxton.domain.errors.request import InvalidRequest, ParseError
from caxton.domain.ids import Capability, parse_capability
from caxton.domain.problem import Problem
from caxton.tasks.award import Manual, Ranked
from caxton.tasks.request import AuctionRequest, Invited, TaskRequest, explain_invited

T = TypeVar("T")


def task_request(body: TaskCreate) -> TaskRequest:
    """Return what the service is asked for. Raises: InvalidRequest with every problem of the body."""
    award = body.award
    rule = Ranked(award.rule, award.field) if isinstance(award, AwardRuleIn) else Manual()
    return _with_invited(
        body.participants,
        body.capability,
        lambda invited: TaskRequest(
            task=bytes(body.task),
            invited=invited,
            rule=rule,
            awards_max=body.max_awards,
            proposal_timeout_s=body.proposal_timeout_s,
            timeout_s=body.timeout_s,
        ),
    )


def auction_request(body: AuctionCreate) -> AuctionRequest:
    """Return what the service is asked for. Raises: InvalidRequest with every problem of the body."""
    return _with_invited(
        body.participants,
        body.capability,
        lambda invited: AuctionRequest(
            kind=body.kind,
            item=bytes(body.item),
            invited=invited,
            start_price=body.start_price,
            step=body.step,
            reserve_price=body.reserve_price,
            round_s=body.round_s,
        ),
    )


def _with_invited(participants: list[str] | None, capability: str | None, make: Callable[[Invited], T]) -> T:
    """Return what `make` makes of the invitation.

    Raises:
        InvalidRequest: with the problems of the invitation and of the rest together.
    """
    agents = None if participants is None else tuple(participants)
    problems = explain_invited(agents, capability)
    parsed: Capability | None = None
    if capability is not None:
        try:
            parsed = parse_capability(capability)
        except ParseError as error:
            problems.append(error.at("capability"))
    if not problems:
        return make(Invited(agents=agents, capability=parsed))
    raise InvalidRequest([*problems, *_problems_of(make)])


def _problems_of(make: Callable[[Invited], object]) -> tuple[Problem, ...]:
    """Return what is wrong apart from the invitation."""
    try:
        make(Invited(agents=("somebody",)))
    except InvalidRequest as error:
        return error.problems
    return ()
