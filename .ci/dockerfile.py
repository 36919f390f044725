"""Read a Dockerfile: the subset that ours uses, refused loudly beyond that."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

KNOWN = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


class DockerfileError(Exception):
    """The file says what this reader, or a container engine, would not understand."""


@dataclass(frozen=True)
class Instruction:
    line: int
    word: str
    rest: str


@dataclass
class Stage:
    """One ``FROM`` and what follows it, up to the next."""

    image: str
    name: str
    instructions: list[Instruction] = field(default_factory=list[Instruction])


def parse(text: str) -> list[Stage]:
    """Return the stages in order.

    Raises:
        DockerfileError: an unknown instruction, or one before the first ``FROM`` that is no ``ARG``.
    """
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for instruction in _instructions(text):
        if instruction.word not in KNOWN:
            raise DockerfileError(
                f"line {instruction.line}: {instruction.word} is not an instruction known here"
            )
        if instruction.word == "FROM":
            words = expand(instruction.rest, arguments).split()
            stages.append(Stage(words[0], words[2] if len(words) == 3 else str(len(stages))))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.word == "ARG":
            name, _, value = instruction.rest.partition("=")
            arguments[name] = value
        else:
            raise DockerfileError(f"line {instruction.line}: {instruction.word} before the first FROM")
    return stages


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Put the values of variables in place of their names; an unknown one is empty, as in a shell."""
    return VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)


def settings(rest: str) -> dict[str, str]:
    """Read the ``NAME=value`` pairs of an ``ENV``."""
    return dict(pair.split("=", 1) for pair in shlex.split(rest))


def command(rest: str) -> list[str]:
    """Read an exec-form command, the JSON list.

    Raises:
        DockerfileError: it is the shell form, which would stand between the signals and the program.
    """
    try:
        return [str(word) for word in json.loads(rest)]
    except ValueError as error:
        raise DockerfileError(f"not the exec form: {rest}") from error


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    pending, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start or number
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        word, _, rest = pending.strip().partition(" ")
        found.append(Instruction(start, word.upper(), " ".join(rest.split("\n")).strip()))
        pending, start = "", 0
    return found
