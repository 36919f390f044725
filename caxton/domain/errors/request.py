"""What a caller asked for, or an operator set, cannot be read or is not there."""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import final

from caxton.domain.errors.taxonomy import ConfigurationError, clipped, problem_rows, summary
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.suggestion import did_you_mean


class InvalidRequest(ConfigurationError):
    """The request cannot be read or contradicts itself."""

    code = "INVALID_REQUEST"
    http_status = 400

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        assert problems, "a refusal names at least one problem"
        self.problems = tuple(problems)

    def _message(self) -> str:
        return summary("the request is not valid", self.problems)

    def _hint(self) -> str:
        return self.problems[0].fix

    def _details(self) -> dict[str, object]:
        return {"problems": problem_rows(self.problems)}


@unique
class ParseKind(StrEnum):
    """Why a text is not what it should be."""

    INVALID_FORMAT = "InvalidFormat"
    ZERO_ID = "ZeroId"
    INVALID_UUID = "InvalidUuid"
    EMPTY = "Empty"
    TOO_LONG = "TooLong"
    INVALID_CHARACTER = "InvalidCharacter"
    DIGITS_ONLY = "DigitsOnly"
    OUT_OF_RANGE = "OutOfRange"
    UNKNOWN = "Unknown"


@final
class ParseError(InvalidRequest):
    """A text does not stand for a value of its type. `noun` names the type in words."""

    def __init__(
        self,
        noun: str,
        text: str,
        kind: ParseKind,
        problem: str,
        fix: str,
        *,
        suggestions: Sequence[str] = (),
    ) -> None:
        self.noun = noun
        self.text = text
        self.kind = kind
        self.suggestions = tuple(suggestions)
        problem_kind = ProblemKind.OUT_OF_BOUNDS if kind in _BOUND_KINDS else ProblemKind.INVALID_VALUE
        super().__init__([Problem(field="", kind=problem_kind, problem=problem, fix=fix)])

    def _message(self) -> str:
        return self.problems[0].problem

    def at(self, field: str) -> Problem:
        """Return the problem with the place where the text stood."""
        found = self.problems[0]
        return Problem(field=field, kind=found.kind, problem=found.problem, fix=found.fix)

    def _details(self) -> dict[str, object]:
        row: dict[str, object] = {"noun": self.noun, "kind": str(self.kind), "text": clipped(self.text)}
        if self.suggestions:
            row["suggestions"] = list(self.suggestions)
        return row


_BOUND_KINDS = frozenset({ParseKind.ZERO_ID, ParseKind.TOO_LONG, ParseKind.EMPTY, ParseKind.OUT_OF_RANGE})


@final
class InvalidPercentage(InvalidRequest):
    """A percentage lies outside of 0 to 100, or is no number."""

    def __init__(self, value: float) -> None:
        self.value = value
        super().__init__(
            [
                Problem(
                    field="",
                    kind=ProblemKind.OUT_OF_BOUNDS,
                    problem=f"{value!r} is not a percentage",
                    fix="give a number from 0 to 100",
                )
            ]
        )


@final
class InvalidRatio(InvalidRequest):
    """A ratio lies outside of 0 to 1, or is no number."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        super().__init__(
            [
                Problem(
                    field="",
                    kind=ProblemKind.OUT_OF_BOUNDS,
                    problem=f"{ratio!r} is not a ratio",
                    fix="give a number from 0 to 1",
                )
            ]
        )


class NotFound(ConfigurationError):
    """There is nothing at this path, or no thing of this kind with this name."""

    code = "NOT_FOUND"
    http_status = 404

    def __init__(self, noun: str, name: str, *, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.noun = noun
        self.name = name
        self.suggestions = tuple(suggestions)

    def _message(self) -> str:
        return f"there is no {self.noun} `{clipped(self.name)}`"

    def _hint(self) -> str:
        return did_you_mean(self.suggestions) or f"check the spelling of the {self.noun}"

    def _details(self) -> dict[str, object]:
        return {self.noun: clipped(self.name), "suggestions": list(self.suggestions)}


@final
class ConfigurationInvalid(ConfigurationError):
    """The server's settings cannot be used. Raised at start, with every problem found."""

    code = "CONFIGURATION_INVALID"
    http_status = 400
    fault = "operator"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        assert problems, "a refusal names at least one problem"
        self.problems = tuple(problems)

    def _message(self) -> str:
        return summary("the configuration is not valid", self.problems)

    def _hint(self) -> str:
        return "mend what is listed, then check with `caxton config validate`"

    def _details(self) -> dict[str, object]:
        return {"problems": problem_rows(self.problems)}
