"""Agents that misbehave on a message: the sender hears of it, the agent shows it, nobody else notices."""

import asyncio
from typing import Final

import pytest

from caxton.domain.agent import RestartPolicy
from caxton.domain.limits import LimitsRequest
from tests.guests.cases import RUN_CASES, RunCase
from tests.runtime.rig import Rig, content_of, until

pytestmark = pytest.mark.anyio

# The core tells some kinds apart that the corpus does not.
FINER: Final = {"failure": "agent_error", "no_room": "alloc"}
# These spend their time in the host: little fuel has to stand for much time, little memory for many copies.
HOST_BOUND: Final = {
    "memory_nag": LimitsRequest(fuel_max=2000, memory_bytes_max=1 << 20),
    "send_flood": LimitsRequest(fuel_max=20_000),
    "log_flood": LimitsRequest(fuel_max=20_000),
}
PLENTY: Final = LimitsRequest(fuel_max=200_000_000)
DESTROYING: Final = {"trap", "fuel", "time", "memory", "stack", "alloc"}


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: case.name)
async def test_a_fault_is_answered_counted_and_shown(rig: Rig, case: RunCase) -> None:
    await rig.deploy("bad", case.name, limits=HOST_BOUND.get(case.name, PLENTY))
    for _ in range(case.warm_up):
        assert (await rig.ask("bad")).performative == "inform"
    reply = await rig.ask("bad")
    assert (reply.performative, reply.from_host) == (case.answer, True)
    if case.kind is not None:
        assert FINER.get(reply.error_kind or "", reply.error_kind) == case.kind
        assert reply.error_message
    usage = rig.runtime.get("bad").usage
    destroyed = reply.error_kind in DESTROYING
    assert usage.faults == usage.restarts == int(destroyed)
    if case.kind is not None:
        assert usage.last_error is not None
        assert usage.last_error.kind == reply.error_kind
    assert rig.runtime.get("bad").state == "running"
    assert rig.totals["instances"] == 1


async def test_what_a_faulty_handler_sent_never_leaves(rig: Rig) -> None:
    heard = await rig.external("silent")
    await rig.deploy("bad", "trap_after_send")
    assert (await rig.ask("bad")).error_kind == "trap"
    messages, _ = await rig.runtime.inbox(str(heard)).read(0, 10)
    assert messages == []
    await until(lambda: rig.totals["messages_in_flight"] == 0, "the core has let go of all")


async def test_memory_after_a_trap_is_not_seen_by_the_next_instance(rig: Rig) -> None:
    await rig.deploy("poke_then_trap")
    fresh = content_of(await rig.ask("poke_then_trap"))
    assert (await rig.ask("poke_then_trap")).error_kind == "trap"
    assert content_of(await rig.ask("poke_then_trap")) == fresh


async def test_the_memory_of_a_deleted_agent_is_not_seen_by_the_next(rig: Rig) -> None:
    await rig.deploy("poke")
    await rig.ask("poke")
    await rig.runtime.delete("poke")
    await rig.deploy("peek")
    assert content_of(await rig.ask("peek")) == {"value": 0}


async def test_two_agents_of_one_module_do_not_share_memory(rig: Rig) -> None:
    await rig.deploy("one", "counter")
    await rig.deploy("two", "counter")
    first = content_of(await rig.ask("one"))
    await rig.ask("one")
    assert content_of(await rig.ask("two")) == first


async def test_without_fuel_the_deadline_stops_a_loop(rig: Rig) -> None:
    await rig.deploy("loop", "infinite_loop", limits=LimitsRequest(fuel_max=2**62, execution_ms_max=50))
    reply = await rig.ask("loop")
    assert reply.error_kind == "time"


async def test_a_loop_does_not_hold_up_its_neighbours(rig: Rig) -> None:
    await rig.deploy("echo")
    policy = RestartPolicy(intensity=1000)
    await rig.deploy(
        "loop", "infinite_loop", restart=policy, limits=LimitsRequest(fuel_max=2**62, execution_ms_max=200)
    )
    stuck = asyncio.create_task(rig.ask("loop"))
    answered = 0
    while not stuck.done():
        assert (await rig.ask("echo")).performative == "inform"
        answered += 1
    assert answered > 10
    assert (await stuck).error_kind == "time"


async def test_a_flood_of_logs_is_bounded_and_the_losses_are_counted(rig: Rig) -> None:
    await rig.deploy("flood", "log_flood", limits=LimitsRequest(fuel_max=1_000_000))
    assert (await rig.ask("flood")).error_kind == "fuel"
    usage = rig.runtime.get("flood").usage
    assert usage.logs_dropped > 0
    assert 0 < len(rig.runtime.logs("flood").tail(100_000)) <= 1000
    assert rig.totals["log_bytes"] < 1 << 20
