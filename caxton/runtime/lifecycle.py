"""How agents come, stop, come back and go.

Each operation asks the core and waits for its event; the registry changes state when the core has
answered, not before. An agent is shown once its first instance has proved itself: whatever goes wrong
before that is undone, so that nothing stays behind. `delete` hides the agent at once and lets the core
finish: a handler that runs comes to its end (its deadline bounds that), what waited in the mailbox is
answered with `failure`; with `force` the caller does not wait for that. Draining handles what waits and
takes nothing new; it cannot be hurried, only waited for.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final, final

from caxton.clock import Clock
from caxton.config import Config, default_limits, limit_maxima
from caxton.domain.agent import (
    AgentKind,
    AgentSpec,
    Delivery,
    ExternalProgram,
    Failed,
    GuestProgram,
    Loaded,
    Profile,
    Running,
    Stopped,
    drain,
    load,
    register,
    revive,
    start,
)
from caxton.domain.errors.agent import AgentFailed, AgentNotFound, InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.events import EventType
from caxton.domain.ids import AgentId, Capability, new_agent_id, new_deployment_id, parse_capability
from caxton.domain.limits import LimitsRequest, ResourceLimits, explain_limits, merge_limits
from caxton.domain.operation import invalid_state
from caxton.domain.problem import Problem, ProblemKind
from caxton.domain.quantities import Version, parse_version
from caxton.runtime.agent_log import LogShelf
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.bridge import Bridge
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.inbox import Inbox
from caxton.runtime.module_problem import start_refusal
from caxton.runtime.modules import CodeLease, Modules, Wish
from caxton.runtime.registry import DeploymentEntry, Registry
from caxton.runtime.seam import Ask, CoreEvent, EventCode, Slot, SpawnOrder
from caxton.runtime.supervisor import Supervisor, fault_kind, log_fields

FIRST_VERSION: Final = Version("1")

_log = logging.getLogger("caxton.runtime.lifecycle")


@final
class Lifecycle:
    """The operations on agents. All methods are for the thread of the event loop."""

    def __init__(
        self,
        bridge: Bridge,
        registry: Registry,
        modules: Modules,
        supervisor: Supervisor,
        logs: LogShelf,
        clock: Clock,
        config: Config,
    ) -> None:
        self._bridge = bridge
        self._registry = registry
        self._modules = modules
        self._supervisor = supervisor
        self._logs = logs
        self._clock = clock
        self._default_limits = default_limits(config)
        self._limit_maxima = limit_maxima(config)
        self._allowed_profiles = frozenset(Profile(name) for name in config.runtime.allowed_profiles)
        self._drain_timeout_s = config.deployment.drain_timeout_s
        self._fuel_per_ms = bridge.fuel_per_ms()
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False

    # --- coming ---

    async def deploy(self, request: DeployRequest, module: bytes | None) -> AgentRecord:
        """Bring an agent with a module; it runs when this returns, or nothing of it is left.

        Raises:
            InvalidRequest, InvalidWasm: with everything that is wrong.
            AgentAlreadyExists: the name is taken, maybe by a deployment under way.
            ResourceLimitExceeded: no room for another agent, or for another compilation.
        """
        limits = self._limits(request)
        agent_id = new_agent_id()
        self._registry.reserve(request.name, agent_id)
        try:
            wish = Wish(request.profile, limits.memory_bytes_max, request.wasi)
            lease = await self._modules.lease(module, request.module_digest, wish)
        except BaseException:
            self._registry.release(request.name, agent_id)
            raise
        try:
            record = self._guest_record(agent_id, request, limits, lease)
        except BaseException:
            # The manifest's version may be none.
            self._modules.release(lease)
            self._registry.release(request.name, agent_id)
            raise
        try:
            await self._bring_up(record, request.config, lease)
        except BaseException as error:
            await self._undo(record, gone=isinstance(error, asyncio.CancelledError))
            raise
        self._publish(record)
        return record

    def create_external(
        self, request: ExternalRequest, *, forgetful: bool = False, has_inbox: bool = True
    ) -> AgentRecord:
        """Bring an agent that speaks through the API; with `forgetful` its oldest unread messages give way.

        One without an inbox is a part of the server, which takes its messages by itself.

        Raises:
            InvalidRequest, AgentAlreadyExists, ResourceLimitExceeded: as for `deploy`.
        """
        asked = LimitsRequest(mailbox_max=request.mailbox_max, message_bytes_max=request.message_bytes_max)
        limits = merge_limits(asked, self._default_limits, self._limit_maxima)
        now_ns = self._clock.wall_ns()
        spec = AgentSpec(
            name=request.name,
            version=FIRST_VERSION,
            kind=AgentKind.EXTERNAL,
            limits=limits,
            capabilities=request.capabilities,
            labels=request.labels,
        )
        agent = load(
            register(new_agent_id(), spec, now_ns=now_ns), ExternalProgram(owner=request.owner), now_ns=now_ns
        )
        self._registry.reserve(request.name, agent.id)
        try:
            slot = self._bridge.spawn_external(
                agent.id, request.name, limits.message_bytes_max, limits.mailbox_max
            )
        except BaseException:
            self._registry.release(request.name, agent.id)
            raise
        running = start(agent, now_ns=now_ns)
        record = AgentRecord(running, new_deployment_id(), capabilities=request.capabilities)
        bridge = self._bridge
        # Half of the mailbox is left to messages that callers wait for: those are taken out at once.
        forgetful_max = max(limits.mailbox_max // 2, 1) if forgetful else None
        if has_inbox:
            record.inbox = Inbox(lambda count: bridge.acknowledge(slot, count), forgetful_max=forgetful_max)
        self._registry.attach(record, slot)
        self._publish(record)
        return record

    # --- stopping and coming back ---

    async def drain(self, record: AgentRecord, timeout_s: float | None) -> None:
        """Take nothing new and finish what waits; returns when that is done or the time is over.

        Raises:
            InvalidState: the agent does not run.
        """
        slot = self._guest_slot(record, "drain")
        agent = record.agent
        if not isinstance(agent, Running):
            raise invalid_state(agent, "drain")
        wait_s = self._drain_timeout_s if timeout_s is None else timeout_s
        now_ns = self._clock.wall_ns()
        outcome = self._expect(record, "drain")
        if not self._bridge.request(slot, Ask.DRAIN):
            record.outcome = None
            raise invalid_state(agent, "drain")
        new = drain(agent, now_ns=now_ns, deadline_ns=now_ns + round(wait_s * 1e9))
        self._supervisor.swap(record, agent, new, EventType.AGENT_DRAINING, "asked to drain")
        try:
            async with asyncio.timeout(wait_s):
                await self._answer(record, outcome)
        except TimeoutError:
            _log.info("agent %s still drains", record.name, extra=log_fields(record, "drain_timeout"))

    async def start_agent(self, record: AgentRecord) -> None:
        """Start a stopped or failed agent with a fresh instance.

        Raises:
            InvalidState: it is neither.
            AgentFailed: it does not come up; it is failed then.
        """
        slot = self._guest_slot(record, "start")
        agent = record.agent
        if not isinstance(agent, Failed | Stopped):
            raise invalid_state(agent, "start")
        outcome = self._expect(record, "start")
        if not self._bridge.request(slot, Ask.START):
            record.outcome = None
            raise invalid_state(agent, "start")
        self._supervisor.swap(
            record, agent, revive(agent, now_ns=self._clock.wall_ns()), None, "asked to start"
        )
        event = await self._answer(record, outcome)
        if event.code is not EventCode.STARTED:
            raise AgentFailed(record.name, fault_kind(event.fault), event.text)

    async def restart(self, record: AgentRecord) -> None:
        """Give an agent a fresh instance: a running one finishes what waits first.

        Raises:
            InvalidState: it drains or starts at the moment.
            Unavailable: it did not finish in time; it goes on draining.
            AgentFailed: it does not come up again.
        """
        self._guest_slot(record, "restart")
        if isinstance(record.agent, Running):
            await self.drain(record, None)
            if record.state == "draining":
                raise Unavailable(
                    f"agent {record.name} has not finished what waited for it", retry_after_s=5.0
                )
        if not isinstance(record.agent, Failed | Stopped):
            raise invalid_state(record.agent, "restart")
        await self.start_agent(record)
        record.restarts += 1
        self._supervisor.note(record, EventType.AGENT_RESTARTED, None, record.state, "asked to restart")

    # --- going ---

    async def delete(self, record: AgentRecord, *, force: bool) -> None:
        """Remove an agent. It is not found any more from now on; its name is free when the core has finished.

        Raises:
            InvalidState: it is being started at the moment.
        """
        agent = record.agent
        if isinstance(agent, Loaded):
            raise invalid_state(agent, "delete")
        self._registry.withdraw(record)
        self._supervisor.note(record, EventType.AGENT_REMOVED, record.state, None, "asked to delete")
        if record.outcome is not None and not record.outcome.done():
            record.outcome.set_exception(AgentNotFound(record.name))
            # Marked as seen: the operation may have been given up by its caller.
            record.outcome.exception()
        removal = self._spawn(self._remove(record))
        if not force:
            await asyncio.shield(removal)

    async def close(self) -> None:
        """Tell everybody who waits that the core has stopped: its events will not come."""
        self._closed = True
        for record in self._registry.attached():
            for waiting in (record.outcome, record.removed):
                if waiting is not None and not waiting.done():
                    waiting.set_exception(Unavailable("the server is stopping", components=["core"]))
                    # Marked as seen: the operation may have been given up by its caller.
                    waiting.exception()
        if self._background:
            await asyncio.wait(list(self._background))

    # --- inside ---

    def _limits(self, request: DeployRequest) -> ResourceLimits:
        """Check what the edge cannot know, and return the limits in force."""
        problems = [*explain_limits(request.limits, self._limit_maxima)]
        if request.profile is not None and request.profile not in self._allowed_profiles:
            allowed = ", ".join(sorted(self._allowed_profiles))
            problems.append(
                _unsupported("profile", f"this server does not allow `{request.profile}`", f"use {allowed}")
            )
        if request.instances != 1:
            problems.append(
                _unsupported(
                    "instances", "this version runs one instance of an agent", "leave it out or send 1"
                )
            )
        if request.delivery is not Delivery.AT_MOST_ONCE:
            problems.append(
                _unsupported(
                    "delivery", "this version delivers at most once", "leave it out or send at_most_once"
                )
            )
        problems += [
            _unsupported(f"tools[{place}]", f"this server has no tool `{tool}`", "leave it out")
            for place, tool in enumerate(request.tools)
        ]
        if problems:
            raise InvalidRequest(problems)
        return merge_limits(request.limits, self._default_limits, self._limit_maxima)

    def _guest_record(
        self, agent_id: AgentId, request: DeployRequest, limits: ResourceLimits, lease: CodeLease
    ) -> AgentRecord:
        manifest = lease.manifest
        capabilities = request.capabilities
        if capabilities is None:
            capabilities = _valid_capabilities(manifest.capabilities) if manifest is not None else ()
        version = request.version
        if version is None:
            version = _valid_version(manifest.version if manifest is not None else None)
        spec = AgentSpec(
            name=request.name,
            version=version,
            limits=limits,
            profile=lease.profile,
            capabilities=capabilities,
            config=request.config,
            delivery=request.delivery,
            restart=request.restart,
            labels=request.labels,
        )
        now_ns = self._clock.wall_ns()
        program = GuestProgram(digest=lease.digest, module_bytes=lease.size_bytes)
        agent = load(register(agent_id, spec, now_ns=now_ns), program, now_ns=now_ns)
        return AgentRecord(
            agent, new_deployment_id(), wasi=request.wasi, capabilities=capabilities, lease=lease
        )

    async def _bring_up(self, record: AgentRecord, config: dict[str, str], lease: CodeLease) -> None:
        outcome = self._expect(record, "deploy")
        slot = self._bridge.spawn(self._order(record, config), lease.code)
        self._registry.attach(record, slot)
        event = await self._answer(record, outcome)
        if event.code is not EventCode.STARTED:
            raise start_refusal(event)
        await self._modules.keep(lease)

    def _order(self, record: AgentRecord, config: dict[str, str]) -> SpawnOrder:
        spec = record.agent.spec
        limits = spec.limits
        fuel_max = limits.fuel_max
        if fuel_max is None:
            fuel_max = (limits.cpu_ms_max or 0) * self._fuel_per_ms
        return SpawnOrder(
            agent_id=record.agent.id,
            name=spec.name,
            fuel_max=fuel_max,
            memory_bytes_max=limits.memory_bytes_max,
            execution_ms_max=limits.execution_ms_max,
            message_bytes_max=limits.message_bytes_max,
            mailbox_max=limits.mailbox_max,
            messages_per_s_max=limits.messages_per_s_max or 0.0,
            restart_intensity=0 if spec.restart.policy == "temporary" else spec.restart.intensity,
            restart_period_ms=max(round(spec.restart.period_s * 1000), 1),
            config=config,
            wasi=record.wasi,
        )

    def _publish(self, record: AgentRecord) -> None:
        agent = record.agent
        entry = DeploymentEntry(
            deployment_id=record.deployment_id,
            agent_id=agent.id,
            spec=agent.spec,
            module_digest=record.digest,
            created_ns=agent.created_ns,
        )
        self._registry.publish(record, entry)
        self._supervisor.note(record, EventType.AGENT_DEPLOYED, None, record.state, "deployed")

    async def _undo(self, record: AgentRecord, *, gone: bool) -> None:
        """Remove an agent that nobody has seen; when its caller has gone, without making anybody wait."""
        task = self._spawn(self._remove(record))
        if not gone:
            await asyncio.shield(task)

    async def _remove(self, record: AgentRecord) -> None:
        if record.slot is not None:
            await self._leave_core(record, record.slot)
        if record.lease is not None:
            self._modules.release(record.lease)
        if record.inbox is not None:
            record.inbox.close()
        self._registry.release(record.agent.spec.name, record.agent.id)
        if record.log is not None:
            self._logs.close(record.log)
            record.log = None

    async def _leave_core(self, record: AgentRecord, slot: Slot) -> None:
        if isinstance(record.agent, Loaded) and record.outcome is not None and not record.outcome.done():
            # The start is under way: removal is understood after it.
            await asyncio.wait([record.outcome])
        if self._closed:
            return
        # A future of its own: whatever else happens to the agent until then may be told in the same breath.
        record.removed = asyncio.get_running_loop().create_future()
        if self._bridge.request(slot, Ask.REMOVE):
            await record.removed
        record.removed = record.outcome = None
        self._bridge.retire(slot)
        self._registry.detach(record)

    def _guest_slot(self, record: AgentRecord, operation: str) -> Slot:
        if record.agent.spec.kind is AgentKind.EXTERNAL:
            raise InvalidState(
                record.state, operation, subject=f"the external agent {record.name}", allowed=("delete",)
            )
        if record.slot is None:
            raise AgentNotFound(record.name)
        return record.slot

    async def _answer(self, record: AgentRecord, outcome: "asyncio.Future[CoreEvent]") -> CoreEvent:
        """Wait for what the core says; a caller that goes away leaves the question standing."""
        try:
            return await asyncio.shield(outcome)
        finally:
            if outcome.done() and record.outcome is outcome:
                record.outcome = None

    def _expect(self, record: AgentRecord, operation: str) -> "asyncio.Future[CoreEvent]":
        if record.outcome is not None and not record.outcome.done():
            raise invalid_state(record.agent, operation)
        record.outcome = asyncio.get_running_loop().create_future()
        return record.outcome

    def _spawn(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            if not isinstance(error, CaxtonError):
                _log.error("an agent could not be removed", exc_info=error, extra={"event": "remove_failed"})


def _unsupported(field: str, problem: str, fix: str) -> Problem:
    return Problem(field=field, kind=ProblemKind.UNSUPPORTED, problem=problem, fix=fix)


def _valid_capabilities(words: tuple[str, ...]) -> tuple[Capability, ...]:
    return tuple(dict.fromkeys(parse_capability(word) for word in words))


def _valid_version(text: str | None) -> Version:
    return FIRST_VERSION if text is None else parse_version(text)
