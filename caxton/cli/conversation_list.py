"""`caxton conversation list`."""

from collections.abc import Iterator
from itertools import islice

import click
import msgspec

from caxton.cli.client import Client, Query
from caxton.cli.conversation_view import Summary, show_conversations
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.pages import every_page
from caxton.cli.tables import show_json


class _Page(msgspec.Struct, frozen=True):
    conversations: list[msgspec.Raw]
    next_cursor: str | None = None


@click.command("list")
@click.option("--state", help="Only those in this state: Initiated, InProgress, Completed, Failed, Expired.")
@click.option("--protocol", help="Only those of this protocol; `none` for those without one.")
@click.option("--agent", help="Only those in which this agent takes part.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; all without it.")
@server_options
@click.pass_obj
def list_conversations(
    invocation: Invocation, state: str | None, protocol: str | None, agent: str | None, limit: int | None
) -> None:
    """List conversations, the newest last: live ones, and those that ended not long ago."""
    with invocation.client() as client:
        filters = {"state": state, "protocol": protocol, "agent": agent}
        bodies = list(islice(_every_conversation(client, filters, limit), limit))
    if invocation.as_json:
        show_json({"conversations": [msgspec.json.decode(body) for body in bodies]})
    else:
        show_conversations([msgspec.json.decode(body, type=Summary) for body in bodies])


def _every_conversation(client: Client, filters: Query, wanted: int | None) -> Iterator[msgspec.Raw]:
    for page in every_page(client, "/conversations", _Page, filters, wanted):
        yield from page.conversations
