"""Which token to show to a server, and where it came from."""

import os
from pathlib import Path
from typing import final

import click
import msgspec

from caxton.cli.address import ServerAddress


@final
class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a token, or why there is none. `source` is for a person who wonders about a 401."""

    token: str | None
    source: str


def find_credential(address: ServerAddress, given: str | None) -> Credential:
    """Return the token for a server: the given one, else the environment's, else the local root token.

    A root token found on this machine is shown to this machine's server only, never sent elsewhere.

    Raises: click.UsageError when the token cannot stand in a header.
    """
    if given is not None:
        return Credential(token=_checked(given, "--token"), source="--token")
    for variable in ("CAXTON_TOKEN", "CAXTON_ROOT_TOKEN") if address.is_loopback else ("CAXTON_TOKEN",):
        value = os.environ.get(variable)
        if value:
            return Credential(token=_checked(value, variable), source=variable)
    if not address.is_loopback:
        return Credential(token=None, source="neither --token nor CAXTON_TOKEN is set")
    return _from_data_directory()


def _from_data_directory() -> Credential:
    # Imported on use: the configuration is read only when nobody named a token.
    from caxton.config import load_config  # noqa: PLC0415 - see above
    from caxton.domain.errors.request import ConfigurationInvalid  # noqa: PLC0415 - as above

    try:
        directory = load_config(None, os.environ).config.storage.data_dir
    except ConfigurationInvalid as error:
        return Credential(token=None, source=f"where the data directory is cannot be told: {error.message}")
    path = Path(directory) / "root.token"
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return Credential(token=None, source=f"there is no {path}")
    except (OSError, UnicodeDecodeError) as error:
        return Credential(token=None, source=f"{path} cannot be read: {error}")
    return Credential(token=_checked(text, str(path)), source=str(path))


def _checked(token: str, source: str) -> str:
    stripped = token.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise click.UsageError(
            f"the token of {source} is not one: it is empty, or holds spaces or other characters"
        )
    return stripped
