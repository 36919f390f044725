"""A message that took place, as its receiver saw it, and how its content is told in a few words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, Union, final

import msgspec

from caxton.cli.text import clipped, visible

Json: TypeAlias = Union[str, float, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007 - recursive
"""What a message's content may be."""


@final
class SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `sender` and `receiver` are names where they are known, else ids."""

    at: datetime
    message_id: str
    sender: str
    receiver: str
    performative: str
    content: Json

    @property
    def clock(self) -> str:
        """The time of day, to the millisecond."""
        return self.at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def told_briefly(content: Json, columns: int) -> str:
    """Return content in at most so many characters: an object as `name=value` pairs, the rest as JSON."""
    if isinstance(content, Mapping):
        words = " ".join(f"{visible(name)}={_value(value)}" for name, value in content.items())
    elif content is None:
        words = ""
    else:
        words = _value(content)
    return clipped(words, columns)


def _value(value: Json) -> str:
    if isinstance(value, str):
        return visible(value)
    return visible(msgspec.json.encode(value).decode())
