"""`caxton agent drain`, `start`, `restart` and `delete`."""

import click

from caxton.cli.agent_view import AgentView, show_agent
from caxton.cli.client import Answer
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.parameters import DURATION
from caxton.cli.path import segment
from caxton.cli.tables import show_json
from caxton.cli.text import visible
from caxton.domain.quantities import DurationNs, duration_as_s


@click.command()
@click.argument("agent")
@click.option(
    "--timeout", type=DURATION, metavar="DURATION", help="How long it may take, such as 30s [the server's]."
)
@server_options
@click.pass_obj
def drain(invocation: Invocation, agent: str, timeout: DurationNs | None) -> None:
    """Let an agent finish its mailbox, then stop it. Nothing new is delivered meanwhile."""
    timeout_s = None if timeout is None else duration_as_s(timeout)
    document = None if timeout_s is None else {"timeout_s": timeout_s}
    with invocation.client() as client:
        # Without a word of ours the server's own patience counts, a minute by default.
        answer = client.post(f"/agents/{segment(agent)}/drain", document, wait_s=timeout_s or 90.0)
    _show(invocation, answer)


@click.command()
@click.argument("agent")
@server_options
@click.pass_obj
def start(invocation: Invocation, agent: str) -> None:
    """Start an agent that is stopped or failed."""
    with invocation.client() as client:
        answer = client.post(f"/agents/{segment(agent)}/start")
    _show(invocation, answer)


@click.command()
@click.argument("agent")
@server_options
@click.pass_obj
def restart(invocation: Invocation, agent: str) -> None:
    """Give an agent a new instance; its memory starts anew, its mailbox stays."""
    with invocation.client() as client:
        answer = client.post(f"/agents/{segment(agent)}/restart")
    _show(invocation, answer)


@click.command()
@click.argument("agent")
@click.option("--force", is_flag=True, help="Also when it is at work; what lies in its mailbox is lost.")
@server_options
@click.pass_obj
def delete(invocation: Invocation, agent: str, force: bool) -> None:
    """Remove an agent."""
    with invocation.client() as client:
        client.delete(f"/agents/{segment(agent)}", query={"force": "true" if force else None})
    if invocation.as_json:
        show_json({"deleted": agent})
    else:
        click.echo(f"deleted {visible(agent)}")


def _show(invocation: Invocation, answer: Answer) -> None:
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show_agent(answer.decode(AgentView))
