"""`caxton demo`."""

import signal
import sys
from types import FrameType
from typing import Final

import click
import msgspec
from rich.console import Console

from caxton.cli.invocation import Invocation, output_option
from caxton.cli.refusal import Ended
from caxton.cli.tables import show_json
from caxton.demo.own_server import OwnServer
from caxton.demo.scenario import Outcome, Scenario
from caxton.demo.stage import Stage
from caxton.sdk.toolchain import ToolchainError

_SECONDS_MAX: Final = 60.0


@click.command()
@click.option(
    "--keep", is_flag=True, help="Leave the server and its agents running, and say how to talk to them."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, _SECONDS_MAX),
    default=1.0,
    show_default=True,
    help="How long messages are counted.",
)
@output_option
@click.pass_obj
def demo(invocation: Invocation, keep: bool, seconds: float) -> None:
    """Run a Contract Net among real agents, on a server of its own.

    It builds four agents from C, starts a server on free ports with a throw-away data directory, deploys
    the agents over the API, and asks the manager for a job. The bidders' offers, the award and the result
    are shown as the agents receive them. Then one agent breaks the protocol and is refused, and what this
    machine does is measured. The exit code is 0 when the cheapest bidder won and delivered the right result,
    and what the protocol forbids had no effect.
    """
    # A program reads the outcome from standard output; the play is then for whoever watches the errors.
    stage = Stage(Console(stderr=invocation.as_json, highlight=False))
    scenario = Scenario(stage, seconds=seconds)
    try:
        modules = scenario.build()
    except ToolchainError as error:
        raise Ended(code="TOOLCHAIN", message=error.message, hint=error.hint) from error
    for ending in (signal.SIGTERM, signal.SIGHUP):
        # Like Ctrl-C: the server goes with us.
        signal.signal(ending, _leave)
    with scenario.start_server() as server:
        with server.client() as client:
            outcome = scenario.play(server, client, modules)
        if keep:
            server.keep()
    if invocation.as_json:
        show_json(msgspec.to_builtins(outcome))
    _conclude(stage, outcome)
    if keep:
        _tell_how_to_go_on(stage, server)
    if outcome.faults:
        sys.exit(1)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def _conclude(stage: Stage, outcome: Outcome) -> None:
    if outcome.faults:
        stage.verdict("It did not go as it should:", good=False)
        for fault in outcome.faults:
            stage.note(fault)
        return
    best = min(outcome.proposals, key=lambda made: made.price)
    others = ", ".join(f"{made.bidder} {made.price}" for made in outcome.proposals if made is not best)
    stage.verdict(
        f"The cheapest bidder won: {best.bidder} for {best.price} (against {others}). Its result is right.",
        good=True,
    )


def _tell_how_to_go_on(stage: Stage, server: OwnServer) -> None:
    stage.heading("The server goes on. In a shell:")
    for words in (
        f"export CAXTON_SERVER={server.address.url}",
        f'export CAXTON_TOKEN="$(cat {server.token_file})"',
        "caxton status",
        "caxton agent list",
        """caxton send manager --content '{"size": 20000}' --wait 10s""",
        "caxton agent logs frugal",
        "caxton conversation list",
        f"curl {server.metrics_url}",
    ):
        stage.command(words)
    stage.note("To end it:")
    stage.command(f"kill {server.process_id} && rm -r {server.directory}")
