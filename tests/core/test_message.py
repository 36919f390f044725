"""The message pool: classes, caches, exhaustion, and what it does against misuse."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests import core_doors
from tests.sanitize import stress

door = core_doors.load("pool_door")

PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE


def run_to_its_end(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, since it is meant to be aborted."""
    preamble = "from tests import core_doors; door = core_doors.load('pool_door'); "
    return subprocess.run(
        [sys.executable, "-c", preamble + code],
        cwd=core_doors.ROOT,
        env=os.environ | {"PYTHONPATH": str(core_doors.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_four_classes_are_cut_from_the_number_of_small_messages() -> None:
    pool = door.PoolDoor(131_072, 1_000_000)
    *smaller, (huge_count, huge_capacity) = pool.classes()
    assert smaller == [(131_072, 832), (16_384, 8_000), (2_048, 65_344)]
    assert huge_count == 128
    assert 1_000_000 <= huge_capacity < 1_000_000 + PAGE
    assert (huge_capacity + 192) % PAGE == 0
    assert pool.body_bytes_max() == huge_capacity


def test_the_largest_class_is_left_out_when_64_kib_hold_every_body() -> None:
    pool = door.PoolDoor(64, 65_344)
    assert pool.classes()[3] == (0, 0)
    assert pool.body_bytes_max() == 65_344
    assert door.PoolDoor(64, 65_345).classes()[3][0] == 64


def test_opening_touches_no_memory() -> None:
    before = resident_bytes()
    pool = door.PoolDoor(1_000_000, 10 * MIB)
    assert resident_bytes() - before < MIB
    assert pool.live() == 0


@pytest.mark.parametrize(
    ("small_count", "body_bytes_max"),
    [
        (0, 1_000),
        (door.INDEX_MAX, 1_000),
        (64, 2**32),
        (64, 2**64 - 1),
        (4_000_000_000, 2**32 - 8192),  # 16 PiB of the largest class: more than there are addresses
    ],
)
def test_figures_out_of_range_are_refused_and_leave_nothing_mapped(
    small_count: int, body_bytes_max: int
) -> None:
    before = mapped_bytes()
    assert not door.opens(small_count, body_bytes_max)
    assert mapped_bytes() - before < MIB


@pytest.mark.parametrize(
    ("body_bytes", "size_class"),
    [(0, 0), (832, 0), (833, 1), (8_000, 1), (8_001, 2), (65_344, 2), (65_345, 3), (200_000, 3)],
)
@pytest.mark.parametrize("cache", [0, None])
def test_the_smallest_class_that_fits_serves(cache: int | None, body_bytes: int, size_class: int) -> None:
    pool = door.PoolDoor(64, 200_000)
    got, index, capacity, rest_is_zero = pool.header(pool.new(cache, body_bytes))
    assert got == size_class
    assert index < pool.classes()[size_class][0]
    assert capacity == pool.classes()[size_class][1] >= body_bytes
    assert rest_is_zero


@pytest.mark.parametrize("cache", [0, None])
@pytest.mark.parametrize("body_bytes", [100, 5_000, 50_000, 150_000])
def test_a_used_message_comes_back_with_a_clean_header(cache: int | None, body_bytes: int) -> None:
    pool = door.PoolDoor(64, 200_000)
    first = pool.new(cache, body_bytes)
    pool.fill(first, 0xAA)
    pool.free(cache, first)
    again = pool.new(cache, body_bytes)
    assert again == first
    assert pool.header(again)[3]


def test_a_body_larger_than_any_class_is_refused() -> None:
    pool = door.PoolDoor(64, 200_000)
    assert pool.new(0, pool.body_bytes_max() + 1) is None
    assert pool.new(0, 2**64 - 1) is None
    assert pool.live() == 0


def test_a_larger_class_serves_when_the_fitting_one_has_run_out_and_then_the_pool_refuses() -> None:
    pool = door.PoolDoor(16, 200_000)
    held: list[int] = []
    while (message := pool.new(0, 10)) is not None:
        held.append(message)
    counts = [count for count, _ in pool.classes()]
    served = [pool.header(message)[0] for message in held]
    assert served == [size_class for size_class, count in enumerate(counts) for _ in range(count)]
    assert pool.new(None, 10) is None
    pool.free(0, held[0])
    assert pool.new(0, 10) == held[0]
    assert pool.allocated(0) == sum(counts) + 1
    assert pool.freed(0) == 1


def test_a_freed_message_of_the_largest_class_gives_its_pages_back() -> None:
    pool = door.PoolDoor(64, 200_000)
    message = pool.new(0, 150_000)
    pool.fill(message, 0xAA)
    assert set(pool.body(message)) == {0xAA}
    pool.free(0, message)
    assert pool.new(0, 150_000) == message
    body = pool.body(message)
    assert set(body[: PAGE - 192]) == {0xAA}
    assert set(body[PAGE - 192 :]) == {0}


def test_a_cache_takes_and_returns_half_of_its_room_at_a_time() -> None:
    pool = door.PoolDoor(256, 1_000)
    held = [pool.new(0, 10)]
    assert (pool.cached(0), pool.live()) == (31, 32)
    held += [pool.new(None, 10) for _ in range(33)]
    for message in held:
        pool.free(0, message)
    assert (pool.cached(0), pool.live()) == (33, 33)
    pool.flush(0)
    assert (pool.cached(0), pool.live()) == (0, 0)


def test_memory_that_was_used_before_is_used_again_first() -> None:
    pool = door.PoolDoor(10_000, 1_000)
    used = {pool.header(pool.new(None, 10))[1] for _ in range(50)}
    assert used == set(range(50))


def test_a_message_given_back_twice_aborts_with_a_message() -> None:
    for cache in ("0", "None"):
        done = run_to_its_end(
            f"p = door.PoolDoor(64, 1000); m = p.new(0, 9); p.free(0, m); p.free({cache}, m)"
        )
        assert done.returncode == -signal.SIGABRT
        assert "given back twice" in done.stderr


def test_a_message_of_another_pool_aborts_with_a_message() -> None:
    done = run_to_its_end(
        "p, q = (door.PoolDoor(64, 1000) for _ in range(2)); q.new(None, 9); q.free(None, p.new(None, 9))"
    )
    assert done.returncode == -signal.SIGABRT
    assert "not of this pool" in done.stderr


class PoolModel(RuleBasedStateMachine):
    """The messages that are out, and the byte that each was filled with."""

    CACHES = 2

    def __init__(self) -> None:
        super().__init__()
        self.pool = door.PoolDoor(160, 66_000, self.CACHES)
        self.counts = [count for count, _ in self.pool.classes()]
        self.held: dict[int, tuple[int, int]] = {}
        self.turn = 0

    def cached(self) -> int:
        return sum(self.pool.cached(cache) for cache in range(self.CACHES))

    @rule(
        cache=st.sampled_from([None, 0, 1]),
        body_bytes=st.sampled_from([0, 10, 832, 833, 8_001, 65_400]),
        times=st.integers(1, 90),
    )
    def allocate(self, cache: int | None, body_bytes: int, times: int) -> None:
        for _ in range(times):
            message = self.pool.new(cache, body_bytes)
            if message is None:
                # Only when every class that fits is out to the last message.
                out = [sum(1 for number, _ in self.held.values() if number == n) for n in range(4)]
                out[0] += self.cached()
                fits = [n for n, (_, capacity) in enumerate(self.pool.classes()) if capacity >= body_bytes]
                assert all(out[n] == self.counts[n] for n in fits)
                return
            size_class, _, capacity, rest_is_zero = self.pool.header(message)
            assert message not in self.held
            assert capacity >= body_bytes
            assert rest_is_zero
            self.turn = self.turn % 255 + 1
            if size_class < 3:
                self.pool.fill(message, self.turn)
            self.held[message] = (size_class, self.turn)

    @precondition(lambda self: self.held)
    @rule(cache=st.sampled_from([None, 0, 1]), draw=st.data(), times=st.integers(1, 90))
    def give_back(self, cache: int | None, draw: st.DataObject, times: int) -> None:
        for _ in range(min(times, len(self.held))):
            message = list(self.held)[draw.draw(st.integers(0, len(self.held) - 1))]
            size_class, value = self.held.pop(message)
            if size_class < 3:
                assert set(self.pool.body(message)) == {value}
            self.pool.free(cache, message)

    @rule(cache=st.integers(0, CACHES - 1))
    def flush(self, cache: int) -> None:
        self.pool.flush(cache)
        assert self.pool.cached(cache) == 0

    @invariant()
    def what_is_out_is_held_or_cached(self) -> None:
        assert self.pool.live() == len(self.held) + self.cached()


TestPoolModel = PoolModel.TestCase
TestPoolModel.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


@pytest.mark.sanitize
def test_no_message_is_in_two_hands_and_all_come_back() -> None:
    stress.message_pool()


def test_each_change_of_a_free_list_raises_its_tag_so_that_a_top_that_came_back_is_told_apart() -> None:
    pool = door.PoolDoor(8, 1_000)
    message = pool.new(None, 10)
    tags = [pool.tag(0)]
    for _ in range(3):
        pool.free(None, message)
        tags.append(pool.tag(0))
        assert pool.new(None, 10) == message
        tags.append(pool.tag(0))
    assert tags == list(range(tags[0], tags[0] + 7))


def test_a_cache_that_is_full_keeps_the_newest_and_gives_the_older_half_back() -> None:
    pool = door.PoolDoor(256, 1_000, 2)
    held = [pool.new(None, 10) for _ in range(65)]
    for message in held:
        pool.free(0, message)
    assert (pool.cached(0), pool.live()) == (33, 33)
    assert [pool.new(0, 10) for _ in range(33)] == held[:31:-1]
    assert {pool.new(1, 10) for _ in range(32)} == set(held[:32])


@pytest.mark.sanitize
def test_threads_without_caches_lose_no_message_of_a_handful() -> None:
    stress.shared_lists()


@pytest.mark.sanitize
def test_threads_that_fight_over_a_few_messages_lose_none() -> None:
    stress.message_pool(workers=4, small_count=8, rounds=2 * stress.ROUNDS)
