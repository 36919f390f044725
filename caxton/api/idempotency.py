"""Answers kept under the Idempotency-Key of their requests, so that a repetition does nothing twice.

They outlive a restart: an answer is stored before it goes out. Those that hold a secret do not, and are kept
in memory only. Bounded: when there are too many, or they are too large together, the oldest finished ones go
first, even before their 24 hours are over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, final

from caxton.api.answer import Answer
from caxton.api.errors import IdempotencyConflict, invalid_request, stopping
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.storage.answers import StoredAnswer, answer_comes, load_answers
from caxton.storage.store import Store

KEPT_NS: Final = 24 * 3600 * 1_000_000_000
KEYS_MAX: Final = 10_000
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
KEY_CHARACTERS_MAX: Final = 255
# What these say is not the outcome of the request: it was not let in, or may work the next time.
_NOT_KEPT: Final = frozenset({401, 403, 408, 413, 429, 503, 507})
_LOGGER: Final = logging.getLogger("caxton.api")
_REPLAYED: Final = ((b"idempotency-replayed", b"true"),)


@final
class _Entry:
    """One key: what was asked, when, and the answer once it is there."""

    __slots__ = ("answer", "fingerprint", "since_ns")

    def __init__(self, fingerprint: bytes, since_ns: int, answer: "asyncio.Future[Answer]") -> None:
        self.fingerprint = fingerprint
        self.since_ns = since_ns
        self.answer = answer


@final
class IdempotencyStore:
    """Keys and answers, per caller. For the thread of the event loop."""

    def __init__(self, now_ns: Callable[[], int], store: Store) -> None:
        """`now_ns` is the wall clock in nanoseconds."""
        self._now_ns = now_ns
        self._store = store
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._kept_bytes = 0
        # Dropped here, and not yet in the store.
        self._forgotten: list[str] = []

    def __len__(self) -> int:
        return len(self._entries)

    async def load(self) -> None:
        """Take in what the store has, before the first request."""
        loop = asyncio.get_running_loop()
        since_ns = self._now_ns() - KEPT_NS
        for kept in await self._store.read(lambda connection: load_answers(connection, since_ns)):
            identity, _, key = kept.whose.partition(" ")
            answered: asyncio.Future[Answer] = loop.create_future()
            content_type = kept.content_type.encode() or None
            answered.set_result(Answer(kept.status, kept.body, content_type, kept.headers))
            self._entries[identity, key] = _Entry(kept.fingerprint, kept.since_ns, answered)
            self._kept_bytes += len(kept.body)
        self._make_room()

    async def once(
        self,
        identity: str,
        key: str,
        fingerprint: bytes,
        run: Callable[[], Awaitable[Answer]],
        *,
        secret: bool = False,
    ) -> Answer:
        """Run the request, or return the answer of the one that had the same key before.

        A repetition that comes while the first still runs waits for its answer. A `secret` answer is not
        written down.

        Raises:
            IdempotencyConflict: the key was used for a different request.
        """
        self._drop_old()
        found = self._entries.get((identity, key))
        if found is not None:
            if found.fingerprint != fingerprint:
                raise IdempotencyConflict(key)
            answer = await asyncio.shield(found.answer)
            return Answer(answer.status, answer.body, answer.content_type, answer.headers + _REPLAYED)
        pending: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        entry = _Entry(fingerprint, self._now_ns(), pending)
        self._entries[identity, key] = entry
        try:
            answer = await run()
        except BaseException as error:
            del self._entries[identity, key]
            # Repetitions that wait are told the same; without any, nobody asks for it.
            pending.set_exception(error if isinstance(error, Exception) else stopping())
            pending.exception()
            raise
        pending.set_result(answer)
        if answer.status in _NOT_KEPT:
            del self._entries[identity, key]
        else:
            self._kept_bytes += len(answer.body)
            self._make_room()
            if not secret:
                await self._keep(f"{identity} {key}", entry, answer)
        return answer

    async def _keep(self, whose: str, entry: _Entry, answer: Answer) -> None:
        """Store an answer. Where that is not possible the request is done all the same, and so it is told."""
        kept = StoredAnswer(
            whose=whose,
            since_ns=entry.since_ns,
            fingerprint=entry.fingerprint,
            status=answer.status,
            content_type=(answer.content_type or b"").decode(),
            headers=answer.headers,
            body=answer.body,
        )
        # Those beyond that will go by their age.
        forgotten, self._forgotten = self._forgotten[-KEYS_MAX:], []
        try:
            await self._store.append(answer_comes(kept, forgotten, entry.since_ns - KEPT_NS))
        except CaxtonError as error:
            self._forgotten += forgotten
            _LOGGER.warning(
                "an answer is kept under its idempotency key in memory only: %s",
                error,
                extra={"event": "answer_not_stored"},
            )

    def _drop_old(self) -> None:
        oldest_ns = self._now_ns() - KEPT_NS
        while self._entries:
            where, entry = next(iter(self._entries.items()))
            if entry.since_ns > oldest_ns or not entry.answer.done():
                return
            self._drop(where, entry)

    def _make_room(self) -> None:
        if len(self._entries) <= KEYS_MAX and self._kept_bytes <= KEPT_BYTES_MAX:
            return
        for where, entry in list(self._entries.items()):
            if entry.answer.done():
                self._drop(where, entry)
                if len(self._entries) <= KEYS_MAX and self._kept_bytes <= KEPT_BYTES_MAX:
                    return

    def _drop(self, where: tuple[str, str], entry: _Entry) -> None:
        del self._entries[where]
        self._kept_bytes -= len(entry.answer.result().body)
        self._forgotten.append(" ".join(where))


def is_replayed(answer: Answer) -> bool:
    """Tell whether an answer is that of an earlier request with the same key."""
    return _REPLAYED[0] in answer.headers


def parse_idempotency_key(value: bytes) -> str:
    """Return the key of the header.

    Raises:
        InvalidRequest: it is empty, too long, or not printable ASCII.
    """
    key = value.decode("latin-1").strip()
    if 0 < len(key) <= KEY_CHARACTERS_MAX and key.isascii() and key.isprintable():
        return key
    raise invalid_request(
        "Idempotency-Key",
        "the key cannot be used",
        f"give 1 to {KEY_CHARACTERS_MAX} printable ASCII characters, such as a UUID",
    )
