"""`caxton serve`: from flags, file and environment to a running server."""

import os
from pathlib import Path
from typing import Final

import click

from caxton.cli.invocation import Invocation, output_option
from caxton.cli.refusal import Misconfigured, Refused
from caxton.cli.tables import show_json
from caxton.config import LoadedConfig, load_config, not_yet
from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.errors.taxonomy import CaxtonError

_FILE: Final = click.Path(path_type=Path)


@click.command()
@click.option(
    "--config",
    "config_file",
    type=_FILE,
    metavar="FILE",
    help="Configuration, YAML or TOML [CAXTON_CONFIG_PATH; else /etc/caxton/config.yaml].",
)
@click.option("--data-dir", type=_FILE, metavar="DIR", help="Where everything is kept (storage.data_dir).")
@click.option("--host", help="Address to listen on (server.host).")
@click.option("--port", type=int, help="Port of the management API (server.port).")
@click.option("--metrics-port", type=int, help="Port of the metrics (server.metrics_port).")
@click.option("--workers", type=int, help="Threads that run agents (runtime.workers).")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Any setting. May be repeated.")
@click.option("--check", is_flag=True, help="Check the configuration and leave.")
@output_option
@click.pass_obj
def serve(
    invocation: Invocation,
    config_file: Path | None,
    data_dir: Path | None,
    host: str | None,
    port: int | None,
    metrics_port: int | None,
    workers: int | None,
    overrides: tuple[str, ...],
    check: bool,
) -> None:
    """Run the server until it is told to stop.

    Settings come from the file, then CAXTON__SECTION__KEY variables, then --set, then the other flags.
    SIGTERM and Ctrl-C stop it in order, a second one at once.
    """
    flags: dict[str, object] = {
        "storage.data_dir": None if data_dir is None else str(data_dir),
        "server.host": host,
        "server.port": port,
        "server.metrics_port": metrics_port,
        "runtime.workers": workers,
    }
    loaded = settings(config_file, overrides, flags)
    if not check:
        _run(loaded)
    elif invocation.as_json:
        show_json({"valid": True})
    else:
        click.echo("the configuration is valid")


def settings(
    config_file: Path | None, overrides: tuple[str, ...], flags: dict[str, object] | None = None
) -> LoadedConfig:
    """Load the settings. Raises: Misconfigured with every problem of every source."""
    try:
        loaded = load_config(config_file, os.environ, overrides, flags)
    except ConfigurationInvalid as error:
        raise Misconfigured.because_of(error) from error
    absences = not_yet(loaded.config)
    if absences:
        raise Misconfigured.because_of(ConfigurationInvalid(absences))
    return loaded


def _run(loaded: LoadedConfig) -> None:
    # Imported on use: it brings the HTTP server and the core, which a check does not need.
    from caxton.server import serve as run  # noqa: PLC0415

    try:
        code = run(loaded.config)
    except ConfigurationInvalid as error:
        # Only the attempt shows that a port is taken or that a directory is in use.
        raise Misconfigured.because_of(error) from error
    except CaxtonError as error:
        raise Refused.because_of(error) from error
    if code != 0:
        raise click.exceptions.Exit(code)
