"""Contents and acts of messages on one line of a terminal."""

from typing import Final

import msgspec

from caxton.cli.text import clipped, visible

# Colours of acts, as both rich and click name them: what ends well, what turns down, what went wrong.
ACT_COLOURS: Final = {
    "accept-proposal": "green",
    "inform": "green",
    "reject-proposal": "yellow",
    "refuse": "yellow",
    "failure": "red",
    "not-understood": "red",
}


def told_briefly(content: object, columns: int) -> str:
    """Return content in at most so many characters: an object as `name=value` pairs, the rest as JSON."""
    if isinstance(content, dict):
        fields = msgspec.convert(content, dict[str, object])
        words = " ".join(f"{visible(name)}={_value(value)}" for name, value in fields.items())
    elif content is None:
        words = ""
    else:
        words = _value(content)
    return clipped(words, columns)


def _value(value: object) -> str:
    if isinstance(value, str):
        return visible(value)
    return visible(msgspec.json.encode(value).decode())
