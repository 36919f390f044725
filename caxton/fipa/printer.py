"""From a message to the string form of FIPA ACL (SC00070), spelled so that other platforms read it.

JADE's reader decides the spelling: texts are quoted always, since one that begins with a digit is no
word; a text in which a backslash stands before a quote or at the end announces its length, since
readers disagree on what the backslash does there.
"""

import re
from collections.abc import Iterable
from typing import Final

from caxton.fipa.acl_message import ACLMessage, AgentIdentifier, Expression, Extensions
from caxton.fipa.date_time import format_date_time
from caxton.fipa.lexer import is_bare_value

BASE64_PARAMETER: Final = "X-JADE-Encoding"
"""JADE's parameter for a content in Base64. Its value is written bare, as JADE does."""

_WORD: Final = re.compile(r'[^\x00-\x20()#0-9\-@":][^\x00-\x20()]*')
_BARE_ITEM: Final = re.compile(r'[^\x00-\x20()#"]++')


def print_message(message: ACLMessage) -> bytes:
    """Return the text of a message. Every message has one, and it parses to an equal message."""
    pieces = [str(message.performative)]
    if message.sender is not None:
        pieces.append(f":sender {_agent(message.sender)}")
    for name, agents in (("receiver", message.receiver), ("reply-to", message.reply_to)):
        if agents is not None:
            pieces.append(f":{name} {_list('set', map(_agent, agents))}")
    if message.content is not None:
        pieces.append(f":content {_string(message.content)}")
    if message.protocol is not None:
        assert is_printable_word(message.protocol), "a protocol is a word"
        pieces.append(f":protocol {message.protocol}")
    for name, value in (
        ("language", message.language),
        ("encoding", message.encoding),
        ("ontology", message.ontology),
        ("conversation-id", message.conversation_id),
        ("reply-with", message.reply_with),
        ("in-reply-to", message.in_reply_to),
    ):
        if value is not None:
            pieces.append(f":{name} {_expression(value)}")
    if message.reply_by is not None:
        pieces.append(f":reply-by {format_date_time(message.reply_by)}")
    pieces.extend(_extensions(message.extensions))
    return f"({' '.join(pieces)})".encode()


def flat_text(value: Expression) -> str:
    """Return an expression as one text: a text as it is, a list in parentheses, quoted where it must be."""
    return value if isinstance(value, str) else f"({' '.join(map(_item, value))})"


def is_printable_word(text: str) -> bool:
    """Tell whether a text may stand without quotes where the grammar wants a word."""
    return _WORD.fullmatch(text) is not None


def is_troubled(text: str) -> bool:
    """Tell whether readers disagree on a text in quotes, because of its backslashes."""
    return text.endswith("\\") or '\\"' in text


def _agent(agent: AgentIdentifier) -> str:
    name = agent.name if is_printable_word(agent.name) else _string(agent.name)
    pieces = [f":name {name}"]
    if agent.addresses:
        pieces.append(f":addresses {_list('sequence', agent.addresses)}")
    if agent.resolvers:
        pieces.append(f":resolvers {_list('sequence', map(_agent, agent.resolvers))}")
    return _list("agent-identifier", [*pieces, *_extensions(agent.extensions)])


def _extensions(extensions: Extensions) -> list[str]:
    return [
        f":{name} {value}"
        if name == BASE64_PARAMETER and isinstance(value, str) and is_printable_word(value)
        else f":{name} {_expression(value)}"
        for name, value in extensions
    ]


def _expression(value: Expression) -> str:
    return _string(value) if isinstance(value, str) else f"({' '.join(map(_expression, value))})"


def _item(value: Expression) -> str:
    if isinstance(value, str):
        is_bare = _BARE_ITEM.fullmatch(value) is not None and is_bare_value(value.encode())
        return value if is_bare else _string(value)
    return flat_text(value)


def _string(text: str) -> str:
    if is_troubled(text):
        return f'#{len(text.encode())}"{text}'
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _list(keyword: str, items: Iterable[str]) -> str:
    return f"({' '.join((keyword, *items))})"
