"""The page of all settings for the documentation, made from the settings themselves."""

from typing import Final

import msgspec

from caxton.config.absent import absence_of
from caxton.config.sections import Config
from caxton.config.setting import Shape, shapes_of
from caxton.config.walk import setting_default
from caxton.domain.quantities import ByteSize, format_byte_size

_HEAD: Final = """\
# Configuration

This page is made by `python -m caxton.config docs/configuration.md` from the settings themselves.

## Where values come from

Lowest first, each above the one before:

1. the defaults below;
2. the file: `caxton serve --config FILE`, else what `CAXTON_CONFIG_PATH` names, else
   `/etc/caxton/config.yaml` where it exists. YAML or TOML, by the extension. `${VAR}` is replaced by
   the variable, `${VAR:-default}` by the default where the variable is unset or empty, `$$` stands
   for `$`;
3. variables of the environment: `CAXTON__SERVER__PORT=8081` sets `server.port`. A list is written
   with commas, nothing or `null` stands for null;
4. `--set server.port=8081`, as often as wanted;
5. options of their own, such as `--port 8081`.

Sizes in bytes may be written with a unit: `16 MiB`, `1 MB`. Unknown keys, wrong types, values out of
bounds and contradictions are refused at start, all of them at once, each with its place, the range
that is allowed and a suggestion. `caxton config show` prints the values in force and where each came
from, `caxton config validate` checks without starting.

Binding to anything but loopback is refused without authentication; with tokens it is refused over
plain HTTP, unless `security.behind_proxy` says that a proxy in front ends TLS.

A setting marked *later* belongs to a capability that this version does not have: its value is
checked, and the server refuses to start on any value that asks for it.
"""


def configuration_page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    for name, shape in shapes_of(Config).items():
        if shape.section is not None:
            parts.append(_section(name, shape.section))
    return "\n".join(parts)


def _section(name: str, section: type[msgspec.Struct]) -> str:
    lines = [f"## {name}", "", (section.__doc__ or "").strip(), ""]
    lines += ["| key | default | allowed | what and why |", "| --- | --- | --- | --- |"]
    lines += _rows(name, section)
    return "\n".join(lines) + "\n"


def _rows(prefix: str, section: type[msgspec.Struct]) -> list[str]:
    rows: list[str] = []
    for name, shape in shapes_of(section).items():
        key = f"{prefix}.{name}"
        if shape.kind == "section" and shape.section is not None:
            rows += _rows(key, shape.section)
            continue
        rows.append(_row(key, shape, _default(shape, setting_default(key))))
        if shape.kind == "sections" and shape.item is not None and shape.item.section is not None:
            rows += _item_rows(f"{key}[]", shape.item.section)
    return rows


def _item_rows(prefix: str, section: type[msgspec.Struct]) -> list[str]:
    shapes = shapes_of(section)
    rows: list[str] = []
    for field in msgspec.structs.fields(section):
        shape = shapes[field.name]
        default = "required" if field.required else _default(shape, field.default)
        rows.append(_row(f"{prefix}.{field.name}", shape, default))
    return rows


def _row(key: str, shape: Shape, default: str) -> str:
    words = shape.words
    if shape.unit and shape.unit not in words:
        words = f"{words} ({shape.unit})"
    later = " *later*" if absence_of(key) is not None else ""
    return f"| `{key}`{later} | {default} | {words} | {shape.reason} |"


def _default(shape: Shape, value: object) -> str:
    if shape.default_words:
        return shape.default_words
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case None:
            return "null"
        case int() if shape.unit == "bytes":
            return f"`{format_byte_size(ByteSize(value))}`"
        case float():
            return f"`{value:g}`"
        case tuple():
            items = ", ".join(_default_item(item) for item in msgspec.convert(value, tuple[object, ...]))
            return f"`[{items}]`"
        case str() | int():
            return f"`{value}`"
        case _:
            return "empty"


def _default_item(item: object) -> str:
    return f"{item:g}" if isinstance(item, float) else str(item)
