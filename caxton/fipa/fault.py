"""A fault in a text, with the place where a person would look for it."""

from typing import Final

from caxton.domain.errors.routing import InvalidMessageFormat
from caxton.domain.problem import Problem, ProblemKind

_SHOWN_BYTES_MAX: Final = 64


def fault_at(
    text: bytes,
    offset_bytes: int,
    problem: str,
    fix: str,
    *,
    kind: ProblemKind = ProblemKind.SYNTAX,
    parameter: str = "",
) -> InvalidMessageFormat:
    """Return the refusal of a text for what stands at an offset; `parameter` is a name without colon."""
    assert 0 <= offset_bytes <= len(text), "a fault lies inside of its text"
    line = text.count(b"\n", 0, offset_bytes) + 1
    line_start = text.rfind(b"\n", 0, offset_bytes) + 1
    column = len(text[line_start:offset_bytes].decode(errors="replace")) + 1
    found = Problem(
        field=f":{parameter}" if parameter else "",
        kind=kind,
        problem=problem,
        fix=fix,
        where=f"line {line}, column {column}",
    )
    return InvalidMessageFormat(found, offset_bytes=offset_bytes, line=line, column=column)


def shown(piece: bytes) -> str:
    """Return a piece of a text as an error may repeat it: short, and on one line."""
    words = piece[:_SHOWN_BYTES_MAX].decode(errors="replace")
    cut = "..." if len(piece) > _SHOWN_BYTES_MAX else ""
    return "".join(character if character.isprintable() else "\ufffd" for character in words) + cut
