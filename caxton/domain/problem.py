"""One fault found in something that a caller handed in.

Input is refused with *all* of its faults at once, hence a fault is a value that can be collected.
"""

from enum import StrEnum, unique

import msgspec


@unique
class ProblemKind(StrEnum):
    """The stable word for the sort of fault, for programs that read the answer."""

    SYNTAX = "syntax"
    ENCODING = "encoding"
    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_BOUNDS = "out_of_bounds"
    INVALID_VALUE = "invalid_value"
    CONTRADICTION = "contradiction"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    UNSUPPORTED = "unsupported"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Say where a fault is, what is wrong there, and what to do about it.

    `field` is the path of the fault inside the input (`receiver[2]`, `limits.fuel_max`), or an empty
    text where the input as a whole is at fault. `where` is the place outside of the input's own
    structure (a file and its line, a variable, an option), where there is one. `code` is the stable name
    of the broken rule, where rules have names (those for modules do).
    """

    field: str
    kind: ProblemKind
    problem: str
    fix: str
    where: str = ""
    code: str = ""

    def __str__(self) -> str:
        place = "".join(f"{part}: " for part in (self.where, self.field) if part)
        return f"{place}{self.problem}; {self.fix}" if self.fix else f"{place}{self.problem}"
