"""Directed traces: the rules that random talk reaches seldom, each spelled out with its verdicts.

`directed.txt` holds those of the rules, `directed_states.txt` those that walk through what each state takes.
A trace begins with `## protocol: what it shows`; several protocols, with commas between, all show it. A line
is a step and, after a bar, what comes of it:

    <time> <sender>><receivers> <act> [re <step>] [<field>=<value>]... | <verdict> [<seen>]...
    <time> passes | [<seen>]...
    <time> <agent> dies | [<seen>]...

The act `opens` is the opening act of a protocol of two. Steps are numbered from 1, `m3` is the id of the
third. The verdict is ok or a reason. Seen is a state, as in InProgress or Completed(done), a session's, as in
P1:CFP, or what the engine sends by itself, as in +reject-proposal>P1:late; the last is always told.
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

from tests.protocols.dialogue import PAIRS
from tests.protocols.judge import Said
from tests.protocols.trace import Died, Event, Passed

DIRECTED_PATHS: Final = tuple(
    Path(__file__).parent / name for name in ("directed.txt", "directed_states.txt")
)
CONVERSATION: Final = "c1"
FIELDS: Final = {
    "kind": str,
    "result": str,
    "price": float,
    "reply_by_s": float,
    "ttl_s": float,
    "max_awards": int,
    "max_messages": int,
    "message_id": str,
    "reply_with": str,
    "in_reply_to": str,
    "protocol": str,
    "conversation_id": str,
}


class Line(NamedTuple):
    """A step and what is to be seen after it."""

    text: str
    event: Event
    verdict: str | None
    states: tuple[str, ...]
    automatic: tuple[tuple[str, ...], ...]


class Directed(NamedTuple):
    """A directed trace."""

    protocol: str
    title: str
    lines: list[Line]


def read_directed() -> list[Directed]:
    """Read all directed traces."""
    return [directed for path in DIRECTED_PATHS for directed in _read(path)]


def _read(path: Path) -> list[Directed]:
    found: list[Directed] = []
    together: list[Directed] = []
    for text in path.read_text().splitlines():
        if text.startswith("## "):
            protocols, _, title = text.removeprefix("## ").partition(": ")
            together = [Directed(protocol, title, []) for protocol in protocols.split(", ")]
            found += together
        elif text.strip() and not text.startswith("#"):
            for directed in together:
                directed.lines.append(_line(text, f"fipa-{directed.protocol}", len(directed.lines) + 1))
    return found


def _line(text: str, protocol: str, number: int) -> Line:
    said, _, seen = text.partition("|")
    words = said.split()
    at_s = float(words[0])
    expected = seen.split()
    automatic = tuple(sorted(tuple(re.split("[>:]", word[1:])) for word in expected if word[0] == "+"))
    if words[1] == "passes":
        return Line(text, Passed(at_s=at_s), None, tuple(expected), ())
    if words[2] == "dies":
        return Line(text, Died(at_s=at_s, agent=words[1]), None, tuple(expected), ())
    states = tuple(word for word in expected[1:] if word[0] != "+")
    return Line(text, _message(words, at_s, protocol, number), expected[0], states, automatic)


def _message(words: list[str], at_s: float, protocol: str, number: int) -> Said:
    sender, _, receivers = words[1].partition(">")
    values: dict[str, object] = {}
    rest = words[3:]
    if rest[:1] == ["re"]:
        values["in_reply_to"] = f"m{rest[1]}"
        rest = rest[2:]
    targets: tuple[str, ...] = ()
    for word in rest:
        name, _, value = word.partition("=")
        if name == "targets":
            targets = tuple(value.split(","))
        else:
            values[name] = None if value == "-" else FIELDS[name](value)
    chosen = {"conversation_id": CONVERSATION, "protocol": protocol, "message_id": f"m{number}"} | values
    return Said(
        at_s=at_s,
        sender=sender,
        receivers=tuple(receivers.split(",")),
        performative=PAIRS[protocol][0] if words[2] == "opens" else words[2],
        targets=targets,
        **chosen,  # pyright: ignore[reportArgumentType]  FIELDS names the type of each
    )
