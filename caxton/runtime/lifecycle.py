"""How agents come, stop, come back and go.

Each operation asks the core and waits for its event; the registry changes state when the core has
answered, not before. An agent is shown once its first instance has proved itself and the store has it:
whatever goes wrong before that is undone, so that nothing stays behind. `delete` hides the agent as soon as
the store has forgotten it and lets the core finish: a handler that runs comes to its end (its deadline bounds
that), what waited in the mailbox is answered with `failure`; with `force` the caller does not wait for that.
Draining handles what waits and takes nothing new; it cannot be hurried, only waited for.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import final

from caxton.clock import Clock
from caxton.config import Config
from caxton.domain.agent import (
    AgentKind,
    AgentSpec,
    Failed,
    Loaded,
    Running,
    Stopped,
    drain,
    load,
    register,
    revive,
    start,
    stop,
)
from caxton.domain.errors.agent import AgentFailed, AgentNotFound, InvalidState
from caxton.domain.errors.resource import Unavailable
from caxton.domain.errors.taxonomy import CaxtonError
from caxton.domain.events import EventType
from caxton.domain.ids import new_agent_id, new_deployment_id
from caxton.domain.operation import invalid_state
from caxton.runtime.admission import Admission
from caxton.runtime.agent_ledger import AgentLedger
from caxton.runtime.agent_log import LogShelf
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.bridge import Bridge
from caxton.runtime.deploy_request import DeployRequest, ExternalRequest
from caxton.runtime.inbox import Inbox
from caxton.runtime.module_problem import start_refusal
from caxton.runtime.modules import CodeLease, Modules, Wish
from caxton.runtime.registry import Registry
from caxton.runtime.seam import Ask, CoreEvent, EventCode, Slot
from caxton.runtime.spawn_order import spawn_order
from caxton.runtime.supervisor import Supervisor, fault_kind, log_fields
from caxton.storage.agents import StoredAgent

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
        ledger: AgentLedger,
    ) -> None:
        self._ledger = ledger
        self._bridge = bridge
        self._registry = registry
        self._modules = modules
        self._supervisor = supervisor
        self._logs = logs
        self._clock = clock
        self._admission = Admission(config, clock)
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
            StorageFull: no room on the disk.
        """
        limits = self._admission.limits(request)
        agent_id = new_agent_id()
        self._registry.reserve(request.name, agent_id)
        try:
            wish = Wish(request.profile, limits.memory_bytes_max, request.wasi)
            lease = await self._modules.lease(module, request.module_digest, wish)
        except BaseException:
            self._registry.release(request.name, agent_id)
            raise
        try:
            record = self._admission.guest(agent_id, request, limits, lease)
        except BaseException:
            # The manifest's version may be none.
            self._modules.release(lease)
            self._registry.release(request.name, agent_id)
            raise
        try:
            await self._bring_up(record, lease)
            await self._ledger.arrive(record, request.deployed_by)
        except BaseException as error:
            await self._undo(record, gone=isinstance(error, asyncio.CancelledError))
            raise
        self._publish(record)
        return record

    async def deploy_external(self, request: ExternalRequest) -> AgentRecord:
        """Bring an agent that speaks through the API, to stay until it is deleted.

        Raises:
            InvalidRequest, AgentAlreadyExists, ResourceLimitExceeded, StorageFull: as for `deploy`.
        """
        record = self._external(request)
        try:
            await self._ledger.arrive(record, request.owner)
        except BaseException as error:
            await self._undo(record, gone=isinstance(error, asyncio.CancelledError))
            raise
        self._publish(record)
        return record

    def create_external(
        self, request: ExternalRequest, *, forgetful: bool = False, has_inbox: bool = True
    ) -> AgentRecord:
        """Bring an agent that speaks through the API, until the server stops: the store does not know of it.

        With `forgetful` its oldest unread messages give way.

        One without an inbox is a part of the server, which takes its messages by itself.

        Raises:
            InvalidRequest, AgentAlreadyExists, ResourceLimitExceeded: as for `deploy`.
        """
        record = self._external(request, forgetful=forgetful, has_inbox=has_inbox)
        self._publish(record)
        return record

    def _external(
        self, request: ExternalRequest, *, forgetful: bool = False, has_inbox: bool = True
    ) -> AgentRecord:
        agent = self._admission.external(request)
        record = AgentRecord(agent, new_deployment_id(), capabilities=request.capabilities)
        self._registry.reserve(request.name, agent.id)
        try:
            self._open_place(record, agent, forgetful=forgetful, has_inbox=has_inbox)
        except BaseException:
            self._registry.release(request.name, agent.id)
            raise
        return record

    def _open_place(
        self, record: AgentRecord, agent: Loaded, *, forgetful: bool = False, has_inbox: bool = True
    ) -> None:
        """Give an external agent its place in the core, and let it run."""
        limits = agent.spec.limits
        bridge = self._bridge
        slot = bridge.spawn_external(agent.id, agent.spec.name, limits.message_bytes_max, limits.mailbox_max)
        self._registry.swap(record, agent, start(agent, now_ns=self._clock.wall_ns()))
        # Half of the mailbox is left to messages that callers wait for: those are taken out at once.
        forgetful_max = max(limits.mailbox_max // 2, 1) if forgetful else None
        if has_inbox:
            record.inbox = Inbox(lambda count: bridge.acknowledge(slot, count), forgetful_max=forgetful_max)
        self._registry.attach(record, slot)

    # --- after a restart of the server ---

    def recall(self, stored: StoredAgent) -> AgentRecord:
        """Show an agent that the store has: `loaded`, or `stopped` where it is to be that.

        Raises:
            AgentAlreadyExists: two agents of the store have one name.
        """
        now_ns = self._clock.wall_ns()
        registered = register(stored.agent_id, stored.spec, now_ns=stored.created_ns)
        agent = load(registered, stored.program, now_ns=now_ns)
        record = AgentRecord(
            agent,
            stored.deployment_id,
            wasi=stored.wasi,
            wanted=stored.wanted,
            kept=True,
            capabilities=stored.spec.capabilities,
        )
        if stored.wanted == "stopped":
            draining = drain(start(agent, now_ns=now_ns), now_ns=now_ns, deadline_ns=now_ns)
            record.agent = stop(draining, now_ns=now_ns)
        self._registry.reserve(stored.spec.name, stored.agent_id)
        self._show(record)
        return record

    async def come_back(self, record: AgentRecord, agent: Loaded) -> None:
        """Give an agent that has no place in the core one; whatever stands in its way makes it failed.

        Raises:
            CaxtonError: why it failed.
        """
        try:
            if agent.spec.kind is AgentKind.EXTERNAL:
                self._open_place(record, agent)
                return
            await self._lease_again(record, agent.spec)
            if self._registry.by_id(agent.id) is not record:
                raise AgentNotFound(record.name)
            outcome = self._expect(record, "start")
            assert record.lease is not None, "it was taken"
            self._spawn_instance(record, record.lease)
        except CaxtonError as error:
            self._give_back(record)
            record.outcome = None
            self._supervisor.give_up(record, agent, error)
            raise
        event = await self._answer(record, outcome)
        if event.code is not EventCode.STARTED:
            raise AgentFailed(record.name, fault_kind(event.fault), event.text)

    async def _lease_again(self, record: AgentRecord, spec: AgentSpec) -> None:
        self._admission.check_profile(spec.profile)
        digest = record.digest
        assert digest is not None, "a guest has a module"
        wish = Wish(spec.profile, spec.limits.memory_bytes_max, record.wasi)
        try:
            lease = record.lease = await self._modules.lease(None, digest, wish)
            # The module is on the disk; its machine code may have to be kept anew.
            await self._modules.keep(lease)
        except OSError as error:
            reason = f"module {digest} cannot be read: {error.strerror or error}"
            raise Unavailable(reason, components=["modules"]) from error

    # --- stopping and coming back ---

    async def drain(self, record: AgentRecord, timeout_s: float | None) -> None:
        """Take nothing new and finish what waits; returns when that is done or the time is over.

        Raises:
            InvalidState: the agent does not run.
            StorageFull: it could not be kept that it is to be stopped; it goes on running.
        """
        self._check_guest(record, "drain")
        _running(record, "drain")
        await self._ledger.want(record, "stopped")
        try:
            await self._drain(record, timeout_s)
        except InvalidState:
            # It failed in the meantime, or another caller was faster: that one's wish holds.
            if record.state == "failed":
                await self._ledger.want(record, "running")
            raise

    async def _drain(self, record: AgentRecord, timeout_s: float | None) -> None:
        agent = _running(record, "drain")
        if record.slot is None:
            # It was deleted in the meantime.
            raise AgentNotFound(record.name)
        wait_s = self._drain_timeout_s if timeout_s is None else timeout_s
        now_ns = self._clock.wall_ns()
        outcome = self._expect(record, "drain")
        if not self._bridge.request(record.slot, Ask.DRAIN):
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
            NotFound, InvalidWasm: its module is gone or not acceptable any more; it is failed then.
        """
        self._check_guest(record, "start")
        _resting(record, "start")
        await self._ledger.want(record, "running")
        agent = _resting(record, "start")
        revived = revive(agent, now_ns=self._clock.wall_ns())
        if record.slot is None:
            # It was not running when the server started.
            self._supervisor.swap(record, agent, revived, None, "asked to start")
            await asyncio.shield(self._spawn(self.come_back(record, revived)))
            return
        outcome = self._expect(record, "start")
        if not self._bridge.request(record.slot, Ask.START):
            record.outcome = None
            raise invalid_state(agent, "start")
        self._supervisor.swap(record, agent, revived, None, "asked to start")
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
        self._check_guest(record, "restart")
        if isinstance(record.agent, Running):
            await self._drain(record, None)
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
            StorageFull: the store could not forget it; it stays as it is.
        """
        if isinstance(record.agent, Loaded):
            raise invalid_state(record.agent, "delete")
        self._ledger.check_staying(record)
        forgotten: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        removal = self._spawn(self._delete(record, forgotten))
        await asyncio.shield(forgotten if force else removal)

    async def _delete(self, record: AgentRecord, forgotten: "asyncio.Future[None]") -> None:
        try:
            await self._ledger.leave(record)
        except CaxtonError as error:
            forgotten.set_exception(error)
            # Marked as seen: it is raised to whoever waits for the whole removal, too.
            forgotten.exception()
            raise
        self._registry.withdraw(record)
        if record.digest is not None:
            self._modules.need_no_more(record.digest)
        self._supervisor.note(record, EventType.AGENT_REMOVED, record.state, None, "asked to delete")
        starting = isinstance(record.agent, Loaded)
        if record.outcome is not None and not record.outcome.done() and not starting:
            record.outcome.set_exception(AgentNotFound(record.name))
            # Marked as seen: the operation may have been given up by its caller.
            record.outcome.exception()
        forgotten.set_result(None)
        await self._remove(record)

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

    async def _bring_up(self, record: AgentRecord, lease: CodeLease) -> None:
        outcome = self._expect(record, "deploy")
        self._spawn_instance(record, lease)
        event = await self._answer(record, outcome)
        if event.code is not EventCode.STARTED:
            raise start_refusal(event)
        await self._modules.keep(lease)

    def _spawn_instance(self, record: AgentRecord, lease: CodeLease) -> None:
        slot = self._bridge.spawn(spawn_order(record, self._fuel_per_ms), lease.code)
        self._registry.attach(record, slot)

    def _publish(self, record: AgentRecord) -> None:
        self._show(record)
        self._supervisor.note(record, EventType.AGENT_DEPLOYED, None, record.state, "deployed")

    def _show(self, record: AgentRecord) -> None:
        self._registry.publish(record)
        if record.digest is not None:
            self._modules.need(record.digest)

    async def _undo(self, record: AgentRecord, *, gone: bool) -> None:
        """Remove an agent that nobody has seen; when its caller has gone, without making anybody wait."""
        task = self._spawn(self._remove(record))
        if not gone:
            await asyncio.shield(task)

    async def _remove(self, record: AgentRecord) -> None:
        if record.slot is not None:
            await self._leave_core(record, record.slot)
        self._give_back(record)
        if record.inbox is not None:
            record.inbox.close()
        self._registry.release(record.agent.spec.name, record.agent.id)
        if record.log is not None:
            self._logs.close(record.log)
            record.log = None

    def _give_back(self, record: AgentRecord) -> None:
        """Let go of an agent's code: once, though a start that fails and a removal may meet here."""
        lease, record.lease = record.lease, None
        if lease is not None:
            self._modules.release(lease)

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

    def _check_guest(self, record: AgentRecord, operation: str) -> None:
        if record.agent.spec.kind is AgentKind.EXTERNAL:
            raise InvalidState(
                record.state, operation, subject=f"the external agent {record.name}", allowed=("delete",)
            )
        self._ledger.check_staying(record)

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


def _running(record: AgentRecord, operation: str) -> Running:
    agent = record.agent
    if not isinstance(agent, Running):
        raise invalid_state(agent, operation)
    return agent


def _resting(record: AgentRecord, operation: str) -> Failed | Stopped:
    agent = record.agent
    if not isinstance(agent, Failed | Stopped):
        raise invalid_state(agent, operation)
    return agent
