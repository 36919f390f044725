"""`caxton agent logs`: what an agent logged, or what it logs from now on."""

from collections.abc import Iterable
from typing import Final

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.log_stream import LogLine, following_lines, last_lines
from caxton.cli.tables import show_json
from caxton.cli.text import visible

_COLOURS: Final = {
    "trace": "bright_black",
    "debug": "blue",
    "info": "green",
    "warn": "yellow",
    "error": "red",
}
_LEVEL_COLUMNS: Final = 5


@click.command()
@click.argument("agent")
@click.option("-f", "--follow", is_flag=True, help="Go on with each new line until Ctrl-C.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0, 1000),
    default=100,
    show_default=True,
    help="How many of the newest lines.",
)
@server_options
@click.pass_obj
def logs(invocation: Invocation, agent: str, follow: bool, limit: int) -> None:
    """Show what an agent logged, newest last.

    With --output json it is one object for all lines; with --follow too, one object a line.
    """
    with invocation.client() as client:
        if follow:
            _show(following_lines(client, agent, limit), as_json=invocation.as_json)
            return
        lines = last_lines(client, agent, limit)
    if invocation.as_json:
        show_json({"lines": [msgspec.structs.asdict(line) for line in lines]})
    else:
        _show(lines, as_json=False)


def _show(lines: Iterable[LogLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            click.echo(msgspec.json.encode(line))
            continue
        level = click.style(visible(line.level).ljust(_LEVEL_COLUMNS), fg=_COLOURS.get(line.level))
        click.echo(f"{click.style(visible(line.timestamp), dim=True)} {level} {visible(line.message)}")
