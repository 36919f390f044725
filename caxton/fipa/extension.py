"""Parameters of Caxton's own in the string form: what FIPA's thirteen have no room for."""

from typing import Final

import msgspec

PREFIX: Final = "X-caxton-"

CONTENT: Final = "content"
"""How the content travels: `json` where it is JSON though `:language` is not the message's own word for
that, `text` where it is a text that only travels in Base64."""

CAPABILITY: Final = "capability"
"""Stands for `:receiver`: some agent that has this capability."""

FIELDS: Final = {
    "id": "id",
    "timestamp": "timestamp",
    "trace-id": "trace_id",
    "span-id": "span_id",
    "protocol": "protocol",
    "content-kind": "content_kind",
    "delivery": "delivery",
    "priority": "priority",
    "conversation-ttl-s": "conversation_ttl_s",
    "max-awards": "max_awards",
}
"""The field of a message that a parameter holds, by its name without the prefix. `protocol` is for a
protocol that is no word and could not stand in `:protocol`."""

NAMES: Final = (*FIELDS, CONTENT, CAPABILITY)

_NUMBERS: Final = frozenset({"priority", "conversation_ttl_s", "max_awards"})
_DIGITS_MAX: Final = 32


def own_name(name: str) -> str | None:
    """Return a parameter's name without the prefix, in lower case; None for one of somebody else."""
    found = name.lower() if name.isascii() else name
    prefix = PREFIX.lower()
    return found.removeprefix(prefix) if found.startswith(prefix) else None


def field_value(field: str, text: str) -> object:
    """Return the value of a field as JSON has it: a number where the field is one and the text looks so."""
    if field not in _NUMBERS or len(text) > _DIGITS_MAX:
        return text
    try:
        return msgspec.json.decode(text, type=int | float)
    except (msgspec.DecodeError, UnicodeError):
        return text
