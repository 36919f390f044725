"""`caxton agent list` and `caxton agent get`."""

from itertools import islice

import click
import msgspec

from caxton.cli.agent_pages import every_agent
from caxton.cli.agent_view import AgentView, show_agent, show_agents
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.path import segment
from caxton.cli.tables import show_json


@click.command("list")
@click.option(
    "--state", help="Only agents in this state: running, draining, stopped, failed, loaded, unloaded."
)
@click.option(
    "--capability",
    multiple=True,
    metavar="NAME",
    help="Only agents that have this capability. May be repeated: all of them.",
)
@click.option("--label", metavar="NAME=VALUE", help="Only agents with this label.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; all without it.")
@server_options
@click.pass_obj
def list_agents(
    invocation: Invocation,
    state: str | None,
    capability: tuple[str, ...],
    label: str | None,
    limit: int | None,
) -> None:
    """List agents."""
    with invocation.client() as client:
        filters = {"state": state, "capability": capability, "label": label}
        bodies = list(islice(every_agent(client, msgspec.Raw, filters, limit), limit))
    if invocation.as_json:
        show_json({"agents": [msgspec.json.decode(body) for body in bodies]})
    else:
        show_agents([msgspec.json.decode(body, type=AgentView) for body in bodies])


@click.command("get")
@click.argument("agent")
@server_options
@click.pass_obj
def get_agent(invocation: Invocation, agent: str) -> None:
    """Show one agent: state, limits, use so far and the last error."""
    with invocation.client() as client:
        answer = client.get(f"/agents/{segment(agent)}")
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show_agent(answer.decode(AgentView))
