"""`caxton config show` and `caxton config validate`: the settings, without a server."""

from pathlib import Path
from typing import Final

import click
import msgspec

from caxton.cli.invocation import Invocation, output_option
from caxton.cli.serve import settings
from caxton.cli.tables import show_json, show_rows

_FILE: Final = click.argument(
    "config_file", type=click.Path(path_type=Path), metavar="[FILE]", required=False
)
_SET: Final = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="As if given to `caxton serve`. May be repeated.",
)


@click.group()
@output_option
def config() -> None:
    """Show or check the configuration, without a server.

    FILE is read instead of what CAXTON_CONFIG_PATH names or /etc/caxton/config.yaml; the environment
    counts as it would for `caxton serve`.
    """


@config.command()
@_FILE
@_SET
@click.option("--all", "everything", is_flag=True, help="Also what has its default.")
@output_option
@click.pass_obj
def show(
    invocation: Invocation, config_file: Path | None, overrides: tuple[str, ...], everything: bool
) -> None:
    """Show the effective values and where each came from; secrets are hidden."""
    rows = list(settings(config_file, overrides).rows())
    if invocation.as_json:
        show_json({"settings": {key: {"value": value, "source": str(source)} for key, value, source in rows}})
        return
    shown = [
        (key, msgspec.json.encode(value, enc_hook=str).decode(), str(source))
        for key, value, source in rows
        if everything or source.kind != "default"
    ]
    show_rows(("setting", "value", "from"), shown, empty="Everything has its default; see it with --all.")


@config.command()
@_FILE
@_SET
@output_option
@click.pass_obj
def validate(invocation: Invocation, config_file: Path | None, overrides: tuple[str, ...]) -> None:
    """Check the configuration: exit code 0 when it can be used, 2 with every problem when not."""
    settings(config_file, overrides)
    if invocation.as_json:
        show_json({"valid": True})
    else:
        click.echo("the configuration is valid")
