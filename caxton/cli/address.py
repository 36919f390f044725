"""Where a server is: the URL that a person gave, checked once."""

from ipaddress import ip_address
from typing import final
from urllib.parse import urlsplit

import click
import msgspec


@final
class ServerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Name a server by scheme, host and port; `path` is the prefix under which a proxy shows it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can be meant, so that the server's data directory may be here."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str) -> ServerAddress:
    """Read a server's URL; `host:port` alone means http.

    Raises: click.UsageError when it is not the URL of a server.
    """
    whole = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError as error:
        raise _refuse(text, str(error)) from error
    if parts.scheme not in {"http", "https"}:
        raise _refuse(text, f"its scheme is {parts.scheme!r}")
    if not parts.hostname:
        raise _refuse(text, "it names no host")
    if parts.query or parts.fragment or parts.username:
        raise _refuse(text, "it says more than scheme, host, port and path")
    return ServerAddress(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        path=parts.path.rstrip("/"),
    )


def _refuse(text: str, why: str) -> click.UsageError:
    return click.UsageError(
        f"{text!r} is not the URL of a server: {why}. It looks like http://127.0.0.1:8080."
    )
