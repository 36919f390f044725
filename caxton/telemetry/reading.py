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
class CoreReading(msgspec.Struct, frozen=True, kw_only=True):
    """The core's counters since it started. Lists follow the order of the names beside them."""

    performatives: tuple[str, ...]
    statuses: tuple[str, ...]
    reject_reasons: tuple[str, ...]
    processed: list[list[int]]
    rejected: list[int]
    queue_wait: HistogramReading
    routing: HistogramReading
    processing: list[HistogramReading]
    workers: list[WorkerReading]
    bucket_upper_ns: list[int]


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


def read_core(
    counters: dict[str, object],
    performatives: tuple[str, ...],
    statuses: tuple[str, ...],
    reject_reasons: tuple[str, ...],
) -> CoreReading:
    """Give the core's counters their types. Raises: msgspec.ValidationError for another shape."""
    names: dict[str, object] = {
        "performatives": performatives,
        "statuses": statuses,
        "reject_reasons": reject_reasons,
    }
    return msgspec.convert({**counters, **names}, type=CoreReading)
