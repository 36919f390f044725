"""How an answer is shown: JSON for programs, tables with colours on a terminal, plain columns in a pipe."""

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from caxton.cli.text import visible

_NOTHING: Final = "-"

# Colours of the states of agents, conversations and servers, as both rich and click name them.
STATE_COLOURS: Final = {
    "Initiated": "cyan",
    "InProgress": "cyan",
    "Completed": "green",
    "Failed": "red",
    "Expired": "yellow",
    "running": "green",
    "ready": "green",
    "healthy": "green",
    "loaded": "cyan",
    "draining": "yellow",
    "stopped": "blue",
    "failed": "red",
    "completed": "green",
    "initiated": "cyan",
    "in_progress": "cyan",
    "expired": "yellow",
    "not_ready": "red",
}


def show_json(value: object) -> None:
    """Write a value as JSON: indented for a person at a terminal, else one line."""
    import orjson  # noqa: PLC0415 - only this form needs it

    options = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    click.echo(orjson.dumps(value, option=options))


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Write rows below their columns' names; `empty` is said, to a person only, when there are none."""
    texts = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        _show_plain([[column.upper() for column in columns], *texts])
        return
    if not texts:
        click.echo(empty)
        return
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - rich is for terminals only
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in texts:
        # Text, not str: a name in square brackets is a name, not a style.
        table.add_row(*(Text(cell, style=STATE_COLOURS.get(cell, "")) for cell in row))
    Console(highlight=False).print(table)


def show_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Write one thing as lines of name and value; what has no value is left out."""
    present = [(name, _cell(value)) for name, value in fields if value not in (None, "", [], (), {})]
    width = max((len(name) for name, _ in present), default=0)
    for name, value in present:
        click.echo(
            f"{click.style(name.ljust(width), bold=True)}  {click.style(value, fg=STATE_COLOURS.get(value))}"
        )


def size(count: float | None) -> str:
    """Return a number of bytes as a person reads it, or nothing where there is none."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _show_plain(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        members = msgspec.convert(value, dict[str, object])
        return ", ".join(f"{visible(name)}={_cell(member)}" for name, member in members.items()) or _NOTHING
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(item) for item in msgspec.convert(value, list[object])) or _NOTHING
    return visible(str(value))
