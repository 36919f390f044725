"""Agents come, stop, come back and go."""

import asyncio
from pathlib import Path

import anyio
import pytest

from caxton.domain.agent import Delivery, Profile, RestartPolicy
from caxton.domain.errors.agent import AgentAlreadyExists, AgentNotFound, InvalidState, InvalidWasm
from caxton.domain.errors.request import InvalidRequest, NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.events import EventCursor
from caxton.domain.ids import Digest, parse_agent_name
from caxton.domain.limits import LimitsRequest
from caxton.runtime.deploy_request import DeployRequest
from tests.guests.cases import DEPLOY_CASES, DeployCase
from tests.guests.corpus import guest
from tests.runtime.rig import Rig, content_of, until

pytestmark = pytest.mark.anyio

GOOD = ("echo", "echo_bare", "counter", "big_data", "silent", "timer", "with_manifest", "registrar")


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_module_becomes_a_running_agent(rig: Rig, name: str) -> None:
    view = await rig.deploy(name)
    assert (view.name, view.state) == (name, "running")
    assert rig.runtime.get(view.agent_id) == rig.runtime.get(name)
    assert rig.totals["instances"] == 1


# The size limit of these settings is larger than that case wants; it has a test of its own below.
BAD = [case for case in DEPLOY_CASES if case.name != "too_large"]


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case.name}-{case.profile}")
async def test_a_bad_module_is_refused_with_all_its_faults_and_leaves_nothing(
    rig: Rig, case: DeployCase, tmp_path: Path
) -> None:
    request = DeployRequest(name=parse_agent_name("bad"), profile=Profile(case.profile))
    module = guest(case.name)
    with pytest.raises(InvalidWasm) as refusal:
        await rig.runtime.deploy(request, module)
    problems = refusal.value.problems
    assert {problem.code for problem in problems} == case.codes
    assert all(problem.problem and problem.fix for problem in problems)
    assert rig.totals["instances"] == 0
    assert rig.totals["modules_in_memory"] == 0
    with pytest.raises(AgentNotFound):
        rig.runtime.get("bad")
    assert list((tmp_path / "data" / "modules").iterdir()) == []
    assert [path.name for path in (tmp_path / "data" / "compiled").iterdir()] == ["key"]
    # The name and the place are free again.
    assert (await rig.deploy("bad", "echo")).state == "running"


async def test_a_module_above_the_size_limit_is_not_even_read(rig: Rig) -> None:
    request = DeployRequest(name=parse_agent_name("large"))
    with pytest.raises(InvalidWasm) as refusal:
        await rig.runtime.deploy(request, bytes(33 << 20))
    assert [problem.code for problem in refusal.value.problems] == ["too_large"]


async def test_a_name_is_taken_while_its_deployment_runs(rig: Rig) -> None:
    outcomes = await asyncio.gather(*(rig.deploy("echo") for _ in range(8)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, AgentAlreadyExists)]
    assert len(refused) == 7
    assert {error.agent_id for error in refused} == {rig.runtime.get("echo").agent_id}
    assert rig.totals["instances"] == 1


async def test_everything_that_this_version_lacks_is_refused_at_once(rig: Rig) -> None:
    request = DeployRequest(
        name=parse_agent_name("wants-too-much"),
        limits=LimitsRequest(mailbox_max=0),
        instances=4,
        delivery=Delivery.EXACTLY_ONCE,
        tools=("search",),
    )
    with pytest.raises(InvalidRequest) as refusal:
        await rig.runtime.deploy(request, guest("echo"))
    fields = {problem.field for problem in refusal.value.problems}
    assert fields == {"limits.mailbox_max", "instances", "delivery", "tools[0]"}


async def test_a_known_module_is_deployed_by_its_digest(rig: Rig) -> None:
    first = await rig.deploy("echo")
    request = DeployRequest(name=parse_agent_name("echo-2"), module_digest=Digest(first.module_digest or ""))
    assert (await rig.runtime.deploy(request, None)).module_digest == first.module_digest
    assert rig.totals["modules_compiled"] == 1


async def test_an_unknown_digest_is_not_found(rig: Rig) -> None:
    request = DeployRequest(name=parse_agent_name("echo"), module_digest=Digest("0" * 64))
    with pytest.raises(NotFound):
        await rig.runtime.deploy(request, None)


async def test_bytes_that_contradict_the_digest_are_refused(rig: Rig) -> None:
    request = DeployRequest(name=parse_agent_name("echo"), module_digest=Digest("0" * 64))
    with pytest.raises(InvalidRequest) as refusal:
        await rig.runtime.deploy(request, guest("echo"))
    assert [problem.field for problem in refusal.value.problems] == ["module_digest"]


async def test_the_manifest_says_what_the_deployer_leaves_out(rig: Rig) -> None:
    view = await rig.deploy("manifested", "with_manifest")
    assert view.version != "1"
    assert view.capabilities
    overridden = await rig.deploy("overridden", "with_manifest", capabilities=("other",))
    assert overridden.capabilities == ("other",)


async def test_when_the_places_are_used_up_a_deployment_is_refused_and_told_so(tmp_path: Path) -> None:
    from caxton.clock import SystemClock
    from caxton.runtime.runtime import Runtime
    from tests.runtime.rig import small_config

    runtime = Runtime.open(small_config(tmp_path, agents_max=3), SystemClock())
    await runtime.start()
    try:
        rig = Rig(runtime)
        await rig.deploy("one", "echo")
        await rig.deploy("two", "echo")
        with pytest.raises(ResourceLimitExceeded) as refusal:
            await rig.deploy("three", "echo")
        assert refusal.value.retry_after_s
        await runtime.delete("one")
        # A place is used again when all workers have moved on.
        await until(lambda: _deployed(rig, "three"), "a place becomes free")
    finally:
        await runtime.stop(5.0)


async def _deployed(rig: Rig, name: str) -> bool:
    try:
        await rig.deploy(name, "echo")
    except ResourceLimitExceeded:
        return False
    return True


async def test_a_deployment_whose_caller_goes_away_leaves_nothing(rig: Rig) -> None:
    task = asyncio.create_task(rig.deploy("echo"))
    await anyio.lowlevel.checkpoint()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: _deployed_name(rig), "the name becomes free")


async def _deployed_name(rig: Rig) -> bool:
    try:
        await rig.deploy("echo")
    except AgentAlreadyExists:
        return False
    return rig.totals["instances"] == 1


async def test_draining_finishes_what_waits_and_takes_nothing_new(rig: Rig) -> None:
    await rig.deploy("counter")
    accepted = 0
    for _ in range(200):
        rig.post("counter", "count")
        accepted += 1
    draining = asyncio.create_task(rig.runtime.drain("counter"))
    refusal = None
    while refusal is None:
        # The core takes messages until the agent's worker has seen the request; each of them counts.
        try:
            rig.post("counter", "maybe too late")
            accepted += 1
        except InvalidState as error:
            refusal = error
        await anyio.lowlevel.checkpoint()
    assert (refusal.operation, refusal.code) == ("receive", "INVALID_STATE")
    view = await draining
    assert (view.state, view.usage.messages_handled) == ("stopped", accepted)
    assert rig.totals["instances"] == 0


async def test_a_drained_agent_starts_again_with_fresh_memory(rig: Rig) -> None:
    await rig.deploy("counter")
    first = content_of(await rig.ask("counter"))
    assert content_of(await rig.ask("counter")) != first
    await rig.runtime.drain("counter")
    assert (await rig.runtime.start_agent("counter")).state == "running"
    assert content_of(await rig.ask("counter")) == first


async def test_a_restart_gives_fresh_memory_and_is_counted(rig: Rig) -> None:
    await rig.deploy("counter")
    first = content_of(await rig.ask("counter"))
    view = await rig.runtime.restart("counter")
    assert (view.state, view.usage.restarts) == ("running", 1)
    assert content_of(await rig.ask("counter")) == first


@pytest.mark.parametrize(
    ("prepare", "operation"),
    [("", "start"), ("drain", "drain")],
)
async def test_an_operation_out_of_place_names_state_and_operation(
    rig: Rig, prepare: str, operation: str
) -> None:
    await rig.deploy("echo")
    if prepare:
        await rig.runtime.drain("echo")
    call = rig.runtime.start_agent if operation == "start" else rig.runtime.drain
    with pytest.raises(InvalidState) as refusal:
        await call("echo")
    assert refusal.value.operation == operation
    assert refusal.value.state == rig.runtime.get("echo").state


async def test_an_external_agent_is_neither_drained_nor_started(rig: Rig) -> None:
    await rig.external("person")
    for call in (rig.runtime.drain, rig.runtime.start_agent, rig.runtime.restart):
        with pytest.raises(InvalidState):
            await call("person")


async def test_a_deleted_agent_is_gone_with_its_name_and_instance(rig: Rig) -> None:
    await rig.deploy("echo")
    await rig.runtime.delete("echo")
    with pytest.raises(AgentNotFound):
        rig.runtime.get("echo")
    assert rig.totals["instances"] == 0
    assert (await rig.deploy("echo")).state == "running"


async def test_what_waits_for_a_deleted_agent_is_answered_with_failure(rig: Rig) -> None:
    policy = RestartPolicy(intensity=1000)
    await rig.deploy(
        "busy",
        "infinite_loop",
        restart=policy,
        # Long enough for most to wait when the first is through, short enough to be waited for.
        limits=LimitsRequest(fuel_max=500_000_000, execution_ms_max=60_000),
    )
    asks = [asyncio.create_task(rig.ask("busy")) for _ in range(100)]
    await until(lambda: rig.runtime.get("busy").usage.faults > 0, "the first message is through")
    assert rig.runtime.get("busy").usage.mailbox_depth > 50
    await rig.runtime.delete("busy")
    replies = await asyncio.gather(*asks)
    assert {reply.performative for reply in replies} == {"failure"}
    kinds = [reply.error_kind for reply in replies]
    assert set(kinds) == {"fuel", "agent_removed"}
    assert kinds.index("agent_removed") > kinds.index("fuel")


async def test_a_forced_delete_does_not_wait_for_the_running_handler(rig: Rig) -> None:
    await rig.deploy("busy", "infinite_loop", limits=LimitsRequest(fuel_max=2**62, execution_ms_max=3000))
    rig.post("busy")
    await until(lambda: rig.runtime.get("busy").usage.mailbox_depth == 1, "the message is in")
    await rig.runtime.delete("busy", force=True)
    assert rig.totals["instances"] == 1
    with pytest.raises(AgentNotFound):
        rig.runtime.get("busy")
    with pytest.raises(AgentAlreadyExists):
        await rig.deploy("busy", "echo")
    await until(lambda: rig.totals["instances"] == 0, "the handler has met its deadline")


async def test_an_agent_that_faults_too_often_fails_and_can_be_restarted(rig: Rig) -> None:
    await rig.deploy("trap", restart=RestartPolicy(policy="temporary"))
    assert (await rig.ask("trap")).error_kind == "trap"
    view = rig.runtime.get("trap")
    assert view.state == "failed"
    assert view.usage.last_error is not None
    assert view.usage.last_error.kind == "trap"
    with pytest.raises(InvalidState):
        rig.post("trap")
    assert (await rig.runtime.restart("trap")).state == "running"


async def test_an_agent_that_fails_while_it_is_deleted_is_gone_nevertheless(rig: Rig) -> None:
    # Seen in a soak: the core told of the failure and of the removal in one batch, the first took the place
    # of the second, and the deletion waited for ever with the name held.
    limits = LimitsRequest(execution_ms_max=20, fuel_max=1 << 60)
    for _ in range(5):
        await rig.deploy("infinite_loop", limits=limits, restart=RestartPolicy(policy="temporary"))
        rig.post("infinite_loop")
        await until(lambda: rig.runtime.get("infinite_loop").usage.mailbox_depth == 1, "it is being handled")
        with anyio.fail_after(10):
            await rig.runtime.delete("infinite_loop")


async def test_events_tell_the_story_of_an_agent(rig: Rig) -> None:
    await rig.deploy("echo")
    echo = rig.runtime.agent_id("echo")
    await rig.runtime.drain("echo")
    await rig.runtime.start_agent("echo")
    await rig.runtime.delete("echo")
    told = [event.type for event in rig.runtime.events.since(EventCursor(0)) if event.agent_id == echo]
    assert told == [
        "agent.deployed",
        "agent.draining",
        "agent.stopped",
        "agent.started",
        "agent.removed",
    ]
