"""The page about the command line is complete: every command, every option."""

import click

from caxton.cli.main import root
from tests.cli.program import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
# Options of every command are told once, at the top.
SHARED = {"--server", "--token", "--output", "--help", "--version"}


def sections() -> dict[str, str]:
    parts = PAGE.split("\n## ")
    return {part.splitlines()[0]: part for part in parts[1:]}


def commands() -> list[tuple[str, click.Command]]:
    """Return every command by its words, the members of groups in their stead; `config` has one section."""
    found: list[tuple[str, click.Command]] = []
    for name in root.list_commands(click.Context(root)):
        context = click.Context(root)
        _, command, _ = root.resolve_command(context, [name])
        assert command is not None
        if isinstance(command, click.Group) and name != "config":
            for member in command.list_commands(context):
                _, inner, _ = command.resolve_command(context, [member])
                assert inner is not None
                found.append((f"caxton {name} {member}", inner))
        else:
            found.append((f"caxton {name}", command))
    return found


def test_every_section_is_a_command_and_every_command_has_its_section() -> None:
    told = [heading for heading in sections() if heading.startswith("caxton ")]
    assert sorted(told) == sorted(name for name, _ in commands())


def test_every_option_is_told_in_its_commands_section() -> None:
    missing: list[str] = []
    for name, command in commands():
        members = [command]
        if isinstance(command, click.Group):
            members = [command.commands[member] for member in command.list_commands(click.Context(command))]
        options = {option for member in members for param in member.params for option in param.opts}
        told = sections()[name]
        missing += [f"{name} {o}" for o in sorted(options - SHARED) if o.startswith("--") and o not in told]
    assert missing == []
