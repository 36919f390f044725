"""The page of all protocols for the documentation, made from the tables that the core judges by.

`python -m caxton.protocols.page docs/protocols.md` writes it; without a file it goes to the standard output.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from caxton.domain.errors.violation_hints import VIOLATION_HINTS
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.diagram import state_diagram
from caxton.protocols.preface import CHECKS, HEAD, MEETING, READING
from caxton.protocols.row import (
    COMPLETED,
    EXPIRED,
    OUTCOME_WORDS,
    REASON_WORDS,
    SESSION_WORDS,
    Cites,
    Effect,
    Guard,
    Kind,
    Outcome,
    Phase,
    Protocol,
    Reason,
    Role,
    Row,
)

_STATE: Final = 0
_ACT: Final = 2
_ROLES: Final = {Role.INITIATOR: "I", Role.PARTICIPANT: "P", Role.TARGET: "T"}
_CITES: Final = {
    Cites.ANY: "",
    Cites.CALL: "the call",
    Cites.OFFER: "the proposal",
    Cites.AWARD: "the award",
    Cites.LAST: "the last answer",
}
_GUARDS: Final = {
    Guard.NONE: "",
    Guard.AWARDS_LEFT: "fewer than `max_awards` awards so far",
    Guard.NO_AWARD: "no award so far",
    Guard.ROUND_FREE: "this round has no winner yet",
    Guard.CALL_OVER: "the round is won, or its deadline has passed and no bid is open; and nothing has ended",
    Guard.PRICE_RISES: "the price is above the last call's",
    Guard.PRICE_FALLS: "the price is below the last call's, no bid is open",
    Guard.PRICE_MEETS: "the price is at least the called one",
    Guard.PRICE_EQUALS: "the price is exactly the called one",
    Guard.WINNER: "the receiver is the winner",
}
_EFFECTS: Final = {
    Effect.NONE: "",
    Effect.CALL: "a new round",
    Effect.OFFER: "",
    Effect.AWARD: "an award",
    Effect.WIN: "the round is won",
    Effect.CLOSE: "no more calls; unsold if no round was won",
}


def protocols_page() -> str:
    """Return the page in Markdown."""
    parts = [HEAD, _outcomes(), CHECKS.head, _checks(), MEETING, _reasons(), READING]
    parts += [_protocol(protocol) for protocol in PROTOCOLS]
    return "\n".join(parts)


def _checks() -> str:
    rows = [
        f"| {check.number} | {check.holds} | {check.reasons} | {check.answer} |" for check in CHECKS.checks
    ]
    return "\n".join([*rows, ""])


def _reasons() -> str:
    words = [REASON_WORDS[reason] for reason in Reason if reason is not Reason.NONE]
    return "\n".join([*(f"| `{word}` | {VIOLATION_HINTS[word]} |" for word in words), ""])


def _outcomes() -> str:
    ends: dict[str, list[str]] = {"Completed": [], "Failed": [], "Expired": []}
    for outcome in Outcome:
        if outcome in {Outcome.NONE, Outcome.BY_KIND}:
            continue
        end = "Completed" if outcome in COMPLETED else "Expired" if outcome in EXPIRED else "Failed"
        ends[end].append(f"`{OUTCOME_WORDS[outcome]}`")
    return "\n".join([*(f"| `{state}` | {' '.join(outcomes)} |" for state, outcomes in ends.items()), ""])


def _protocol(protocol: Protocol) -> str:
    lines = [
        f"## {protocol.title}",
        "",
        f"`{protocol.name}`{_also(protocol)}, FIPA {protocol.document}. {_shape(protocol)}",
        "",
        "```mermaid",
        *state_diagram(protocol),
        "```",
        "",
        *_table(protocol),
    ]
    return "\n".join(lines) + "\n"


def _also(protocol: Protocol) -> str:
    return "".join(f" (also `{alias}`)" for alias in protocol.aliases)


def _shape(protocol: Protocol) -> str:
    acts = " or ".join(f"`{act}`" for act in protocol.opening)
    kind = " of kind `start`, or of none," if protocol.auction else ""
    whom = "one participant" if protocol.one_to_one else "its participants"
    first = SESSION_WORDS[protocol.first]
    words = f"The initiator opens it with {acts}{kind} to {whom}; a session begins as `{first}`."
    return f"{words} It has no deadlines unless asked for." if protocol.lasting else words


def _table(protocol: Protocol) -> list[str]:
    columns = ("state", "", "act", "kinds", "phase", "cites", "if", "then", "")
    rows = [
        (
            SESSION_WORDS[row.state],
            _ROLES[row.role],
            f"`{row.act}`",
            _kinds(row),
            " ".join(phase.name.lower() for phase in row.phases),
            _CITES[row.cites],
            _GUARDS[row.guard],
            *_then(row),
        )
        for row in protocol.rows
    ]
    for column in (_STATE, _ACT):
        rows = _merged(rows, column)
    # A column in which nothing stands is left out.
    kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    shown = [columns, ("---",) * len(columns), *rows]
    return ["| " + " | ".join(row[index] for index in kept) + " |" for row in shown]


def _merged(rows: list[tuple[str, ...]], column: int) -> list[tuple[str, ...]]:
    """Return the rows with those made one that differ in one column only, at the first one's place."""
    merged: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        merged.setdefault((*row[:column], *row[column + 1 :]), []).append(row[column])
    return [(*rest[:column], " ".join(words), *rest[column:]) for rest, words in merged.items()]


def _kinds(row: Row) -> str:
    if len(row.kinds) > len(Kind) // 2:
        missing = [kind for kind in Kind if kind not in row.kinds]
        return f"all but {_kind_words(missing)}"
    return _kind_words(row.kinds)


def _kind_words(kinds: Iterable[Kind]) -> str:
    words = {Kind.END_UNSOLD: 'end with `"result": "unsold"`'}
    return ", ".join(words.get(kind, kind.name.lower().replace("_", "-")) for kind in kinds)


def _then(row: Row) -> tuple[str, str]:
    if row.refuse is not Reason.NONE:
        return "✗", f"`{REASON_WORDS[row.refuse]}`"
    notes = [_EFFECTS[row.effect]]
    if row.next_phase is not None:
        notes.append(f"phase {Phase(row.next_phase).name.lower()}")
    if row.outcome is not Outcome.NONE:
        notes.append(f"ends: {_outcome(row.outcome)}")
    # Several states that all stay make one row.
    following = "as before" if row.next is row.state else SESSION_WORDS[row.next]
    return following, "; ".join(note for note in notes if note)


def _outcome(outcome: Outcome) -> str:
    if outcome is Outcome.BY_KIND:
        return "**result** or **done**, by its kind"
    return f"**{OUTCOME_WORDS[outcome]}**"


def main(arguments: list[str]) -> int:
    """Write the page to the file that is named, else to the standard output. Returns the exit status."""
    page = protocols_page()
    match arguments:
        case []:
            sys.stdout.write(page)
        case [path]:
            Path(path).write_text(page, encoding="utf-8")
        case _:
            sys.stderr.write("usage: python -m caxton.protocols.page [FILE]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
