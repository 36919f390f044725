"""`caxton conversation open` and `caxton conversation cancel`."""

import click

from caxton.cli.client import Answer
from caxton.cli.conversation_view import ConversationView, show_conversation
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.parameters import DURATION
from caxton.cli.path import segment
from caxton.cli.tables import show_json
from caxton.domain.quantities import DurationNs, duration_as_s


@click.command("open")
@click.option(
    "--participants", required=True, metavar="A,B,...", help="The agents that take part, by id or name."
)
@click.option("--protocol", help="The interaction protocol, such as fipa-request [default: none].")
@click.option("--initiator", metavar="AGENT", help="Who will begin it [default: the token's own agent].")
@click.option("--conversation", metavar="ID", help="Its id [default: a new one].")
@click.option("--max-messages", type=click.IntRange(min=1), help="It ends when one more is sent.")
@click.option("--fuel", type=click.IntRange(min=1), help="Fuel that its messages may burn together.")
@click.option("--ttl", type=DURATION, metavar="DURATION", help="It expires so long after its last message.")
@server_options
@click.pass_obj
def open_conversation(
    invocation: Invocation,
    participants: str,
    protocol: str | None,
    initiator: str | None,
    conversation: str | None,
    max_messages: int | None,
    fuel: int | None,
    ttl: DurationNs | None,
) -> None:
    """Open a conversation ahead of its first message, with its participants and limits."""
    body: dict[str, object] = {"participants": [name.strip() for name in participants.split(",")]}
    optional: dict[str, object] = {
        "protocol": protocol,
        "initiator": initiator,
        "conversation_id": conversation,
        "max_messages": max_messages,
        "fuel_budget": fuel,
        "ttl_s": None if ttl is None else duration_as_s(ttl),
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    with invocation.client() as client:
        answer = client.post("/conversations", body)
    _show(invocation, answer)


@click.command()
@click.argument("conversation", metavar="ID")
@server_options
@click.pass_obj
def cancel(invocation: Invocation, conversation: str) -> None:
    """Cancel a conversation: with a protocol its participants are asked, else it ends at once."""
    with invocation.client() as client:
        answer = client.post(f"/conversations/{segment(conversation)}/cancel")
    _show(invocation, answer)


def _show(invocation: Invocation, answer: Answer) -> None:
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show_conversation(answer.decode(ConversationView))
