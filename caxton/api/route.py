"""A route: what a path does, who may call it, what goes in and out.

The functions here build a route around a handler so that the declared types are the ones that are
decoded and encoded; the OpenAPI document is made from the same declarations.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeVar, final

import msgspec

from caxton.api.answer import JSON, NO_CONTENT, Answer, struct_answer
from caxton.api.call import BodyRoom, Call
from caxton.api.decoding import decode_body, decode_query
from caxton.security.roles import Permission

Method = Literal["GET", "POST", "PUT", "DELETE", "WEBSOCKET"]
Run = Callable[[Call], Awaitable[Answer | None]]

SMALL_BODY_BYTES_MAX: Final = 1024 * 1024


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


@final
class Content(msgspec.Struct, frozen=True):
    """A kind of body: its media type, the type of its document (None for bytes or a page), what it is."""

    media_type: str
    document: type[msgspec.Struct] | None
    description: str = ""


@final
class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `permission` None lets every known caller in, `public` everybody."""

    method: Method
    path: str
    operation_id: str
    summary: str
    tag: str
    permission: Permission | None
    public: bool
    run: Run
    query: type[msgspec.Struct]
    takes: tuple[Content, ...]
    gives: dict[int, tuple[Content, ...]]
    # Whether a repeated request under one Idempotency-Key can be answered from memory; the greatest
    # body that is read to find out.
    repeatable_body_bytes_max: int | None
    body_optional: bool
    refuses: tuple[str, ...]


Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)
A = TypeVar("A", bound=msgspec.Struct)


def answering(
    method: Method,
    path: str,
    handler: Callable[[Call, Q], Awaitable[A]],
    *,
    query: type[Q],
    gives: type[A],
    permission: Permission | None,
    tag: str,
    status: int = 200,
    public: bool = False,
    refuses: Sequence[str] = (),
) -> Route:
    """Return the route of a handler without body whose answer is a document."""

    async def run(call: Call) -> Answer:
        return struct_answer(status, await handler(call, decode_query(call.scope["query_string"], query)))

    return _route(
        method,
        path,
        handler,
        run,
        query=query,
        gives={status: (Content("application/json", gives),)},
        permission=permission,
        tag=tag,
        public=public,
        refuses=refuses,
        repeatable_body_bytes_max=SMALL_BODY_BYTES_MAX if method == "POST" else None,
    )


def taking(
    method: Method,
    path: str,
    handler: Callable[[Call, Q, B], Awaitable[A]],
    room: BodyRoom,
    *,
    query: type[Q],
    takes: type[B],
    gives: type[A],
    permission: Permission,
    tag: str,
    status: int = 200,
    body_bytes_max: int = SMALL_BODY_BYTES_MAX,
    optional: bool = False,
    refuses: Sequence[str] = (),
) -> Route:
    """Return the route of a handler whose body and answer are documents; an `optional` body may be empty."""

    async def run(call: Call) -> Answer:
        parameters = decode_query(call.scope["query_string"], query)
        with room.lease() as lease:
            body = await call.body(body_bytes_max, lease)
            if optional and not body:
                body = b"{}"
            else:
                call.require_json()
            document = decode_body(body, takes)
            return struct_answer(status, await handler(call, parameters, document))

    return _route(
        method,
        path,
        handler,
        run,
        query=query,
        takes=(Content("application/json", takes),),
        gives={status: (Content("application/json", gives),)},
        permission=permission,
        tag=tag,
        refuses=refuses,
        repeatable_body_bytes_max=body_bytes_max,
        body_optional=optional,
    )


def ending(
    method: Method,
    path: str,
    handler: Callable[[Call, Q], Awaitable[None]],
    *,
    query: type[Q],
    permission: Permission,
    tag: str,
    refuses: Sequence[str] = (),
) -> Route:
    """Return the route of a handler without body whose answer is empty."""

    async def run(call: Call) -> Answer:
        await handler(call, decode_query(call.scope["query_string"], query))
        return NO_CONTENT

    return _route(
        method,
        path,
        handler,
        run,
        query=query,
        gives={204: ()},
        permission=permission,
        tag=tag,
        refuses=refuses,
    )


def hand_made(
    method: Method,
    path: str,
    handler: Callable[[Call, Q], Awaitable[Answer | None]],
    *,
    query: type[Q],
    gives: dict[int, tuple[Content, ...]],
    permission: Permission | None,
    tag: str,
    takes: tuple[Content, ...] = (),
    public: bool = False,
    refuses: Sequence[str] = (),
    repeatable_body_bytes_max: int | None = None,
) -> Route:
    """Return the route of a handler that reads its body and makes its answer itself (None: it was sent)."""

    async def run(call: Call) -> Answer | None:
        return await handler(call, decode_query(call.scope["query_string"], query))

    return _route(
        method,
        path,
        handler,
        run,
        query=query,
        takes=takes,
        gives=gives,
        permission=permission,
        tag=tag,
        public=public,
        refuses=refuses,
        repeatable_body_bytes_max=repeatable_body_bytes_max,
    )


def _route(
    method: Method,
    path: str,
    handler: Callable[..., object],
    run: Run,
    *,
    query: type[msgspec.Struct],
    gives: dict[int, tuple[Content, ...]],
    permission: Permission | None,
    tag: str,
    takes: tuple[Content, ...] = (),
    public: bool = False,
    refuses: Sequence[str] = (),
    repeatable_body_bytes_max: int | None = None,
    body_optional: bool = False,
) -> Route:
    summary = (handler.__doc__ or "").strip().partition("\n")[0]
    assert summary, f"the handler of {method} {path} says what it does"
    return Route(
        method=method,
        path=path,
        operation_id=handler.__name__,
        summary=summary,
        tag=tag,
        permission=permission,
        public=public,
        run=run,
        query=query,
        takes=takes,
        gives=gives,
        repeatable_body_bytes_max=repeatable_body_bytes_max,
        body_optional=body_optional,
        refuses=tuple(refuses),
    )


assert JSON == b"application/json", "the documents above are sent with this type"
