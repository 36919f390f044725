"""Looking up what agents can do, and external agents that say it themselves."""

import msgspec
import pytest

from caxton.domain.errors.agent import AgentNotFound, InvalidState
from caxton.domain.errors.request import NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.ids import parse_capability
from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.runtime.yellow_pages import SLICE_AGENTS
from tests.runtime.rig import Rig, until

pytestmark = pytest.mark.anyio


async def _rows(rig: Rig, prefix: str = "", has: tuple[str, ...] = ()) -> dict[str, tuple[int, int]]:
    rows, rest = await rig.runtime.yellow_pages.page(prefix, has, 1000, "")
    assert rest is None
    return {row.name: (row.agents_count, row.running_count) for row in rows}


async def test_capabilities_come_from_manifest_request_and_run_time(rig: Rig) -> None:
    await rig.deploy("with_manifest")
    await rig.deploy("told", "with_manifest", capabilities=("speak", "speak"))
    await rig.deploy("registrar")
    await until(lambda: "translate" in rig.runtime.get("registrar").capabilities, "it has registered")
    assert await _rows(rig) == {"listen": (1, 1), "speak": (1, 1), "translate": (1, 1)}


async def test_agents_are_found_by_one_by_several_and_by_a_prefix(rig: Rig) -> None:
    for name, can in [("a", ("x.1",)), ("b", ("x.1", "x.2")), ("c", ("x.2", "y"))]:
        await rig.deploy(name, "echo", capabilities=can)
    await rig.runtime.drain("c")
    runtime = rig.runtime
    ids = {name: runtime.agent_id(name) for name in "abc"}
    assert runtime.capable("x.1", 10) == [ids["a"], ids["b"]]
    assert runtime.capable("x.1", 1) == [ids["a"]]
    assert runtime.capable(["x.1", "x.2"], 10) == [ids["b"]]
    assert runtime.capable("y", 10) == []
    assert await _rows(rig, "x.") == {"x.1": (2, 2), "x.2": (2, 1)}
    assert await _rows(rig, has=("x.2",)) == {"x.1": (1, 1), "x.2": (2, 1), "y": (1, 0)}
    assert await _rows(rig, "x.", ("x.2",)) == {"x.1": (1, 1), "x.2": (2, 1)}
    assert await _rows(rig, has=("x.1", "y")) == {}


async def test_pages_go_on_behind_the_last_name(rig: Rig) -> None:
    await rig.external("able", capabilities=("a", "b", "c", "d", "e"))
    for has in ((), ("c",)):
        seen: list[str] = []
        after = ""
        while True:
            rows, last = await rig.runtime.yellow_pages.page("", has, 2, after)
            seen += [row.name for row in rows]
            if last is None:
                break
            after = last
        assert seen == ["a", "b", "c", "d", "e"]


async def test_counts_among_more_agents_than_one_slice_holds_are_whole(rig: Rig) -> None:
    for number in range(SLICE_AGENTS + 3):
        await rig.external(f"e-{number}", capabilities=("many", f"parity-{number % 2}"))
    rows = await _rows(rig, has=("many",))
    assert rows["many"] == (SLICE_AGENTS + 3, SLICE_AGENTS + 3)
    assert rows["parity-0"][0] + rows["parity-1"][0] == SLICE_AGENTS + 3


async def test_an_external_agent_says_what_it_can_do_and_takes_it_back(rig: Rig) -> None:
    person = await rig.external("person")
    pages = rig.runtime.yellow_pages
    for _ in range(2):
        await pages.register("person", parse_capability("sign"))
    assert rig.runtime.get("person").capabilities == ("sign",)
    rig.post({"capability": "sign"})
    assert rig.runtime.capable("sign", 1) == [person]
    await pages.deregister("person", parse_capability("sign"))
    assert rig.runtime.capable("sign", 1) == []
    await pages.register("person", parse_capability("sing"))
    with pytest.raises(NotFound) as refusal:
        await pages.deregister("person", parse_capability("sign"))
    assert refusal.value.suggestions == ("sing",)


async def test_only_an_external_agent_is_told_what_it_can_do(rig: Rig) -> None:
    await rig.deploy("echo")
    pages = rig.runtime.yellow_pages
    with pytest.raises(InvalidState):
        await pages.register("echo", parse_capability("sign"))
    with pytest.raises(InvalidState):
        await pages.deregister("echo", parse_capability("sign"))
    with pytest.raises(AgentNotFound):
        await pages.register("nobody", parse_capability("sign"))


async def test_one_agent_registers_so_many_and_no_more(rig: Rig) -> None:
    await rig.external("person", capabilities=tuple(f"c{number}" for number in range(CAPABILITIES_MAX)))
    with pytest.raises(ResourceLimitExceeded):
        await rig.runtime.yellow_pages.register("person", parse_capability("one more"))


async def test_a_capability_of_nobody_is_answered_with_near_ones(rig: Rig) -> None:
    await rig.external("person", capabilities=("translate",))
    with pytest.raises(NotFound) as refusal:
        rig.runtime.yellow_pages.counts("translat")
    assert refusal.value.suggestions == ("translate",)
    assert msgspec.structs.asdict(rig.runtime.yellow_pages.counts("translate")) == {
        "name": "translate",
        "agents_count": 1,
        "running_count": 1,
    }
