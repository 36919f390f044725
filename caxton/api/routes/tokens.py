"""Tokens: make, list, revoke."""

from typing import final

from caxton.api.call import BodyRoom, Call
from caxton.api.errors import invalid_request
from caxton.api.route import Nothing, Route, answering, ending, taking
from caxton.api.schemas import TokenCreate, TokenCreated, TokenList
from caxton.domain.problem import ProblemKind
from caxton.security.roles import Permission
from caxton.security.tokens import TokenStore

_PATH = "/api/v1/tokens"
_TAG = "tokens"


@final
class TokenRoutes:
    """The handlers of `/tokens`."""

    def __init__(self, tokens: TokenStore, room: BodyRoom) -> None:
        self._tokens = tokens
        self._room = room

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        return [
            taking(
                "POST",
                _PATH,
                self.create_token,
                self._room,
                query=Nothing,
                takes=TokenCreate,
                gives=TokenCreated,
                status=201,
                permission=Permission.TOKEN_MANAGE,
                tag=_TAG,
                refuses=("RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
            answering(
                "GET",
                _PATH,
                self.list_tokens,
                query=Nothing,
                gives=TokenList,
                permission=Permission.TOKEN_MANAGE,
                tag=_TAG,
            ),
            ending(
                "DELETE",
                f"{_PATH}/{{token_id}}",
                self.revoke_token,
                query=Nothing,
                permission=Permission.TOKEN_MANAGE,
                tag=_TAG,
                refuses=("NOT_FOUND", "INVALID_STATE", "RESOURCE_LIMIT_EXCEEDED", "STORAGE_FULL"),
            ),
        ]

    async def create_token(self, call: Call, _query: Nothing, body: TokenCreate) -> TokenCreated:
        """Make a token; it is shown this once and lives until it expires or is revoked."""
        if not body.name.isprintable():
            raise invalid_request(
                "name",
                "the name holds a control character",
                "use printable characters",
                ProblemKind.INVALID_VALUE,
            )
        call.subject = body.name
        token, view = await self._tokens.create(body.name, body.role, body.expires_in_s)
        return TokenCreated(
            token=token,
            token_id=view.token_id,
            name=view.name,
            role=view.role,
            created_at=view.created_at,
            expires_at=view.expires_at,
        )

    async def list_tokens(self, _call: Call, _query: Nothing) -> TokenList:
        """List tokens, without their secrets."""
        return TokenList(tokens=self._tokens.list())

    async def revoke_token(self, call: Call, _query: Nothing) -> None:
        """End a token at once."""
        await self._tokens.revoke(call.parameters[0])
