"""Which proposals win: the rule of an award, and the order that it puts proposals in."""

import math
from collections.abc import Iterable
from typing import Final, Literal, final

import msgspec

from caxton.domain.ids import AgentId
from caxton.tasks.session import Proposal

FIELD_CHARACTERS_MAX: Final = 255
Number = int | float


@final
class Ranked(msgspec.Struct, frozen=True, tag="ranked"):
    """The lowest or highest number in a field of the content wins; equals go by their time.

    `field` is a name, or a path of names with dots between them.
    """

    rule: Literal["lowest", "highest"]
    field: str


@final
class Manual(msgspec.Struct, frozen=True, tag="manual"):
    """Somebody chooses."""


AwardRule = Ranked | Manual


class Unfit(msgspec.Struct, frozen=True):
    """A proposal that cannot be compared, and why."""

    agent: AgentId
    kind: str
    reason: str


def rank(rule: Ranked, proposals: Iterable[tuple[AgentId, Proposal]]) -> tuple[list[AgentId], list[Unfit]]:
    """Return the proposers from best to worst, and those whose proposals lack the number."""
    fit: list[tuple[Number, int, AgentId]] = []
    unfit: list[Unfit] = []
    sign = 1 if rule.rule == "lowest" else -1
    for agent, proposal in proposals:
        found = number_at(proposal.content, rule.field)
        if isinstance(found, str):
            unfit.append(Unfit(agent, found, _UNFIT[found].format(field=rule.field)))
        else:
            fit.append((sign * found, proposal.number, agent))
    return [agent for _, _, agent in sorted(fit)], unfit


def number_at(content: bytes, path: str) -> Number | Literal["field_missing", "not_numeric"]:
    """Return the number at a path of the content, or the kind of reason why there is none."""
    try:
        value: object = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        # JSON that is beyond numbers, such as 1e999: the core does not look at the values.
        return "not_numeric"
    for name in path.split("."):
        members = msgspec.convert(value, dict[str, object]) if isinstance(value, dict) else {}
        if name not in members:
            return "field_missing"
        value = members[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "not_numeric"
    return value


_UNFIT: Final = {
    "field_missing": "the proposal's content has no `{field}`",
    "not_numeric": "the proposal's `{field}` is not a number",
}
