"""A protocol's accepted rows as a state diagram in Mermaid's words."""

from collections.abc import Iterator
from typing import Final

from caxton.protocols.row import OUTCOME_WORDS, TERMINAL, Outcome, Protocol, Reason, Role, Row, State

_END: Final = "[*]"
_ROLES: Final = {Role.INITIATOR: "I", Role.PARTICIPANT: "P", Role.TARGET: "T"}


def state_diagram(protocol: Protocol) -> list[str]:
    """Return the lines of the diagram of one session; acts that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for source, target, label in _arrows(protocol):
        labels = arrows.setdefault((source, target), [])
        if label and label not in labels:
            labels.append(label)
    lines = [
        f"    {source} --> {target}" + (f": {', '.join(labels)}" if labels else "")
        for (source, target), labels in arrows.items()
    ]
    return ["stateDiagram-v2", *lines]


def _arrows(protocol: Protocol) -> Iterator[tuple[str, str, str]]:
    yield _END, _name(protocol.first), f"I {' or '.join(protocol.opening)}"
    if any(row.role is Role.TARGET for row in protocol.rows):
        yield _END, _name(State.TARGET), "recruited"
    ends: list[State] = []
    for row in protocol.rows:
        # Of an auction's calls and ends everybody is told, which moves nobody by itself.
        stays = protocol.auction and row.next is row.state and row.outcome is Outcome.NONE
        if row.refuse is Reason.NONE and not stays:
            yield _arrow(row)
            if row.next in TERMINAL and row.next is not State.ENDED and row.outcome is Outcome.NONE:
                ends.append(row.next)
    if not protocol.auction and not protocol.lasting:
        if protocol.one_to_one:
            yield _name(protocol.first), _END, "reply_by passes / reply-timeout"
        else:
            yield _name(protocol.first), _name(State.SILENT), "reply_by passes"
            ends.append(State.SILENT)
    for state in dict.fromkeys(ends):
        yield _name(state), _END, ""


def _arrow(row: Row) -> tuple[str, str, str]:
    label = f"{_ROLES[row.role]} {row.act}"
    if row.outcome is Outcome.NONE:
        return _name(row.state), _name(row.next), label
    outcome = "result or done" if row.outcome is Outcome.BY_KIND else OUTCOME_WORDS[row.outcome]
    return _name(row.state), _END, f"{label} / {outcome}"


def _name(state: State) -> str:
    return state.name.lower()
