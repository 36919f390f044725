"""The API put together: every part made once, in one place, and handed to those that need it."""

import ssl
from collections.abc import Callable
from typing import final

import msgspec

from caxton.api.acl_text import ACLText
from caxton.api.app import Application
from caxton.api.audit_trail import AuditTrail
from caxton.api.call import BodyRoom
from caxton.api.ending import Ending
from caxton.api.gate import Gate
from caxton.api.http_metrics import RequestMetrics
from caxton.api.idempotency import IdempotencyStore
from caxton.api.listener import Listener
from caxton.api.ownership import Ownership
from caxton.api.route_table import RouteTable
from caxton.api.routes.agents import MODULE_BODY_BYTES_MAX, AgentRoutes
from caxton.api.routes.auctions import AuctionRoutes
from caxton.api.routes.audit import AuditRoutes
from caxton.api.routes.capabilities import CapabilityRoutes
from caxton.api.routes.conversation_messages import ConversationMessageRoutes
from caxton.api.routes.conversations import ConversationRoutes
from caxton.api.routes.description import DescriptionRoutes
from caxton.api.routes.inbox import InboxRoutes
from caxton.api.routes.logs import LogRoutes
from caxton.api.routes.messages import ENVELOPE_BYTES_MAX, MessageRoutes
from caxton.api.routes.stream import StreamRoutes
from caxton.api.routes.system import SystemRoutes
from caxton.api.routes.tasks import TaskRoutes
from caxton.api.routes.tokens import TokenRoutes
from caxton.api.wire import Watch, WireBounds
from caxton.clock import Clock
from caxton.config import Config, limit_maxima
from caxton.runtime.runtime import Runtime
from caxton.security.rate import CallRate
from caxton.security.tokens import TokenStore
from caxton.tasks.assembly import ProtocolServices

BODY_ROOM_BYTES_MAX = 512 * 1024 * 1024


@final
class ServiceBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the API as a whole may take, and how long a stop may last, in seconds."""

    wire: WireBounds = WireBounds()
    body_room_bytes_max: int = BODY_ROOM_BYTES_MAX
    graceful_s: float = 3.0


@final
class Service:
    """The API of one server: `listener` to start and stop it, `metrics` to count it."""

    def __init__(
        self,
        runtime: Runtime,
        services: ProtocolServices,
        config: Config,
        clock: Clock,
        tokens: TokenStore,
        version: str,
        *,
        bounds: ServiceBounds,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.metrics = RequestMetrics()
        ending = Ending()
        room = BodyRoom(bounds.body_room_bytes_max)
        gate = _gate(config, clock, tokens)
        ownership = Ownership(runtime)
        message_bytes_max = config.messaging.message_bytes_max
        body_bytes_max = message_bytes_max + ENVELOPE_BYTES_MAX
        acl_text = ACLText(runtime, clock, config.messaging.platform, body_bytes_max)
        streams = StreamRoutes(runtime, ownership, gate)
        description = DescriptionRoutes(version)
        table = RouteTable(
            [
                *MessageRoutes(runtime, ownership, room, ending, acl_text, message_bytes_max).routes(),
                *AgentRoutes(runtime, ownership, room, ending, limit_maxima(config), body_bytes_max).routes(),
                *InboxRoutes(runtime, ownership, room, ending, acl_text).routes(),
                *LogRoutes(runtime, ending).routes(),
                *streams.routes(),
                *ConversationRoutes(runtime, ownership, room).routes(),
                *CapabilityRoutes(runtime, ownership).routes(),
                *ConversationMessageRoutes(runtime).routes(),
                *TaskRoutes(services.tasks, room, ending, body_bytes_max).routes(),
                *AuctionRoutes(services.auctions, room, ending, body_bytes_max).routes(),
                *TokenRoutes(tokens, room).routes(),
                *AuditRoutes(runtime.store).routes(),
                *SystemRoutes(
                    runtime, ending, version, _uptime(clock), _limits(bounds, body_bytes_max)
                ).routes(),
                *description.routes(),
            ]
        )
        description.describe(table.routes)
        idempotency = IdempotencyStore(clock.wall_ns, runtime.store)
        application = Application(
            table,
            streams.sockets(),
            gate,
            self.metrics,
            idempotency,
            ending,
            room,
            AuditTrail(runtime.store, clock, config.security.audit_days),
        )
        self._idempotency = idempotency
        self.routes = table.routes
        self.bounds = bounds
        self.room = room
        self.ending = ending
        self.listener = Listener(
            application,
            Watch(bounds.wire, self.metrics.refused),
            ending,
            frame_bytes_max=body_bytes_max,
            graceful_s=bounds.graceful_s,
            tls=tls,
        )

    async def start(self) -> None:
        """Take in what was kept, then listen."""
        await self._idempotency.load()
        await self.listener.start()


def _gate(config: Config, clock: Clock, tokens: TokenStore) -> Gate:
    rate = config.security.rate_limit
    return Gate(
        tokens if config.security.auth == "token" else None,
        CallRate(rate, clock.monotonic_ns) if rate > 0 else None,
    )


def _uptime(clock: Clock) -> Callable[[], float]:
    started_ns = clock.monotonic_ns()
    return lambda: (clock.monotonic_ns() - started_ns) / 1e9


def _limits(bounds: ServiceBounds, body_bytes_max: int) -> dict[str, object]:
    return {
        "module_body_bytes_max": MODULE_BODY_BYTES_MAX,
        "message_body_bytes_max": body_bytes_max,
        "header_bytes_max": bounds.wire.header_bytes_max,
        "request_s_max": bounds.wire.request_s_max,
        "connections_max": bounds.wire.connections_max,
        "body_room_bytes_max": bounds.body_room_bytes_max,
    }
