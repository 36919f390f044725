"""A word of the command line as one segment of a URL's path."""

from urllib.parse import quote

import click


def segment(word: str) -> str:
    """Return the word, quoted. Raises: click.UsageError for one that no path can carry."""
    if word in {"", ".", ".."}:
        raise click.UsageError(f"{word!r} is neither an id nor a name")
    return quote(word, safe="")
