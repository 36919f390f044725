"""A word of the command line as one segment of a URL's path."""

from urllib.parse import quote

import click


def segment(word: str) -> str:
    """Return an agent's id or name, quoted. Raises: click.UsageError for one that no path can carry."""
    return named_segment(word, "is neither an id nor a name of an agent")


def named_segment(word: str, wrong: str) -> str:
    """Return the word, quoted; `wrong` says of one that no path can carry what it is not.

    Raises: click.UsageError.
    """
    if word in {"", ".", ".."}:
        raise click.UsageError(f"{word!r} {wrong}")
    return quote(word, safe="")
