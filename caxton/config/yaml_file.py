"""YAML with the line of every key, refusing what its loader would let pass in silence."""

from pathlib import Path
from typing import Protocol, final

import msgspec
import yaml

from caxton.config.source import DEPTH_MAX, Lines
from caxton.domain.problem import Problem, ProblemKind


def parse_yaml(path: Path, text: str) -> tuple[object, Lines, list[Problem]]:
    """Return the document, the lines of its keys, and what is wrong with it."""
    reader = _Reader(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        document = None if node is None else reader.read(loader, node, (), 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        return {}, reader.lines, [reader.fault(line, (), f"this is not YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return {}, reader.lines, [reader.fault(1, (), f"this is not YAML: {error}")]
    if document is None:
        return {}, reader.lines, reader.problems
    if not isinstance(document, dict) and not reader.problems:
        reader.problems.append(reader.fault(1, (), "the file is not a mapping of sections"))
    return msgspec.convert(document, object), reader.lines, reader.problems


class _Loader(Protocol):
    """What is used of the library's loader; its own stub leaves these types open."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object: ...


@final
class _Reader:
    """Walks the nodes, since only they know their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = Lines()
        self.problems: list[Problem] = []

    def read(self, loader: _Loader, node: yaml.Node, path: tuple[str, ...], depth: int) -> object:
        if depth > DEPTH_MAX:
            self.problems.append(self.fault(node.start_mark.line + 1, path, "this is nested too deep"))
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self.read(loader, each, path, depth + 1) for each in node.value]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node, deep=True)
        members: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                self.problems.append(self.fault(line, path, f"the key {key!r} is not a text"))
                continue
            if key in members:
                self.problems.append(self.fault(line, (*path, key), "this key stands there a second time"))
                continue
            self.lines.setdefault((*path, key), line)
            members[key] = self.read(loader, value_node, (*path, key), depth + 1)
        return members

    def fault(self, line: int, path: tuple[str, ...], problem: str) -> Problem:
        return Problem(
            field=".".join(path),
            kind=ProblemKind.SYNTAX,
            where=f"{self.path}:{line}",
            problem=problem,
            fix="mend this line",
        )
