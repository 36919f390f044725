"""Metrics for Prometheus, made when they are asked for.

Nothing is counted here: a scrape asks the runtime for a reading, which is taken on the event loop in
short slices, while the scrape itself, with all its text, runs on a thread of its own server and port.
When the loop does not answer in time, the latest reading is shown again and marked as stale.
"""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.problem import Problem, ProblemKind
from caxton.telemetry.agent_series import AgentSeries, Series
from caxton.telemetry.reading import CoreReading, HistogramReading, Reading, ReadingSource, WorkerReading

READING_TIMEOUT_S: Final = 2.0
# Over how long a worker's busy share is measured, at least.
BUSY_WINDOW_S: Final = 5.0
_NS: Final = 1e-9


class _BusySample(NamedTuple):
    at_s: float
    workers: list[WorkerReading]


@final
class RuntimeCollector(Collector):
    """Turns readings into metrics. Scrapes of several threads take turns."""

    def __init__(
        self,
        source: ReadingSource,
        loop: asyncio.AbstractEventLoop,
        *,
        version: str,
        agents_max: int,
        timeout_s: float = READING_TIMEOUT_S,
    ) -> None:
        self._source = source
        self._loop = loop
        self._version = version
        self._timeout_s = timeout_s
        self._series = AgentSeries(agents_max)
        self._turn = threading.Lock()
        self._latest: Reading | None = None
        self._busy: _BusySample | None = None
        self._ratios: list[float] = []

    def collect(self) -> Iterator[Metric]:
        """Yield every family; on a scrape's thread."""
        with self._turn:
            fresh = self._read()
            if fresh is not None:
                self._latest = fresh
            reading = self._latest
            yield _gauge(
                "scrape_stale", "1 when the event loop gave no reading in time.", float(fresh is None)
            )
            if reading is None:
                return
            yield from _whole(reading, self._version)
            yield from _messages(reading.core)
            yield from _conversations(reading.core)
            yield self._busy_ratio(reading.core.workers)
            yield from _agents(self._series.update(reading.agents))

    def _read(self) -> Reading | None:
        reading = self._source.read()
        try:
            future = asyncio.run_coroutine_threadsafe(reading, self._loop)
        except RuntimeError:
            # The loop is closed: the server is at its end.
            reading.close()
            return None
        try:
            return future.result(self._timeout_s)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            future.cancel()
            return None

    def _busy_ratio(self, workers: list[WorkerReading]) -> Metric:
        now_s = time.monotonic()
        before = self._busy
        if before is None:
            self._busy = _BusySample(now_s, workers)
            self._ratios = [_share(worker.busy_ns, worker.parked_ns) for worker in workers]
        elif now_s - before.at_s >= BUSY_WINDOW_S:
            self._busy = _BusySample(now_s, workers)
            self._ratios = [
                _share(worker.busy_ns - old.busy_ns, worker.parked_ns - old.parked_ns)
                for worker, old in zip(workers, before.workers, strict=True)
            ]
        family = GaugeMetricFamily(
            "caxton_worker_busy_ratio", "Share of its time in which a worker ran agents.", labels=["worker"]
        )
        for index, ratio in enumerate(self._ratios):
            family.add_metric([str(index)], ratio)
        return family


@final
class MetricsServer:
    """`GET /metrics` on a port of its own. `registry` takes further collectors."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    def add(self, collector: Collector) -> None:
        """Show another collector's metrics."""
        self.registry.register(collector)

    def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which matters where 0 was asked for.

        Raises:
            ConfigurationInvalid: the address cannot be bound.
        """
        try:
            self._server, self._thread = start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            problem = Problem(
                field="server.metrics_port",
                kind=ProblemKind.INVALID_VALUE,
                problem=f"{host}:{port} cannot be bound for the metrics: {error.strerror or error}",
                fix="stop what listens there, or choose another port with --metrics-port",
            )
            raise ConfigurationInvalid([problem]) from error
        return self._server.server_port

    def stop(self) -> None:
        """Stop listening. Blocks for a moment. Idempotent."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"caxton_{name}", words, value=value)


def _whole(reading: Reading, version: str) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "caxton_build_info", "1, with the versions that run.", labels=["version", "wasmtime"]
    )
    build.add_metric([version, reading.engine_version], 1.0)
    yield build
    states = GaugeMetricFamily("caxton_agents_total", "Agents by state.", labels=["state"])
    for state, count in reading.states.items():
        states.add_metric([state], count)
    yield states
    yield _gauge("instances", "WebAssembly instances in memory.", reading.instances)
    yield _gauge("messages_in_flight", "Messages that the core holds.", reading.messages_in_flight)
    yield _gauge("waiting_callers", "Callers that wait for an answer.", reading.waiting_callers)
    yield CounterMetricFamily(
        "caxton_modules_compiled", "Modules compiled since the start.", value=reading.modules_compiled
    )


def _messages(core: CoreReading) -> Iterator[Metric]:
    processed = CounterMetricFamily(
        "caxton_messages_processed", "Messages by act and outcome.", labels=["performative", "status"]
    )
    for act, row in zip(core.names.performatives, core.processed, strict=True):
        for status, count in zip(core.names.statuses, row, strict=True):
            if count:
                processed.add_metric([act, status], count)
    yield processed
    yield _rejected(core)
    durations = HistogramMetricFamily(
        "caxton_message_processing_duration_seconds",
        "From a message's acceptance to the return of its handler.",
        labels=["performative"],
    )
    for act, histogram in zip(core.names.performatives, core.processing, strict=True):
        if histogram.count:
            durations.add_metric([act], _cumulative(histogram, core.bucket_upper_ns), histogram.sum_ns * _NS)
    yield durations
    yield _histogram(
        "message_queue_wait_seconds",
        "From a message's acceptance to the call of its handler.",
        core.queue_wait,
        core.bucket_upper_ns,
    )
    yield _histogram(
        "message_routing_duration_seconds",
        "From a sent text until it has its place in the mailbox; of messages that agents send, a sample.",
        core.routing,
        core.bucket_upper_ns,
    )


def _rejected(core: CoreReading) -> Metric:
    """Whatever was not taken: by the core's own limits, and by the protocols of conversations."""
    family = CounterMetricFamily(
        "caxton_messages_rejected", "Messages that were not taken, by reason.", labels=["reason"]
    )
    for reason, count in zip(core.names.reject_reasons, core.rejected, strict=True):
        family.add_metric([reason], count)
    # The first is that of messages that were accepted, and counts none.
    for reason, count in zip(core.names.verdicts[1:], core.verdicts[1:], strict=True):
        family.add_metric([reason], count)
    return family


def _conversations(core: CoreReading) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "caxton_conversations_active", "Conversations that have not ended.", labels=["protocol"]
    )
    finished = CounterMetricFamily(
        "caxton_conversations_finished",
        "Conversations that have ended, by how.",
        labels=["protocol", "outcome"],
    )
    *named, free = core.names.protocols
    lines = list(zip(core.conversations_opened, core.conversations_finished, strict=True))
    # The core has room for more protocols than there are.
    for protocol, (opened, ends) in [*zip(named, lines, strict=False), (free, lines[-1])]:
        # One that ends while it is read can be counted as ended before it is counted as opened.
        active.add_metric([protocol], max(opened - sum(ends), 0))
        for outcome, count in zip(core.names.outcomes, ends, strict=True):
            if count:
                finished.add_metric([protocol, outcome], count)
    yield from (active, finished)
    yield _gauge(
        "conversations_held", "Conversations in memory, live and remembered.", core.conversations_held
    )
    yield CounterMetricFamily(
        "caxton_conversation_events_untold",
        "Events of conversations that were too many to be told one by one.",
        value=core.conversation_events_untold,
    )


def _histogram(name: str, words: str, histogram: HistogramReading, upper_ns: list[int]) -> Metric:
    return HistogramMetricFamily(
        f"caxton_{name}", words, buckets=_cumulative(histogram, upper_ns), sum_value=histogram.sum_ns * _NS
    )


def _cumulative(histogram: HistogramReading, upper_ns: list[int]) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    total = 0
    for upper, count in zip(upper_ns[:-1], histogram.buckets, strict=False):
        total += count
        rows.append((repr(upper * _NS), float(total)))
    # The last bucket has no upper end, whatever its number says.
    rows.append(("+Inf", float(sum(histogram.buckets))))
    return rows


def _agents(series: list[Series]) -> Iterator[Metric]:
    events = CounterMetricFamily("caxton_agent_events", "Lifecycle events.", labels=["agent", "event"])
    crashes = CounterMetricFamily(
        "caxton_agent_crashes", "Instances lost to a fault, by its kind.", labels=["agent", "kind"]
    )
    restarts = CounterMetricFamily(
        "caxton_agent_restarts", "Fresh instances after the first.", labels=["agent"]
    )
    fuel = CounterMetricFamily("caxton_agent_fuel_consumed", "Fuel burnt by handlers.", labels=["agent"])
    handled = CounterMetricFamily("caxton_agent_messages_handled", "Messages handled.", labels=["agent"])
    memory = GaugeMetricFamily("caxton_agent_memory_bytes", "Linear memory.", labels=["agent"])
    depth = GaugeMetricFamily("caxton_mailbox_depth", "Messages that wait or are in hand.", labels=["agent"])
    for row in series:
        for event, count in row.counters.events.items():
            events.add_metric([row.label, event], count)
        for kind, count in row.counters.faults.items():
            crashes.add_metric([row.label, kind], count)
        restarts.add_metric([row.label], row.counters.restarts)
        fuel.add_metric([row.label], row.counters.fuel)
        handled.add_metric([row.label], row.counters.handled)
        memory.add_metric([row.label], row.memory_bytes)
        depth.add_metric([row.label], row.mailbox_depth)
    yield from (events, crashes, restarts, fuel, handled, memory, depth)


def _share(busy_ns: int, parked_ns: int) -> float:
    whole = busy_ns + parked_ns
    return busy_ns / whole if whole > 0 else 0.0
