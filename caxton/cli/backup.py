"""`caxton backup` and `caxton restore`: a data directory into one file, and back into an empty one."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from caxton import __version__
from caxton.cli.invocation import Invocation, output_option
from caxton.cli.refusal import Misconfigured, Refused
from caxton.cli.serve import settings
from caxton.cli.tables import show_fields, show_json, size
from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.errors.taxonomy import CaxtonError

if TYPE_CHECKING:
    from caxton.storage.archive import Manifest

_PATH: Final = click.Path(path_type=Path)
_FILE: Final = click.argument("file", type=_PATH)
_CONFIG: Final = click.option(
    "--config", "config_file", type=_PATH, metavar="FILE", help="Configuration that names the directory."
)
_DATA_DIR: Final = click.option(
    "--data-dir", type=_PATH, metavar="DIR", help="The data directory (storage.data_dir)."
)


@click.command()
@_FILE
@_CONFIG
@_DATA_DIR
@output_option
@click.pass_obj
def backup(invocation: Invocation, file: Path, config_file: Path | None, data_dir: Path | None) -> None:
    """Write a verified backup of the data directory to FILE, which must not exist yet.

    The server may run meanwhile. Agents with their modules, tokens (hashed), the audit and idempotency keys
    are in it; the root token is not.
    """
    # Imported on use, as everything that a mere --help does not need.
    from caxton.clock import SystemClock, format_timestamp  # noqa: PLC0415 - see above
    from caxton.storage.backup import write_backup  # noqa: PLC0415 - see above

    directory = _directory(config_file, data_dir)
    with _refusals():
        now = format_timestamp(SystemClock().wall_ns())
        manifest = write_backup(directory, file, version=__version__, created_at=now)
    _show(invocation, file, directory, manifest)


@click.command()
@_FILE
@_CONFIG
@_DATA_DIR
@output_option
@click.pass_obj
def restore(invocation: Invocation, file: Path, config_file: Path | None, data_dir: Path | None) -> None:
    """Put the backup in FILE into an empty data directory that no server uses.

    The next `caxton serve` on it makes a new root token.
    """
    from caxton.runtime.data_directory import DataDirectory  # noqa: PLC0415 - see above
    from caxton.storage.backup import restore_backup  # noqa: PLC0415 - see above

    directory = _directory(config_file, data_dir)
    with _refusals(), closing(DataDirectory.open(directory)) as held:
        manifest = restore_backup(file, held.path)
    _show(invocation, file, directory, manifest)


def _directory(config_file: Path | None, data_dir: Path | None) -> Path:
    flags: dict[str, object] = {"storage.data_dir": None if data_dir is None else str(data_dir)}
    return Path(settings(config_file, (), flags).config.storage.data_dir)


@contextmanager
def _refusals() -> Generator[None]:
    """Turn whatever stands in the way into the end of the command."""
    try:
        yield
    except ConfigurationInvalid as error:
        raise Misconfigured.because_of(error) from error
    except CaxtonError as error:
        raise Refused.because_of(error) from error
    except OSError as error:
        raise Refused(
            code="INVALID_REQUEST",
            message=f"{error.filename or 'the file'}: {error.strerror or error}",
            hint="check the path, who may write there, and how much room there is",
        ) from error


def _show(invocation: Invocation, file: Path, directory: Path, manifest: "Manifest") -> None:
    if invocation.as_json:
        document = {"file": str(file), "data_dir": str(directory), **msgspec.to_builtins(manifest)}
        show_json(document)
        return
    show_fields(
        [
            ("file", file),
            ("data dir", directory),
            ("made", manifest.created_at),
            ("by version", manifest.caxton_version),
            ("agents", manifest.agents),
            ("tokens", manifest.tokens),
            ("modules", len(manifest.files) - 1),
            ("modules missing", list(manifest.modules_missing)),
            ("size", size(sum(one.size_bytes for one in manifest.files))),
        ]
    )
