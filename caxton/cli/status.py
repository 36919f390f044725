"""`caxton status`: is it ready, what is it, who is there, what has happened."""

from collections import Counter
from collections.abc import Iterator, Mapping

import click
import msgspec

from caxton.cli.agent_pages import every_agent
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.tables import show_fields, show_json


class _State(msgspec.Struct, frozen=True):
    state: str


@click.command()
@server_options
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Show readiness, versions, agents by state and totals.

    The exit code is 0 when the server takes messages, 1 when it is up but does not.
    """
    with invocation.client() as client:
        ready = client.probe("/ready")
        readiness = ready.decode(dict[str, object])
        system = client.get("/system").decode(dict[str, object])
        states = dict(sorted(Counter(agent.state for agent in every_agent(client, _State)).items()))
        server = client.address.url
    is_ready = ready.status < 300
    if invocation.as_json:
        show_json(
            {"server": server, "ready": is_ready, "readiness": readiness, "agents": states, "system": system}
        )
    else:
        missing = readiness.get("components")
        show_fields(
            [
                ("server", server),
                ("status", readiness.get("status", "ready" if is_ready else "not_ready")),
                ("missing", missing if not is_ready else None),
                ("agents", states or "none"),
                *flat(system),
            ]
        )
    if not is_ready:
        raise click.exceptions.Exit(1)


def flat(document: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield name and value of every leaf; a group's name stands before those of its members."""
    for name, value in document.items():
        words = f"{above}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from flat(msgspec.convert(value, dict[str, object]), f"{words} ")
        else:
            yield words, value
