"""The facade of the room: every call that the API, the demo and the tests make of the runtime.

All methods are for the thread of the event loop. Whatever is refused is raised as an error of
`caxton.domain.errors`, with everything that its answer needs.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, final

from caxton import __version__
from caxton.clock import Clock
from caxton.config import Config
from caxton.domain.agent import ExternalProgram, Profile, StateName
from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.ids import AgentId, AgentName
from caxton.runtime.agent_ledger import AgentLedger
from caxton.runtime.agent_log import AgentLog, LogShelf
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.agent_view import AgentView
from caxton.runtime.answers import Posted, Reply
from caxton.runtime.bridge import Bridge
from caxton.runtime.census import Census
from caxton.runtime.compiled_cache import CompiledCache
from caxton.runtime.conversations import Conversations
from caxton.runtime.core_size import core_settings
from caxton.runtime.data_directory import DataDirectory
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.dispatcher import Dispatcher, Listener
from caxton.runtime.inbox import Inbox
from caxton.runtime.lifecycle import Lifecycle
from caxton.runtime.module_store import ModuleStore
from caxton.runtime.modules import Modules
from caxton.runtime.recovery import Recovery
from caxton.runtime.registry import Query, Registry
from caxton.runtime.seam import ConversationCode, ConversationNews, CoreEvent, Incoming, Slot
from caxton.runtime.speakers import Speakers
from caxton.runtime.supervisor import Supervisor
from caxton.runtime.waiters import Waiters
from caxton.runtime.yellow_pages import YellowPages
from caxton.storage.agents import load_agents
from caxton.storage.store import Store
from caxton.telemetry.events import EventRing
from caxton.telemetry.logs import log_guest_line

MaySendAs = Callable[[AgentId], bool]
Page = tuple[list[AgentView], str | None]
AgentIds = list[AgentId]
Batch = tuple[int, list[Posted | CaxtonError]]

_log = logging.getLogger("caxton.runtime")

_WARN: Final = 3


@final
class Runtime:
    """The agents of this process and the way to them."""

    def __init__(
        self, config: Config, clock: Clock, directory: DataDirectory, store: Store, bridge: Bridge
    ) -> None:
        self._config = config
        self._clock = clock
        self._directory = directory
        self._store = store
        self._bridge = bridge
        self._phase = "new"
        self._logs = LogShelf()
        self._events = EventRing(clock.wall_ns())
        self._registry = Registry()
        ledger = AgentLedger(store, config.deployment.keep_versions)
        self._yellow_pages = YellowPages(self._registry, ledger)
        self._waiters = Waiters(self._registry)
        self._supervisor = Supervisor(self._registry, self._events, clock)
        self._modules = Modules(
            bridge,
            ModuleStore(directory.modules),
            CompiledCache(directory.compiled, bridge.engine_version),
            module_bytes_max=config.runtime.module_bytes_max,
            allowed_profiles=frozenset(Profile(name) for name in config.runtime.allowed_profiles),
        )
        self._lifecycle = Lifecycle(
            bridge,
            self._registry,
            self._modules,
            self._supervisor,
            self._logs,
            clock,
            config,
            ledger,
        )
        self._recovery = Recovery(self._lifecycle, clock.monotonic_ns)
        self._dispatcher = Dispatcher(
            bridge,
            self._registry,
            self._waiters,
            message_bytes_max=config.messaging.message_bytes_max,
            pool_messages=config.runtime.pool_messages,
            conversations_max=config.messaging.conversations_max,
        )
        self._speakers = Speakers(self._lifecycle, self._registry, self._dispatcher)
        self._conversations = Conversations(
            bridge,
            self._registry,
            self._dispatcher,
            self._events,
            clock,
            conversations_max=config.messaging.conversations_max,
        )

    @classmethod
    def open(cls, config: Config, clock: Clock) -> "Runtime":
        """Take the data directory, open the store and load the core; nothing runs yet.

        Raises:
            ConfigurationInvalid: the directory is not ours, its database is damaged or newer, or the core
                cannot be loaded or made.
        """
        with ExitStack() as opened:
            directory = DataDirectory.open(Path(config.storage.data_dir))
            opened.callback(directory.close)
            store = Store.open(
                directory.database,
                durability=config.storage.durability,
                group_commit_ms=config.storage.group_commit_ms,
            )
            opened.callback(store.close, 0.0)
            bridge = Bridge.open(core_settings(config))
            opened.callback(bridge.close)
            made = cls(config, clock, directory, store, bridge)
            opened.pop_all()
            return made

    # --- life ---

    async def start(self) -> None:
        """Start the core's workers and bring the agents back; `ready` is true afterwards.

        Raises:
            ConfigurationInvalid: an agent's row in the store cannot be read.
        """
        loop = asyncio.get_running_loop()
        agents = await loop.run_in_executor(None, self._store.load, load_agents)
        self._store.start()
        await loop.run_in_executor(None, self._bridge.start)
        self._bridge.attach(loop, self)
        self._phase = "recovering"
        await self._recovery.run(agents)
        self._phase = "running"

    async def stop(self, timeout_s: float) -> None:
        """Take nothing new, stop the workers after their current handler, free everything. Idempotent."""
        if self._phase == "stopped":
            return
        started = self._phase in {"recovering", "running"}
        self._phase = "stopped"
        loop = asyncio.get_running_loop()
        if started:
            self._bridge.detach()
            await loop.run_in_executor(None, self._bridge.stop, timeout_s)
            # Whatever was answered until the end still reaches its callers.
            self._bridge.drain_completions()
        self._dispatcher.close()
        await self._lifecycle.close()
        for record in self._registry:
            if record.inbox is not None:
                record.inbox.close()
            if record.log is not None:
                self._logs.close(record.log)
        if await loop.run_in_executor(None, self._modules.close, timeout_s):
            self._bridge.close()
        else:
            # Nobody can interrupt a compilation; the process ends with what it holds.
            _log.warning("a module is still being compiled", extra={"event": "compilation_abandoned"})
        if not await loop.run_in_executor(None, self._store.close, timeout_s):
            _log.warning("the disk does not answer", extra={"event": "commit_abandoned"})
        self._directory.close()

    @property
    def ready(self) -> bool:
        """Tell whether messages are taken."""
        return self._phase == "running"

    def components(self) -> dict[str, str]:
        """Return what is missing for `ready`, by component, each with a sentence; empty when ready."""
        match self._phase:
            case "running":
                return {}
            case "new":
                return {"core": "the workers have not been started"}
            case "recovering":
                return {"agents": f"{self._recovery.progress.agents} agents are back, more are coming"}
            case _:
                return {"core": "the server is stopping"}

    # --- agents ---

    async def deploy(self, request: DeployRequest, module: bytes | None) -> AgentView:
        """Bring an agent with a module. See `Lifecycle.deploy`."""
        self._require_ready()
        return self._view(await self._lifecycle.deploy(request, module))

    async def create_external(self, request: ExternalRequest) -> AgentView:
        """Bring an agent that speaks through the API. See `Lifecycle.deploy_external`."""
        self._require_ready()
        return self._view(await self._lifecycle.deploy_external(request))

    def external_for(self, principal_name: str) -> AgentId:
        """Return the external agent that speaks for a token. See `Speakers.of_principal`."""
        self._require_ready()
        return self._speakers.of_principal(principal_name)

    def service_agent(self, name: str, listener: Listener) -> AgentId:
        """Bring an external agent that is a part of the server. See `Speakers.of_server`."""
        self._require_ready()
        return self._speakers.of_server(name, listener)

    def owner(self, agent_id: AgentId) -> str | None:
        """Return the name of the token that an external agent belongs to; None for all others."""
        record = self._registry.by_id(agent_id)
        if record is None:
            return None
        match getattr(record.agent, "program", None):
            case ExternalProgram(owner=owner):
                return owner
            case _:
                return None

    def get(self, agent: str) -> AgentView:
        """Return the agent with this id or name. Raises: AgentNotFound."""
        return self._view(self._registry.find(agent))

    def agent_id(self, agent: str) -> AgentId:
        """Return the id of the agent with this id or name. Raises: AgentNotFound."""
        return self._registry.find(agent).agent.id

    def name_of(self, agent_id: AgentId) -> AgentName | None:
        """Return the name of an agent; None when there is none with this id."""
        record = self._registry.by_id(agent_id)
        return None if record is None else record.agent.spec.name

    def list(
        self,
        *,
        state: StateName | None = None,
        capabilities: Sequence[str] = (),
        label: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return a page of agents in the order of their deployment, and the cursor of the next one.

        With `capabilities` only those that have all of them are looked at; `label` is `key` or `key=value`.

        Raises:
            InvalidRequest: the cursor is none.
        """
        records, rest = self._registry.page(Query(state, capabilities, label), limit, cursor)
        return [self._view(record) for record in records], rest

    @property
    def yellow_pages(self) -> YellowPages:
        """What agents can do, and who."""
        return self._yellow_pages

    def capable(self, has: str | Sequence[str], limit: int) -> AgentIds:
        """Return up to `limit` running agents with a capability, or with all of several, oldest first."""
        return self._yellow_pages.capable([has] if isinstance(has, str) else has, limit)

    async def drain(self, agent: str, timeout_s: float | None = None) -> AgentView:
        """Let an agent finish what waits. When the time is over first, it is `draining` and goes on."""
        self._require_ready()
        record = self._registry.find(agent)
        await self._lifecycle.drain(record, timeout_s)
        return self._view(record)

    async def start_agent(self, agent: str) -> AgentView:
        """Start a stopped or failed agent. See `Lifecycle.start_agent`."""
        self._require_ready()
        record = self._registry.find(agent)
        await self._lifecycle.start_agent(record)
        return self._view(record)

    async def restart(self, agent: str) -> AgentView:
        """Give an agent a fresh instance. See `Lifecycle.restart`."""
        self._require_ready()
        record = self._registry.find(agent)
        await self._lifecycle.restart(record)
        return self._view(record)

    async def delete(self, agent: str, *, force: bool = False) -> None:
        """Remove an agent. See `Lifecycle.delete`."""
        self._require_ready()
        record = self._registry.find(agent)
        if self._dispatcher.has_listener(record.agent.id):
            subject = f"agent {record.name}, a part of this server,"
            raise InvalidState(record.state, "delete", subject=subject, allowed=("get",))
        await self._lifecycle.delete(record, force=force)

    # --- messages ---

    def post(self, body: bytes, sender: AgentId, may_send_as: MaySendAs) -> Posted:
        """Send one message (JSON text) from `sender`, or from whom the text names if that is allowed.

        Raises:
            InvalidMessage, NoRoute, MailboxFull, RateLimited, MessageTooLarge, InvalidState, Forbidden,
            ResourceLimitExceeded: nothing was sent, to nobody.
        """
        self._require_ready()
        return self._dispatcher.post(body, sender, may_send_as)

    async def ask(
        self,
        body: bytes,
        sender: AgentId,
        may_send_as: MaySendAs,
        timeout_s: float,
        receiver: AgentId | None = None,
    ) -> Reply:
        """Send one message and wait for its answer; `receiver` stands for whatever the text says.

        Cancelling the call ends the waiting. A late answer reaches the sender's inbox.

        Raises:
            DeadlineExceeded: no answer came within `timeout_s`; an `agree` is not the answer yet.
            As `post`.
        """
        self._require_ready()
        return await self._dispatcher.ask(body, sender, may_send_as, timeout_s, receiver)

    def post_batch(
        self, data: bytes, start: int, lines_max: int, sender: AgentId, may_send_as: MaySendAs
    ) -> Batch:
        """Send up to `lines_max` lines of NDJSON from `start`; returns where to go on, and a result for each.

        Blank lines are passed over. One bad line spoils no other.
        """
        self._require_ready()
        return self._dispatcher.post_batch(data, start, lines_max, sender, may_send_as)

    def inbox(self, agent: str) -> Inbox:
        """Return the inbox of an external agent.

        Raises:
            AgentNotFound: there is no such agent.
            InvalidState: it runs in this server, so nobody else reads its mailbox.
        """
        record = self._registry.find(agent)
        if record.inbox is None:
            raise InvalidState(
                record.state, "read inbox", subject=f"agent {record.name}, which runs in this server"
            )
        return record.inbox

    def logs(self, agent: str) -> AgentLog:
        """Return what an agent logged. Raises: AgentNotFound."""
        return self._log_of(self._registry.find(agent))

    # --- the whole ---

    def system(self) -> dict[str, object]:
        """Return versions, totals, limits: what `GET /system` shows."""
        runtime = self._config.runtime
        return {
            "version": __version__,
            "wasmtime_version": self._bridge.engine_version,
            "workers": runtime.workers,
            "fuel_per_ms": self._bridge.fuel_per_ms(),
            "totals": {
                "agents": len(self._registry),
                "instances": self._bridge.live_instances(),
                "messages_in_flight": self._bridge.live_messages(),
                "modules_in_memory": len(self._modules),
                "modules_compiling": self._modules.compiling_count,
                "modules_compiled": self._modules.compiled_count,
                "compiled_cache_hits": self._modules.cache_hits_count,
                "waiting_callers": len(self._waiters),
                "messages_unrouted": self._dispatcher.unrouted_count,
                "log_bytes": self._logs.total_bytes,
            },
            "store": self._store.totals(),
            "limits": {
                "agents_max": runtime.agents_max,
                "module_bytes_max": runtime.module_bytes_max,
                "pool_messages": runtime.pool_messages,
                "message_bytes_max": self._config.messaging.message_bytes_max,
                "epoch_tick_ms": runtime.epoch_tick_ms,
                "allowed_profiles": list(runtime.allowed_profiles),
            },
        }

    def census(self) -> Census:
        """Return the reader of the runtime's numbers, for the metrics."""
        return Census(self._bridge, self._registry, self._waiters, self._modules)

    @property
    def store(self) -> Store:
        """What survives a restart, for those parts of the server that keep something of their own."""
        return self._store

    @property
    def conversations(self) -> Conversations:
        """The conversations that are held to something."""
        return self._conversations

    @property
    def events(self) -> EventRing:
        """What happened, the newest."""
        return self._events

    # --- what the core tells ---

    def on_message(self, message: Incoming) -> None:
        """See `Sink`."""
        self._dispatcher.on_message(message)

    def on_event(self, event: CoreEvent) -> None:
        """See `Sink`."""
        self._supervisor.follow(event)

    def on_log(self, slot: Slot, agent_id: AgentId, level: int, text: str, wall_ns: int) -> None:
        """See `Sink`."""
        record = self._registry.by_slot(slot)
        if record is not None:
            self._logs.append(self._log_of(record), level, text, wall_ns)
            log_guest_line(agent_id, record.name, level, text)

    def on_capability(self, slot: Slot, agent_id: AgentId, name: str) -> None:
        """See `Sink`."""
        record = self._registry.by_slot(slot)
        if record is not None:
            self._supervisor.add_capability(record, name)

    def on_unrouted(self, slot: Slot, sender_id: AgentId, capability: str, body: bytes) -> None:
        """See `Sink`."""
        self._dispatcher.on_unrouted(slot, sender_id, capability, body)

    def on_conversation(self, news: ConversationNews) -> None:
        """See `Sink`."""
        self._conversations.follow(news)
        record = self._registry.by_id(AgentId(news.sender))
        if news.code == ConversationCode.REFUSED and record is not None and record.inbox is None:
            # A guest has no other way to learn why nobody got what it said.
            self._logs.append(
                self._log_of(record), _WARN, self._conversations.words(news), self._clock.wall_ns()
            )

    # --- inside ---

    def _require_ready(self) -> None:
        if self._phase != "running":
            missing = self.components()
            raise Unavailable(next(iter(missing.values())), components=list(missing))

    def _view(self, record: AgentRecord) -> AgentView:
        totals = self._bridge.totals(record.slot) if record.slot is not None else None
        last_fault = self._bridge.fault_word(totals.last_fault) if totals and totals.last_fault else None
        return record.view(totals, last_fault)

    def _log_of(self, record: AgentRecord) -> AgentLog:
        if record.log is None:
            record.log = self._logs.open()
        return record.log
