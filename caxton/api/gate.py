"""Who a request comes from, and whether a browser was tricked into sending it."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, final
from urllib.parse import parse_qs, urlsplit

from caxton.api.call import Scope
from caxton.domain.errors.security import Forbidden, Unauthorized
from caxton.security.rate import CallRate
from caxton.security.roles import ANYONE, Permission, Principal, authorize
from caxton.security.tokens import TOKEN_CHARACTERS_MAX, TokenStore, parse_authorization

SUBPROTOCOL: Final = "caxton.v1"
_TOKEN_SUBPROTOCOL: Final = "bearer."  # noqa: S105 - what stands before a token


@final
class Gate:
    """Finds the principal of a request by its token, and counts its calls.

    `tokens` None lets everybody in as an admin; `rate` None lets everybody call as often as they like.
    """

    def __init__(self, tokens: TokenStore | None, rate: CallRate | None) -> None:
        self.tokens = tokens
        self.rate = rate

    def principal(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Return who calls.

        Raises:
            Unauthorized: no token, or one that is not accepted.
            Forbidden: authentication is off and the request does not come from this machine's own pages.
        """
        if self.tokens is None:
            _refuse_foreign_pages(headers)
            return ANYONE
        value = headers.get(b"authorization")
        if value is None:
            raise Unauthorized("missing")
        return self.tokens.authenticate(parse_authorization(value.decode("latin-1")))

    def page_principal(self, headers: Mapping[bytes, bytes], query: bytes) -> Principal:
        """As `principal`, for a page that a browser opens: the token may stand in `?access_token=`."""
        if self.tokens is None or b"authorization" in headers:
            return self.principal(headers)
        return self.tokens.authenticate(_query_token(query))

    def stream_principal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal:
        """As `principal`, for a WebSocket: a browser cannot set its headers.

        The token may stand in the subprotocol `bearer.<token>` or in `?access_token=`. A page of another
        origin is refused in any case.
        """
        if not _is_same_origin(headers):
            raise Forbidden(Permission.MESSAGE_READ, role="page", subject="another origin")
        if self.tokens is None or b"authorization" in headers:
            return self.principal(headers)
        for offered in scope.get("subprotocols", []):
            if offered.startswith(_TOKEN_SUBPROTOCOL):
                token = offered.removeprefix(_TOKEN_SUBPROTOCOL)
                return self.tokens.authenticate(parse_authorization(f"Bearer {token}"))
        return self.tokens.authenticate(_query_token(scope["query_string"]))

    def admit(self, principal: Principal, permission: Permission | None) -> None:
        """Let the principal through to a route.

        Raises:
            RateLimited: it calls too often.
            Forbidden: its role does not hold the permission.
        """
        if self.rate is not None:
            self.rate.take(principal)
        if permission is not None:
            authorize(principal, permission)

    def is_live(self, principal: Principal) -> bool:
        """Tell whether the principal's token is still accepted."""
        return self.tokens is None or self.tokens.is_live(principal.identity)


def _query_token(query: bytes) -> str:
    try:
        tokens = parse_qs(query.decode("ascii"), max_num_fields=32).get("access_token", [])
    except ValueError:
        raise Unauthorized("malformed") from None
    if not tokens:
        raise Unauthorized("missing")
    if len(tokens) > 1 or len(tokens[0]) > TOKEN_CHARACTERS_MAX:
        raise Unauthorized("malformed")
    return tokens[0]


def _is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether the request comes from no page at all, or from one of this very host and port."""
    origin = headers.get(b"origin")
    return origin is None or _authority(origin) == headers.get(b"host", b"").lower()


def _authority(origin: bytes) -> bytes:
    try:
        return urlsplit(origin.decode("latin-1")).netloc.lower().encode("latin-1")
    except ValueError:
        return b""


def _refuse_foreign_pages(headers: Mapping[bytes, bytes]) -> None:
    """Without tokens, a page that a browser has open must not reach the server.

    Its Origin gives it away; where its name was rebound to the loopback address, its Host does.
    """
    host = headers.get(b"host", b"localhost").decode("latin-1")
    if not _is_same_origin(headers) or not _is_loopback(host):
        raise Forbidden(Permission.MESSAGE_SEND, role="page", subject="another origin")


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
