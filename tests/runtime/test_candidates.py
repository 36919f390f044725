"""Messages to a capability: the least loaded, equals in turn, nobody who cannot."""

from collections import Counter
from contextlib import suppress

import orjson
import pytest

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.resource import RateLimited
from caxton.domain.errors.routing import InvalidMessage, NobodyCapable, NobodyFree
from caxton.domain.limits import LimitsRequest
from caxton.runtime.candidates import COMPARED_MAX, LOOKED_AT_MAX
from tests.runtime.rig import Rig, until

pytestmark = pytest.mark.anyio

WORK = {"capability": "work"}


def _loads(rig: Rig, *agents: str) -> list[int]:
    return [rig.runtime.get(agent).usage.mailbox_depth for agent in agents]


async def test_equals_take_turns(rig: Rig) -> None:
    names = ["one", "two", "three"]
    for name in names:
        await rig.external(name, capabilities=("work",))
    for _ in range(9):
        rig.post(WORK)
    assert _loads(rig, *names) == [3, 3, 3]


async def test_idle_agents_take_turns_though_messages_to_others_come_between(rig: Rig) -> None:
    for name in ("one", "two"):
        await rig.deploy(name, "echo", capabilities=("work",))
        await rig.deploy(f"player-{name}", "echo", capabilities=("play",))
    chosen: Counter[str] = Counter()
    for _ in range(6):
        for capability in ("work", "play"):
            reply = await rig.ask({"capability": capability})
            sender: str = orjson.loads(reply.body)["sender"]
            chosen[sender] += 1
            # Its place in the mailbox is given back a moment after the answer has gone out.
            await until(lambda sender=sender: _loads(rig, sender) == [0], "it is idle again")
    assert sorted(chosen.values()) == [3, 3, 3, 3]


async def test_of_very_many_equals_each_gets_one(rig: Rig) -> None:
    count = COMPARED_MAX * 2 + 7
    names = [f"worker-{number}" for number in range(count)]
    for name in names:
        await rig.external(name, capabilities=("work",))
    for _ in range(count):
        rig.post(WORK)
    assert _loads(rig, *names) == [1] * count


async def test_a_full_one_is_passed_over_until_all_are_full(rig: Rig) -> None:
    await rig.external("small", mailbox_max=1, capabilities=("work",))
    await rig.external("large", mailbox_max=4, capabilities=("work",))
    for _ in range(5):
        rig.post(WORK)
    assert _loads(rig, "small", "large") == [1, 4]
    with pytest.raises(NobodyFree) as refusal:
        rig.post(WORK)
    assert (refusal.value.code, refusal.value.running_count) == ("MAILBOX_FULL", 2)
    assert refusal.value.details() == {"capability": "work", "running_count": 2}


async def test_the_one_with_room_is_found_behind_more_than_are_compared_at_once(rig: Rig) -> None:
    count = COMPARED_MAX * 3
    assert count <= LOOKED_AT_MAX
    for number in range(count):
        await rig.external(f"full-{number}", mailbox_max=1, capabilities=("work",))
        rig.post(f"full-{number}")
    await rig.external("spacious", capabilities=("work",))
    for _ in range(3):
        rig.post(WORK)
    assert _loads(rig, "spacious") == [3]


async def test_one_that_takes_only_so_many_a_second_is_passed_over(rig: Rig) -> None:
    await rig.deploy("slow", "silent", capabilities=("work",), limits=LimitsRequest(messages_per_s_max=1))
    rig.post(WORK)
    with pytest.raises(RateLimited):
        rig.post(WORK)
    await rig.external("spare", capabilities=("work",))
    for _ in range(3):
        rig.post(WORK)
    assert _loads(rig, "spare")[0] >= 2


async def test_one_that_stops_fails_or_goes_is_passed_over_and_comes_back(rig: Rig) -> None:
    await rig.deploy("worker", "echo", capabilities=("work",))
    await rig.runtime.drain("worker")
    assert rig.runtime.capable("work", 10) == []
    with pytest.raises(NobodyCapable) as refusal:
        rig.post(WORK)
    assert (refusal.value.holders_count, refusal.value.suggestions) == (1, ())
    await rig.runtime.start_agent("worker")
    assert rig.runtime.capable("work", 10) == [rig.runtime.agent_id("worker")]
    assert (await rig.ask(WORK)).performative == "inform"
    await rig.runtime.delete("worker")
    with pytest.raises(NobodyCapable) as refusal:
        rig.post(WORK)
    assert refusal.value.holders_count == 0


async def test_an_agent_that_failed_is_not_found_for_messages(rig: Rig) -> None:
    await rig.deploy("fragile", "trap", capabilities=("work",))
    await until(lambda: _broken(rig, "fragile"), "it has failed")
    with pytest.raises(NobodyCapable):
        rig.post(WORK)
    assert rig.runtime.yellow_pages.counts("work").running_count == 0


def _broken(rig: Rig, agent: str) -> bool:
    state = rig.runtime.get(agent).state
    if state == "running" and _loads(rig, agent) == [0]:
        # The core knows first: the runtime may not have heard yet.
        with suppress(InvalidState):
            rig.post(agent, performative="inform")
    return state == "failed"


async def test_a_message_that_is_none_is_refused_at_the_first(rig: Rig) -> None:
    await rig.external("worker", capabilities=("work",))
    with pytest.raises(InvalidMessage):
        rig.post(WORK, priority=12)
    assert _loads(rig, "worker") == [0]
