"""The application: route, caller, handler, answer, and the edge where errors stop.

Pure ASGI, no middleware: one request is one coroutine from the connection to the handler and back.
"""

import asyncio
from hashlib import sha256
from time import perf_counter
from typing import Final, final

from caxton.api.answer import Answer
from caxton.api.audit_trail import AuditTrail
from caxton.api.call import BodyRoom, Call, ClientGone, Receive, Scope, Send
from caxton.api.ending import Ending, settle
from caxton.api.errors import internal_refusal, refusal, stopping
from caxton.api.gate import Gate
from caxton.api.http_metrics import NO_ROUTE, RequestMetrics
from caxton.api.idempotency import IdempotencyStore, parse_idempotency_key
from caxton.api.route import Route
from caxton.api.route_table import RouteTable
from caxton.api.socket_call import SocketCall, SocketHandler
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.problem import Problem, ProblemKind

_PAGES: Final = frozenset({"show_docs", "show_openapi"})
# Their answers are not written down.
_SECRET: Final = frozenset({"create_token"})


@final
class Application:
    """The ASGI callable. Every exception of a handler ends here."""

    def __init__(
        self,
        table: RouteTable,
        sockets: dict[str, SocketHandler],
        gate: Gate,
        metrics: RequestMetrics,
        idempotency: IdempotencyStore,
        ending: Ending,
        room: BodyRoom,
        audit: AuditTrail,
    ) -> None:
        """`sockets` are the handlers of WebSockets by the operation id of their route."""
        self._table = table
        self._sockets = sockets
        self._gate = gate
        self._metrics = metrics
        self._idempotency = idempotency
        self._ending = ending
        self._room = room
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        call = Call(scope, receive, send, dict(scope["headers"]))
        label = NO_ROUTE
        route: Route | None = None
        try:
            try:
                route, call.parameters = self._table.find(scope["method"], scope["path"], scope["raw_path"])
            except CaxtonError:
                # Who is not known is not told what exists.
                self._gate.principal(call.headers)
                raise
            label = route.path
            if not route.public:
                self._admit(route, call)
            if b"idempotency-key" in call.headers and scope["method"] == "POST":
                answer = await self._run_once(route, call)
            else:
                answer = await route.run(call)
        except CaxtonError as error:
            answer = refusal(error, call.trace_id)
            call.refusal_code = error.code
        except ClientGone:
            answer = None
        except asyncio.CancelledError:
            answer = self._woken(call)
        except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong, the caller gets an answer
            answer = internal_refusal(error, call.trace_id, f"{scope['method']} {label}")
        if answer is not None and call.answered_status == 0:
            if route is not None:
                try:
                    await self._audit.enter(route, call, answer)
                except asyncio.CancelledError:
                    # The caller left, or the server stops; the entry is on its way all the same.
                    settle()
            await call.answer(answer)
        self._metrics.observe(label, scope["method"], call.answered_status, perf_counter() - started)

    def _admit(self, route: Route, call: Call) -> None:
        if route.operation_id in _PAGES:
            call.principal = self._gate.page_principal(call.headers, call.scope["query_string"])
        else:
            call.principal = self._gate.principal(call.headers)
        self._gate.admit(call.principal, route.permission)

    def _woken(self, call: Call) -> Answer | None:
        """Answer a request that was cancelled: its caller left, or the server stops."""
        settle()
        return refusal(stopping(), call.trace_id) if self._ending.begun else None

    async def _run_once(self, route: Route, call: Call) -> Answer | None:
        """Answer a request with an Idempotency-Key, from memory where the key is known."""
        key = parse_idempotency_key(call.headers[b"idempotency-key"])
        if route.repeatable_body_bytes_max is None:
            raise InvalidRequest(
                [
                    Problem(
                        field="Idempotency-Key",
                        kind=ProblemKind.UNSUPPORTED,
                        problem="a stream of messages cannot be repeated under one key in this version",
                        fix="leave the header out, or send the messages one by one, each with its key",
                    )
                ]
            )
        with self._room.lease() as lease:
            body = await call.body(route.repeatable_body_bytes_max, lease)
            scope = call.scope
            asked = b"\n".join(
                (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
            )
            call.replay(body)

            async def run() -> Answer:
                try:
                    answer = await route.run(call)
                except CaxtonError as error:
                    call.refusal_code = error.code
                    return refusal(error, call.trace_id)
                assert answer is not None, "only whole answers are repeatable"
                return answer

            return await self._idempotency.once(
                call.principal.identity,
                key,
                sha256(asked).digest(),
                run,
                secret=route.operation_id in _SECRET,
            )

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = SocketCall(scope, receive, send, dict(scope["headers"]))
        label = NO_ROUTE
        try:
            call.principal = self._gate.stream_principal(scope, call.headers)
            route, call.parameters = self._table.find("WEBSOCKET", scope["path"], scope["raw_path"])
            label = route.path
            self._gate.admit(call.principal, route.permission)
            await self._sockets[route.operation_id](call)
        except CaxtonError as error:
            await call.refuse(refusal(error, call.trace_id))
        except ClientGone:
            pass
        except asyncio.CancelledError:
            settle()
            await call.refuse(refusal(stopping(), call.trace_id))
        except Exception as error:  # noqa: BLE001 - the edge, as above
            await call.refuse(internal_refusal(error, call.trace_id, f"WEBSOCKET {label}"))
        self._metrics.count(label, "WEBSOCKET", call.answered_status)
