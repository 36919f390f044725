"""Where values come from: files, environment, `--set`, flags. Each value keeps its origin.

What enters is text in four forms, what leaves is a list of `Entry`: the path of a setting, the value
as it was written, and where. Nothing is checked against the settings here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, final

import msgspec

from caxton.domain.problem import Problem, ProblemKind

ENVIRONMENT_PREFIX: Final = "CAXTON__"
FILE_BYTES_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 16

SourceKind = Literal["default", "file", "environment", "set", "flag"]

_VARIABLE: Final = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")
_TOML_TABLE: Final = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_TOML_KEY: Final = re.compile(r"\s*([A-Za-z0-9_\"'. -]+?)\s*=")


@final
class Source(msgspec.Struct, frozen=True):
    """The origin of a value: the kind, and the place in words, such as `caxton.yaml:12`."""

    kind: SourceKind
    place: str = ""

    def __str__(self) -> str:
        return self.place or self.kind


@final
class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One value on its way in.

    `as_text` marks a value that can only have been text (environment, `--set`, a substituted
    variable), so that the text of a number stands for the number.
    """

    path: tuple[str, ...]
    value: object
    source: Source
    as_text: bool = False

    @property
    def key(self) -> str:
        """The path as it is written: `server.port`."""
        return ".".join(self.path)


class Lines(dict[tuple[str, ...], int]):
    """The line, counted from 1, on which each path of a file stands."""

    def nearest(self, path: tuple[str, ...]) -> int:
        """Return the line of the path or of the closest one above it."""
        while path:
            if path in self:
                return self[path]
            path = path[:-1]
        return 1


def read_file(path: Path, environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """Return the entries of a YAML or TOML file (by its extension), with `${VAR}` replaced."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [], [
            _unreadable(path, f"the file cannot be read: {reason}", "check the path and its permissions")
        ]
    if len(content) > FILE_BYTES_MAX:
        return [], [_unreadable(path, "the file is above 1 MiB", "this is hardly a configuration file")]
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [], [_unreadable(path, "the file is not UTF-8", "save it as UTF-8")]
    match path.suffix.lower():
        case ".yaml" | ".yml":
            document, lines, problems = _parse_yaml(path, text)
        case ".toml":
            document, lines, problems = _parse_toml(path, text)
        case suffix:
            problem = f"the extension `{suffix}` names no format"
            return [], [_unreadable(path, problem, "name the file .yaml, .yml or .toml")]
    if problems:
        return [], problems
    entries: list[Entry] = []
    for where, value in _flat(document, ()):
        place = f"{path}:{lines.nearest(where)}"
        problems += _add_entry(entries, where, value, Source("file", place), environ)
    return entries, problems


def read_environment(environ: Mapping[str, str]) -> list[Entry]:
    """Return what variables such as `CAXTON__SERVER__PORT` say, in the order of their names."""
    return [
        Entry(
            path=tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")),
            value=environ[name],
            source=Source("environment", name),
            as_text=True,
        )
        for name in sorted(environ)
        if name.startswith(ENVIRONMENT_PREFIX)
    ]


def read_overrides(overrides: Sequence[str]) -> tuple[list[Entry], list[Problem]]:
    """Return what `--set a.b=c` options say."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator or not key.strip():
            problems.append(
                Problem(
                    field="",
                    kind=ProblemKind.SYNTAX,
                    where=f"--set {override}",
                    problem="this is not of the form key=value",
                    fix="write it like --set server.port=8081",
                )
            )
            continue
        path = tuple(part.strip() for part in key.split("."))
        entries.append(
            Entry(path=path, value=value, source=Source("set", f"--set {key.strip()}"), as_text=True)
        )
    return entries, problems


def read_flags(flags: Mapping[str, object]) -> list[Entry]:
    """Return what options of the command line say; None is an option that was not given."""
    return [
        Entry(
            path=tuple(key.split(".")),
            value=value,
            source=Source("flag", f"--{key.rpartition('.')[2].replace('_', '-')}"),
            as_text=isinstance(value, str),
        )
        for key, value in flags.items()
        if value is not None
    ]


def substitute(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Replace `${VAR}` and `${VAR:-default}`; `$$` stands for `$`. Returns the text and unset names.

    As in a shell, the default also holds for a variable that is set to nothing.
    """
    unset: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        if name is None:
            return "$"
        value = environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            unset.append(name)
            return ""
        return value

    return _VARIABLE.sub(value_of, text), unset


def _add_entry(
    entries: list[Entry], path: tuple[str, ...], value: object, source: Source, environ: Mapping[str, str]
) -> list[Problem]:
    replaced, unset = _substituted(value, environ)
    if not unset:
        as_text = isinstance(value, str) and replaced != value
        entries.append(Entry(path=path, value=replaced, source=source, as_text=as_text))
    return [
        Problem(
            field=".".join(path),
            kind=ProblemKind.INVALID_VALUE,
            where=source.place,
            problem=f"the variable {name} is not set",
            fix=f"set it, or give a default: ${{{name}:-...}}",
        )
        for name in unset
    ]


def _substituted(value: object, environ: Mapping[str, str]) -> tuple[object, list[str]]:
    if isinstance(value, str):
        return substitute(value, environ)
    if isinstance(value, list):
        rows = [_substituted(each, environ) for each in msgspec.convert(value, list[object])]
        return [each for each, _ in rows], [name for _, unset in rows for name in unset]
    if isinstance(value, dict):
        pairs = [
            (key, _substituted(each, environ))
            for key, each in msgspec.convert(value, dict[str, object]).items()
        ]
        return {key: each for key, (each, _) in pairs}, [name for _, (_, unset) in pairs for name in unset]
    return value, []


def _flat(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the leaves of nested mappings; an empty mapping is no leaf."""
    if isinstance(value, dict):
        for key, each in msgspec.convert(value, dict[str, object]).items():
            yield from _flat(each, (*path, key))
    else:
        yield path, value


def _parse_yaml(path: Path, text: str) -> tuple[object, Lines, list[Problem]]:
    # Imported on use: most commands read no file.
    from caxton.config.yaml_file import parse_yaml  # noqa: PLC0415 - costs time

    return parse_yaml(path, text)


def _parse_toml(path: Path, text: str) -> tuple[object, Lines, list[Problem]]:
    import tomllib  # noqa: PLC0415 - costs time

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, Lines(), [_unreadable(path, f"this is not TOML: {error}", "mend the syntax there")]
    return document, _toml_lines(text), []


def _toml_lines(text: str) -> Lines:
    """Find the lines of the keys. The parser tells none, and a line is only ever shown to a reader."""
    lines = Lines()
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        found = _TOML_TABLE.match(line)
        if found is not None:
            table = _toml_path(found.group(1))
            lines.setdefault(table, number)
            continue
        found = _TOML_KEY.match(line)
        if found is not None:
            lines.setdefault((*table, *_toml_path(found.group(1))), number)
    return lines


def _toml_path(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _unreadable(path: Path, problem: str, fix: str) -> Problem:
    return Problem(field="", kind=ProblemKind.SYNTAX, where=str(path), problem=problem, fix=fix)
