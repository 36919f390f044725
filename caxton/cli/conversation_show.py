"""`caxton conversation show`: the facts of a conversation, and what was said as a diagram."""

import shutil
from collections.abc import Mapping
from typing import Final, final

import click
import msgspec

from caxton.cli.client import Client
from caxton.cli.conversation_view import ConversationView, show_conversation
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.pages import every_page
from caxton.cli.path import segment
from caxton.cli.refusal import Refused
from caxton.cli.sequence_diagram import SaidRow, sequence_diagram
from caxton.cli.tables import show_json
from caxton.domain.timestamp import parse_timestamp

MESSAGES_SHOWN: Final = 500
# What the API says where nothing was kept of a conversation, or where it keeps no history at all.
_NO_HISTORY: Final = frozenset({"NOT_FOUND", "CONVERSATION_NOT_FOUND", "MESSAGE_NOT_FOUND"})


@final
class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message as the API tells it of a conversation that is over or goes on."""

    at: str
    sender: str
    receiver: str | list[str]
    performative: str
    accepted: bool = True
    reason: str | None = None
    content: object = None


class _Page(msgspec.Struct, frozen=True):
    messages: list[msgspec.Raw]
    next_cursor: str | None = None


@click.command()
@click.argument("conversation", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=MESSAGES_SHOWN,
    show_default=True,
    help="At most so many messages, the first ones.",
)
@server_options
@click.pass_obj
def show(invocation: Invocation, conversation: str, limit: int) -> None:
    """Show a conversation: state, participants, deadlines, and what was said, as far as that is kept."""
    with invocation.client() as client:
        answer = client.get(f"/conversations/{segment(conversation)}")
        history, more = history_of(client, conversation, limit)
    if invocation.as_json:
        rows = None if history is None else [msgspec.json.decode(row) for row in history]
        show_json({**answer.decode(dict[str, object]), "history": rows})
        return
    view = answer.decode(ConversationView)
    show_conversation(view)
    click.echo()
    if history is None:
        click.echo("no history is kept")
        return
    _draw(view, [msgspec.json.decode(row, type=HistoryRow) for row in history])
    if more:
        click.echo(f"There is more: --limit {limit * 10} shows further messages.")


def said_rows(history: list[HistoryRow], names: Mapping[str, str]) -> list[SaidRow]:
    """Return the rows of a diagram, one for each receiver; `names` are those of the ids."""
    return [
        SaidRow(
            at_ns=parse_timestamp(row.at),
            sender=names.get(row.sender, row.sender),
            receiver=names.get(receiver, receiver),
            performative=row.performative,
            content=row.content,
            is_refused=not row.accepted,
            reason=row.reason,
        )
        for row in history
        for receiver in ([row.receiver] if isinstance(row.receiver, str) else row.receiver)
    ]


def history_of(client: Client, conversation: str, limit: int) -> tuple[list[msgspec.Raw] | None, bool]:
    """Return the first messages, None where none are kept, and whether there are more."""
    rows: list[msgspec.Raw] = []
    path = f"/conversations/{segment(conversation)}/messages"
    try:
        for page in every_page(client, path, _Page, wanted=limit):
            rows += page.messages
            if len(rows) >= limit:
                return rows[:limit], len(rows) > limit or page.next_cursor is not None
    except Refused as refused:
        if refused.code in _NO_HISTORY:
            return None, False
        raise
    return rows, False


def _draw(view: ConversationView, history: list[HistoryRow]) -> None:
    cast = [view.initiator, *view.participants]
    names = {agent.agent_id: agent.words for agent in cast}
    columns = shutil.get_terminal_size((120, 24)).columns
    for line in sequence_diagram(said_rows(history, names), list(dict.fromkeys(names.values())), columns):
        click.echo(click.style(line.text, fg=line.colour))
