"""Who changed what: an entry for each call that manages something, stored before its answer goes out.

Refused calls have their entry too, but nobody waits for it. What was done and cannot be entered is done all
the same: its caller hears so, and the server's log has the entry instead.
"""

import logging
from typing import Final, final

from caxton.api.answer import Answer
from caxton.api.call import Call
from caxton.api.idempotency import is_replayed
from caxton.api.route import Route
from caxton.clock import Clock
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.security.roles import Permission
from caxton.storage.audit import StoredEntry, entries_go, entry_comes
from caxton.storage.store import Store

SUBJECT_CHARACTERS_MAX: Final = 300
_DAY_NS: Final = 86_400 * 1_000_000_000
_HOUR_NS: Final = 3_600 * 1_000_000_000
# Messages are not management, and looking changes nothing.
_NOT_ENTERED: Final = frozenset({None, Permission.MESSAGE_SEND, Permission.MESSAGE_READ})
# Who is not known has no entry, and a flood does not become one of entries.
_NOT_TOLD: Final = frozenset({"UNAUTHORIZED", "RATE_LIMITED"})

_LOGGER: Final = logging.getLogger("caxton.api.audit")


@final
class AuditTrail:
    """Makes entries. For the thread of the event loop."""

    def __init__(self, store: Store, clock: Clock, days: int) -> None:
        """Entries are kept for so many days."""
        self._store = store
        self._clock = clock
        self._kept_ns = days * _DAY_NS
        self._swept_ns = 0

    async def enter(self, route: Route, call: Call, answer: Answer) -> None:
        """Make the entry of a call, if it is one that has any; a repetition under one key did nothing."""
        if route.method == "GET" or route.permission in _NOT_ENTERED:
            return
        if call.refusal_code in _NOT_TOLD or is_replayed(answer):
            return
        entry = self._entry(route, call, answer.status)
        changes = [entry_comes(entry)]
        if entry.at_ns - self._swept_ns > _HOUR_NS:
            self._swept_ns = entry.at_ns
            changes.append(entries_go(entry.at_ns - self._kept_ns))
        try:
            if answer.status < 300:
                await self._store.append(changes)
            else:
                self._store.append(changes, urgent=False)
        except CaxtonError as error:
            _LOGGER.error(  # noqa: TRY400 - the error is told; its way here says nothing
                "%s by %s (%s) was answered %d and is not in the audit: %s",
                entry.operation,
                entry.name,
                entry.identity,
                entry.status,
                error,
                extra={"event": "audit_entry_lost", "subject": entry.subject, "trace_id": entry.trace_id},
            )

    def _entry(self, route: Route, call: Call, status: int) -> StoredEntry:
        principal = call.principal
        subject = call.parameters[0] if call.parameters else call.subject
        return StoredEntry(
            at_ns=self._clock.wall_ns(),
            identity=principal.identity,
            name=principal.name,
            role=str(principal.role),
            operation=route.operation_id,
            status=status,
            code=call.refusal_code,
            trace_id=call.trace_id,
            subject=None if subject is None else _plain(subject),
        )


def _plain(text: str) -> str:
    """Return a caller's text in a form that can be stored."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "�" for c in whole[:SUBJECT_CHARACTERS_MAX])
