"""A message that took place, as its receiver saw it."""

from collections.abc import Mapping
from typing import final

import msgspec


@final
class SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message, with the names of agents that are known in place of their ids, in its content too.

    `received_ns` is when the receiver got it, on the machine's monotonic clock.
    """

    received_ns: int
    sender: str
    receiver: str
    performative: str
    content: object


class _Envelope(msgspec.Struct, frozen=True):
    performative: str
    sender: str = ""
    content: object = None


def read_trace(line: str, receiver: str, names: Mapping[str, str]) -> SeenMessage:
    """Read a line of `agents/trace.h` from the log of a receiver; `names` are those of the ids.

    Raises: ValueError for another line (`msgspec.DecodeError` is one).
    """
    clock, _, text = line.partition(" ")
    return read_message(text.encode(), int(clock), receiver, names)


def read_message(body: bytes, received_ns: int, receiver: str, names: Mapping[str, str]) -> SeenMessage:
    """Read a whole message that a receiver got at some time. Raises: msgspec.DecodeError."""
    envelope = msgspec.json.decode(body, type=_Envelope)
    return SeenMessage(
        received_ns=received_ns,
        sender=names.get(envelope.sender, envelope.sender),
        receiver=receiver,
        performative=envelope.performative,
        content=_with_names(envelope.content, names),
    )


def _with_names(content: object, names: Mapping[str, str]) -> object:
    """Return content with the names of agents in place of their ids, wherever a text is just an id."""
    if isinstance(content, str):
        return names.get(content, content)
    if isinstance(content, list):
        return [_with_names(item, names) for item in msgspec.convert(content, list[object])]
    if isinstance(content, dict):
        members = msgspec.convert(content, dict[str, object])
        return {name: _with_names(value, names) for name, value in members.items()}
    return content


def field_of(content: object, name: str) -> object:
    """Return a field of an object, or None where there is no such field or no object."""
    return msgspec.convert(content, dict[str, object]).get(name) if isinstance(content, dict) else None
