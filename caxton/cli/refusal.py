"""What ends a command: the server said no (exit code 1), or there is no server (exit code 3).

Both are click exceptions, so the one place where click reports its own usage errors (exit code 2)
reports these too. `document` keeps the answer of the API whole for `--output json`.
"""

from collections.abc import Mapping, Sequence
from typing import IO, ClassVar, Final, final

import click

from caxton.cli.invocation import Invocation
from caxton.cli.text import visible

# How wide the labels of an error's lines are.
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
        context = click.get_current_context(silent=True)
        invocation = context.find_object(Invocation) if context is not None else None
        if invocation is not None and invocation.as_json:
            import orjson  # noqa: PLC0415 - only this form needs it

            click.echo(orjson.dumps(self.document(), default=str), file=file, err=True)
            return
        click.echo("\n".join(self.lines()), file=file, err=True)

    def lines(self) -> list[str]:
        """Return the error as a person reads it: what, each problem, the rest, what to do, where to look."""
        lines = [click.style("error: ", fg="red", bold=True) + visible(self.message) + f" [{visible(self.code)}]"]
        lines += problem_lines(self.details.get("problems"))
        lines += [
            f"  {visible(name)}: {_plain(value)}"
            for name, value in self.details.items()
            if name not in _DETAILS_SHOWN_ELSEWHERE and value not in (None, "", [], {})
        ]
        suggestions = self.details.get("suggestions")
        if isinstance(suggestions, Sequence) and suggestions and not isinstance(suggestions, str):
            lines.append(f"  did you mean: {', '.join(_plain(word) for word in suggestions)}?")
        if self.hint:
            lines.append(click.style("hint: ", fg="cyan") + visible(self.hint))
        if self.trace_id:
            lines.append(click.style(f"trace: {visible(self.trace_id)}", dim=True))
        return lines


@final
class Refused(Ended):
    """The server said no."""


@final
class Unreachable(Ended):
    """No server answered, or what answered is none of ours."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(code="NOT_REACHABLE", message=message, hint=hint)


def problem_lines(problems: object) -> list[str]:
    """Return one line for each problem, and one below it for what to do, as far as there is any."""
    if not isinstance(problems, Sequence) or isinstance(problems, str):
        return []
    lines: list[str] = []
    for problem in problems:
        if not isinstance(problem, Mapping):
            lines.append(f"  - {_plain(problem)}")
            continue
        fields: dict[str, object] = {str(name): value for name, value in problem.items()}
        where = _plain(fields.get("field") or "")
        what = _plain(fields.get("problem") or fields.get("message") or fields.get("kind") or "")
        lines.append(f"  - {where}: {what}" if where else f"  - {what}")
        if fields.get("fix"):
            lines.append(f"    {_plain(fields['fix'])}")
    return lines


def _plain(value: object) -> str:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, (Mapping, Sequence)):
        import orjson  # noqa: PLC0415 - only a nested detail needs it

        return visible(orjson.dumps(value, default=str).decode())
    return visible(str(value))
