"""A message of FIPA ACL as its string form holds it: the parameters of SC00061, nothing of Caxton's own.

Words, quoted strings, numbers and dates of an expression are all the same text here: which spelling
the writer chose says nothing, and the printer chooses again.
"""

from typing import final

import msgspec

from caxton.domain.performative import Performative
from caxton.fipa.date_time import DateTime

Expression = str | tuple["Expression", ...]
"""A text, or a list of expressions."""

Extensions = tuple[tuple[str, Expression], ...]
"""Parameters of somebody's own: names without the colon, beginning with `X-`, as they were written."""


@final
class AgentIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's name with the addresses where it is reached and the agents that know where else."""

    name: str
    addresses: tuple[str, ...] = ()
    resolvers: tuple["AgentIdentifier", ...] = ()
    extensions: Extensions = ()


AgentSet = tuple[AgentIdentifier, ...]


@final
class ACLMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The performative and its parameters; None for one that is not there."""

    performative: Performative
    sender: AgentIdentifier | None = None
    receiver: AgentSet | None = None
    reply_to: AgentSet | None = None
    content: str | None = None
    language: Expression | None = None
    encoding: Expression | None = None
    ontology: Expression | None = None
    protocol: str | None = None
    conversation_id: Expression | None = None
    reply_with: Expression | None = None
    in_reply_to: Expression | None = None
    reply_by: DateTime | None = None
    extensions: Extensions = ()


@final
class ParsedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message and the text that it was read from.

    `places` tells at which byte the value of a parameter begins, by the `parameter_key` of its name; the
    performative stands under the empty name.
    """

    message: ACLMessage
    text: bytes
    places: dict[str, int]


def parameter_key(name: str) -> str:
    """Return the name of a parameter as it is compared: only the letters of ASCII have another case."""
    return name.encode().lower().decode()
