"""What the commands read of the API's answer about a task, and how they show it."""

from typing import Final

import click
import msgspec

from caxton.cli.client import Answer
from caxton.cli.tables import show_fields, show_rows
from caxton.cli.text import visible

_NULL: Final = b"null"


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A participant with whatever is known of it."""

    name: str
    status: str | None = None
    state: str | None = None
    performative: str | None = None
    reason: msgspec.Raw = msgspec.Raw(_NULL)
    content: msgspec.Raw = msgspec.Raw(_NULL)


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    task_id: str
    conversation_id: str
    state: str
    phase: str
    outcome: str | None = None
    created_at: str | None = None
    winners: list[_Row] = []
    proposals: list[_Row] = []
    rejected: list[_Row] = []
    refused: list[_Row] = []
    silent: list[_Row] = []
    unconfirmed: list[_Row] = []
    result: msgspec.Raw = msgspec.Raw(_NULL)


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """One task in a list."""

    task_id: str
    state: str
    phase: str
    outcome: str | None = None
    created_at: str | None = None
    participants_count: int = 0
    winners_count: int = 0


_LIST_COLUMNS: Final = ("id", "state", "phase", "outcome", "participants", "winners", "created")


def show_tasks(tasks: list[TaskRow]) -> None:
    """Write one line for each task."""
    rows = [
        (
            task.task_id,
            task.state,
            task.phase,
            task.outcome,
            task.participants_count,
            task.winners_count,
            task.created_at,
        )
        for task in tasks
    ]
    show_rows(_LIST_COLUMNS, rows, empty="no tasks")


def show_task(answer: Answer) -> None:
    """Write one task: how it stands, what each participant said, and the result."""
    task = answer.decode(_Task)
    show_fields(
        [
            ("task", task.task_id),
            ("conversation", task.conversation_id),
            ("state", task.state),
            ("phase", None if task.phase == "ended" else task.phase),
            ("outcome", task.outcome),
            ("winners", [winner.name for winner in task.winners]),
            ("created", task.created_at),
            ("result", None if bytes(task.result) == _NULL else text_of(task.result)),
        ]
    )
    rows = _participants(task)
    if rows:
        click.echo()
        show_rows(("participant", "answer", "content", "then"), rows, empty="")


def _participants(task: _Task) -> list[tuple[str, str, str, str]]:
    reasons = {row.name: text_of(row.reason) for row in task.rejected}
    states = {row.name: row.state or "" for row in task.winners}
    rows = [
        (row.name, "propose", text_of(row.content), states.get(row.name) or _then(row, reasons))
        for row in task.proposals
    ]
    rows += [(row.name, row.performative or "refuse", text_of(row.content), "") for row in task.refused]
    rows += [(row.name, "", "", "has not answered") for row in task.silent]
    proposers = {row.name for row in task.proposals}
    rows += [(row.name, "", "", "has not confirmed") for row in task.unconfirmed if row.name not in proposers]
    return rows


def _then(row: _Row, reasons: dict[str, str]) -> str:
    reason = reasons.get(row.name)
    return f"{row.status}: {reason}" if reason else row.status or ""


def text_of(content: msgspec.Raw) -> str:
    """Return a content on one line, as it was written but for white space; a text without its quotes."""
    text = bytes(content)
    if text.startswith(b'"'):
        return visible(msgspec.json.decode(text, type=str))
    return visible(msgspec.json.format(text, indent=-1).decode())
