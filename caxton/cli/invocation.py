"""What the common options say: which server, with which token, and in what form to answer.

The three options stand on the program and on every command; the one nearest to the command's end
wins, then the environment, then the default.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar, final

import click

if TYPE_CHECKING:
    from caxton.cli.client import Client

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
FORMATS: Final = ("table", "json")

C = TypeVar("C", bound="click.Command | Callable[..., object]")


@final
class Invocation:
    """Hold what the common options of one run of the program say."""

    def __init__(self) -> None:
        self._said: Final[dict[str, str]] = {}

    def hear(self, option: str, value: str) -> None:
        """Note an option's value; a later word replaces an earlier one."""
        self._said[option] = value

    @property
    def server(self) -> str:
        """The base URL of the server to talk to."""
        return self._said.get("server") or os.environ.get("CAXTON_SERVER") or DEFAULT_SERVER

    @property
    def as_json(self) -> bool:
        """Whether to answer in JSON."""
        return self._said.get("output") == "json"

    def client(self) -> "Client":
        """Make the client for the server, with the token that fits it.

        Raises: click.UsageError when the server is not an http or https URL.
        """
        # Imported on use: the HTTP client costs more than all the rest of a command's start.
        from caxton.cli.address import parse_address  # noqa: PLC0415 - see above
        from caxton.cli.client import Client  # noqa: PLC0415 - see above
        from caxton.cli.credential import find_credential  # noqa: PLC0415 - see above

        address = parse_address(self.server)
        return Client(address, find_credential(address, self._said.get("token")))


def _hear(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    invocation = ctx.ensure_object(Invocation)
    if value is not None:
        invocation.hear(str(param.name), value)


def output_option(command: C) -> C:
    """Add `--output` to a command."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(FORMATS, case_sensitive=False),
        expose_value=False,
        callback=_hear,
        help="Answer as a table for people (default), or as JSON with the API's field names.",
    )(command)


def server_options(command: C) -> C:
    """Add `--server`, `--token` and `--output` to a command."""
    token = click.option(
        "--token",
        metavar="TOKEN",
        expose_value=False,
        callback=_hear,
        help="Token to show to the server [CAXTON_TOKEN; else the local data directory's root.token].",
    )
    server = click.option(
        "--server",
        metavar="URL",
        expose_value=False,
        callback=_hear,
        help=f"Server to talk to [CAXTON_SERVER; else {DEFAULT_SERVER}].",
    )
    return server(token(output_option(command)))
