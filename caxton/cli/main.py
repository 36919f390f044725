"""The entry point: the tree of commands and the options that stand before every command."""

import sys
from typing import Final

import click

from caxton import __version__
from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

_COMMANDS: Final = (
    Entry(
        name="demo",
        module="caxton.demo.command",
        section="Try it",
        summary="Run a Contract Net among real agents on a throw-away server.",
    ),
    Entry(
        name="serve",
        module="caxton.cli.serve",
        section="Server",
        summary="Run the server until it is told to stop.",
    ),
    Entry(
        name="health",
        module="caxton.cli.health",
        section="Server",
        summary="Tell by the exit code whether a server is healthy.",
    ),
    Entry(
        name="status",
        module="caxton.cli.status",
        section="Server",
        summary="Show readiness, versions, agents by state and totals.",
    ),
    Entry(
        name="config",
        module="caxton.cli.config",
        section="Server",
        summary="Show or check the configuration, without a server.",
    ),
    Entry(
        name="agent",
        module="caxton.cli.agent",
        section="Agents",
        summary="Deploy, look at and steer agents.",
    ),
    Entry(
        name="send",
        module="caxton.cli.send",
        section="Agents",
        summary="Send an agent a message, and wait for its answer if asked to.",
    ),
)

root: Final = server_options(
    click.version_option(__version__, "-V", "--version", prog_name="caxton", message="%(prog)s %(version)s")(
        LazyGroup(
            "caxton",
            entries=_COMMANDS,
            help="Orchestrate sandboxed WebAssembly agents that talk FIPA ACL.",
        )
    )
)


def main() -> None:
    """Run the program with the words of the command line, and exit with its code."""
    try:
        root.main(prog_name="caxton")
    except KeyboardInterrupt:
        # The shell's convention for a program that Ctrl-C ended.
        sys.exit(130)
