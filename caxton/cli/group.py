"""A command group whose members are imported when they are called, not when they are listed."""

from importlib import import_module
from typing import Final, final

import click


@final
class Entry:
    """Name one command of a group: where it lives (`module:object`), and the line that lists show."""

    __slots__ = ("name", "place", "section", "summary")

    def __init__(self, name: str, place: str, section: str, summary: str) -> None:
        self.name: Final = name
        self.place: Final = place
        self.section: Final = section
        self.summary: Final = summary


@final
class _Unloaded(click.Command):
    """Stand in for a command until it is called; carries what lists and suggestions need."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.summary, short_help=entry.summary)
        self.entry: Final = entry

    def load(self) -> click.Command:
        """Import the command from the place that the entry names."""
        module, _, attribute = self.entry.place.partition(":")
        command: object = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), self.entry.place
        return command


@final
class LazyGroup(click.Group):
    """List its commands from a table and import the one that is called.

    The stand-ins are what click looks wrong words up in, hence its "did you mean" works unchanged.
    """

    def __init__(self, name: str, *, entries: tuple[Entry, ...], help: str) -> None:  # noqa: A002 - the word that click uses
        super().__init__(
            name,
            commands={entry.name: _Unloaded(entry) for entry in entries},
            help=help,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        )
        self._entries: Final = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table, which puts what belongs together side by side."""
        del ctx
        return [entry.name for entry in self._entries]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words call, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Unloaded) else command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, one section for each word of the table's section column."""
        del ctx
        for section in dict.fromkeys(entry.section for entry in self._entries):
            with formatter.section(section):
                formatter.write_dl(
                    [(entry.name, entry.summary) for entry in self._entries if entry.section == section]
                )
