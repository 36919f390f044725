"""The seam to the core: bounded turns of the loop, clear errors, nothing after a fork."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caxton.config import Config
from caxton.domain.errors.request import ConfigurationInvalid
from caxton.domain.ids import AgentId
from caxton.runtime.bridge import BATCH_COMPLETIONS, Bridge
from caxton.runtime.core_size import conversation_settings
from caxton.runtime.seam import ConversationNews, CoreEvent, CoreSettings, Incoming, PostCode, Slot
from tests.runtime.rig import message

pytestmark = pytest.mark.anyio

SETTINGS = CoreSettings(
    workers=1,
    agents_max=10,
    pool_messages=4096,
    message_bytes_max=1 << 20,
    epoch_tick_ms=1,
    instance_bytes_max=1 << 30,
    mappings_max=1000,
    conversations=conversation_settings(Config()),
)


def _run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )


def test_a_missing_engine_is_a_setting_that_says_how_to_mend_it() -> None:
    program = (
        "import sys\n"
        "sys.modules['wasmtime'] = None\n"
        "from caxton.runtime.bridge import Bridge\n"
        "from caxton.runtime.seam import CoreSettings\n"
        "from caxton.domain.errors.request import ConfigurationInvalid\n"
        "try:\n"
        "    Bridge.open(CoreSettings(workers=1, agents_max=10, pool_messages=1024, message_bytes_max=4096,\n"
        "        epoch_tick_ms=1, instance_bytes_max=1 << 30, mappings_max=1000, conversations=None))\n"
        "except ConfigurationInvalid as error:\n"
        "    print(error.problems[0])\n"
    )
    outcome = _run(program)
    assert "the core cannot be loaded" in outcome.stdout, outcome.stderr
    assert "wasmtime" in outcome.stdout
    assert "install" in outcome.stdout


def test_after_a_fork_every_call_in_the_child_is_refused_and_the_parent_goes_on() -> None:
    program = (
        "import os, sys\n"
        "from tests.runtime.test_bridge import SETTINGS\n"
        "from caxton.runtime.bridge import Bridge\n"
        "from caxton.domain.errors.resource import Unavailable\n"
        "bridge = Bridge.open(SETTINGS)\n"
        "bridge.start()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    calls = (bridge.telemetry, bridge.live_messages, lambda: bridge.post(b'{}', 1), bridge.start)\n"
        "    for call in calls:\n"
        "        try:\n"
        "            call()\n"
        "        except Unavailable as error:\n"
        "            assert 'forked' in str(error)\n"
        "        else:\n"
        "            os._exit(1)\n"
        "    os._exit(7)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert os.waitstatus_to_exitcode(status) == 7, status\n"
        "assert bridge.live_messages() == 0\n"
        "assert bridge.stop(5.0)\n"
        "bridge.close()\n"
        "print('whole')\n"
    )
    outcome = _run(program)
    assert outcome.stdout == "whole\n", outcome.stderr


def test_settings_that_the_kernel_does_not_grant_are_refused() -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        Bridge.open(
            CoreSettings(
                workers=1,
                agents_max=10,
                pool_messages=10,
                message_bytes_max=1 << 20,
                epoch_tick_ms=1,
                instance_bytes_max=1 << 30,
                mappings_max=1000,
                conversations=conversation_settings(Config()),
            )
        )
    assert refusal.value.problems[0].field == "runtime"


def test_a_closed_bridge_can_be_closed_again() -> None:
    bridge = Bridge.open(SETTINGS)
    bridge.close()
    bridge.close()


class Counter:
    """A sink that counts messages."""

    def __init__(self) -> None:
        self.messages = 0

    def on_message(self, message: Incoming) -> None:
        self.messages += 1

    def on_event(self, event: CoreEvent) -> None: ...
    def on_log(self, slot: Slot, agent_id: AgentId, level: int, text: str, wall_ns: int) -> None: ...
    def on_capability(self, slot: Slot, agent_id: AgentId, name: str) -> None: ...
    def on_unrouted(self, slot: Slot, sender_id: AgentId, capability: str, body: bytes) -> None: ...
    def on_conversation(self, news: ConversationNews) -> None: ...


async def test_a_flood_of_completions_leaves_the_loop_its_turns() -> None:
    # Without any time a turn still takes one batch, so that the number of turns is known.
    bridge = Bridge.open(SETTINGS, turn_ns_max=0)
    sink = Counter()
    bridge.start()
    bridge.attach(asyncio.get_running_loop(), sink)
    count = 10 * BATCH_COMPLETIONS
    bridge.spawn_external(AgentId(7), "person", 1 << 20, count)
    for number in range(count):
        posting = bridge.post(message("inform", "person", number), AgentId(7))
        assert posting.code == PostCode.ACCEPTED
    turns = 0
    while sink.messages < count:
        before = sink.messages
        await asyncio.sleep(0)
        assert sink.messages - before <= BATCH_COMPLETIONS
        turns += 1
    assert turns >= 10
    assert bridge.stop(5.0)
    bridge.close()


class Stumbler(Counter):
    """A sink that fails on the first message."""

    def on_message(self, message: Incoming) -> None:
        super().on_message(message)
        if self.messages == 1:
            raise RuntimeError("the first one is too much")


async def test_a_completion_that_cannot_be_delivered_takes_no_other_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # All that came in one batch with it was lost: answers that nobody would ever give again.
    bridge = Bridge.open(SETTINGS)
    sink = Stumbler()
    bridge.start()
    bridge.spawn_external(AgentId(7), "person", 1 << 20, 100)
    for number in range(10):
        assert bridge.post(message("inform", "person", number), AgentId(7)).code == PostCode.ACCEPTED
    bridge.attach(asyncio.get_running_loop(), sink)
    bridge.drain_completions()
    assert sink.messages == 10
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert bridge.stop(5.0)
    bridge.close()
