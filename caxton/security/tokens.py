"""Bearer tokens: made once, shown once, kept as SHA-256.

A token is `cxt_<id>_<secret>`: the id names it in lists and logs, the secret is 256 random bits. The
root token has a file of its own; every other one is kept in a log, and holds once it is there. A revoked one
is refused at once, also when the log cannot be written: then its caller is told to revoke it again.
A look-up hashes what the caller sent and finds the hash in a dict, so its time tells nothing about
how near a guess was.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from os import urandom
from typing import Final, Protocol, final

import msgspec

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.errors.security import Unauthorized
from caxton.domain.suggestion import near_names
from caxton.domain.timestamp import format_timestamp
from caxton.security.roles import Principal, Role

TOKENS_MAX: Final = 10_000
REVOKED_MAX: Final = 10_000
TOKEN_CHARACTERS_MAX: Final = 512
ROOT_IDENTITY: Final = "root"
_PREFIX: Final = "cxt_"
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 6


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of a token: everything but the token. Times are RFC 3339."""

    token_id: str
    name: str
    role: Role
    created_at: str
    expires_at: str | None
    last_used_at: str | None


@final
class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token. `digest` is its SHA-256; a revoked one is kept to tell its holder."""

    token_id: str
    name: str
    role: Role
    digest: bytes
    created_ns: int
    expires_ns: int | None = None
    revoked_ns: int | None = None


class TokenLog(Protocol):
    """Where tokens outlive the process."""

    async def keep(self, token: StoredToken, forget: Sequence[str] = ()) -> None:
        """Keep a token as it is given and forget those with the other ids, both or neither.

        Raises:
            StorageFull, ResourceLimitExceeded, Unavailable: nothing has changed.
        """
        ...


@final
class _Record:
    """A token as the store keeps it."""

    __slots__ = ("created_ns", "digest", "expires_ns", "last_used_ns", "principal")

    def __init__(self, principal: Principal, digest: bytes, created_ns: int, expires_ns: int | None) -> None:
        self.principal = principal
        self.digest = digest
        self.created_ns = created_ns
        self.expires_ns = expires_ns
        self.last_used_ns: int | None = None

    def stored(self, revoked_ns: int | None) -> StoredToken:
        return StoredToken(
            token_id=self.principal.identity,
            name=self.principal.name,
            role=self.principal.role,
            digest=self.digest,
            created_ns=self.created_ns,
            expires_ns=self.expires_ns,
            revoked_ns=revoked_ns,
        )

    def view(self) -> TokenView:
        return TokenView(
            token_id=self.principal.identity,
            name=self.principal.name,
            role=self.principal.role,
            created_at=format_timestamp(self.created_ns),
            expires_at=None if self.expires_ns is None else format_timestamp(self.expires_ns),
            last_used_at=None if self.last_used_ns is None else format_timestamp(self.last_used_ns),
        )


def new_token(token_id: str) -> str:
    """Return a fresh token with that id."""
    secret = urlsafe_b64encode(urandom(_SECRET_BYTES)).rstrip(b"=").decode()
    return f"{_PREFIX}{token_id}_{secret}"


@final
class TokenStore:
    """All tokens that this process accepts. For the thread of the event loop."""

    def __init__(
        self,
        root_token: str,
        now_ns: Callable[[], int],
        log: TokenLog,
        stored: Iterable[StoredToken] = (),
    ) -> None:
        """Accept the root token and those that the log had; `now_ns` is the wall clock in nanoseconds."""
        self._now_ns = now_ns
        self._log = log
        self._by_digest: dict[bytes, _Record] = {}
        self._by_id: dict[str, _Record] = {}
        # Kept so that a caller is told why its token stopped working; oldest dropped first.
        self._revoked: dict[bytes, str] = {}
        # Revoked here, while the log does not know of it.
        self._unsettled: dict[str, StoredToken] = {}
        self._coming_count = 0
        root = Principal(ROOT_IDENTITY, ROOT_IDENTITY, Role.ADMIN)
        self._add(_Record(root, _digest(root_token), now_ns(), None))
        for token in stored:
            if token.revoked_ns is not None:
                self._revoked[token.digest] = token.token_id
            else:
                principal = Principal(token.token_id, token.name, token.role)
                self._add(_Record(principal, token.digest, token.created_ns, token.expires_ns))

    def authenticate(self, token: str) -> Principal:
        """Return who the token stands for.

        Raises:
            Unauthorized: the token is unknown, expired or revoked.
        """
        digest = _digest(token)
        record = self._by_digest.get(digest)
        if record is None:
            raise Unauthorized("revoked" if digest in self._revoked else "unknown")
        now_ns = self._now_ns()
        if record.expires_ns is not None and now_ns >= record.expires_ns:
            raise Unauthorized("expired")
        record.last_used_ns = now_ns
        return record.principal

    def is_live(self, identity: str) -> bool:
        """Tell whether the token with that id would still be accepted; for connections that stay open."""
        record = self._by_id.get(identity)
        return record is not None and (record.expires_ns is None or self._now_ns() < record.expires_ns)

    async def create(self, name: str, role: Role, expires_in_s: float | None) -> tuple[str, TokenView]:
        """Make a token and return it, for the only time, with what may be told of it later.

        Raises:
            ResourceLimitExceeded: the store is full of tokens that still live.
            StorageFull, Unavailable: it could not be kept; there is no such token.
        """
        expired = self._expired()
        if len(self._by_id) - len(expired) + self._coming_count >= TOKENS_MAX:
            raise ResourceLimitExceeded("tokens", TOKENS_MAX)
        token_id = urandom(_ID_BYTES).hex()
        while token_id in self._by_id:
            token_id = urandom(_ID_BYTES).hex()
        token = new_token(token_id)
        now_ns = self._now_ns()
        expires_ns = None if expires_in_s is None else now_ns + int(expires_in_s * 1_000_000_000)
        record = _Record(Principal(token_id, name, role), _digest(token), now_ns, expires_ns)
        self._coming_count += 1
        try:
            await self._log.keep(record.stored(None), [old.principal.identity for old in expired])
        finally:
            self._coming_count -= 1
        for old in expired:
            self._remove(old)
        self._add(record)
        return token, record.view()

    def list(self) -> list[TokenView]:
        """Return all tokens that are not revoked, oldest first."""
        return [record.view() for record in self._by_id.values()]

    async def revoke(self, token_id: str) -> None:
        """End a token at once.

        Raises:
            NotFound: no token has this id.
            InvalidState: it is the root token, which only the operator changes.
            StorageFull, ResourceLimitExceeded, Unavailable: it is refused from now on, but only until a
                restart; revoking it again may succeed.
        """
        if token_id == ROOT_IDENTITY:
            raise InvalidState("in use", "revoke", subject="the root token", allowed=())
        record = self._by_id.get(token_id)
        if record is not None:
            self._remove(record)
            self._revoked[record.digest] = token_id
            self._unsettled[token_id] = record.stored(self._now_ns())
        stored = self._unsettled.get(token_id)
        if stored is None:
            raise NotFound("token", token_id, suggestions=near_names(token_id, self._by_id))
        oldest = list(self._revoked.items())[: max(len(self._revoked) - REVOKED_MAX, 0)]
        await self._log.keep(stored, [old for _, old in oldest])
        self._unsettled.pop(token_id, None)
        for digest, _ in oldest:
            self._revoked.pop(digest, None)

    def _add(self, record: _Record) -> None:
        self._by_digest[record.digest] = record
        self._by_id[record.principal.identity] = record

    def _remove(self, record: _Record) -> None:
        self._by_digest.pop(record.digest, None)
        self._by_id.pop(record.principal.identity, None)

    def _expired(self) -> tuple[_Record, ...]:
        now_ns = self._now_ns()
        return tuple(
            record
            for record in self._by_id.values()
            if record.expires_ns is not None and now_ns >= record.expires_ns
        )


def parse_authorization(value: str) -> str:
    """Return the token of an `Authorization` header.

    Raises:
        Unauthorized: the header is not of the form `Bearer <token>`.
    """
    scheme, _, token = value.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise Unauthorized("malformed")
    return token


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
