"""Tokens as rows: their hashes, never the tokens."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from caxton.security.roles import Role
from caxton.security.tokens import StoredToken
from caxton.storage.refusals import damaged
from caxton.storage.statement import Change, put, remove
from caxton.storage.store import Store

_PUT: Final = put(
    "tokens", "token_id", "name", "role", "created_ns", "expires_ns", "revoked_ns", blobs=("digest",)
)
_REMOVE: Final = remove("tokens", "token_id")


@final
class TokenTable:
    """Keeps tokens in the store; the token room's `TokenLog`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, token: StoredToken, forget: Sequence[str] = ()) -> None:
        """Keep a token as it is given and forget those with the other ids; on the disk when this returns.

        Raises:
            StorageFull, ResourceLimitExceeded, Unavailable: nothing has changed.
        """
        changes = [Change(_REMOVE, [(token_id,) for token_id in forget])] if forget else []
        await self._store.append([*changes, token_is(token)])


def token_is(token: StoredToken) -> Change:
    """Return the change after which a token is kept as it is given."""
    row = (
        token.token_id,
        token.name,
        str(token.role),
        token.created_ns,
        token.expires_ns,
        token.revoked_ns,
        token.digest,
    )
    return Change(_PUT, [row])


def load_tokens(connection: sqlite3.Connection, path: Path) -> list[StoredToken]:
    """Return all tokens in the order in which they were made.

    Raises:
        ConfigurationInvalid: a row cannot be read; names it.
    """
    tokens: list[StoredToken] = []
    rows = connection.execute(
        "SELECT token_id, name, role, created_ns, expires_ns, revoked_ns, digest FROM tokens "
        "ORDER BY sequence"
    )
    for token_id, name, role, created_ns, expires_ns, revoked_ns, digest in rows:
        try:
            tokens.append(
                StoredToken(
                    token_id=token_id,
                    name=name,
                    role=Role(role),
                    created_ns=created_ns,
                    expires_ns=expires_ns,
                    revoked_ns=revoked_ns,
                    digest=digest,
                )
            )
        except ValueError as error:
            raise damaged(path, f"the row of token {token_id} cannot be read ({error})") from error
    return tokens
