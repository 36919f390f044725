"""Modules are judged, compiled once, shared, kept, and found again."""

import asyncio
from pathlib import Path

import pytest

from caxton.domain.agent import Profile
from caxton.domain.errors.agent import InvalidWasm
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import Digest, parse_agent_name
from caxton.domain.limits import LimitsRequest
from caxton.runtime.deploy_request import DeployRequest
from caxton.runtime.modules import UNUSED_CODES_MAX
from tests.guests.corpus import guest
from tests.runtime.rig import Rig, running

pytestmark = pytest.mark.anyio


def compiled(data_dir: Path) -> list[Path]:
    """Return the entries of the cache."""
    return sorted((data_dir / "compiled").glob("*.code"))


async def test_a_module_is_compiled_once_for_all_its_agents(rig: Rig) -> None:
    for number in range(5):
        await rig.deploy(f"echo-{number}", "echo")
    assert (rig.totals["modules_compiled"], rig.totals["modules_in_memory"]) == (1, 1)


async def test_a_restarted_server_finds_the_machine_code_again(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        digest = (await rig.deploy("echo")).module_digest
    async with running(tmp_path) as rig:
        request = DeployRequest(name=parse_agent_name("echo-2"), module_digest=Digest(digest or ""))
        await rig.runtime.deploy(request, None)
        # Once for the agent that came back, once to find out which profile the module wishes.
        assert (rig.totals["modules_compiled"], rig.totals["compiled_cache_hits"]) == (0, 2)
        for name in ("echo", "echo-2"):
            assert (await rig.ask(name)).performative == "inform"


async def test_machine_code_that_was_tampered_with_is_compiled_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("echo")
    (entry,) = compiled(tmp_path)
    good = entry.read_bytes()
    entry.write_bytes(good[:-100] + bytes(100))
    async with running(tmp_path) as rig:
        assert (rig.totals["modules_compiled"], rig.totals["compiled_cache_hits"]) == (1, 0)
        assert (await rig.ask("echo")).performative == "inform"
    assert len(compiled(tmp_path)[0].read_bytes()) == len(good)


async def test_the_same_module_under_two_profiles_is_two_pieces_of_code(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for profile in Profile:
            request = DeployRequest(name=parse_agent_name(f"echo-{profile}"), profile=profile)
            assert (await rig.runtime.deploy(request, guest("echo"))).profile == profile
        assert rig.totals["modules_compiled"] == 2
    assert len(compiled(tmp_path)) == 2


async def test_much_data_is_mapped_and_little_is_copied(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.deploy("echo")
        await rig.deploy("big_data")
        assert (await rig.ask("big_data")).performative == "inform"
    assert sorted(path.name.split(".")[2] for path in compiled(tmp_path)) == ["copy", "cow"]


async def test_memory_over_a_smaller_limit_is_refused_for_a_known_module_too(rig: Rig) -> None:
    await rig.deploy("peek", limits=LimitsRequest(memory_bytes_max=1 << 20))
    with pytest.raises(InvalidWasm) as refusal:
        await rig.deploy("peek-2", "peek", limits=LimitsRequest(memory_bytes_max=1 << 16))
    assert [problem.code for problem in refusal.value.problems] == ["memory_over_limit"]
    assert rig.runtime.get("peek").state == "running"


async def test_a_profile_that_the_operator_forbids_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, allowed_profiles=["strict"]) as rig:
        request = DeployRequest(name=parse_agent_name("echo"), profile=Profile.STANDARD)
        with pytest.raises(InvalidRequest) as refusal:
            await rig.runtime.deploy(request, guest("echo"))
        assert refusal.value.problems[0].field == "profile"


async def test_concurrent_deployments_of_one_new_module_share_its_code(rig: Rig) -> None:
    await asyncio.gather(*(rig.deploy(f"echo-{number}", "echo") for number in range(10)))
    assert rig.totals["modules_in_memory"] == 1
    for number in range(10):
        assert (await rig.ask(f"echo-{number}")).performative == "inform"


async def test_code_that_no_agent_uses_is_kept_for_a_while_in_bounded_numbers(rig: Rig) -> None:
    for number in range(UNUSED_CODES_MAX + 3):
        module = guest("silent") + _custom_section(str(number))
        await rig.deploy("passing", module)
        await rig.runtime.delete("passing")
    assert rig.totals["modules_in_memory"] == UNUSED_CODES_MAX
    await rig.deploy("passing", guest("silent") + _custom_section(str(UNUSED_CODES_MAX + 2)))
    assert rig.totals["modules_compiled"] == UNUSED_CODES_MAX + 3


def _custom_section(text: str) -> bytes:
    """Return a custom section, which makes a module another one without changing what it does."""
    body = b"\x04note" + text.encode()
    return b"\x00" + bytes([len(body)]) + body
