"""Answers under their idempotency keys as rows."""

import sqlite3
from collections.abc import Sequence
from typing import Final, final

import msgspec

from caxton.storage.statement import Change, put, remove, remove_before

_PUT: Final = put(
    "idempotency",
    "whose",
    "since_ns",
    "status",
    "content_type",
    blobs=("fingerprint", "headers", "body"),
)
_REMOVE: Final = remove("idempotency", "whose")
_REMOVE_OLD: Final = remove_before("idempotency", "since_ns")


@final
class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An answer and what it answers: `whose` is caller and key, `fingerprint` stands for the request."""

    whose: str
    since_ns: int
    fingerprint: bytes
    status: int
    content_type: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def answer_comes(answer: StoredAnswer, forget: Sequence[str], before_ns: int) -> list[Change]:
    """Return the changes that keep an answer, and forget those of these callers and keys, and older ones."""
    headers = msgspec.json.encode(answer.headers)
    row = (
        answer.whose,
        answer.since_ns,
        answer.status,
        answer.content_type,
        answer.fingerprint,
        headers,
        answer.body,
    )
    gone = [Change(_REMOVE, [(whose,) for whose in forget])] if forget else []
    return [*gone, Change(_REMOVE_OLD, [(before_ns,)]), Change(_PUT, [row])]


def load_answers(connection: sqlite3.Connection, since_ns: int) -> list[StoredAnswer]:
    """Return the answers that were given since then, oldest first."""
    rows = connection.execute(
        "SELECT whose, since_ns, status, content_type, fingerprint, headers, body FROM idempotency "
        "WHERE since_ns >= ? ORDER BY since_ns",
        (since_ns,),
    )
    return [
        StoredAnswer(
            whose=whose,
            since_ns=since,
            fingerprint=fingerprint,
            status=status,
            content_type=content_type,
            headers=msgspec.json.decode(headers, type=tuple[tuple[bytes, bytes], ...]),
            body=body,
        )
        for whose, since, status, content_type, fingerprint, headers, body in rows
    ]
