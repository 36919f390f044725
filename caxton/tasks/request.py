"""What a caller asks of the service, checked: who is to take part, by which rule, until when."""

import math
from typing import Final, Literal, final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import Capability
from caxton.domain.problem import Problem, ProblemKind
from caxton.tasks.auction import ROUNDS_MAX
from caxton.tasks.award import FIELD_CHARACTERS_MAX, AwardRule, Ranked
from caxton.tasks.price import Price

PARTICIPANTS_MAX: Final = 1000
PROPOSAL_TIMEOUT_S_MAX: Final = 3600.0
TIMEOUT_S_MAX: Final = 86_400.0
ROUND_S_MAX: Final = 3600.0


@final
class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to take part: agents by id or name, or all running ones with a capability.

    Raises:
        InvalidRequest: both are given or none, or an agent is given twice.
    """

    agents: tuple[str, ...] | None = None
    capability: Capability | None = None

    def __post_init__(self) -> None:
        problems = explain_invited(self.agents, self.capability)
        if problems:
            raise InvalidRequest(problems)


@final
class TaskRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A contract net to run. `task` is JSON text, the content of the call.

    `timeout_s` is for everything, from the call to the last report.

    Raises:
        InvalidRequest: with every value out of bounds or contradictory.
    """

    task: bytes
    invited: Invited
    rule: AwardRule
    awards_max: int = 1
    proposal_timeout_s: float = 30.0
    timeout_s: float = 300.0

    def __post_init__(self) -> None:
        problems = [
            *_seconds("proposal_timeout_s", self.proposal_timeout_s, PROPOSAL_TIMEOUT_S_MAX),
            *_seconds("timeout_s", self.timeout_s, TIMEOUT_S_MAX),
        ]
        if not problems and self.proposal_timeout_s >= self.timeout_s:
            problems.append(
                Problem(
                    field="timeout_s",
                    kind=ProblemKind.CONTRADICTION,
                    problem=f"the whole task would end after {self.timeout_s:g} s, while proposals may "
                    f"come for {self.proposal_timeout_s:g} s",
                    fix="give a `timeout_s` above `proposal_timeout_s`: it covers the work as well",
                )
            )
        if not 1 <= self.awards_max <= PARTICIPANTS_MAX:
            problems.append(_bounds("max_awards", self.awards_max, f"give 1 to {PARTICIPANTS_MAX}"))
        if isinstance(self.rule, Ranked):
            problems += _field(self.rule.field)
        if problems:
            raise InvalidRequest(problems)


@final
class AuctionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An auction to run. `item` is JSON text; in a Dutch auction the price falls to `reserve_price`.

    Raises:
        InvalidRequest: with every value out of bounds or contradictory.
    """

    kind: Literal["english", "dutch"]
    item: bytes
    invited: Invited
    start_price: Price
    step: Price
    reserve_price: Price | None = None
    round_s: float = 10.0

    def __post_init__(self) -> None:
        problems = _seconds("round_s", self.round_s, ROUND_S_MAX)
        for name in ("start_price", "step", "reserve_price"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                problems.append(_bounds(name, value, "give a number"))
        if not problems:
            problems = self._explain_prices()
        if problems:
            raise InvalidRequest(problems)

    def _explain_prices(self) -> list[Problem]:
        if self.step <= 0:
            return [_bounds("step", self.step, "give more than 0")]
        reserve_price = self.reserve_price
        if self.kind == "english":
            return []
        if reserve_price is None:
            return [
                Problem(
                    field="reserve_price",
                    kind=ProblemKind.MISSING,
                    problem="a Dutch auction needs a price below which nothing is sold",
                    fix="give a `reserve_price`",
                )
            ]
        if reserve_price > self.start_price:
            fix = "give at most `start_price`, from which the price falls"
            return [_bounds("reserve_price", reserve_price, fix)]
        rounds = (self.start_price - reserve_price) / self.step
        if rounds >= ROUNDS_MAX:
            fix = f"give a greater step: at most {ROUNDS_MAX} calls lead down to `reserve_price`"
            return [_bounds("step", self.step, fix)]
        return []


def explain_invited(agents: tuple[str, ...] | None, capability: str | None) -> list[Problem]:
    """Return what is wrong with an invitation."""
    if (agents is None) == (capability is None):
        given = "given twice" if agents is not None else "not given"
        return [
            Problem(
                field="participants",
                kind=ProblemKind.MISSING if agents is None else ProblemKind.CONTRADICTION,
                problem=f"who is to take part is {given}",
                fix="give `participants` (a list of agents) or `capability`, one of them",
            )
        ]
    if agents is None:
        return []
    if not 1 <= len(agents) <= PARTICIPANTS_MAX:
        return [_bounds("participants", len(agents), f"name 1 to {PARTICIPANTS_MAX} agents")]
    return [
        Problem(
            field=f"participants[{place}]",
            kind=ProblemKind.CONTRADICTION,
            problem=f"`{agent}` is named twice",
            fix="name each agent once",
        )
        for place, agent in enumerate(agents)
        if agent in agents[:place]
    ]


def _seconds(field: str, value: float, greatest: float) -> list[Problem]:
    if math.isfinite(value) and 0 < value <= greatest:
        return []
    return [_bounds(field, value, f"give more than 0 and at most {greatest:g} seconds")]


def _field(path: str) -> list[Problem]:
    if len(path) <= FIELD_CHARACTERS_MAX and all(path.split(".")):
        return []
    return [
        Problem(
            field="award.field",
            kind=ProblemKind.INVALID_VALUE,
            problem="the path has an empty part or is too long",
            fix=f"give a name, or names with dots between them, up to {FIELD_CHARACTERS_MAX} characters",
        )
    ]


def _bounds(field: str, value: float, fix: str) -> Problem:
    return Problem(
        field=field, kind=ProblemKind.OUT_OF_BOUNDS, problem=f"{value:g} is out of bounds", fix=fix
    )
