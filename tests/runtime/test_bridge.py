"""The seam to the core: bounded turns of the loop, clear errors, nothing after a fork."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from caxton.domain.errors.request import ConfigurationInvalid
from caxton.runtime import bridge as bridge_module
from caxton.runtime.bridge import BATCH_COMPLETIONS, Bridge
from caxton.runtime.seam import CoreSettings
from tests.runtime.rig import Rig, message, nobody_else, until

pytestmark = pytest.mark.anyio

SETTINGS = CoreSettings(
    workers=1,
    agents_max=10,
    pool_messages=1024,
    message_bytes_max=1 << 20,
    epoch_tick_ms=1,
    instance_bytes_max=1 << 30,
    mappings_max=1000,
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
        "        epoch_tick_ms=1, instance_bytes_max=1 << 30, mappings_max=1000))\n"
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
            )
        )
    assert refusal.value.problems[0].field == "runtime"


def test_a_closed_bridge_can_be_closed_again() -> None:
    bridge = Bridge.open(SETTINGS)
    bridge.close()
    bridge.close()


async def test_a_flood_of_completions_leaves_the_loop_its_turns(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without any time a turn still takes one batch, so that the number of turns is known.
    monkeypatch.setattr(bridge_module, "TURN_NS_MAX", 0)
    await rig.external("person", mailbox_max=100_000)
    body = message("inform", "person", "x" * 200)
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    for _ in range(4000):
        rig.runtime.post(body, rig.me, nobody_else)
    watching = asyncio.create_task(watch())
    await until(lambda: len(rig.runtime.inbox("person")) == 4000, "all came")
    watching.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait([watching])
    assert turns >= 4000 // BATCH_COMPLETIONS
