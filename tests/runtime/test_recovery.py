"""After a restart everybody is back who was kept, as they were, and who cannot come back says why."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caxton.clock import SystemClock
from caxton.domain.agent import Profile, RestartPolicy
from caxton.domain.errors.agent import AgentAlreadyExists, AgentNotFound, InvalidState
from caxton.domain.errors.request import ConfigurationInvalid, NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.domain.errors.taxonomy import InternalError
from caxton.domain.ids import parse_agent_name, parse_capability
from caxton.domain.limits import LimitsRequest
from caxton.runtime.agent_view import AgentView
from caxton.runtime.deploy_request import DeployRequest
from caxton.runtime.runtime import Runtime
from caxton.storage.agents import load_deployments
from caxton.storage.database import connect
from tests.guests.corpus import guest
from tests.runtime.rig import TOKEN, content_of, running, small_config, until

pytestmark = pytest.mark.anyio


@contextmanager
def disk_held(data_dir: Path) -> Generator[None]:
    """Let nothing be committed meanwhile."""
    other = connect(str(data_dir / "caxton.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def lasting(view: AgentView) -> dict[str, object]:
    """Return what a restart must not change."""
    return {name: getattr(view, name) for name in view.__struct_fields__ if name != "usage"}


async def test_an_agent_comes_back_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        views = [
            await rig.deploy(
                "one",
                "echo",
                capabilities=("translate", "sum"),
                config={"greeting": "hé\0llo", "empty": ""},
                labels={"team": "a=b", "": "x"},
                restart=RestartPolicy(policy="temporary", intensity=3, period_s=0.3),
                limits=LimitsRequest(fuel_max=2**62, mailbox_max=7, messages_per_s_max=1.5),
            ),
            await rig.deploy("two", "config_reader"),
        ]
        request = DeployRequest(name=parse_agent_name("three"), profile=Profile.STANDARD, deployed_by="me")
        views.append(await rig.runtime.deploy(request, guest("echo")))
    async with running(tmp_path) as rig:
        listed = [view for view in rig.runtime.list(limit=10)[0] if view.kind == "guest"]
        assert [lasting(view) for view in listed] == [lasting(view) for view in views]
        assert rig.totals["instances"] == 3
        assert (await rig.ask("one", "hello")).performative == "inform"
        agent_id = rig.runtime.agent_id("three")
        (deployment,) = await rig.runtime.store.read(lambda c: load_deployments(c, agent_id))
        assert (deployment.deployed_by, deployment.deployment_id) == ("me", views[2].deployment_id)
        # What comes later is listed later.
        await rig.deploy("four", "echo")
        assert [view.name for view in rig.runtime.list(limit=10)[0] if view.kind == "guest"][-1] == "four"


async def test_a_deleted_agent_stays_away_and_its_name_is_free(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("echo")
        await rig.deploy("forced", "echo")
        await rig.runtime.delete("echo")
        await rig.runtime.delete("forced", force=True)
    async with running(tmp_path) as rig:
        for name in ("echo", "forced"):
            with pytest.raises(AgentNotFound):
                rig.runtime.get(name)
        assert (await rig.deploy("echo")).state == "running"


async def test_a_stopped_agent_comes_back_stopped_and_can_be_started(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("echo")
        await rig.runtime.drain("echo")
        await rig.deploy("again", "echo")
        await rig.runtime.drain("again")
        await rig.runtime.start_agent("again")
        await rig.deploy("restarted", "echo")
        await rig.runtime.restart("restarted")
    async with running(tmp_path) as rig:
        states = {name: rig.runtime.get(name).state for name in ("echo", "again", "restarted")}
        assert states == {"echo": "stopped", "again": "running", "restarted": "running"}
        # The rig's own agent runs, too.
        assert (await rig.runtime.census().read()).states == {"stopped": 1, "running": 3}
        assert rig.totals["instances"] == 2
        with pytest.raises(InvalidState) as refusal:
            rig.post("echo")
        assert refusal.value.state == "stopped"
        with pytest.raises(InvalidState):
            await rig.runtime.drain("echo")
        assert (await rig.runtime.start_agent("echo")).state == "running"
        assert (await rig.ask("echo")).performative == "inform"
    async with running(tmp_path) as rig:
        assert rig.runtime.get("echo").state == "running"
        await rig.runtime.drain("echo")
        await rig.runtime.delete("echo")
    async with running(tmp_path) as rig:
        with pytest.raises(AgentNotFound):
            rig.runtime.get("echo")


@pytest.mark.parametrize("damage", ["gone", "changed", "unreadable"])
async def test_an_agent_without_its_module_is_failed_with_the_reason_and_the_rest_runs(
    tmp_path: Path, damage: str
) -> None:
    async with running(tmp_path) as rig:
        lost = await rig.deploy("counter")
        await rig.deploy("lost-too", "counter")
        await rig.deploy("echo")
    module = tmp_path / "modules" / f"{lost.module_digest}.wasm"
    if damage == "gone":
        module.unlink()
    elif damage == "unreadable":
        module.unlink()
        module.mkdir()
    else:
        module.write_bytes(module.read_bytes()[:-1] + b"\xff")
    async with running(tmp_path) as rig:
        assert rig.runtime.get("echo").state == "running"
        for name in ("counter", "lost-too"):
            view = rig.runtime.get(name)
            assert (view.state, view.agent_id == lost.agent_id) == ("failed", name == "counter")
            assert view.usage.last_error is not None
            assert (lost.module_digest or "") in view.usage.last_error.message
        with pytest.raises(InvalidState):
            rig.post(lost.agent_id)
        with pytest.raises(Unavailable if damage == "unreadable" else NotFound):
            await rig.runtime.start_agent("counter")
        assert rig.runtime.get("counter").state == "failed"
        if damage == "unreadable":
            module.rmdir()
        # Whoever brings the module again lets them start.
        await rig.deploy("healer", "counter")
        assert (await rig.runtime.start_agent("counter")).state == "running"
        assert (await rig.ask("counter")).performative == "inform"
        assert (await rig.runtime.restart("lost-too")).state == "running"


async def test_a_profile_that_is_not_allowed_any_more_is_the_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        request = DeployRequest(name=parse_agent_name("echo"), profile=Profile.STANDARD)
        await rig.runtime.deploy(request, guest("echo"))
    async with running(tmp_path, allowed_profiles=["strict"]) as rig:
        error = rig.runtime.get("echo").usage.last_error
        assert error is not None
        assert "standard" in error.message
        await rig.runtime.delete("echo")
    async with running(tmp_path) as rig:
        with pytest.raises(AgentNotFound):
            rig.runtime.get("echo")


async def test_an_agent_for_which_there_is_no_room_any_more_is_failed(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for number in range(6):
            await rig.deploy(f"echo-{number}", "echo")
    runtime = Runtime.open(small_config(tmp_path, agents_max=4), SystemClock())
    await runtime.start()
    try:
        states = [runtime.get(f"echo-{number}").state for number in range(6)]
        assert states == ["running"] * 4 + ["failed"] * 2
        await runtime.delete("echo-0")

        async def starts() -> bool:
            # The place is free when the last reader of the routing table has moved on.
            try:
                return (await runtime.start_agent("echo-5")).state == "running"
            except ResourceLimitExceeded:
                return False

        await until(starts)
    finally:
        await runtime.stop(10.0)


async def test_an_agent_that_failed_gets_another_chance(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("trap", restart=RestartPolicy(intensity=0))
        rig.post("trap")
        await until(lambda: rig.runtime.get("trap").state == "failed")
    async with running(tmp_path) as rig:
        assert rig.runtime.get("trap").state == "running"


async def test_an_external_agent_comes_back_with_its_owner_and_a_tokens_own_does_not(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        made = await rig.external("ear", mailbox_max=3)
        mine = rig.me
    async with running(tmp_path) as rig:
        assert rig.runtime.agent_id("ear") == made
        assert rig.runtime.owner(made) == TOKEN
        assert rig.runtime.get("ear").limits.mailbox_max == 3
        rig.post("ear", "hello")
        assert len((await rig.runtime.inbox("ear").read(20_000, 10))[0]) == 1
        assert rig.me != mine
        with pytest.raises(AgentNotFound):
            rig.runtime.get(str(mine))


async def test_what_an_external_agent_can_do_comes_back_as_it_was_told_last(tmp_path: Path) -> None:
    one, two, three = map(parse_capability, ("one", "two", "three"))
    async with running(tmp_path) as rig:
        made = await rig.external("ear", capabilities=(one, two))
        pages = rig.runtime.yellow_pages
        await pages.register("ear", three)
        await pages.deregister("ear", one)
        # Of an agent that is not kept nothing is kept.
        await pages.register(str(rig.me), three)
    async with running(tmp_path) as rig:
        assert rig.runtime.get("ear").capabilities == (two, three)
        assert rig.runtime.capable([two, three], 10) == rig.runtime.capable(three, 10) == [made]
        assert rig.runtime.capable(one, 10) == []
        rig.post({"capability": three}, "hello")
        assert len((await rig.runtime.inbox("ear").read(20_000, 10))[0]) == 1


async def test_what_an_agent_can_do_is_as_before_when_it_cannot_be_kept(tmp_path: Path) -> None:
    one, two = map(parse_capability, ("one", "two"))
    async with running(tmp_path) as rig:
        made = await rig.external("ear", capabilities=(one,))
        other = connect(str(tmp_path / "caxton.db"))
        other.execute("CREATE TRIGGER never BEFORE INSERT ON agents BEGIN SELECT RAISE(FAIL, 'never'); END")
        other.close()
        pages = rig.runtime.yellow_pages
        for change in (pages.register("ear", two), pages.register("ear", one), pages.deregister("ear", one)):
            with pytest.raises(InternalError):
                await change
            assert rig.runtime.get("ear").capabilities == (one,)
        assert (rig.runtime.capable(one, 10), rig.runtime.capable(two, 10)) == ([made], [])


async def test_guests_that_come_back_are_found_by_what_they_can_do_while_they_run(tmp_path: Path) -> None:
    repeat = parse_capability("repeat")
    async with running(tmp_path) as rig:
        for name in ("runs", "rests"):
            await rig.deploy(name, "echo", capabilities=(repeat,))
        await rig.runtime.drain("rests")
    async with running(tmp_path) as rig:
        runs, rests = map(rig.runtime.agent_id, ("runs", "rests"))
        assert rig.runtime.capable(repeat, 10) == [runs]
        assert rig.runtime.yellow_pages.counts(repeat).agents_count == 2
        await rig.runtime.start_agent("rests")
        assert rig.runtime.capable(repeat, 10) == [runs, rests]


async def test_a_part_of_the_server_is_not_kept(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path) as rig:
            rig.runtime.service_agent("caxton.tasks", lambda _: None)
            assert [view.name for view in rig.runtime.list()[0]] == [f"client.{TOKEN}", "caxton.tasks"]


async def test_durability_memory_keeps_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, durability="memory") as rig:
        await rig.deploy("echo")
        assert (await rig.ask("echo")).performative == "inform"
    assert not (tmp_path / "caxton.db").exists()
    async with running(tmp_path) as rig:
        with pytest.raises(AgentNotFound):
            rig.runtime.get("echo")


async def test_an_agent_is_not_shown_before_it_is_kept_and_gone_with_its_deployer(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        with disk_held(tmp_path):
            task = asyncio.create_task(rig.deploy("echo"))
            other = asyncio.create_task(rig.external("ear"))
            await until(lambda: rig.totals["instances"] == 1)
            for name in ("echo", "ear"):
                with pytest.raises(AgentNotFound):
                    rig.runtime.get(name)
            task.cancel()
            other.cancel()
            await asyncio.wait([task, other])
            assert task.cancelled()
            assert other.cancelled()

        async def name_is_free() -> bool:
            try:
                return (await rig.deploy("echo")).state == "running"
            except AgentAlreadyExists:
                return False

        await until(name_is_free)
        assert rig.totals["instances"] == 1
        await rig.runtime.delete("echo")
    async with running(tmp_path) as rig:
        assert [view.name for view in rig.runtime.list()[0]] == [f"client.{TOKEN}"]


async def test_an_agent_that_is_being_forgotten_is_not_written_again(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("echo")
        with disk_held(tmp_path):
            drain = asyncio.create_task(rig.runtime.drain("echo"))
            await asyncio.sleep(0)
            delete = asyncio.create_task(rig.runtime.delete("echo"))
            await asyncio.sleep(0)
            for late in (rig.runtime.delete("echo"), rig.runtime.drain("echo"), rig.runtime.restart("echo")):
                with pytest.raises(AgentNotFound):
                    await late
            assert (await rig.ask("echo")).performative == "inform", "it goes on until it is forgotten"
        await delete
        # The drain was asked for before: it may be through by the time that the agent goes.
        await asyncio.wait([drain])
        assert drain.exception() is None or isinstance(drain.exception(), AgentNotFound)
    async with running(tmp_path) as rig:
        with pytest.raises(AgentNotFound):
            rig.runtime.get("echo")


async def test_an_agent_that_nobody_was_told_of_gives_way_to_a_later_one_of_its_name(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("first", "echo")
        later = await rig.deploy("second", "echo")
    other = connect(str(tmp_path / "caxton.db"))
    other.execute("UPDATE agents SET spec = CAST(replace(CAST(spec AS TEXT), 'first', 'second') AS BLOB)")
    other.close()
    async with running(tmp_path) as rig:
        assert rig.runtime.get("second").agent_id == later.agent_id
        assert rig.totals["instances"] == 1


async def test_starting_and_deleting_what_has_no_place_at_once_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as rig:
        for name in ("one", "two"):
            await rig.deploy(name, "echo")
            await rig.runtime.drain(name)
    async with running(tmp_path) as rig:
        with disk_held(tmp_path):
            tasks = [
                asyncio.create_task(rig.runtime.start_agent("one")),
                asyncio.create_task(rig.runtime.delete("one")),
                asyncio.create_task(rig.runtime.delete("two")),
                asyncio.create_task(rig.runtime.start_agent("two")),
            ]
            await asyncio.wait(tasks, timeout=0)
        await asyncio.wait(tasks)
        told = [task.exception() for task in tasks]
        assert told[1:3] == [None, None], "both are deleted"
        # Who was first is the scheduler's choice; that nothing is left is not.
        assert {type(error) for error in told} <= {type(None), AgentNotFound}
        for name in ("one", "two"):
            with pytest.raises(AgentNotFound):
                rig.runtime.get(name)
        await until(lambda: rig.totals["instances"] == 0)
        assert (await rig.deploy("one", "echo")).state == "running"


async def test_a_row_that_cannot_be_read_is_told_with_the_agent(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        agent_id = (await rig.deploy("echo")).agent_id
    other = connect(str(tmp_path / "caxton.db"))
    other.execute("UPDATE agents SET spec = x'7b'")
    other.close()
    with pytest.raises(ConfigurationInvalid) as refusal:
        async with running(tmp_path):
            raise AssertionError("it does not start")
    assert agent_id in refusal.value.problems[0].problem


async def test_many_agents_of_some_modules_come_back_in_their_order(tmp_path: Path) -> None:
    names = [f"agent-{number}" for number in range(600)]
    async with running(tmp_path) as rig:
        for place, name in enumerate(names):
            await rig.deploy(name, ("echo", "counter", "silent")[place % 3])
    async with running(tmp_path) as rig:
        listed = [view.name for view in rig.runtime.list(limit=1000)[0]]
        assert listed == [*names, f"client.{TOKEN}"]
        assert rig.totals["instances"] == len(names)
        assert rig.totals["modules_compiled"] == 0
        assert content_of(await rig.ask("agent-598")) == content_of(await rig.ask("agent-1"))
