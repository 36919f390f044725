"""The numbers of one moment, on their way from the runtime to the metrics."""

from collections.abc import Coroutine, Sequence
from typing import Protocol, final

import msgspec


@final
class HistogramReading(msgspec.Struct, frozen=True, array_like=True):
    """Durations: how many, their sum, and how many fell into each bucket (not cumulative)."""

    count: int
    sum_ns: int
    buckets: list[int]


@final
class WorkerReading(msgspec.Struct, frozen=True, kw_only=True):
    """One worker since it started."""

    busy_ns: int
    parked_ns: int
    stolen: int
    handled: int
    fuel: int


@final
class CoreNames(msgspec.Struct, frozen=True, kw_only=True):
    """What the numbers of the core's counters stand for, in their order.

    The last of the protocols is that of conversations without one, which the core counts in its last line.
    `verdicts` are the reasons for which a protocol refuses a message; the first is none.
    """

    performatives: tuple[str, ...]
    statuses: tuple[str, ...]
    reject_reasons: tuple[str, ...]
    protocols: tuple[str, ...]
    outcomes: tuple[str, ...]
    verdicts: tuple[str, ...]


@final
class CoreReading(msgspec.Struct, frozen=True, kw_only=True):
    """The core's counters since it started. Lists follow the order of the names."""

    names: CoreNames
    processed: list[list[int]]
    rejected: list[int]
    queue_wait: HistogramReading
    routing: HistogramReading
    processing: list[HistogramReading]
    workers: list[WorkerReading]
    bucket_upper_ns: list[int]
    conversations_opened: list[int]
    conversations_finished: list[list[int]]
    conversations_held: int
    verdicts: list[int]
    conversation_events_untold: int


@final
class AgentReading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One agent. Counts since it was deployed."""

    agent_id: int
    name: str
    mailbox_depth: int
    messages_handled: int
    fuel_used: int
    memory_bytes: int
    restarts: int
    events: dict[str, int]
    faults: dict[str, int]


@final
class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a scrape shows of the runtime."""

    core: CoreReading
    agents: Sequence[AgentReading]
    states: dict[str, int]
    waiting_callers: int
    instances: int
    messages_in_flight: int
    modules_compiled: int
    engine_version: str


class ReadingSource(Protocol):
    """Whoever takes readings, on the event loop."""

    def read(self) -> Coroutine[object, object, Reading]: ...


def read_core(counters: dict[str, object], names: CoreNames) -> CoreReading:
    """Give the core's counters their types. Raises: msgspec.ValidationError for another shape."""
    return msgspec.convert({**counters, "names": names}, type=CoreReading)
