"""A conversation as a sequence diagram: agents as columns, messages as arrows from one to another.

A decider: rows and a width go in, lines come out, each with the colour that it has on a terminal. Where
the terminal is too narrow for the columns, the same messages are listed, one a line.
"""

from collections.abc import Sequence
from typing import Final, final

import msgspec

from caxton.cli.brief import ACT_COLOURS, told_briefly
from caxton.cli.text import clipped, visible

_TIME_COLUMNS: Final = 16
_NAME_COLUMNS_MAX: Final = 24
_CONTENT_COLUMNS_MIN: Final = 20
# Around an act: its arrow's head and tail, and a dash on each side.
_ARROW_COLUMNS: Final = 5


@final
class SaidRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one receiver. `reason` says why it was refused."""

    at_ns: int
    sender: str
    receiver: str
    performative: str
    content: object = None
    is_refused: bool = False
    reason: str | None = None


@final
class Line(msgspec.Struct, frozen=True):
    """A line, and the colour of the whole of it, None for the terminal's own."""

    text: str
    colour: str | None = None


def sequence_diagram(rows: Sequence[SaidRow], cast: Sequence[str], columns: int) -> list[Line]:
    """Return the lines of a conversation; `cast` are the agents in their order, `columns` the width to fill.

    Whoever speaks without being of the cast follows behind it.
    """
    spoken = (name for row in rows for name in (row.sender, row.receiver))
    names = list(dict.fromkeys([*cast, *spoken]))
    act_columns = max((len(row.performative) for row in rows), default=0)
    name_columns = min(max((len(visible(name)) for name in names), default=0), _NAME_COLUMNS_MAX)
    pitch = max(act_columns + _ARROW_COLUMNS, name_columns + 2)
    first_ns = rows[0].at_ns if rows else 0
    if _TIME_COLUMNS + pitch * len(names) > columns:
        return [_listed(row, first_ns, name_columns, act_columns, columns) for row in rows]
    middles = {name: pitch * place + pitch // 2 for place, name in enumerate(names)}
    head = "".join(clipped(visible(name), pitch - 2).center(pitch) for name in names)
    lines = [Line(f"{' ' * _TIME_COLUMNS}{head}".rstrip())]
    lines += [_drawn(row, first_ns, middles, pitch * len(names), columns) for row in rows]
    return lines


def _drawn(row: SaidRow, first_ns: int, middles: dict[str, int], width: int, columns: int) -> Line:
    canvas = [" "] * width
    for middle in middles.values():
        canvas[middle] = "│"
    _draw_arrow(canvas, middles[row.sender], middles[row.receiver], visible(row.performative), row.is_refused)
    line = f"{_time(row, first_ns)}{''.join(canvas)}"
    return Line(f"{line}  {_told(row, columns - len(line) - 2)}".rstrip(), _colour(row))


def _draw_arrow(canvas: list[str], start: int, end: int, act: str, is_refused: bool) -> None:
    """Draw from one middle to another; a refused message does not arrive."""
    shaft = "╌" if is_refused else "─"
    if start == end:
        words = f"↺ {act}"
        canvas[start : start + len(words)] = words
        return
    left, right = min(start, end), max(start, end)
    canvas[left + 1 : right] = act.center(right - left - 1, shaft)
    canvas[start] = "├" if start < end else "┤"
    place = end - 1 if start < end else end + 1
    canvas[place] = "✗" if is_refused else ("▶" if start < end else "◀")


def _listed(row: SaidRow, first_ns: int, name_columns: int, act_columns: int, columns: int) -> Line:
    sender, receiver = (clipped(visible(name), name_columns) for name in (row.sender, row.receiver))
    arrow = "✗" if row.is_refused else "→"
    line = (
        f"{_time(row, first_ns)}{sender.rjust(name_columns)} {arrow} {receiver.ljust(name_columns)}"
        f"  {visible(row.performative).ljust(act_columns)}"
    )
    return Line(f"{line}  {_told(row, columns - len(line) - 2)}".rstrip(), _colour(row))


def _time(row: SaidRow, first_ns: int) -> str:
    return f"{(row.at_ns - first_ns) / 1e6:11.3f} ms".ljust(_TIME_COLUMNS)


def _told(row: SaidRow, columns: int) -> str:
    if row.is_refused:
        return f"refused: {visible(row.reason or 'no reason was kept')}"
    return told_briefly(row.content, max(columns, _CONTENT_COLUMNS_MIN))


def _colour(row: SaidRow) -> str | None:
    return "red" if row.is_refused else ACT_COLOURS.get(row.performative)
