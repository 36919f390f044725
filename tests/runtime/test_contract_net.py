"""The demo's agents run a Contract Net on the real core: guests among themselves, timers included."""

import asyncio

import msgspec
import pytest

from tests.runtime.rig import Rig, content_of
from tests.sdk.built import demo_agent

pytestmark = pytest.mark.anyio

PRIMES_BELOW_1000 = 168


@pytest.fixture
async def market(rig: Rig) -> Rig:
    bidder = demo_agent("bidder")
    await rig.deploy("cheap", bidder, config={"price_base": "1", "price_per_1000": "2", "work_ms": "50"})
    await rig.deploy("greedy", bidder, config={"price_base": "50", "price_per_1000": "20"})
    await rig.deploy("picky", bidder, config={"price_base": "5", "price_per_1000": "3", "size_min": "500"})
    await rig.deploy("manager", demo_agent("manager"), config={"bidders": "cheap,greedy,picky"})
    return rig


async def test_the_cheapest_bidder_does_the_job_and_the_requester_hears_of_it(market: Rig) -> None:
    reply = await market.ask("manager", {"size": 1000})
    assert reply.performative == "inform"
    told = msgspec.convert(content_of(reply), dict[str, object])
    assert told["result"] == {"primes": PRIMES_BELOW_1000, "below": 1000, "price": 3}
    assert told["winner"] == market.runtime.get("cheap").agent_id
    proposals = msgspec.convert(told["proposals"], list[dict[str, object]])
    assert sorted(msgspec.convert(proposal["price"], int) for proposal in proposals) == [3, 8, 70]


async def test_a_job_that_nobody_takes_is_a_failure(market: Rig) -> None:
    reply = await market.ask("manager", {"size": 0})
    assert reply.performative == "failure"
    assert msgspec.convert(content_of(reply), dict[str, object])["refused"] == 3


async def test_many_nets_at_once_do_not_mix(market: Rig) -> None:
    sizes = (10, 100, 1000, 10_000, 100_000)
    replies = await asyncio.gather(*(market.ask("manager", {"size": size}) for size in sizes))
    found = [msgspec.convert(content_of(reply), dict[str, object])["result"] for reply in replies]
    primes = [msgspec.convert(result, dict[str, int])["primes"] for result in found]
    assert primes == [4, 25, 168, 1229, 9592]


async def test_balls_go_round_a_ring_of_relays_until_they_are_stopped(rig: Rig) -> None:
    relay = demo_agent("relay")
    for number in range(1, 10):
        await rig.deploy(
            f"relay-{number}", relay, config={"next": f"relay-{number + 1}" if number < 9 else "pinger"}
        )
    await rig.deploy("pinger", demo_agent("pinger"), config={"next": "relay-1"})
    await rig.ask("pinger", {"action": "serve", "balls": 20})
    while True:
        counts = msgspec.convert(
            content_of(await rig.ask("pinger", performative="query-ref")), dict[str, int]
        )
        if counts["passed"] > 1000:
            break
    await rig.ask("pinger", {"action": "stop"})
    while counts["in_play"] > 0:
        counts = msgspec.convert(
            content_of(await rig.ask("pinger", performative="query-ref")), dict[str, int]
        )
    passed = msgspec.convert(content_of(await rig.ask("relay-9", performative="query-ref")), dict[str, int])
    assert passed["passed"] == counts["passed"]
