"""What ends a command: the server said no (exit code 1), or there is no server (exit code 3).

Both are click exceptions, so the one place where click reports its own usage errors (exit code 2)
reports these too. `document` keeps the answer of the API whole for `--output json`.
"""

from collections.abc import Mapping
from typing import IO, ClassVar, Final, Self, final

import click
import msgspec

from caxton.cli.invocation import Invocation
from caxton.cli.text import visible
from caxton.domain.errors.taxonomy import CaxtonError

# These details have a form of their own.
_DETAILS_SHOWN_ELSEWHERE: Final = frozenset({"problems", "suggestions"})


class Ended(click.ClickException):
    """A command that ended with an error in the API's form."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        *,
        code: str,
        message: str,
        details: Mapping[str, object] | None = None,
        hint: str | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code: Final = code
        self.details: Final = dict(details or {})
        self.hint: Final = hint
        self.trace_id: Final = trace_id
        # Asked now: by the time that click shows the error, the command's context is gone.
        context = click.get_current_context(silent=True)
        invocation = context.find_object(Invocation) if context is not None else None
        self._as_json: Final = invocation is not None and invocation.as_json

    @classmethod
    def because_of(cls, error: CaxtonError) -> Self:
        """Return the end for an error of the taxonomy that happened here, without a server."""
        return cls(code=error.code, message=error.message, details=error.details(), hint=error.hint)

    def document(self) -> dict[str, object]:
        """Return the error as the API writes it."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "details": self.details,
                "hint": self.hint,
                "trace_id": self.trace_id,
            }
        }

    def show(self, file: IO[str] | None = None) -> None:
        """Write the error to standard error, in the form that `--output` asks for."""
        if self._as_json:
            click.echo(msgspec.json.encode(self.document(), enc_hook=str), file=file, err=True)
            return
        click.echo("\n".join(self.lines()), file=file, err=True)

    def lines(self) -> list[str]:
        """Return the error as a person reads it: what, each problem, the rest, what to do, where to look."""
        lines = [
            click.style("error: ", fg="red", bold=True) + visible(self.message) + f" [{visible(self.code)}]"
        ]
        lines += problem_lines(self.details.get("problems"))
        lines += [
            f"  {visible(name)}: {_plain(value)}"
            for name, value in self.details.items()
            if name not in _DETAILS_SHOWN_ELSEWHERE and value not in (None, "", [], {})
        ]
        suggestions = _texts(self.details.get("suggestions"))
        if suggestions and "did you mean" not in (self.hint or ""):
            lines.append(f"  did you mean: {', '.join(visible(word) for word in suggestions)}?")
        # The first problem's remedy may have been said above, at the problem.
        if self.hint and f"    {visible(self.hint)}" not in lines:
            lines.append(click.style("hint: ", fg="cyan") + visible(self.hint))
        if self.trace_id:
            lines.append(click.style(f"trace: {visible(self.trace_id)}", dim=True))
        return lines


@final
class Refused(Ended):
    """The server said no."""


@final
class Misconfigured(Ended):
    """The settings cannot be used: wrong words, only not on the command line."""

    exit_code: ClassVar[int] = 2


@final
class Unreachable(Ended):
    """No server answered, or what answered is none of ours."""

    exit_code: ClassVar[int] = 3

    @classmethod
    def at(cls, message: str, *, hint: str | None = None) -> Self:
        """Return the end with the code that all of its kind share."""
        return cls(code="NOT_REACHABLE", message=message, hint=hint)


class _Problem(msgspec.Struct, frozen=True):
    """One entry of `details.problems`, in either of the API's two shapes."""

    where: str = ""
    field: str = ""
    problem: str = ""
    fix: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""


def problem_lines(problems: object) -> list[str]:
    """Return one line for each problem, and one below it for what to do, as far as there is any."""
    try:
        found = msgspec.convert(problems or [], list[_Problem | str], from_attributes=True)
    except msgspec.ValidationError:
        return [f"  problems: {_plain(problems)}"]
    lines: list[str] = []
    for problem in found:
        if isinstance(problem, str):
            lines.append(f"  - {visible(problem)}")
            continue
        where = ": ".join(visible(part) for part in (problem.where, problem.field) if part)
        what = visible(problem.problem or problem.message)
        code = f" [{visible(problem.code)}]" if problem.code else ""
        lines.append(f"  - {where}: {what}{code}" if where else f"  - {what}{code}")
        fix = visible(problem.fix or problem.hint)
        if fix:
            lines.append(f"    {fix}")
    return lines


def _texts(value: object) -> list[str]:
    try:
        return msgspec.convert(value or [], list[str])
    except msgspec.ValidationError:
        return []


def _plain(value: object) -> str:
    return visible(value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode())
