"""The facade: life, lists, the agents of tokens, the whole."""

import asyncio
import time
from pathlib import Path

import orjson
import pytest

from caxton.clock import SystemClock
from caxton.domain.errors.agent import AgentNotFound
from caxton.domain.errors.request import ConfigurationInvalid, InvalidRequest
from caxton.domain.errors.resource import Unavailable
from caxton.domain.limits import LimitsRequest
from caxton.runtime.runtime import Runtime
from tests.guests.corpus import assemble, expand, source_path
from tests.runtime.rig import TOKEN, Rig, message, nobody_else, small_config, until

pytestmark = pytest.mark.anyio


async def test_before_the_start_it_says_what_is_missing(tmp_path: Path) -> None:
    runtime = Runtime.open(small_config(tmp_path), SystemClock())
    assert (runtime.ready, list(runtime.components())) == (False, ["core"])
    with pytest.raises(Unavailable):
        runtime.external_for("anybody")
    await runtime.start()
    assert (runtime.ready, runtime.components()) == (True, {})
    await runtime.stop(5.0)
    assert (runtime.ready, list(runtime.components())) == (False, ["core"])
    await runtime.stop(5.0)


async def test_a_second_server_on_the_same_directory_is_refused_until_the_first_has_stopped(
    tmp_path: Path,
) -> None:
    first = Runtime.open(small_config(tmp_path), SystemClock())
    with pytest.raises(ConfigurationInvalid):
        Runtime.open(small_config(tmp_path), SystemClock())
    await first.stop(5.0)
    second = Runtime.open(small_config(tmp_path), SystemClock())
    await second.stop(5.0)


async def test_a_directory_of_code_that_others_may_use_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled").chmod(0o777)
    with pytest.raises(ConfigurationInvalid):
        Runtime.open(small_config(tmp_path), SystemClock())
    (tmp_path / "compiled").chmod(0o700)
    runtime = Runtime.open(small_config(tmp_path), SystemClock())
    await runtime.stop(5.0)


async def test_it_stops_within_its_time_while_a_guest_loops(tmp_path: Path) -> None:
    runtime = Runtime.open(small_config(tmp_path), SystemClock())
    await runtime.start()
    rig = Rig(runtime)
    await rig.deploy("loop", "infinite_loop", limits=LimitsRequest(fuel_max=2**62, execution_ms_max=300_000))
    asking = asyncio.create_task(rig.ask("loop"))
    await until(lambda: rig.runtime.get("loop").usage.mailbox_depth == 1, "it loops")
    begun = time.monotonic()
    await runtime.stop(0.5)
    assert time.monotonic() - begun < 5.0
    reply = (await asyncio.gather(asking, return_exceptions=True))[0]
    assert isinstance(reply, Unavailable) or getattr(reply, "error_kind", None) == "time"


async def test_stopping_while_agents_come_and_go_leaves_nothing_hanging(tmp_path: Path) -> None:
    runtime = Runtime.open(small_config(tmp_path), SystemClock())
    await runtime.start()
    rig = Rig(runtime)
    await rig.deploy("echo")
    comings = [asyncio.create_task(rig.deploy(f"echo-{number}", "echo")) for number in range(20)]
    going = asyncio.create_task(runtime.delete("echo"))
    await asyncio.sleep(0)
    await runtime.stop(5.0)
    done, pending = await asyncio.wait([*comings, going], timeout=10.0)
    assert (len(done), len(pending)) == (21, 0)
    for task in done:
        error = task.exception()
        assert error is None or isinstance(error, Unavailable)


async def test_it_stops_within_its_time_while_a_module_is_compiled(tmp_path: Path) -> None:
    runtime = Runtime.open(small_config(tmp_path), SystemClock())
    await runtime.start()
    rig = Rig(runtime)
    path = source_path("silent")
    assert path is not None
    functions = "".join(
        f"(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {number})))"
        for number in range(20_000)
    )
    module = assemble(expand(path.read_text()).rstrip()[:-1] + functions + ")")
    deploying = asyncio.create_task(rig.deploy("large", module))
    await until(lambda: rig.totals["modules_compiling"] == 1, "it is being compiled")
    begun = time.monotonic()
    await runtime.stop(0.2)
    assert time.monotonic() - begun < 5.0
    with pytest.raises(Unavailable):
        await deploying
    # The directory is free for the next server.
    again = Runtime.open(small_config(tmp_path), SystemClock())
    await again.stop(5.0)


async def test_each_token_has_an_external_agent_of_its_own(rig: Rig) -> None:
    assert rig.runtime.external_for(TOKEN) == rig.me
    other = rig.runtime.external_for("ci / deploy bot")
    assert other != rig.me
    assert rig.runtime.get(str(other)).name == "client.ci---deploy-bot"
    alike = rig.runtime.external_for("ci / deploy_bot")
    assert rig.runtime.get(str(alike)).name == "client.ci---deploy_bot"
    same = rig.runtime.external_for("ci?/?deploy?bot")
    assert rig.runtime.get(str(same)).name == "client.ci---deploy-bot.2"
    assert rig.runtime.owner(other) == "ci / deploy bot"
    assert rig.runtime.get(str(other)).owner == "ci / deploy bot"


async def test_the_agent_of_a_token_comes_back_after_it_was_deleted(rig: Rig) -> None:
    await rig.runtime.delete(str(rig.me))
    again = rig.runtime.external_for(TOKEN)
    assert again != rig.me
    await rig.deploy("echo")
    reply = await rig.runtime.ask(message("request", "echo"), again, nobody_else, 10.0)
    assert reply.performative == "inform"


async def test_a_message_of_an_agent_that_has_gone_is_refused(rig: Rig) -> None:
    await rig.deploy("echo")
    gone = rig.me
    await rig.runtime.delete(str(gone))
    with pytest.raises(AgentNotFound):
        rig.runtime.post(message("request", "echo"), gone, nobody_else)


async def test_agents_are_listed_in_pages_and_by_what_they_are(rig: Rig) -> None:
    for number in range(7):
        await rig.deploy(
            f"agent-{number}",
            "echo",
            capabilities=("even",) if number % 2 == 0 else (),
            labels={"number": str(number)},
        )
    names: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = rig.runtime.list(limit=3, cursor=cursor)
        names += [view.name for view in page]
        if cursor is None:
            break
    assert names == [f"client.{TOKEN}", *(f"agent-{number}" for number in range(7))]
    assert len(rig.runtime.list(capabilities=["even"])[0]) == 4
    assert [view.name for view in rig.runtime.list(label="number=3")[0]] == ["agent-3"]
    assert len(rig.runtime.list(label="number")[0]) == 7
    await rig.runtime.drain("agent-1")
    assert [view.name for view in rig.runtime.list(state="stopped")[0]] == ["agent-1"]
    with pytest.raises(InvalidRequest):
        rig.runtime.list(cursor="never given")


async def test_a_page_goes_on_where_it_ended_though_agents_went_meanwhile(rig: Rig) -> None:
    for number in range(4):
        await rig.external(f"agent-{number}")
    page, cursor = rig.runtime.list(limit=2)
    assert [view.name for view in page] == [f"client.{TOKEN}", "agent-0"]
    await rig.runtime.delete("agent-0")
    await rig.runtime.delete("agent-1")
    assert [view.name for view in rig.runtime.list(cursor=cursor)[0]] == ["agent-2", "agent-3"]


async def test_an_agent_is_found_by_id_and_name_and_else_suggested(rig: Rig) -> None:
    view = await rig.deploy("translator", "echo")
    assert rig.runtime.get(view.agent_id).name == "translator"
    for wrong in ("trranslator", "Translator", "0", "99999999999999999999999", "", "\u0000"):
        with pytest.raises(AgentNotFound):
            rig.runtime.get(wrong)
    with pytest.raises(AgentNotFound) as refusal:
        rig.runtime.get("trranslator")
    assert refusal.value.suggestions == ("translator",)


async def test_an_agent_has_its_name_as_long_as_it_is_there(rig: Rig) -> None:
    made = rig.runtime.external_for("ci")
    assert rig.runtime.name_of(made) == "client.ci"
    await rig.runtime.delete(str(made), force=True)
    assert rig.runtime.name_of(made) is None


async def test_the_whole_is_described_in_plain_values(rig: Rig) -> None:
    await rig.deploy("echo")
    system = orjson.loads(orjson.dumps(rig.runtime.system()))
    assert system["fuel_per_ms"] > 0
    assert system["workers"] == 2
    assert system["totals"]["agents"] == 2


async def test_configured_values_reach_the_guest(rig: Rig) -> None:
    await rig.deploy("config_reader", config={"greeting": "grüß dich"})
    reply = await rig.ask("config_reader")
    assert "grüß dich" in reply.body.decode()


async def test_thousands_of_deployments_leave_the_process_as_it_was(rig: Rig) -> None:
    await rig.deploy("keeper", "echo")
    for _ in range(300):
        await asyncio.gather(*(rig.deploy(f"echo-{number}", "echo") for number in range(5)))
        await asyncio.gather(*(rig.runtime.delete(f"echo-{number}") for number in range(5)))
    assert (rig.totals["agents"], rig.totals["instances"]) == (2, 1)
    await until(lambda: rig.totals["messages_in_flight"] == 0, "the core has let go of all")
