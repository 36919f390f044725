"""`caxton task run`: a Contract Net among agents, and its result when asked to wait."""

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.job_client import end_of, exit_code, invited, names_of, show_job
from caxton.cli.parameters import CONTENT, DURATION, Parsed
from caxton.cli.tables import show_fields
from caxton.cli.task_view import show_task
from caxton.domain.quantities import DurationNs, duration_as_s


def parse_award(text: str) -> object:
    """Read `lowest:FIELD`, `highest:FIELD` or `manual`. Raises: ValueError."""
    rule, sign, field = text.partition(":")
    if rule == "manual" and not sign:
        return rule
    if rule in {"lowest", "highest"} and field:
        return {"rule": rule, "field": field}
    raise ValueError(f"{text!r} is none of lowest:FIELD, highest:FIELD, manual")


AWARD = Parsed[object]("award", parse_award)


class _Begun(msgspec.Struct, frozen=True):
    task_id: str
    conversation_id: str


@click.command()
@invited
@click.option(
    "--task", required=True, type=CONTENT, metavar="JSON", help="What is to be done: JSON, @FILE, or -."
)
@click.option(
    "--award",
    required=True,
    type=AWARD,
    metavar="RULE:FIELD",
    help="lowest:FIELD or highest:FIELD of the proposals' content, or manual.",
)
@click.option("--max-awards", type=click.IntRange(min=1), help="How many may win [default: 1].")
@click.option(
    "--proposal-timeout",
    type=DURATION,
    metavar="DURATION",
    help="How long proposals may come [default: 30s].",
)
@click.option(
    "--timeout", type=DURATION, metavar="DURATION", help="For everything, the work included [default: 5m]."
)
@server_options
@click.pass_obj
def run(
    invocation: Invocation,
    participants: str | None,
    capability: str | None,
    wait: bool,
    task: msgspec.Raw,
    award: object,
    max_awards: int | None,
    proposal_timeout: DurationNs | None,
    timeout: DurationNs | None,
) -> int:
    """Ask agents for proposals, award the best, and collect the result.

    Without --wait it prints the ids of the task and its conversation; with --wait what came out.
    """
    optional: dict[str, object] = {
        "participants": names_of(participants),
        "capability": capability,
        "max_awards": max_awards,
        "proposal_timeout_s": None if proposal_timeout is None else duration_as_s(proposal_timeout),
        "timeout_s": None if timeout is None else duration_as_s(timeout),
    }
    body: dict[str, object] = {"task": task, "award": award}
    body |= {name: value for name, value in optional.items() if value is not None}
    with invocation.client() as client:
        answer = client.post("/tasks", body)
        begun = answer.decode(_Begun)
        if wait:
            answer = end_of(client, "/tasks", begun.task_id)
    if wait or invocation.as_json:
        show_job(invocation, answer, show_task)
        return exit_code(answer) if wait else 0
    show_fields([("task", begun.task_id), ("conversation", begun.conversation_id)])
    return 0
