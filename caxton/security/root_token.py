"""The root token: in the environment, or in a file of the data directory that only its owner reads."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.problem import Problem, ProblemKind
from caxton.security.tokens import ROOT_IDENTITY, TOKEN_CHARACTERS_MAX, new_token

ROOT_TOKEN_VARIABLE: Final = "CAXTON_ROOT_TOKEN"  # noqa: S105 - a name
ROOT_TOKEN_FILE: Final = "root.token"  # noqa: S105 - a name
_CHARACTERS_MIN: Final = 16
_MODE: Final = 0o600


def load_root_token(data_dir: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the root token and where it comes from, in words for the log.

    The environment wins; otherwise the file is read, or made on the first start with mode 0600. A file
    that others can read is closed to them.

    Raises:
        ConfigurationInvalid: the token is too short, too long, or holds spaces or non-ASCII characters.
        OSError: the file cannot be read or made.
    """
    given = environ.get(ROOT_TOKEN_VARIABLE)
    if given is not None:
        return _checked(given.strip(), f"environment variable {ROOT_TOKEN_VARIABLE}")
    path = data_dir / ROOT_TOKEN_FILE
    if path.exists():
        if path.stat().st_mode & 0o077:
            path.chmod(_MODE)
        return _checked(path.read_text("utf-8", "replace").strip(), str(path))
    token = new_token(ROOT_IDENTITY)
    # Written beside and renamed, so that a crash leaves no half of a token.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE), "w") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return token, str(path)


def _checked(token: str, source: str) -> tuple[str, str]:
    fits = _CHARACTERS_MIN <= len(token) <= TOKEN_CHARACTERS_MAX
    if fits and token.isascii() and token.isprintable() and " " not in token:
        return token, source
    raise ConfigurationInvalid(
        [
            Problem(
                field=source,
                kind=ProblemKind.INVALID_VALUE,
                problem="the root token cannot be used",
                fix=f"give {_CHARACTERS_MIN} to {TOKEN_CHARACTERS_MAX} printable ASCII characters "
                "without spaces, or remove it and a fresh one is made",
            )
        ]
    )
