"""Metrics come from the core, through a scrape that never holds the loop up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.errors.routing import ProtocolViolation
from caxton.protocols.catalogue import PROTOCOLS
from caxton.runtime.seam import ConversationOrder
from caxton.telemetry.metrics import MetricsServer, RuntimeCollector
from caxton.telemetry.reading import Reading
from tests.runtime.conftest import rig as rig  # noqa: PLC0414 - the fixture is used here too
from tests.runtime.rig import Rig

pytestmark = pytest.mark.anyio

Families = dict[str, Metric]


@pytest.fixture
async def scraped(rig: Rig) -> AsyncIterator[str]:
    """Serve the metrics of a runtime and give the address."""
    server = MetricsServer()
    loop = asyncio.get_running_loop()
    server.add(RuntimeCollector(rig.runtime.census(), loop, version="1.2.3", agents_max=3))
    port = server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}/metrics"
    await anyio.to_thread.run_sync(server.stop)


async def _scrape(address: str) -> Families:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(address, timeout=10.0)
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def _value(families: Families, family: str, name: str | None = None, **labels: str) -> float | None:
    for sample in families[family].samples:
        if sample.name == (name or sample.name) and all(sample.labels.get(k) == v for k, v in labels.items()):
            return sample.value
    return None


async def test_every_family_has_its_type_and_help(rig: Rig, scraped: str) -> None:
    await rig.deploy("echo")
    await rig.ask("echo")
    families = await _scrape(scraped)
    types = {
        "caxton_agents_total": "gauge",
        "caxton_agent_events": "counter",
        "caxton_agent_crashes": "counter",
        "caxton_agent_restarts": "counter",
        "caxton_agent_memory_bytes": "gauge",
        "caxton_agent_fuel_consumed": "counter",
        "caxton_messages_processed": "counter",
        "caxton_messages_rejected": "counter",
        "caxton_message_processing_duration_seconds": "histogram",
        "caxton_message_queue_wait_seconds": "histogram",
        "caxton_message_routing_duration_seconds": "histogram",
        "caxton_mailbox_depth": "gauge",
        "caxton_worker_busy_ratio": "gauge",
        "caxton_conversations_active": "gauge",
        "caxton_conversations_finished": "counter",
        "caxton_conversations_held": "gauge",
        "caxton_conversation_events_untold": "counter",
        "caxton_build_info": "gauge",
        "process_resident_memory_bytes": "gauge",
    }
    for name, kind in types.items():
        assert families[name].type == kind, name
        assert families[name].documentation


async def test_messages_and_their_times_are_counted(rig: Rig, scraped: str) -> None:
    await rig.deploy("echo")
    for _ in range(10):
        await rig.ask("echo")
    families = await _scrape(scraped)
    processed = _value(families, "caxton_messages_processed", performative="request", status="success")
    assert processed == 10
    duration = "caxton_message_processing_duration_seconds"
    assert _value(families, duration, f"{duration}_count", performative="request") == 10
    assert _value(families, duration, f"{duration}_bucket", performative="request", le="+Inf") == 10
    assert 0 < (_value(families, duration, f"{duration}_sum", performative="request") or 0) < 10
    buckets = [
        sample.value
        for sample in families[duration].samples
        if sample.name.endswith("_bucket") and sample.labels["performative"] == "request"
    ]
    assert buckets == sorted(buckets)
    handled = _value(families, "caxton_agent_messages_handled", agent="echo")
    assert handled == 10
    assert (_value(families, "caxton_agent_fuel_consumed", agent="echo") or 0) > 0


async def test_faults_and_refusals_are_counted_with_their_reasons(rig: Rig, scraped: str) -> None:
    await rig.deploy("trap")
    await rig.ask("trap")
    for _ in range(2):
        with pytest.raises(Exception, match="does not exist"):
            rig.post("nobody")
    families = await _scrape(scraped)
    assert _value(families, "caxton_agent_crashes", agent="trap", kind="trap") == 1
    assert _value(families, "caxton_agent_restarts", agent="trap") == 1
    assert _value(families, "caxton_agent_events", agent="trap", event="fault") == 1
    assert _value(families, "caxton_messages_rejected", reason="no_route") == 2
    assert _value(families, "caxton_messages_processed", performative="request", status="failed") == 1


async def test_conversations_are_counted_by_protocol_and_outcome(rig: Rig, scraped: str) -> None:
    await rig.deploy("silent")
    before = await _scrape(scraped)
    assert _value(before, "caxton_conversations_active", protocol="fipa-request") == 0
    talk = {"protocol": "fipa-request", "conversation_id": "a talk"}
    rig.post("silent", performative="request", **talk)
    with pytest.raises(ProtocolViolation, match="wrong role"):
        rig.post("silent", performative="agree", **talk)
    order = ConversationOrder(
        conversation_id="free",
        protocol=None,
        initiator=rig.me,
        participants=(rig.runtime.agent_id("silent"),),
    )
    rig.runtime.conversations.open(order)
    rig.runtime.conversations.cancel("free")
    families = await _scrape(scraped)
    assert _value(families, "caxton_conversations_active", protocol="fipa-request") == 1
    assert _value(families, "caxton_conversations_active", protocol="none") == 0
    assert _value(families, "caxton_conversations_finished", protocol="none", outcome="cancelled") == 1
    assert _value(families, "caxton_conversations_held") == 2
    assert _value(families, "caxton_messages_rejected", reason="wrong_role") == 1
    assert _value(families, "caxton_conversation_events_untold") == 0
    labels = {sample.labels["protocol"] for sample in families["caxton_conversations_active"].samples}
    assert labels == {*(protocol.name for protocol in PROTOCOLS), "none"}
    # What was refused was not processed, whatever its act.
    processed = families["caxton_messages_processed"].samples
    assert not [sample for sample in processed if sample.labels.get("performative") == "agree"]


async def test_agents_are_counted_by_state_and_their_series_are_capped(rig: Rig, scraped: str) -> None:
    for number in range(6):
        await rig.deploy(f"echo-{number}", "echo")
    await rig.runtime.drain("echo-0")
    families = await _scrape(scraped)
    assert _value(families, "caxton_agents_total", state="running") == 6
    assert _value(families, "caxton_agents_total", state="stopped") == 1
    labels = {sample.labels["agent"] for sample in families["caxton_mailbox_depth"].samples}
    assert len(labels) == 4
    assert "other" in labels


async def test_a_loop_that_does_not_answer_costs_a_stale_scrape_and_no_more() -> None:
    class Late:
        async def read(self) -> Reading:
            await asyncio.Event().wait()
            raise AssertionError

    loop = asyncio.get_running_loop()
    collector = RuntimeCollector(Late(), loop, version="1", agents_max=3, timeout_s=0.05)
    families = await anyio.to_thread.run_sync(lambda: list(collector.collect()))
    assert [family.name for family in families] == ["caxton_scrape_stale"]
    assert families[0].samples[0].value == 1


async def test_the_latest_reading_is_shown_when_the_loop_has_ended(rig: Rig) -> None:
    loop = asyncio.new_event_loop()
    census = rig.runtime.census()
    collector = RuntimeCollector(census, asyncio.get_running_loop(), version="1", agents_max=3)
    first = await anyio.to_thread.run_sync(lambda: list(collector.collect()))
    assert len(first) > 10
    loop.close()
    collector = RuntimeCollector(census, loop, version="1", agents_max=3)
    assert [family.name for family in collector.collect()] == ["caxton_scrape_stale"]


async def test_many_scrapes_at_once_all_answer(rig: Rig, scraped: str) -> None:
    await rig.deploy("echo")
    for families in await asyncio.gather(*(_scrape(scraped) for _ in range(10))):
        assert _value(families, "caxton_scrape_stale") == 0


async def test_a_port_in_use_is_a_setting_that_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(ConfigurationInvalid) as refusal:
            MetricsServer().start("127.0.0.1", port)
    assert refusal.value.problems[0].field == "server.metrics_port"
