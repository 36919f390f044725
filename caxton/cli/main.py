"""The entry point: the tree of commands and the options that stand before every command."""

import sys
from typing import Final

import click

from caxton import __version__
from caxton.cli.group import Entry, LazyGroup
from caxton.cli.invocation import server_options

_COMMANDS: Final = (
    Entry(
        "demo",
        "caxton.demo.command:demo",
        "Try it",
        "Run a Contract Net among real agents, on a server of its own.",
    ),
    Entry("serve", "caxton.cli.serve:serve", "Server", "Run the server until it is told to stop."),
    Entry(
        "health", "caxton.cli.health:health", "Server", "Tell by the exit code whether a server is healthy."
    ),
    Entry(
        "status",
        "caxton.cli.status:status",
        "Server",
        "Show readiness, versions, agents by state and totals.",
    ),
    Entry("audit", "caxton.cli.audit:audit", "Server", "Show who changed what, newest first."),
    Entry(
        "backup",
        "caxton.cli.backup:backup",
        "Server",
        "Write a verified backup of a data directory.",
    ),
    Entry("restore", "caxton.cli.backup:restore", "Server", "Put a backup into an empty data directory."),
    Entry(
        "config", "caxton.cli.config:config", "Server", "Show or check the configuration, without a server."
    ),
    Entry("agent", "caxton.cli.agent:agent", "Agents", "Deploy agents, look at them and steer them."),
    Entry("capability", "caxton.cli.capability:capability", "Agents", "Find agents by what they can do."),
    Entry(
        "send",
        "caxton.cli.send:send",
        "Agents",
        "Send an agent a message, and wait for its answer if asked to.",
    ),
    Entry("task", "caxton.cli.task:task", "Conversations", "Run a Contract Net among agents."),
    Entry("auction", "caxton.cli.auction:auction", "Conversations", "Run an auction among agents."),
    Entry(
        "conversation",
        "caxton.cli.conversation:conversation",
        "Conversations",
        "Look at conversations, open one, cancel one.",
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
        # Not click's standalone mode: that one reports Ctrl-C as an error of the command.
        outcome: object = root.main(prog_name="caxton", standalone_mode=False)
    except click.ClickException as end:
        end.show()
        sys.exit(end.exit_code)
    except click.Abort:
        # The shell's convention for a program that Ctrl-C ended.
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)
