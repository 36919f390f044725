"""What tasks and auctions have in common on the command line: who takes part, and waiting for the end."""

from collections.abc import Callable
from typing import Final, TypeVar

import click
import msgspec

from caxton.cli.client import API, Answer, Client
from caxton.cli.invocation import Invocation
from caxton.cli.path import segment
from caxton.cli.tables import show_json

# One request waits for so long; then the next one does.
_WAIT_MS: Final = 25_000
_FAILED_CODE: Final = 1

C = TypeVar("C", bound="Callable[..., object]")


class _End(msgspec.Struct, frozen=True):
    state: str
    outcome: str | None = None


def invited(command: C) -> C:
    """Add `--participants`, `--capability` and `--wait` to a command."""
    wait = click.option("--wait", is_flag=True, help="Wait for the end and show what came out.")
    capability = click.option(
        "--capability", metavar="NAME", help="All running agents that have it take part."
    )
    participants = click.option(
        "--participants", metavar="A,B,...", help="The agents that take part, by id or name."
    )
    return participants(capability(wait(command)))


def names_of(participants: str | None) -> list[str] | None:
    """Return the names of a list with commas."""
    return None if participants is None else [name.strip() for name in participants.split(",")]


def end_of(client: Client, path: str, job_id: str) -> Answer:
    """Wait until a job has ended and return its last state. Raises: Refused, Unreachable."""
    while True:
        answer = client.send(
            "GET", f"{API}{path}/{segment(job_id)}", query={"wait_ms": _WAIT_MS}, wait_s=_WAIT_MS / 1000
        )
        if answer.decode(_End).outcome is not None:
            return answer


def show_job(invocation: Invocation, answer: Answer, show: Callable[[Answer], None]) -> None:
    """Write a job as JSON, or in the form for people."""
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show(answer)


def exit_code(answer: Answer) -> int:
    """Return the program's exit code for a job: 1 for one that failed or expired."""
    return _FAILED_CODE if answer.decode(_End).state in {"failed", "expired"} else 0
