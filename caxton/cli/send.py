"""`caxton send`: one message to an agent, and its answer when asked to wait."""

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.parameters import CONTENT, DURATION, PERFORMATIVE, as_ms
from caxton.cli.tables import show_fields, show_json
from caxton.cli.text import visible
from caxton.domain.acl import decode_message
from caxton.domain.performative import Performative
from caxton.domain.quantities import DurationNs, duration_as_s


class _Sent(msgspec.Struct, frozen=True):
    message_id: str
    conversation_id: str | None = None
    status: str | None = None
    reply: msgspec.Raw = msgspec.Raw(b"")


@click.command()
@click.argument("agent")
@click.option(
    "-p",
    "--performative",
    type=PERFORMATIVE,
    default="request",
    show_default=True,
    help="One of the 22 acts of FIPA.",
)
@click.option(
    "-c", "--content", type=CONTENT, metavar="JSON", help="The content: JSON, @FILE, or - for standard input."
)
@click.option(
    "-w", "--wait", type=DURATION, metavar="DURATION", help="Wait so long for the answer, such as 5s."
)
@click.option("--protocol", help="The interaction protocol, such as fipa-request.")
@click.option(
    "--conversation", metavar="ID", help="The conversation that it belongs to [default: a new one]."
)
@click.option("--in-reply-to", metavar="ID", help="The message that it answers.")
@click.option("--sender", metavar="AGENT", help="The external agent that speaks [default: the token's own].")
@click.option(
    "--reply-by", type=DURATION, metavar="DURATION", help="The answer is wanted within this time from now."
)
@click.option(
    "--delivery",
    type=click.Choice(["at_most_once", "at_least_once", "exactly_once"]),
    help="How surely it must arrive.",
)
@server_options
@click.pass_obj
def send(
    invocation: Invocation,
    agent: str,
    performative: Performative,
    content: msgspec.Raw | None,
    wait: DurationNs | None,
    protocol: str | None,
    conversation: str | None,
    in_reply_to: str | None,
    sender: str | None,
    reply_by: DurationNs | None,
    delivery: str | None,
) -> None:
    """Send an agent a message, and wait for its answer if asked to.

    Without --wait it prints the ids of the message and its conversation; with --wait the answer.
    """
    message: dict[str, object] = {"performative": str(performative), "receiver": agent}
    optional: dict[str, object] = {
        "content": content,
        "protocol": protocol,
        "conversation_id": conversation,
        "in_reply_to": in_reply_to,
        "sender": sender,
        "reply_by_s": None if reply_by is None else duration_as_s(reply_by),
        "delivery": delivery,
    }
    message |= {name: value for name, value in optional.items() if value is not None}
    query = None if wait is None else {"wait_ms": as_ms(wait)}
    with invocation.client() as client:
        answer = client.post(
            "/messages", message, query=query, wait_s=0.0 if wait is None else duration_as_s(wait)
        )
    if invocation.as_json:
        show_json(answer.tree())
        return
    sent = answer.decode(_Sent)
    if not bytes(sent.reply):
        show_fields(
            [("message", sent.message_id), ("conversation", sent.conversation_id), ("status", sent.status)]
        )
        return
    reply = decode_message(bytes(sent.reply))
    click.echo(f"{click.style(reply.performative, bold=True)} from {reply.sender}")
    # Laid out, but not read as numbers: what the agent wrote is what is shown.
    laid_out = msgspec.json.format(bytes(reply.content), indent=2).decode()
    click.echo("\n".join(visible(line) for line in laid_out.splitlines()))
