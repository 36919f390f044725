"""The one seam between Python and the core that runs without the interpreter's lock.

Nothing else imports `caxton._core`. Calls go down as they are; what the core has to tell comes up in
batches: its eventfd wakes the loop, `take_completions` hands over what waits, and the sink gets each
item. A turn of the loop spends at most `TURN_NS_MAX` here, so that a flood of messages cannot hold up
the rest of the server; the eventfd stays readable while something waits.

Everything here is for the thread of the event loop, but for what compiles, starts and stops, which the
caller takes to another thread while it makes no other call. After a fork the child has neither workers
nor ticker: there every call is refused.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from enum import IntEnum, unique
from typing import TYPE_CHECKING, Final, cast, final

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.domain.errors.taxonomy import InternalError
from caxton.domain.ids import AgentId
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime.conversation_rows import interior, read_conversation, read_news
from caxton.runtime.history_rows import HistoryReading, history_reading
from caxton.runtime.seam import (
    Ask,
    Code,
    ConversationCode,
    ConversationOrder,
    ConversationReading,
    CoreEvent,
    CoreSettings,
    EventCode,
    Incoming,
    PostCode,
    Posting,
    Sink,
    Slot,
    SlotState,
    SpawnOrder,
    Totals,
)

if TYPE_CHECKING:
    from caxton._core.core import Core, ModuleCode

_log = logging.getLogger("caxton.runtime.bridge")

BATCH_COMPLETIONS: Final = 128
TURN_NS_MAX: Final = 1_000_000


@unique
class _Kind(IntEnum):
    ACL = 0
    LOG = 2
    EVENT = 3
    CAPABILITY = 4
    UNROUTED = 5
    CONVERSATION = 6


_forked = False


def _mark_forked() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_mark_forked)


@final
class Bridge:
    """The core of this process."""

    def __init__(self, core: "Core", turn_ns_max: int) -> None:
        from caxton._core import core as names  # noqa: PLC0415 - see open

        self._held = core
        self._turn_ns_max = turn_ns_max
        self._names = names
        self._sink: Sink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._deliver: dict[int, Callable[[Sink, tuple[object, ...]], None]] = {
            _Kind.ACL: self._deliver_message,
            _Kind.LOG: self._deliver_log,
            _Kind.EVENT: self._deliver_event,
            _Kind.CAPABILITY: self._deliver_capability,
            _Kind.UNROUTED: self._deliver_unrouted,
            _Kind.CONVERSATION: self._deliver_conversation,
        }
        self.performatives: tuple[str, ...] = names.PERFORMATIVES
        self.statuses: tuple[str, ...] = names.STATUSES
        self.reject_reasons: tuple[str, ...] = names.REJECT_REASONS
        self.engine_version: str = names.ABI_WASMTIME_VERSION

    @classmethod
    def open(cls, settings: CoreSettings, *, turn_ns_max: int = TURN_NS_MAX) -> "Bridge":
        """Load the core and reserve what it needs; no worker runs yet.

        Raises:
            ConfigurationInvalid: wasmtime is missing or another version than the core was built for, or
                the kernel does not grant what the settings ask for. Says what to do.
        """
        try:
            # Loaded here, so that a missing engine is told like any other bad setting.
            from caxton._core import core as names  # noqa: PLC0415
        except ImportError as error:
            raise _cannot_load(error) from error
        _check_codes({**vars(names)})
        try:
            core = names.Core(
                workers=settings.workers,
                agents_max=settings.agents_max,
                pool_messages=settings.pool_messages,
                message_bytes_max=settings.message_bytes_max,
                epoch_tick_ms=settings.epoch_tick_ms,
                instance_bytes_max=settings.instance_bytes_max,
                mappings_max=settings.mappings_max,
                protocols=settings.conversations.protocols,
                conversations_max=settings.conversations.conversations_max,
                participants_max=settings.conversations.participants_max,
                reply_by_ms=settings.conversations.reply_by_ms,
                conversation_ttl_ms=settings.conversations.conversation_ttl_ms,
                loop_hops=settings.conversations.loop_hops,
                history_bytes=settings.conversations.history_bytes,
            )
        except (names.CoreError, MemoryError) as error:
            problem = Problem(
                field="runtime",
                kind=ProblemKind.OUT_OF_BOUNDS,
                problem=f"the core cannot be made: {_words(error)}",
                fix="lower runtime.agents_max, runtime.pool_messages or messaging.conversations_max",
            )
            raise ConfigurationInvalid([problem]) from error
        return cls(core, turn_ns_max)

    # --- life ---

    def start(self) -> None:
        """Start workers and ticker. Blocks until each worker has entered a guest."""
        self._core.start()

    def attach(self, loop: asyncio.AbstractEventLoop, sink: Sink) -> None:
        """Hand completions to `sink` on `loop` from now on."""
        self._sink = sink
        self._loop = loop
        loop.add_reader(self._core.event_fd, self._on_readable)

    def detach(self) -> None:
        """Stop handing over completions. Idempotent."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._core.event_fd)
        self._loop = None

    def stop(self, timeout_s: float) -> bool:
        """Stop the workers after their current handler; False when one did not end in time. Blocks."""
        return self._core.stop(timeout_s)

    def drain_completions(self) -> None:
        """Hand over everything that waits, however long it takes: for the end of the server."""
        while self._take_batch() == BATCH_COMPLETIONS:
            pass

    def close(self) -> None:
        """Free the core. Idempotent."""
        if not self._closed:
            self.detach()
            self._closed = True
            self._held.close()

    # --- modules ---

    def validate(self, wasm: bytes, profile: str) -> str | None:
        """Return why the engine refuses a module, or None. For any thread."""
        return self._core.validate(wasm, profile=self._profile(profile))

    def compile(self, wasm: bytes, profile: str, *, copy_on_write: bool) -> Code:
        """Compile a module; may take seconds. For any thread.

        Raises:
            EngineRefusal: the engine does not take it.
        """
        try:
            made = self._core.compile(wasm, profile=self._profile(profile), copy_on_write=copy_on_write)
        except self._names.CoreError as error:
            raise EngineRefusal(_words(error)) from error
        return Code(made)

    def deserialize(self, code: bytes, profile: str, *, copy_on_write: bool) -> Code:
        """Map machine code, which must be authentic. For any thread. Raises: EngineRefusal."""
        try:
            made = self._core.deserialize(code, profile=self._profile(profile), copy_on_write=copy_on_write)
        except self._names.CoreError as error:
            raise EngineRefusal(_words(error)) from error
        return Code(made)

    def serialize(self, code: Code) -> bytes:
        """Return machine code as bytes for `deserialize`. For any thread."""
        return _module_code(code).serialize()

    def free(self, code: Code) -> None:
        """Free machine code that no agent uses."""
        _module_code(code).close()

    def fuel_per_ms(self) -> int:
        """Fuel that a guest burns in a millisecond on this machine."""
        return self._core.fuel_per_ms()

    # --- agents ---

    def spawn(self, order: SpawnOrder, code: Code) -> Slot:
        """Claim a slot and ask for an instance; STARTED or START_FAILED follows.

        Raises:
            ResourceLimitExceeded: slots, memory or mappings are used up.
        """
        try:
            made = self._core.spawn(
                agent_id=order.agent_id,
                name=order.name.encode(),
                module=_module_code(code),
                fuel_max=order.fuel_max,
                memory_bytes_max=order.memory_bytes_max,
                execution_ms_max=order.execution_ms_max,
                message_bytes_max=order.message_bytes_max,
                mailbox_max=order.mailbox_max,
                messages_per_s_max=order.messages_per_s_max,
                restart_intensity=order.restart_intensity,
                restart_period_ms=order.restart_period_ms,
                config={key.encode(): value.encode() for key, value in order.config.items()},
                wasi=order.wasi,
            )
        except self._names.CoreError as error:
            raise _refused(error) from error
        return Slot(*made)

    def spawn_external(self, agent_id: AgentId, name: str, message_bytes_max: int, mailbox_max: int) -> Slot:
        """Claim a slot for an agent outside. Raises: ResourceLimitExceeded."""
        try:
            made = self._core.spawn_external(
                agent_id=agent_id,
                name=name.encode(),
                message_bytes_max=message_bytes_max,
                mailbox_max=mailbox_max,
            )
        except self._names.CoreError as error:
            raise _refused(error) from error
        return Slot(*made)

    def request(self, slot: Slot, what: Ask) -> bool:
        """Ask a slot to start, drain or go; False when it is no longer that agent or its state forbids it."""
        return self._core.request(slot.number, slot.generation, int(what))

    def retire(self, slot: Slot) -> None:
        """Give a removed agent's slot back."""
        self._core.retire(slot.number, slot.generation)

    def totals(self, slot: Slot) -> Totals:
        """Return what the core counts for a slot."""
        return Totals(*self._core.totals(slot.number, slot.generation))

    # --- messages ---

    def post(self, body: bytes, sender: AgentId) -> Posting:
        """Send one message from `sender`; nothing is sent when the text names another one."""
        return Posting(*self._core.post(body, sender, False))

    def post_to(self, body: bytes, sender: AgentId, receiver: AgentId) -> Posting:
        """As `post`, to `receiver` whatever the text says."""
        return Posting(*self._core.post_to(body, sender, receiver))

    def post_lines(
        self, data: bytes, start: int, lines_max: int, sender: AgentId
    ) -> tuple[int, list[tuple[int, str, str, object]]]:
        """Send up to `lines_max` lines; returns where to go on, and the answers in order."""
        return self._core.post_lines(data, start, lines_max, sender, False)

    def refuse_unrouted(self, slot: Slot, body: bytes, kind: str, words: str) -> bool:
        """Answer a guest's message to a capability with the host's `failure`; False when it hears nothing."""
        return self._core.refuse_unrouted(
            slot.number, slot.generation, body, kind.encode("ascii"), words.encode(errors="replace")
        )

    def acknowledge(self, slot: Slot, count: int) -> None:
        """Free places in an external agent's mailbox."""
        self._core.acknowledge(slot.number, slot.generation, count)

    # --- conversations ---

    def conversation(self, conversation_id: str) -> ConversationReading | None:
        """Return a conversation that is held to something, or None."""
        row = self._core.conversation(interior(conversation_id))
        return None if row is None else read_conversation(row)

    def conversations(
        self, start: int, count_max: int, *, live_only: bool
    ) -> tuple[list[ConversationReading], int]:
        """Return some conversations from place `start` on, and the place to go on from; 0 is the end."""
        rows, following = self._core.conversations(start, count_max, live_only)
        return [read_conversation(row) for row in rows], following

    def open_conversation(self, order: ConversationOrder) -> int:
        """Open a conversation ahead of its first message; returns a `Reason`'s number, 0 when it is open."""
        reason, _ = self._core.open_conversation(
            interior(order.conversation_id),
            None if order.protocol is None else order.protocol.encode(),
            order.initiator,
            [*order.participants],
            order.messages_max,
            order.fuel_max,
            order.ttl_ms,
        )
        return reason

    def end_conversation(self, conversation_id: str) -> bool:
        """End, as cancelled, a conversation that its participants have no say in; False for all others."""
        return self._core.end_conversation(interior(conversation_id))

    def history(self, conversation_id: str, after: int, count_max: int) -> HistoryReading:
        """Return what was said lately in a conversation, after a sequence. For any thread.

        Raises:
            Unavailable: the core was closed meanwhile.
        """
        try:
            return history_reading(self._core.history(interior(conversation_id), after, count_max))
        except self._names.CoreError as error:
            raise Unavailable("stopping") from error

    # --- numbers ---

    def telemetry(self) -> dict[str, object]:
        """Return the core's counters; `caxton.telemetry.metrics` knows the shape."""
        return {**self._core.telemetry()}

    def live_messages(self) -> int:
        """Messages that are in the core now."""
        return self._core.live_messages()

    def live_instances(self) -> int:
        """Instances that are in the core now."""
        return self._core.live_instances()

    def fault_word(self, number: int) -> str:
        """Return the word for a fault's number."""
        kinds = self._names.FAULT_KINDS
        return kinds[number] if 0 <= number < len(kinds) else kinds[0]

    # --- inside ---

    @property
    def _core(self) -> "Core":
        if _forked or self._closed:
            reason = "this process was forked from a running server" if _forked else "the server has stopped"
            raise Unavailable(reason, components=["core"])
        return self._held

    def _profile(self, profile: str) -> int:
        return self._names.PROFILE_STRICT if profile == "strict" else self._names.PROFILE_STANDARD

    def _on_readable(self) -> None:
        deadline_ns = time.perf_counter_ns() + self._turn_ns_max
        while self._take_batch() == BATCH_COMPLETIONS and time.perf_counter_ns() < deadline_ns:
            pass

    def _take_batch(self) -> int:
        sink = self._sink
        assert sink is not None, "attach comes before completions"
        batch = self._core.take_completions(BATCH_COMPLETIONS)
        for row in batch:
            try:
                self._deliver[cast("int", row[0])](sink, row)
            except Exception:  # noqa: BLE001 - the outermost frame: one bad row must not lose those behind it
                _log.exception("a completion could not be delivered", extra={"event": "completion_failed"})
        return len(batch)

    def _deliver_message(self, sink: Sink, row: tuple[object, ...]) -> None:
        _, index, generation, receiver, sender, is_host, act, message, conversation, reply_to, body = cast(
            "tuple[int, int, int, int, int, bool, int, str, str, str | None, bytes]", row
        )
        word = self.performatives[act]
        slot = Slot(index, generation)
        sink.on_message(
            Incoming(slot, AgentId(receiver), sender, is_host, word, message, conversation, reply_to, body)
        )

    def _deliver_log(self, sink: Sink, row: tuple[object, ...]) -> None:
        _, index, generation, agent, level, text, wall_ns = cast(
            "tuple[int, int, int, int, int, bytes, int]", row
        )
        # A guest may log any bytes; what is no text is shown as such.
        sink.on_log(Slot(index, generation), AgentId(agent), level, text.decode(errors="replace"), wall_ns)

    def _deliver_event(self, sink: Sink, row: tuple[object, ...]) -> None:
        _, index, generation, agent, code, fault, text = cast("tuple[int, int, int, int, int, int, str]", row)
        slot = Slot(index, generation)
        sink.on_event(CoreEvent(slot, AgentId(agent), EventCode(code), self.fault_word(fault), text))

    def _deliver_capability(self, sink: Sink, row: tuple[object, ...]) -> None:
        _, index, generation, agent, name = cast("tuple[int, int, int, int, str]", row)
        sink.on_capability(Slot(index, generation), AgentId(agent), name)

    def _deliver_unrouted(self, sink: Sink, row: tuple[object, ...]) -> None:
        _, index, generation, sender, capability, body = cast("tuple[int, int, int, int, str, bytes]", row)
        sink.on_unrouted(Slot(index, generation), AgentId(sender), capability, body)

    def _deliver_conversation(self, sink: Sink, row: tuple[object, ...]) -> None:
        sink.on_conversation(read_news(row, self.performatives))


class EngineRefusal(Exception):
    """The engine does not take a module or its machine code; the text says why."""


def _module_code(code: Code) -> "ModuleCode":
    return cast("ModuleCode", code)


def _check_codes(names: dict[str, object]) -> None:
    """Compare the numbers above with the core's; a difference is a fault of the build."""
    prefixes: dict[type[IntEnum], str] = {
        PostCode: "POST_",
        SlotState: "SLOT_",
        Ask: "REQUEST_",
        EventCode: "EVENT_",
        ConversationCode: "CONVERSATION_",
        _Kind: "KIND_",
    }
    for words, prefix in prefixes.items():
        for member in words:
            name = f"{prefix}{member.name}"
            assert names.get(name, member) == member, f"{name} differs from the core"


def _words(error: BaseException) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)


def _refused(error: Exception) -> ResourceLimitExceeded | InternalError:
    """Return what the caller is told when the core refuses to make room for an agent."""
    if error.args and error.args[0] == "resource":
        return ResourceLimitExceeded(_words(error), 0)
    return InternalError()


def _cannot_load(error: ImportError) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        [
            Problem(
                field="",
                kind=ProblemKind.UNSUPPORTED,
                problem=f"the core cannot be loaded: {error}",
                fix="install what it names, then start again",
            )
        ]
    )
