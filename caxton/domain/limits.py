"""What one agent may use. A limit on everything; the request may ask, the server decides.

`ResourceLimits` is complete and consistent. A deployer sends a `LimitsRequest` in which everything
may be left out; `merge_limits` lays it over the server's defaults and refuses, all at once, what is
out of bounds, above the server's maxima or contradictory.
"""

import math
from typing import Final, final

import msgspec

from caxton.domain.errors.request import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB


class Bound(msgspec.Struct, frozen=True):
    """The least and the greatest value of a limit, its unit, and why the ends are where they are."""

    least: int
    greatest: int
    unit: str
    reason: str

    def __contains__(self, value: float) -> bool:
        return math.isfinite(value) and self.least <= value <= self.greatest

    @property
    def words(self) -> str:
        """The range in words, such as `1 to 60000 milliseconds`."""
        return f"{self.least} to {self.greatest} {self.unit}"


BOUNDS: Final[dict[str, Bound]] = {
    "memory_bytes_max": Bound(
        64 * KIB, 4 * GIB, "bytes", "one page of WebAssembly; all that a 32-bit memory has"
    ),
    "cpu_ms_max": Bound(
        1, 60_000, "milliseconds", "the fuel rate is measured for a millisecond; a request ends at 30 s"
    ),
    "fuel_max": Bound(1, 2**62, "fuel", "the engine counts fuel in a signed 64-bit number"),
    "execution_ms_max": Bound(
        1, 300_000, "milliseconds", "a tick of the deadline clock; longer work belongs in a tool"
    ),
    "message_bytes_max": Bound(
        256, 32 * MIB, "bytes", "an envelope without content; the largest body that is read"
    ),
    "mailbox_max": Bound(
        1, 1_000_000, "messages", "an agent must be able to get one; the message pool is finite"
    ),
    "messages_per_s_max": Bound(
        1, 10_000_000, "messages a second", "below 1 use a mailbox of 1; above nothing is limited"
    ),
}


@final
class ResourceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one agent, in force.

    Exactly one of `cpu_ms_max` (turned into fuel by the measured rate) and `fuel_max` (exact) is set.

    Raises:
        InvalidRequest: with every limit that is out of bounds.
    """

    memory_bytes_max: int = 16 * MIB
    cpu_ms_max: int | None = 100
    fuel_max: int | None = None
    execution_ms_max: int = 1000
    message_bytes_max: int = MIB
    mailbox_max: int = 1000
    messages_per_s_max: float | None = None

    def __post_init__(self) -> None:
        problems = _out_of_bounds(self, "limits")
        if (self.cpu_ms_max is None) == (self.fuel_max is None):
            problems.append(_CPU_OR_FUEL)
        if problems:
            raise InvalidRequest(problems)


@final
class LimitsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployer asks for; None takes the server's default."""

    memory_bytes_max: int | None = None
    cpu_ms_max: int | None = None
    fuel_max: int | None = None
    execution_ms_max: int | None = None
    message_bytes_max: int | None = None
    mailbox_max: int | None = None
    messages_per_s_max: float | None = None


@final
class LimitMaxima(msgspec.Struct, frozen=True, kw_only=True):
    """What the server grants at most, within the bounds that hold everywhere."""

    memory_bytes_max: int = BOUNDS["memory_bytes_max"].greatest
    cpu_ms_max: int = BOUNDS["cpu_ms_max"].greatest
    fuel_max: int = BOUNDS["fuel_max"].greatest
    execution_ms_max: int = BOUNDS["execution_ms_max"].greatest
    message_bytes_max: int = MIB
    mailbox_max: int = BOUNDS["mailbox_max"].greatest
    messages_per_s_max: float = BOUNDS["messages_per_s_max"].greatest


def merge_limits(request: LimitsRequest, defaults: ResourceLimits, maxima: LimitMaxima) -> ResourceLimits:
    """Lay what was asked for over the defaults.

    A request for `fuel_max` takes the place of a default `cpu_ms_max`, and the other way round.

    Raises:
        InvalidRequest: with every problem: out of bounds, above the maxima, `cpu_ms_max` beside
            `fuel_max`.
    """
    problems = explain_limits(request, maxima)
    if problems:
        raise InvalidRequest(problems)
    asked: dict[str, float | None] = dict(_set_limits(request))
    if request.fuel_max is not None:
        asked["cpu_ms_max"] = None
    elif request.cpu_ms_max is not None:
        asked["fuel_max"] = None
    return msgspec.structs.replace(defaults, **asked)


def explain_limits(request: LimitsRequest, maxima: LimitMaxima, field: str = "limits") -> tuple[Problem, ...]:
    """Return everything that is wrong with a request, or nothing; `field` is where it stands."""
    problems = _out_of_bounds(request, field)
    seen = {problem.field for problem in problems}
    allowed = dict(_set_limits(maxima))
    for name, value in _set_limits(request):
        where = f"{field}.{name}"
        most = allowed[name]
        if value is not None and most is not None and value > most and where not in seen:
            problems.append(
                Problem(
                    field=where,
                    kind=ProblemKind.OUT_OF_BOUNDS,
                    problem=f"{value} is above this server's maximum",
                    fix=f"ask for at most {most:g} {BOUNDS[name].unit}"
                    if isinstance(most, float)
                    else f"ask for at most {most} {BOUNDS[name].unit}",
                )
            )
    if request.cpu_ms_max is not None and request.fuel_max is not None:
        problems.append(msgspec.structs.replace(_CPU_OR_FUEL, field=f"{field}.fuel_max"))
    return tuple(problems)


_CPU_OR_FUEL: Final = Problem(
    field="limits.fuel_max",
    kind=ProblemKind.CONTRADICTION,
    problem="`cpu_ms_max` and `fuel_max` are two ways to say the same limit",
    fix="set exactly one of them: milliseconds by the measured rate, or exact fuel",
)


def _set_limits(limits: ResourceLimits | LimitsRequest | LimitMaxima) -> list[tuple[str, float | None]]:
    rows: list[tuple[str, float | None]] = [
        ("memory_bytes_max", limits.memory_bytes_max),
        ("cpu_ms_max", limits.cpu_ms_max),
        ("fuel_max", limits.fuel_max),
        ("execution_ms_max", limits.execution_ms_max),
        ("message_bytes_max", limits.message_bytes_max),
        ("mailbox_max", limits.mailbox_max),
        ("messages_per_s_max", limits.messages_per_s_max),
    ]
    return [(field, value) for field, value in rows if value is not None]


def _out_of_bounds(limits: ResourceLimits | LimitsRequest, field: str) -> list[Problem]:
    problems: list[Problem] = []
    for name, value in _set_limits(limits):
        bound = BOUNDS[name]
        if value is not None and value not in bound:
            problems.append(
                Problem(
                    field=f"{field}.{name}",
                    kind=ProblemKind.OUT_OF_BOUNDS,
                    problem=f"{value} is out of bounds",
                    fix=f"give {bound.words}",
                )
            )
    return problems
