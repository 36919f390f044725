"""What a guest hears from each host function: the ABI's codes, and a trap for each pointer out of range."""

from typing import Final

import msgspec
import pytest

from caxton.domain.limits import LimitsRequest
from tests.guests.derived import PROBES, Probe
from tests.runtime.rig import Rig, content_of, until

pytestmark = pytest.mark.anyio

# More of everything than the defaults: these make a great many calls for one message.
LIMITS: Final = LimitsRequest(fuel_max=2_000_000_000, execution_ms_max=20_000)
TIMERS_TRIED: Final = 1_000_000


@pytest.mark.parametrize(("name", "probe"), PROBES.items(), ids=PROBES)
async def test_a_call_gives_the_code_that_the_abi_promises_or_traps(
    rig: Rig, name: str, probe: Probe
) -> None:
    await rig.deploy("silent")
    await rig.deploy(name, config={"greeting": "hello to you"})
    reply = await rig.ask(name)
    if probe.value is None:
        assert (reply.performative, reply.error_kind) == ("failure", "trap")
    else:
        assert (reply.performative, content_of(reply)) == ("inform", {"value": probe.value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("timer_without_handler", -1, id="a timer without a handler is invalid"),
        pytest.param("log_bad_level", 1, id="a level that does not exist is no fault"),
        pytest.param("log_huge_line", 1, id="a line of 64 KiB that is no text is no fault"),
        pytest.param("log_burst", 10_000, id="a burst of logs is no fault"),
        pytest.param("send_burst", 100_000, id="each message to nobody is refused"),
    ],
)
async def test_a_guest_that_asks_for_too_much_lives_on(rig: Rig, name: str, value: int) -> None:
    await rig.deploy(name, limits=LIMITS)
    assert content_of(await rig.ask(name)) == {"value": value}


async def test_the_number_of_timers_is_bounded(rig: Rig) -> None:
    await rig.deploy("timer_flood", limits=LIMITS)
    refused = msgspec.convert(content_of(await rig.ask("timer_flood")), dict[str, int])["value"]
    assert TIMERS_TRIED - 1000 < refused < TIMERS_TRIED


async def test_timers_of_a_deleted_agent_do_not_keep_messages(rig: Rig) -> None:
    # Seen in a soak: timers set for an hour held their messages for an hour after their agent was gone, so
    # that whoever deployed and deleted often enough used up the pool.
    await rig.deploy("timer_flood", limits=LIMITS)
    await rig.ask("timer_flood")
    await until(lambda: rig.totals["messages_in_flight"] > 0, "the timers are on their way")
    await rig.runtime.delete("timer_flood")
    await until(lambda: rig.totals["messages_in_flight"] == 0, "the timers are given up")
