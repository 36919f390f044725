"""The figures, measured in this run: rate and latency from guest to guest, and memory of an agent.

What is counted is counted by the server: its counters and histograms before and after, its resident memory.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final, final

import httpx
import msgspec

from caxton.cli.client import Client
from caxton.cli.path import segment
from caxton.cli.refusal import Ended
from caxton.demo.cast import build
from caxton.demo.exposition import Histogram, Quantile, Scrape
from caxton.demo.own_server import OwnServer

RING_AGENTS: Final = 64
BALLS_UNDER_LOAD: Final = 256
IDLE_AGENTS: Final = 500
_END_S: Final = 10.0
_PINGER: Final = "ring-0"
_PROCESSED: Final = "caxton_messages_processed_total"
_DURATION: Final = "caxton_message_processing_duration_seconds"


class _Counts(msgspec.Struct, frozen=True):
    passed: int
    in_play: int


class _CountsMessage(msgspec.Struct, frozen=True):
    content: _Counts


class _CountsAnswer(msgspec.Struct, frozen=True):
    reply: _CountsMessage


class _Deployed(msgspec.Struct, frozen=True):
    agent_id: str
    module_digest: str


@final
class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What the server handled within some time."""

    seconds: float
    messages: float
    histogram: Histogram

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


@final
class Ring:
    """Agents that pass messages round and round: each gets one, and sends one to the next."""

    def __init__(self, server: OwnServer, client: Client) -> None:
        self._client: Final = client
        self._metrics_url: Final = server.metrics_url
        self._http: Final = httpx.Client(trust_env=False, timeout=10.0)
        self._names: Final = [f"ring-{number}" for number in range(RING_AGENTS)]

    def deploy(self) -> None:
        """Put the ring together. Raises: ToolchainError, Refused, Unreachable."""
        pinger = build("pinger", traced=False).wasm
        deploy(self._client, _PINGER, pinger, {"next": self._names[1]})
        relay = build("relay", traced=False).wasm
        digest = None
        for number in range(1, RING_AGENTS):
            following = self._names[(number + 1) % RING_AGENTS]
            made = deploy(self._client, self._names[number], digest or relay, {"next": following})
            digest = made.module_digest

    def measure(self, balls: int, seconds: float) -> Span:
        """Put so many messages into the ring, and count for some time what is handled.

        Raises: Refused, Unreachable.
        """
        self._ask("request", {"action": "serve", "balls": balls})
        before, started = self._scrape()
        threading.Event().wait(seconds)
        after, ended = self._scrape()
        self._ask("request", {"action": "stop"})
        self._await_rest()
        return Span(
            seconds=ended - started,
            messages=after.total(_PROCESSED, status="success") - before.total(_PROCESSED, status="success"),
            histogram=after.histogram(_DURATION).since(before.histogram(_DURATION)),
        )

    def remove(self) -> None:
        """Remove the ring's agents."""
        for name in self._names:
            self._client.delete(f"/agents/{segment(name)}", query={"force": "true"})
        self._http.close()

    def _ask(self, performative: str, content: object) -> _Counts:
        message = {"performative": performative, "receiver": _PINGER, "content": content}
        answer = self._client.post("/messages", message, query={"wait_ms": 10_000}, wait_s=10.0)
        return answer.decode(_CountsAnswer).reply.content

    def _await_rest(self) -> None:
        """Wait until every message that is still on its way has come back and ended."""
        deadline = time.monotonic() + _END_S
        while self._ask("query-ref", None).in_play > 0:
            if time.monotonic() > deadline:
                raise Ended(code="DEMO_FAILED", message="messages in the ring did not come to rest")

    def _scrape(self) -> tuple[Scrape, float]:
        """Scrape the metrics; the moment is the middle of the exchange."""
        asked = time.monotonic()
        response = self._http.get(self._metrics_url)
        moment = (asked + time.monotonic()) / 2
        scrape = Scrape(response.raise_for_status().text)
        for name in (_PROCESSED, f"{_DURATION}_bucket"):
            if not scrape.has(name):
                raise Ended(code="DEMO_FAILED", message=f"the server's metrics do not tell {name}")
        return scrape, moment


def deploy(client: Client, name: str, module: bytes | str, config: dict[str, str]) -> _Deployed:
    """Deploy an agent from a module's bytes, or from the digest of one that the server has.

    Raises: Refused, Unreachable.
    """
    document: dict[str, object] = {"name": name, "config": config}
    if isinstance(module, str):
        return client.post("/agents", {**document, "module_digest": module}).decode(_Deployed)
    return client.upload("/agents", document=document, module=module, filename=f"{name}.wasm").decode(
        _Deployed
    )


def memory_per_agent(server: OwnServer, client: Client) -> float:
    """Return by how many bytes the server's process grows for each idle agent, everything included.

    Raises: ToolchainError, Refused, Unreachable.
    """
    names = [f"idle-{number}" for number in range(IDLE_AGENTS)]
    wasm = build("bidder", traced=False).wasm
    # The first one brings the module, which all share.
    digest = deploy(client, "idle-first", wasm, {}).module_digest
    before = server.resident_bytes()
    for name in names:
        deploy(client, name, digest, {})
    after = server.resident_bytes()
    for name in ("idle-first", *names):
        client.delete(f"/agents/{segment(name)}", query={"force": "true"})
    return (after - before) / IDLE_AGENTS


def quantiles_told(histogram: Histogram) -> str:
    """Return p50 and p99 as they can be told from buckets: `p50 1.4 µs, p99 7.9 µs`."""
    return ", ".join(
        f"{name} {time_told(found.estimate_s) if found else 'unknown'}" for name, found in _p50_p99(histogram)
    )


def bounds_told(histogram: Histogram) -> str:
    """Return between which bounds p50 and p99 surely are."""
    return ", ".join(
        f"{name} in {time_told(found.above_s)} to {time_told(found.at_most_s)}"
        for name, found in _p50_p99(histogram)
        if found is not None
    )


def time_told(seconds: float) -> str:
    """Return a span of time in the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _p50_p99(histogram: Histogram) -> Sequence[tuple[str, Quantile | None]]:
    return (("p50", histogram.quantile(0.5)), ("p99", histogram.quantile(0.99)))
