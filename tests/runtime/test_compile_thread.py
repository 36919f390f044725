"""Work on modules is done one at a time, off the loop, in bounded numbers."""

import asyncio
import os
import threading

import anyio
import pytest

from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.runtime.compile_thread import NICENESS, CompileThread
from tests.runtime.rig import DEADLINE_S, until

pytestmark = pytest.mark.anyio


class Gate:
    """Work that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def work(self) -> str:
        self.begun.set()
        assert self.opened.wait(DEADLINE_S)
        return threading.current_thread().name


async def test_results_and_errors_come_back_to_the_loop() -> None:
    thread = CompileThread()
    assert await thread.submit(lambda: 6 * 7, 1) == 42

    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await thread.submit(fail, 1)
    assert thread.pending_count == 0
    thread.close()
    assert thread.join(DEADLINE_S)


async def test_work_beyond_the_bounds_is_refused_and_told_when_to_come_back() -> None:
    thread = CompileThread(waiting_max=2, waiting_bytes_max=1000)
    gate = Gate()
    first = thread.submit(gate.work, 900)
    with pytest.raises(ResourceLimitExceeded) as too_many_bytes:
        thread.submit(lambda: None, 200)
    second = thread.submit(lambda: None, 100)
    with pytest.raises(ResourceLimitExceeded) as too_many:
        thread.submit(lambda: None, 0)
    assert too_many.value.retry_after_s
    assert too_many_bytes.value.requested == 200
    gate.opened.set()
    assert await first == "caxton-compile"
    await second
    await until(lambda: thread.pending_count == 0, "both are done")
    assert await thread.submit(lambda: 1, 1000) == 1
    thread.close()


async def test_work_whose_caller_has_gone_is_not_begun() -> None:
    thread = CompileThread()
    gate, begun = Gate(), threading.Event()
    first = thread.submit(gate.work, 1)
    second = asyncio.ensure_future(thread.submit(begun.set, 1))
    await anyio.lowlevel.checkpoint()
    second.cancel()
    await anyio.lowlevel.checkpoint()
    assert thread.pending_count == 1
    gate.opened.set()
    await first
    assert await thread.submit(begun.is_set, 1) is False
    thread.close()


async def test_closing_fails_what_waits_and_lets_the_work_in_hand_end() -> None:
    thread = CompileThread()
    gate = Gate()
    in_hand = thread.submit(gate.work, 1)
    waiting = thread.submit(lambda: None, 1)
    await until(gate.begun.is_set, "the work is in hand")
    thread.close()
    for future in (in_hand, waiting):
        with pytest.raises(Unavailable):
            await future
    with pytest.raises(Unavailable):
        thread.submit(lambda: None, 1)
    assert not thread.join(0.01)
    gate.opened.set()
    assert thread.join(DEADLINE_S)


async def test_the_thread_steps_back_behind_all_others() -> None:
    thread = CompileThread()

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert await thread.submit(niceness, 0) == max(own, NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
    thread.close()
