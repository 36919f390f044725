"""What the person sees: headings, steps, messages and figures; with colours only on a terminal."""

from collections.abc import Sequence
from typing import Final, final

from rich.console import Console
from rich.text import Text

from caxton.cli.brief import ACT_COLOURS, told_briefly
from caxton.demo.seen_message import SeenMessage

# One colour for each agent in the order of their entrance; readable on light and on dark.
_CAST_COLOURS: Final = ("magenta", "cyan", "green", "yellow", "blue", "red")
_ACT_COLUMNS: Final = 15
_PLAIN_COLUMNS: Final = 120
_CONTENT_COLUMNS_MIN: Final = 20


@final
class Stage:
    """Write to one console; every line stands when it is written."""

    def __init__(self, console: Console) -> None:
        self._console: Final = console
        self._colours: Final[dict[str, str]] = {}
        self._columns: Final = console.width if console.is_terminal else _PLAIN_COLUMNS
        self._names_columns = 0
        self._first_ns = 0

    def cast(self, names: Sequence[str]) -> None:
        """Introduce the agents, so that columns and colours are known before the first message."""
        for name in names:
            self._colours.setdefault(name, _CAST_COLOURS[len(self._colours) % len(_CAST_COLOURS)])
        self._names_columns = max(len(name) for name in self._colours)

    def heading(self, words: str) -> None:
        """Begin a part."""
        self._console.print()
        self._print(Text(words, style="bold"))

    def step(self, what: str, detail: str = "") -> None:
        """Tell of something done."""
        line = Text("  ")
        line.append("✓ ", style="green")
        line.append(what)
        if detail:
            line.append(f"  {detail}", style="dim")
        self._print(line)

    def note(self, words: str) -> None:
        """Tell something by the way."""
        self._print(Text(f"  {words}", style="dim"))

    def message(self, seen: SeenMessage) -> None:
        """Show one message: since the first, from whom to whom, the act, and what it says in short."""
        line = self._beginning(seen, "→")
        line.append(
            told_briefly(seen.content, max(self._columns - len(line.plain) - 1, _CONTENT_COLUMNS_MIN))
        )
        self._print(line)

    def refusal(self, seen: SeenMessage, why: str) -> None:
        """Show a message that reached nobody, and why."""
        line = self._beginning(seen, "✗")
        line.append("refused: ", style="bold red")
        line.append(why, style="red")
        self._print(line)

    def _beginning(self, seen: SeenMessage, arrow: str) -> Text:
        self._first_ns = self._first_ns or seen.received_ns
        line = Text("  ")
        line.append(f"{(seen.received_ns - self._first_ns) / 1e6:9.3f} ms", style="dim")
        line.append("  ")
        line.append(seen.sender.rjust(self._names_columns), style=self._colours.get(seen.sender, ""))
        line.append(f" {arrow} ", style="dim" if arrow == "→" else "red")
        line.append(seen.receiver.ljust(self._names_columns), style=self._colours.get(seen.receiver, ""))
        line.append("  ")
        line.append(
            seen.performative.ljust(_ACT_COLUMNS), style=f"bold {ACT_COLOURS.get(seen.performative, '')}"
        )
        line.append(" ")
        return line

    def figures(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Show figures: what was measured, how much, and how it was measured."""
        names = max(len(name) for name, _, _ in rows)
        values = max(len(value) for _, value, _ in rows)
        for name, value, method in rows:
            line = Text(f"  {name.ljust(names)}  ")
            line.append(value.rjust(values), style="bold cyan")
            line.append(f"  {method}", style="dim")
            self._print(line)

    def verdict(self, words: str, *, good: bool) -> None:
        """Say how it ended."""
        line = Text("\n")
        line.append("✓ " if good else "✗ ", style="bold green" if good else "bold red")
        line.append(words, style="bold")
        self._print(line)

    def command(self, words: str) -> None:
        """Show a line that the person may type; it is not broken."""
        self._print(Text(f"    {words}", style="cyan"))

    def _print(self, line: Text) -> None:
        # The terminal may wrap a long line; we must not, or a command could not be copied from it.
        self._console.print(line, soft_wrap=True)
