"""`caxton task list`, `get`, `award` and `cancel`."""

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.job_client import show_job
from caxton.cli.path import segment
from caxton.cli.tables import show_json
from caxton.cli.task_view import TaskRow, show_task, show_tasks


class _Page(msgspec.Struct, frozen=True):
    tasks: list[TaskRow]


@click.command("list")
@click.option("--state", help="Only tasks in this state: initiated, in_progress, completed, failed, expired.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@server_options
@click.pass_obj
def list_tasks(invocation: Invocation, state: str | None, limit: int) -> None:
    """List tasks, the newest first."""
    with invocation.client() as client:
        answer = client.get("/tasks", query={"state": state, "limit": limit})
    if invocation.as_json:
        show_json(answer.tree())
    else:
        show_tasks(answer.decode(_Page).tasks)


@click.command("get")
@click.argument("task")
@server_options
@click.pass_obj
def get_task(invocation: Invocation, task: str) -> None:
    """Show one task: how it stands, what each participant said, the result."""
    with invocation.client() as client:
        answer = client.get(f"/tasks/{segment(task)}")
    show_job(invocation, answer, show_task)


@click.command()
@click.argument("task")
@click.argument("winners", nargs=-1, metavar="[AGENT]...")
@click.option("--none", "nobody", is_flag=True, help="Reject every proposal.")
@server_options
@click.pass_obj
def award(invocation: Invocation, task: str, winners: tuple[str, ...], nobody: bool) -> None:
    """Choose the winners of a task that is awarded by hand, the best first; the others are rejected."""
    if nobody == bool(winners):
        raise click.UsageError("name the winners, or say --none to reject every proposal")
    with invocation.client() as client:
        answer = client.post(f"/tasks/{segment(task)}/award", {"winners": list(winners)})
    show_job(invocation, answer, show_task)


@click.command()
@click.argument("task")
@server_options
@click.pass_obj
def cancel(invocation: Invocation, task: str) -> None:
    """Tell participants to stop, and wait a little for their answers."""
    with invocation.client() as client:
        answer = client.post(f"/tasks/{segment(task)}/cancel")
    show_job(invocation, answer, show_task)
