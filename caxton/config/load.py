"""From all sources to one configuration, or to every reason why there is none.

Precedence, lowest first: defaults, file, environment, `--set`, flags. A value is checked even where
a higher source overrides it: a fault in the file does not wait for the day on which the variable
that hid it is gone.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar, final

import msgspec

from caxton.config.contradiction import contradictions
from caxton.config.sections import Config
from caxton.config.setting import Shape, shapes_of
from caxton.config.source import Entry, Source, read_environment, read_file, read_flags, read_overrides
from caxton.config.value import convert, unknown_key
from caxton.config.walk import flat_values, setting_shapes
from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.problem import Problem, ProblemKind

CONFIG_PATH_VARIABLE: Final = "CAXTON_CONFIG_PATH"
SYSTEM_CONFIG_PATH: Final = Path("/etc/caxton/config.yaml")
SYSTEM_DATA_DIR: Final = "/var/lib/caxton"
_HIDDEN: Final = "(hidden)"

SectionType = TypeVar("SectionType", bound=msgspec.Struct)


@final
class LoadedConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force, and by full key where each came from."""

    config: Config
    sources: dict[str, Source]

    def rows(self) -> Iterator[tuple[str, object, Source]]:
        """Yield key, value and source of every setting; the values of secrets are hidden."""
        shapes = setting_shapes()
        for key, value in flat_values(self.config):
            shown = _HIDDEN if shapes[key].secret and value is not None else value
            yield key, shown, self.sources[key]


def config_path(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file to read: the one given, what `CAXTON_CONFIG_PATH` names, or the system's."""
    if path is not None:
        return path
    named = environ.get(CONFIG_PATH_VARIABLE)
    if named:
        return Path(named)
    return SYSTEM_CONFIG_PATH if SYSTEM_CONFIG_PATH.is_file() else None


def load_config(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
) -> LoadedConfig:
    """Read all sources and return the settings in force.

    `overrides` are the values of `--set` (`a.b=c`); `flags` maps full keys to the values of options of
    the command line, None for one that was not given.

    Raises:
        ConfigurationInvalid: with every problem of every source.
    """
    problems: list[Problem] = []
    entries: list[Entry] = []
    file = config_path(path, environ)
    if file is not None:
        found, faults = read_file(file, environ)
        entries += found
        problems += faults
    entries += read_environment(environ)
    found, faults = read_overrides(overrides)
    entries += found
    problems += faults
    entries += read_flags(flags or {})

    values: dict[str, object] = {"storage.data_dir": default_data_dir(environ)}
    sources = {key: Source("default") for key in setting_shapes()}
    for entry in entries:
        problems += _take(entry, values, sources)
    _choose_cpu_or_fuel(values, sources)
    config = _built(Config, "", values)
    problems += _contradictions(config, sources, problems)
    if problems:
        raise ConfigurationInvalid(problems)
    return LoadedConfig(config=config, sources=sources)


def default_data_dir(environ: Mapping[str, str], *, user_id: int | None = None) -> str:
    """Return the data directory of whoever sets none: the system's for root, else one of the user's.

    `user_id` is the user that runs this process where it is not given.
    """
    if (os.geteuid() if user_id is None else user_id) == 0:
        return SYSTEM_DATA_DIR
    data_home = environ.get("XDG_DATA_HOME", "")
    if Path(data_home).is_absolute():
        return str(Path(data_home) / "caxton")
    home = environ.get("HOME", "")
    return str(Path(home) / ".local/share/caxton") if home else SYSTEM_DATA_DIR


def _take(entry: Entry, values: dict[str, object], sources: dict[str, Source]) -> list[Problem]:
    shapes = setting_shapes()
    shape = shapes.get(entry.key)
    if shape is None:
        return _no_setting(entry, shapes)
    problems: list[Problem] = []
    value = convert(
        shape,
        entry.value,
        key=entry.key,
        where=entry.source.place,
        as_text=entry.as_text,
        problems=problems,
    )
    if not problems:
        values[entry.key] = value
        sources[entry.key] = entry.source
    return problems


def _choose_cpu_or_fuel(values: dict[str, object], sources: dict[str, Source]) -> None:
    # Two ways to say one limit: who sets the second does not keep the default of the first.
    cpu, fuel = "runtime.default_limits.cpu_ms_max", "runtime.default_limits.fuel_max"
    if values.get(fuel) is not None and cpu not in values:
        values[cpu] = None
        sources[cpu] = sources[fuel]


def _no_setting(entry: Entry, shapes: Mapping[str, Shape]) -> list[Problem]:
    inside = [key for key in shapes if key.startswith(f"{entry.key}.")]
    if not inside:
        return [unknown_key(entry.key, shapes, entry.source.place)]
    if entry.value is None:
        # A section with nothing in it says nothing.
        return []
    return [
        Problem(
            field=entry.key,
            kind=ProblemKind.WRONG_TYPE,
            where=entry.source.place,
            problem="this is a section, not a value",
            fix=f"set a key in it, such as {inside[0]}",
        )
    ]


def _built(section: type[SectionType], prefix: str, values: Mapping[str, object]) -> SectionType:
    members: dict[str, object] = {}
    for name, shape in shapes_of(section).items():
        key = f"{prefix}{name}"
        if shape.kind == "section" and shape.section is not None:
            members[name] = _built(shape.section, f"{key}.", values)
        elif key in values:
            members[name] = values[key]
    return section(**members)


def _contradictions(
    config: Config, sources: Mapping[str, Source], problems: Sequence[Problem]
) -> list[Problem]:
    # A value that was refused has its default here: what that default contradicts is nobody's fault.
    refused = {problem.field.partition("[")[0] for problem in problems}
    found: list[Problem] = []
    for keys, problem, fix in contradictions(config):
        if refused.intersection(key.partition("[")[0] for key in keys):
            continue
        origins = [f"{key} from {sources[key.partition('[')[0]]}" for key in keys]
        found.append(
            Problem(
                field=", ".join(keys),
                kind=ProblemKind.CONTRADICTION,
                problem=f"{problem} ({', '.join(origins)})",
                fix=fix,
            )
        )
    return found
