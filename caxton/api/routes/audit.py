"""The audit: who changed what, newest first."""

from typing import Annotated, Final, final

import msgspec

from caxton.api.call import Call
from caxton.api.route import Route, answering
from caxton.api.schemas import Cursor, Input, Output
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.timestamp import format_timestamp
from caxton.security.roles import Permission
from caxton.storage.audit import StoredEntry, load_entries
from caxton.storage.store import Store

PAGE_ENTRIES_MAX: Final = 1000


class AuditQuery(Input, frozen=True, kw_only=True):
    """Which entries to list."""

    identity: Annotated[str | None, msgspec.Meta(description="The id of a token.")] = None
    operation: Annotated[str | None, msgspec.Meta(description="An operation's id in this document.")] = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_ENTRIES_MAX)] = 100
    cursor: Cursor | None = None


class AuditEntry(Output, frozen=True, kw_only=True):
    """One call that manages something, as it was answered; `subject` is the agent or token it was about."""

    at: str
    identity: str
    name: str
    role: str
    operation: str
    subject: str | None
    status: int
    code: str | None
    trace_id: str


class AuditPage(Output, frozen=True, kw_only=True):
    """One page of entries; `next_cursor` is null on the last."""

    entries: list[AuditEntry]
    next_cursor: str | None


@final
class AuditRoutes:
    """The handler of `/audit`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            answering(
                "GET",
                "/api/v1/audit",
                self.list_audit,
                query=AuditQuery,
                gives=AuditPage,
                permission=Permission.AUDIT_READ,
                tag="audit",
            )
        ]

    async def list_audit(self, _call: Call, query: AuditQuery) -> AuditPage:
        """List the calls that changed something, or were to, newest first."""
        before = _place(query.cursor)
        found = await self._store.read(
            lambda connection: load_entries(
                connection, query.limit + 1, before, query.identity, query.operation
            )
        )
        page = found[: query.limit]
        return AuditPage(
            entries=[_view(entry) for _, entry in page],
            next_cursor=str(page[-1][0]) if len(found) > query.limit else None,
        )


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= 18:
        return int(cursor)
    raise CursorUnknown(cursor)


def _view(entry: StoredEntry) -> AuditEntry:
    return AuditEntry(
        at=format_timestamp(entry.at_ns),
        identity=entry.identity,
        name=entry.name,
        role=entry.role,
        operation=entry.operation,
        subject=entry.subject,
        status=entry.status,
        code=entry.code,
        trace_id=entry.trace_id,
    )
