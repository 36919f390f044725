"""`caxton health`: an exit code for the health check of a container.

It runs every few seconds in a container for as long as that lives, hence it loads nothing that it
does not need: neither the HTTP client of the other commands nor a token.
"""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final

import click
import msgspec

from caxton.cli.address import ServerAddress, parse_address
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.refusal import Refused, Unreachable
from caxton.cli.tables import show_json

_BODY_BYTES_MAX: Final = 64 * 1024


@click.command()
@click.option("--ready", is_flag=True, help="Ask whether it takes messages, not only whether it serves.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.1),
    default=3.0,
    show_default=True,
    help="Patience in seconds.",
)
@server_options
@click.pass_obj
def health(invocation: Invocation, ready: bool, timeout_s: float) -> None:
    """Tell by the exit code whether a server is healthy: 0 it is, 1 it says no, 3 nobody answers."""
    address = parse_address(invocation.server)
    path = "/ready" if ready else "/health"
    status, body = _ask(address, path, timeout_s)
    word, document = _read(address, body)
    if status >= 300:
        raise Refused(code="UNAVAILABLE", message=f"{address.url} is {word}", details=document)
    if invocation.as_json:
        show_json(document)
    else:
        click.echo(word)


def _ask(address: ServerAddress, path: str, timeout_s: float) -> tuple[int, bytes]:
    make = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = make(address.host, address.port, timeout=timeout_s)
    try:
        connection.request("GET", address.path + path, headers={"accept": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(_BODY_BYTES_MAX)
    except (OSError, HTTPException) as error:
        raise Unreachable.at(
            f"no answer from {address.url}: {error}",
            hint="is the server running (`caxton serve`), and is this its address (--server, CAXTON_SERVER)?",
        ) from error
    finally:
        connection.close()


def _read(address: ServerAddress, body: bytes) -> tuple[str, dict[str, object]]:
    try:
        document = msgspec.json.decode(body, type=dict[str, object])
        return str(document["status"]), document
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise Unreachable.at(
            f"what answers at {address.url} is not Caxton",
            hint="does another program listen on this port, or a proxy in between?",
        ) from error
