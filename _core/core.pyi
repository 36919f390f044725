"""The face of the compiled core: the only names that Python sees, used by `caxton.runtime.bridge` alone."""

from typing import Final, TypeAlias, TypedDict, final, type_check_only

ABI_WASMTIME_VERSION: Final[str]

# Feature profiles.
PROFILE_STRICT: Final = 0
PROFILE_STANDARD: Final = 1

# Answers of `Core.post` (first item).
POST_ACCEPTED: Final = 0
POST_INVALID: Final = 1          # detail: (EnvelopeStatus, byte offset, field name or None)
POST_NO_ROUTE: Final = 2         # detail: the receiver's id or name as text
POST_MAILBOX_FULL: Final = 3     # detail: receiver id (int)
POST_RATE_LIMITED: Final = 4     # detail: (receiver id, nanoseconds to wait)
POST_TOO_LARGE: Final = 5        # detail: (bytes, bytes allowed)
POST_POOL_EXHAUSTED: Final = 6   # detail: None
POST_NOT_RUNNING: Final = 7      # detail: (receiver id, SlotState)
POST_OTHER_SENDER: Final = 8     # detail: agent id named as sender (int), or its unknown name (str)
POST_NO_RECEIVER: Final = 9      # detail: None
POST_REFUSED: Final = 11         # by its protocol; detail: (Reason, protocol or 255, conversation state, Outcome)
POST_DUPLICATE: Final = 12       # its id was accepted in this conversation before; detail likewise
POST_CAPABILITY: Final = 10      # detail: capability name; the shell picks a receiver and posts again

# Slot states.
SLOT_FREE: Final = 0
SLOT_STARTING: Final = 1
SLOT_RUNNING: Final = 2
SLOT_DRAINING: Final = 3
SLOT_STOPPED: Final = 4
SLOT_FAILED: Final = 5
SLOT_REMOVING: Final = 6

# What `Core.request` asks.
REQUEST_START: Final = 1
REQUEST_DRAIN: Final = 2
REQUEST_REMOVE: Final = 3

# Kinds of completions (first item of each tuple from `Core.take_completions`).
KIND_ACL: Final = 0              # message for an external agent
KIND_LOG: Final = 2
KIND_EVENT: Final = 3
KIND_CAPABILITY: Final = 4
KIND_UNROUTED: Final = 5         # a guest sent to {"capability": ...}: the shell routes it

KIND_CONVERSATION: Final = 6     # something happened to a conversation that is held to a protocol or to limits

# Event codes of KIND_CONVERSATION completions.
CONVERSATION_REFUSED: Final = 1  # number: a Reason of caxton.protocols.row
CONVERSATION_ENDED: Final = 2    # number: an Outcome
CONVERSATION_AWARDED: Final = 3  # the receiver is the one that was awarded
CONVERSATION_LOOPS: Final = 4    # number: messages in a row, each sent while the one before was handled

# Event codes of KIND_EVENT completions.
EVENT_STARTED: Final = 1
EVENT_START_FAILED: Final = 2    # the slot is stopped; detail tells why
EVENT_FAULT: Final = 3           # one instance was thrown away and replaced
EVENT_FAILED: Final = 4          # too many faults, or no new instance: the slot is failed
EVENT_STOPPED: Final = 5         # drained
EVENT_REMOVED: Final = 6         # nothing of it is left in the core; `Core.retire` may follow

FAULT_KINDS: Final[tuple[str, ...]]
"""Names by number: none, trap, fuel, time, memory, stack, reply, agent_error, alloc, start, refused, malformed, busy, ..."""

REJECT_REASONS: Final[tuple[str, ...]]
PERFORMATIVES: Final[tuple[str, ...]]
STATUSES: Final[tuple[str, ...]]

_Histogram: TypeAlias = tuple[int, int, list[int]]
"""Count, sum in nanoseconds, counts by bucket (not cumulative; the last is +Inf)."""

@type_check_only
class WorkerReading(TypedDict):
    """What one worker did since start."""

    busy_ns: int
    parked_ns: int
    stolen: int
    handled: int
    fuel: int

@type_check_only
class Reading(TypedDict):
    """All counters; lists go by performative, status and reason in the order of the names above."""

    processed: list[list[int]]
    rejected: list[int]
    queue_wait: _Histogram
    routing: _Histogram
    processing: list[_Histogram]
    workers: list[WorkerReading]
    bucket_upper_ns: list[int]
    conversations_opened: list[int]
    """By protocol; the last is that of conversations without one."""
    conversations_finished: list[list[int]]
    """By protocol, then by outcome."""
    conversations_held: int
    """Live and remembered."""
    verdicts: list[int]
    """Refused messages, by reason."""
    conversation_events_untold: int
    instances: int

class CoreError(Exception):
    """The core refused; `args` = (kind, text). Kinds: wasmtime, resource, state, argument."""

@final
class ModuleCode:
    """Compiled machine code of one module under one engine, shared by all its instances."""

    profile: int
    copy_on_write: bool
    def serialize(self) -> bytes: ...
    def close(self) -> None: ...

@final
class Core:
    """The running core. One per process; all methods but `history` are for the control thread."""

    def __init__(
        self,
        *,
        workers: int,
        agents_max: int,
        pool_messages: int,
        message_bytes_max: int,
        epoch_tick_ms: int,
        instance_bytes_max: int,
        mappings_max: int,
        protocols: bytes,
        conversations_max: int,
        participants_max: int,
        reply_by_ms: int,
        conversation_ttl_ms: int,
        loop_hops: int,
        history_bytes: int,
    ) -> None:
        """`protocols` is the image of `caxton.protocols.compiled`; a time of 0 is no default."""
    event_fd: int
    """An eventfd that becomes readable when completions wait; read by the shell's loop."""
    def start(self) -> None:
        """Start workers and ticker; return when each worker has made its first guest call."""
    def stop(self, timeout_s: float) -> bool:
        """Stop workers after their current handler; True when all ended in time. Idempotent."""
    def close(self) -> None: ...
    def validate(self, wasm: bytes, *, profile: int) -> str | None:
        """The engine's own verdict on a module, None = valid. Runs without the GIL."""
    def compile(self, wasm: bytes, *, profile: int, copy_on_write: bool) -> ModuleCode:
        """Compile without the GIL (may take seconds: call it on a thread). Raises CoreError."""
    def deserialize(self, code: bytes, *, profile: int, copy_on_write: bool) -> ModuleCode:
        """Map machine code made by `serialize`. The bytes must be authentic: native code runs."""
    def fuel_per_ms(self) -> int:
        """Calibrated at start: fuel that this machine burns in a millisecond of guest loop."""
    def spawn(
        self,
        *,
        agent_id: int,
        name: bytes,
        module: ModuleCode,
        fuel_max: int,
        memory_bytes_max: int,
        execution_ms_max: int,
        message_bytes_max: int,
        mailbox_max: int,
        messages_per_s_max: float,
        restart_intensity: int,
        restart_period_ms: int,
        config: dict[bytes, bytes],
        wasi: bool,
    ) -> tuple[int, int]:
        """Claim a slot and ask a worker for an instance. Returns (slot, generation).

        EVENT_STARTED or EVENT_START_FAILED follows. Raises CoreError("resource", ...) when slots,
        memory or mappings are used up.
        """
    def spawn_external(self, *, agent_id: int, name: bytes, message_bytes_max: int, mailbox_max: int) -> tuple[int, int]: ...
    def request(self, index: int, generation: int, what: int) -> bool:
        """Ask for START, DRAIN or REMOVE; False when the slot is no longer that agent or its state forbids it.

        Nothing may be asked after REMOVE, and of an external agent nothing else.
        """
    def retire(self, index: int, generation: int) -> None:
        """Free the slot of a removed agent; its index is used again after all workers have moved on."""
    def state(self, index: int, generation: int) -> int: ...
    def totals(self, index: int, generation: int) -> tuple[int, int, int, int, int, int, int, int]:
        """(state, mailbox depth, messages handled, fuel used, memory bytes, faults, last fault, logs dropped)."""
    def post(self, body: bytes, sender_id: int, any_sender: bool) -> tuple[int, str, str, object]:
        """Accept one client message (JSON text): (code, message id, conversation id, detail).

        A list of receivers is all or nothing. When the text names another sender than `sender_id`
        nothing is sent and POST_OTHER_SENDER is returned unless `any_sender` (then it must be external).
        """
    def post_lines(
        self, data: bytes, start: int, lines_max: int, sender_id: int, any_sender: bool
    ) -> tuple[int, list[tuple[int, str, str, object]]]:
        """Accept up to `lines_max` newline-separated messages from `start`; returns (next start, answers as `post`)."""
    def post_to(self, body: bytes, sender_id: int, receiver_id: int) -> tuple[int, str, str, object]:
        """As `post`, with the receiver given by the caller (capability or invoke), whatever the text says."""
    def refuse_unrouted(self, index: int, generation: int, body: bytes, kind: bytes, detail: bytes) -> bool:
        """Answer an unrouted message (slot, generation and text of KIND_UNROUTED) with the host's `failure`.

        `kind` is plain ASCII. The answer keeps the conversation, names the message in `in_reply_to` and has no
        sender: it is the host's own, and a reply to it finds nobody. False when the message may not be answered (it is an answer that ends an
        exchange), its sender is gone, or there is no room for the answer.
        """
    def acknowledge(self, index: int, generation: int, count: int) -> None:
        """Free `count` places of an external agent's mailbox, of messages that `take_completions` gave out."""
    def take_completions(self, count_max: int) -> list[tuple[object, ...]]:
        """Oldest first; re-arms `event_fd` when it returns fewer than `count_max`.

        (KIND_ACL, slot, generation, receiver id, sender id, is_host, performative, message id,
         conversation id, in_reply_to or None, body)
        (KIND_LOG, slot, generation, agent id, level, text, wall clock ns)
        (KIND_EVENT, slot, generation, agent id, event code, fault number, text)
        (KIND_CAPABILITY, slot, generation, agent id, name)
        (KIND_UNROUTED, slot, generation, sender id, capability, original text)
        (KIND_CONVERSATION, event code, number, conversation id, sender id, receiver id, performative,
         protocol or 255, conversation state, initiator id, messages, message id or None)
        """
    def conversation(self, conversation_id: bytes) -> tuple[object, ...] | None:
        """A conversation that is held to something, by its id with canonical JSON escapes.

        (conversation id, protocol or 253 for none, state, Outcome, Phase, initiator id,
         [(agent id, session state, role, cancelling), ...], messages, messages_max, fuel, fuel_max, refused,
         opened ns, ended ns or None, reply by ns or None, expires ns or None, whether it was opened ahead,
         opened ns of the monotonic clock)
        """
    def conversations(self, start: int, count_max: int, live_only: bool) -> tuple[list[tuple[object, ...]], int]:
        """Some of them from record `start` on, and where to go on; 0 = the end."""
    def open_conversation(
        self,
        conversation_id: bytes,
        protocol: bytes | None,
        initiator: int,
        participants: list[int],
        messages_max: int,
        fuel_max: int,
        ttl_ms: int,
    ) -> tuple[int, int]:
        """Open one ahead of its first message: (Reason, state). A limit of 0 is none, a ttl of 0 the default."""
    def end_conversation(self, conversation_id: bytes) -> bool:
        """End, as cancelled, one that its participants have no say in; False for all others."""
    def history(
        self, conversation_id: bytes, after: int, count_max: int
    ) -> tuple[list[tuple[object, ...]], bool, bool, bool]:
        """What was said lately in a conversation, in order: (rows, more follow, some were overwritten, known at all).

        Rows after the sequence `after`, `count_max` of them and what the host answered to the last. The one method
        for any thread; runs without the GIL.

        (sequence, Unix ns, message id or None, sender id, [receiver id, ...], performative, Reason or 0, made by the
         host, the text is the sender's own, text or None when it was too long to be kept)
        """
    def telemetry(self) -> Reading:
        """Sums over workers since start."""
    def live_messages(self) -> int: ...
    def live_instances(self) -> int: ...
