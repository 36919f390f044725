"""`caxton audit`: who changed what."""

from typing import Final

import click
import msgspec

from caxton.cli.invocation import Invocation, server_options
from caxton.cli.tables import show_json, show_rows

_COLUMNS: Final = ("at", "token", "role", "operation", "subject", "status", "code")
_PAGE_ENTRIES_MAX: Final = 1000


class _Entry(msgspec.Struct, frozen=True):
    at: str
    identity: str
    name: str
    role: str
    operation: str
    subject: str | None
    status: int
    code: str | None
    trace_id: str


class _Page(msgspec.Struct, frozen=True):
    entries: list[_Entry]
    next_cursor: str | None = None


@click.command()
@click.option("--identity", metavar="ID", help="Only what was done with this token.")
@click.option("--operation", metavar="NAME", help="Only this operation, such as delete_agent.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@server_options
@click.pass_obj
def audit(invocation: Invocation, identity: str | None, operation: str | None, limit: int) -> None:
    """Show who changed what, newest first."""
    entries: list[_Entry] = []
    cursor: str | None = None
    with invocation.client() as client:
        while len(entries) < limit:
            query = {
                "identity": identity,
                "operation": operation,
                "limit": min(limit - len(entries), _PAGE_ENTRIES_MAX),
                "cursor": cursor,
            }
            page = client.get("/audit", query=query).decode(_Page)
            entries += page.entries
            cursor = page.next_cursor
            if cursor is None:
                break
    if invocation.as_json:
        show_json({"entries": [msgspec.to_builtins(entry) for entry in entries]})
        return
    rows = [
        (entry.at, entry.name, entry.role, entry.operation, entry.subject, entry.status, entry.code)
        for entry in entries
    ]
    show_rows(_COLUMNS, rows, empty="nothing was changed yet")
