"""`caxton agent deploy`: the bytes of a module, and what is asked for it, to the server."""

from pathlib import Path
from typing import Final

import click

from caxton.cli.agent_view import AgentView, show_agent
from caxton.cli.invocation import Invocation, server_options
from caxton.cli.parameters import DURATION, LIMIT, PAIR, read_file
from caxton.cli.tables import show_json
from caxton.domain.limits import BOUNDS
from caxton.domain.quantities import DurationNs, duration_as_s

_DELIVERIES: Final = ("at_most_once", "at_least_once", "exactly_once")
_POLICIES: Final = ("permanent", "transient", "temporary")


@click.command()
@click.argument("module", metavar="FILE.wasm")
@click.option("--name", help="The agent's unique name [default: the file's name without its ending].")
@click.option("--version", "version", metavar="VERSION", help="The version to show for it, such as 1.2.0.")
@click.option(
    "--profile", type=click.Choice(["strict", "standard"]), help="What WebAssembly features it may use."
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    type=LIMIT,
    metavar="NAME=VALUE",
    help=f"A limit, any of {', '.join(BOUNDS)}; sizes may say 16MiB, times 2s. May be repeated.",
)
@click.option(
    "--capability", "capabilities", multiple=True, help="A capability that it offers. May be repeated."
)
@click.option(
    "--config",
    "config",
    multiple=True,
    type=PAIR,
    metavar="NAME=TEXT",
    help="A value it can read. May be repeated.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=PAIR,
    metavar="NAME=TEXT",
    help="A label to find it by. May be repeated.",
)
@click.option("--tool", "tools", multiple=True, help="A tool that it may call. May be repeated.")
@click.option("--wasi", is_flag=True, help="Grant the inert subset of WASI that a C library needs.")
@click.option("--delivery", type=click.Choice(_DELIVERIES), help="How surely messages reach it.")
@click.option("--instances", type=click.IntRange(min=1), help="How many instances share its messages.")
@click.option("--restart", type=click.Choice(_POLICIES), help="When a failed agent is started again.")
@click.option(
    "--restart-intensity", type=click.IntRange(min=0), help="Restarts allowed within --restart-period."
)
@click.option(
    "--restart-period", type=DURATION, metavar="DURATION", help="See --restart-intensity; such as 60s."
)
@server_options
@click.pass_obj
def deploy(
    invocation: Invocation,
    module: str,
    name: str | None,
    version: str | None,
    profile: str | None,
    limits: tuple[tuple[str, int | float], ...],
    capabilities: tuple[str, ...],
    config: tuple[tuple[str, str], ...],
    labels: tuple[tuple[str, str], ...],
    tools: tuple[str, ...],
    wasi: bool,
    delivery: str | None,
    instances: int | None,
    restart: str | None,
    restart_intensity: int | None,
    restart_period: DurationNs | None,
) -> None:
    """Make an agent of a module and start it.

    The server checks the module and names every problem that it finds. To see them without a server:
    caxton agent inspect FILE.wasm.
    """
    try:
        data = read_file(module)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    path = Path(module)
    asked: dict[str, object] = {
        "name": name or path.stem,
        "version": version,
        "profile": profile,
        "limits": dict(limits),
        "capabilities": list(capabilities),
        "config": dict(config),
        "labels": dict(labels),
        "tools": list(tools),
        "wasi": wasi or None,
        "delivery": delivery,
        "instances": instances,
        "restart": _present(
            {
                "policy": restart,
                "intensity": restart_intensity,
                "period_s": None if restart_period is None else duration_as_s(restart_period),
            }
        ),
    }
    with invocation.client() as client:
        answer = client.upload("/agents", document=_present(asked), module=data, filename=path.name)
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show_agent(answer.decode(AgentView))


def _present(document: dict[str, object]) -> dict[str, object]:
    """Leave out what nobody asked for, so that the server's own defaults hold."""
    return {name: value for name, value in document.items() if value not in (None, [], {})}
