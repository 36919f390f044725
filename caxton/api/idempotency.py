"""Answers kept under the Idempotency-Key of their requests, so that a repetition does nothing twice.

In memory: a restart forgets them. Bounded: when there are too many, or they are too large together,
the oldest finished ones go first, even before their 24 hours are over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, final

from caxton.api.answer import Answer
from caxton.api.errors import IdempotencyConflict, invalid_request, stopping

KEPT_NS: Final = 24 * 3600 * 1_000_000_000
KEYS_MAX: Final = 10_000
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
KEY_CHARACTERS_MAX: Final = 255
# What these say is not the outcome of the request: it was not let in, or may work the next time.
_NOT_KEPT: Final = frozenset({401, 403, 408, 413, 429, 503})
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

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """`now_ns` is a monotonic clock in nanoseconds."""
        self._now_ns = now_ns
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def once(
        self, identity: str, key: str, fingerprint: bytes, run: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Run the request, or return the answer of the one that had the same key before.

        A repetition that comes while the first still runs waits for its answer.

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
        return answer

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
