"""`caxton capability list` and `caxton capability get`."""

from itertools import chain, islice
from typing import Final

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.pages import every_page
from caxton.cli.path import named_segment
from caxton.cli.tables import show_json, show_rows

_COLUMNS: Final = ("capability", "agents", "running")
_HOLDER_COLUMNS: Final = ("name", "id", "state", "load", "mailbox max", "handled")


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    agents_count: int
    running_count: int


class _List(msgspec.Struct, frozen=True, kw_only=True):
    capabilities: list[_Row]
    next_cursor: str | None = None


class _Holder(msgspec.Struct, frozen=True, kw_only=True):
    agent_id: str
    name: str
    kind: str
    state: str
    load: int
    mailbox_depth: int
    mailbox_max: int
    messages_handled: int


class _Holders(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    agents_count: int
    running_count: int
    agents: list[_Holder]
    next_cursor: str | None = None


@click.command("list")
@click.option("--prefix", help="Only capabilities whose names begin with this.")
@click.option(
    "--has",
    multiple=True,
    metavar="NAME",
    help="Only what agents with this capability can do, counted among them. Repeatable: with all.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; all without it.")
@server_options
@click.pass_obj
def list_capabilities(
    invocation: Invocation, prefix: str | None, has: tuple[str, ...], limit: int | None
) -> None:
    """List what agents can do, by name: how many can, and how many of those run."""
    with invocation.client() as client:
        pages = every_page(client, "/capabilities", _List, {"prefix": prefix, "has": has}, limit)
        rows = list(islice(chain.from_iterable(page.capabilities for page in pages), limit))
    if invocation.as_json:
        show_json({"capabilities": [msgspec.structs.asdict(row) for row in rows]})
    else:
        shown = [(row.name, row.agents_count, row.running_count) for row in rows]
        show_rows(
            _COLUMNS, shown, empty="None. Give an agent some: caxton agent deploy FILE.wasm --capability NAME"
        )


@click.command("get")
@click.argument("name")
@click.option("--has", multiple=True, metavar="NAME", help="Only agents that have this one too. Repeatable.")
@click.option("--state", help="Only agents in this state: running, draining, stopped, failed.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many agents; all without it.")
@server_options
@click.pass_obj
def get_capability(
    invocation: Invocation, name: str, has: tuple[str, ...], state: str | None, limit: int | None
) -> None:
    """Show which agents have a capability, their state, and their load: what lies in their mailboxes."""
    path = f"/capabilities/{named_segment(name, 'is no name of a capability that a path can carry')}"
    with invocation.client() as client:
        pages = every_page(client, path, _Holders, {"has": has, "state": state}, limit)
        first = next(pages)
        following = chain.from_iterable(page.agents for page in pages)
        agents = list(islice(chain(first.agents, following), limit))
    if invocation.as_json:
        show_json(
            {
                "name": first.name,
                "agents_count": first.agents_count,
                "running_count": first.running_count,
                "agents": [msgspec.structs.asdict(agent) for agent in agents],
            }
        )
    else:
        rows = [
            (agent.name, agent.agent_id, agent.state, agent.load, agent.mailbox_max, agent.messages_handled)
            for agent in agents
        ]
        show_rows(_HOLDER_COLUMNS, rows, empty="No agent with this capability is like that.")
