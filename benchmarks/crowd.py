"""A crowd of agents under load that is asked how it fares while something bad happens beside it.

A thousand guests pass 64 messages on and count how long each hop took (`benchmarks.clocked`), two workers.
A troublemaker gets a message as soon as it has answered the one before, with the limits that agents have by
default and a supervisor that never gives up.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, NamedTuple, final

from benchmarks import clocked
from benchmarks.load import FIRST_ID, Core, opened, rest, spawn, spawn_all
from benchmarks.spread import Spread
from caxton._core.core import EVENT_REMOVED, EVENT_START_FAILED, EVENT_STARTED, KIND_ACL, KIND_EVENT
from caxton.runtime.seam import Ask

AGENTS: Final = 1000
IN_FLIGHT: Final = 64
WORKERS: Final = 2
CPU_MS_MAX: Final = 100
ASKER_ID: Final = 8
ANSWER_S: Final = 3.0
_TROUBLE: Final = AGENTS + 1
_EVERY_S: Final = 0.001


class Trouble(NamedTuple):
    """What came of asking a troublemaker for some time."""

    asked: int
    answered: int


@final
class Crowd:
    """The agents, on a running core."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._asker = core.spawn_external(
            agent_id=ASKER_ID, name=b"asker", message_bytes_max=1 << 20, mailbox_max=100_000
        )
        self._slot = (0, 0)

    def hops(self, seconds: float) -> Spread:
        """Count hops while nothing else happens."""
        clocked.collect(self.core, range(AGENTS))
        rest(seconds)
        return clocked.collect(self.core, range(AGENTS))

    def hops_beside(self, seconds: float) -> tuple[Spread, Trouble]:
        """Count hops while the troublemaker is asked again and again."""
        clocked.collect(self.core, range(AGENTS))
        trouble = self.ask(seconds)
        return clocked.collect(self.core, range(AGENTS)), trouble

    def bring(self, wasm: bytes) -> None:
        """Start a troublemaker."""
        code = self.core.compile(wasm, profile=1, copy_on_write=False)
        self._slot = spawn(
            self.core, _TROUBLE, code, fuel_max=CPU_MS_MAX * self.core.fuel_per_ms(), name="trouble"
        )
        self._await_event(EVENT_STARTED)

    def remove(self) -> None:
        """Remove the troublemaker."""
        self.core.request(*self._slot, int(Ask.REMOVE))
        self._await_event(EVENT_REMOVED)
        self.core.retire(*self._slot)

    def ask(self, seconds: float) -> Trouble:
        """Send it one message after the other."""
        body = b'{"performative":"request","receiver":"%d","content":{"n":1}}' % (FIRST_ID + _TROUBLE)
        deadline = time.monotonic() + seconds
        asked = answered = 0
        waiting_until = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= waiting_until and self.core.post(body, ASKER_ID, False)[0] == 0:
                asked += 1
                waiting_until = now + ANSWER_S
            heard = sum(1 for row in self.core.take_completions(10_000) if row[0] == KIND_ACL)
            if heard:
                answered += heard
                self.core.acknowledge(*self._asker, heard)
                waiting_until = 0.0
            rest(_EVERY_S)
        return Trouble(asked, answered)

    def _await_event(self, wanted: int) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for row in self.core.take_completions(10_000):
                if row[0] == KIND_ACL:
                    self.core.acknowledge(*self._asker, 1)
                if row[0] == KIND_EVENT and row[1:3] == self._slot:
                    if row[4] == wanted:
                        return
                    if row[4] == EVENT_START_FAILED:
                        raise RuntimeError(f"the troublemaker did not start: {row}")
            rest(0.001)
        raise RuntimeError(f"the troublemaker's event {wanted} did not come")


@contextmanager
def crowd() -> Generator[Crowd]:
    """Run the agents and set their messages going."""
    with opened(AGENTS, workers=WORKERS) as core:
        made = Crowd(core)
        spawn_all(core, clocked.guest(AGENTS, passes_on=True), AGENTS)
        clocked.set_going(core, AGENTS, IN_FLIGHT)
        rest(0.2)
        yield made
