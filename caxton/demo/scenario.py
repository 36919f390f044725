"""The demonstration from beginning to end."""

import time
from typing import Final, final

import msgspec

from caxton.cli.client import Client
from caxton.demo.cast import CAST, CUSTOMER, JOB_SIZE, MANAGER, build
from caxton.demo.contract_net import ContractNet
from caxton.demo.conversation import Proposal, proposals
from caxton.demo.figures import (
    BALLS_UNDER_LOAD,
    IDLE_AGENTS,
    RING_AGENTS,
    Ring,
    bounds_told,
    deploy,
    memory_per_agent,
    quantiles_told,
)
from caxton.demo.own_server import OwnServer
from caxton.demo.seen_message import SeenMessage
from caxton.demo.stage import Stage
from caxton.demo.violation import Refusal, Violation

_ALONE_S: Final = 0.5


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. Times in seconds, sizes in bytes; None where nothing was counted."""

    messages_per_s: float
    load_p50_s: float | None
    load_p99_s: float | None
    alone_p50_s: float | None
    alone_p99_s: float | None
    bytes_per_agent: float


@final
class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How it went; `faults` is empty when the Contract Net and the refusal were as they should be."""

    faults: list[str]
    messages: list[SeenMessage]
    proposals: list[Proposal]
    refusals: list[Refusal]
    figures: Figures | None


class _External(msgspec.Struct, frozen=True):
    agent_id: str


class _System(msgspec.Struct, frozen=True):
    workers: int


@final
class Scenario:
    """One demonstration on a server of its own."""

    def __init__(self, stage: Stage, *, seconds: float) -> None:
        self._stage: Final = stage
        self._seconds: Final = seconds

    def build(self) -> dict[str, bytes]:
        """Build what the cast is made of, before anything is started. Raises: ToolchainError."""
        self._stage.heading("Agents, from C to WebAssembly")
        modules: dict[str, bytes] = {}
        for source in dict.fromkeys(role.source for role in CAST):
            built = build(source, traced=True)
            modules[source] = built.wasm
            told = "from the cache" if built.cached else f"built in {built.build_s:.1f} s"
            self._stage.step(f"{source}.c", f"{len(built.wasm) / 1000:.1f} kB of WebAssembly, {told}")
        return modules

    def start_server(self) -> OwnServer:
        """Start the server. Raises: Unreachable."""
        self._stage.heading("A server of its own")
        started = time.monotonic()
        server = OwnServer.start()
        took = time.monotonic() - started
        self._stage.step(
            f"caxton serve  {server.address.url}", f"ready after {took:.2f} s, data in {server.directory}"
        )
        return server

    def play(self, server: OwnServer, client: Client, modules: dict[str, bytes]) -> Outcome:
        """Run the Contract Net, break a rule and, when all went well, measure.

        Raises: Refused, Unreachable.
        """
        names = self._deploy(client, modules)
        self._stage.heading(f"A Contract Net: who counts the primes below {JOB_SIZE:,}?")
        run = ContractNet(client, self._stage, names)
        faults = run.run()
        violation = Violation(client, self._stage)
        if not faults:
            self._stage.heading("A word too many: what the protocol does not allow")
            faults = violation.run()
        figures = None if faults else self._measure(server, client)
        return Outcome(
            faults=faults,
            messages=run.messages,
            proposals=proposals(run.messages, MANAGER),
            refusals=violation.refusals,
            figures=figures,
        )

    def _deploy(self, client: Client, modules: dict[str, bytes]) -> dict[str, str]:
        names: dict[str, str] = {}
        for role in CAST:
            started = time.monotonic()
            made = deploy(client, role.name, modules[role.source], dict(role.config))
            names[made.agent_id] = role.name
            self._stage.step(f"agent {role.name}", f"{role.character}; running after {_ms(started)}")
        you = client.post("/agents", {"name": CUSTOMER, "kind": "external"}).decode(_External)
        names[you.agent_id] = CUSTOMER
        self._stage.cast([CUSTOMER, *(role.name for role in reversed(CAST))])
        return names

    def _measure(self, server: OwnServer, client: Client) -> Figures:
        self._stage.heading("Measured in this run")
        ring = Ring(server, client)
        ring.deploy()
        load = ring.measure(BALLS_UNDER_LOAD, self._seconds)
        alone = ring.measure(1, _ALONE_S)
        ring.remove()
        workers = client.get("/system").decode(_System).workers
        each = memory_per_agent(server, client)
        around = f"{RING_AGENTS} agents on {workers} workers"
        self._stage.figures(
            [
                (
                    "guest to guest",
                    f"{load.rate:,.0f} messages/s",
                    f"{BALLS_UNDER_LOAD} in flight among {around}, for {load.seconds:.1f} s",
                ),
                (
                    "latency under that load",
                    quantiles_told(load.histogram),
                    f"accepted to handled; {bounds_told(load.histogram)}",
                ),
                (
                    "latency alone",
                    quantiles_told(alone.histogram),
                    f"one message on its way, {alone.messages:,.0f} hops; {bounds_told(alone.histogram)}",
                ),
                (
                    "memory per agent",
                    f"{each / 1024:.1f} KiB",
                    f"resident memory of the server, {IDLE_AGENTS} idle agents more against none",
                ),
            ]
        )
        self._stage.note(
            "p50 and p99 are estimates from histogram buckets; beside them are their sure bounds."
        )
        quantiles = [
            found.estimate_s if found else None
            for histogram in (load.histogram, alone.histogram)
            for found in (histogram.quantile(0.5), histogram.quantile(0.99))
        ]
        return Figures(
            messages_per_s=load.rate,
            load_p50_s=quantiles[0],
            load_p99_s=quantiles[1],
            alone_p50_s=quantiles[2],
            alone_p99_s=quantiles[3],
            bytes_per_agent=each,
        )


def _ms(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"
