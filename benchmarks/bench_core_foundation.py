"""What the lock-free foundation costs by itself: one thread, nothing contended.

Claim kept honest: these steps are small against the 300 to 500 ns that a message through a sandbox may take.
A message passes one allocation and release, one reserve, push, pop and release, a ring step or two, one
look-up, one token and three histogram entries.
Method: loops in C behind test doors, so that no Python step is timed; many short runs, the best one counts,
so that a busy machine disturbs little.
Back of the envelope: an uncontended locked instruction 5 to 6 ns, three header lines cleared 2 ns, a look-up
that hits the processor's caches 3 to 10 ns, one that misses them 80 ns and more for each of two lines.
"""

from collections.abc import Callable
from typing import Protocol

import pytest

from tests import core_doors

RUNS = 200
STEPS = 32_000


class Bench(Protocol):
    """What is used of pytest-benchmark's fixture, whose own types are partly unknown."""

    @property
    def extra_info(self) -> dict[str, float]: ...
    def pedantic(self, target: Callable[[], None], *, rounds: int, warmup_rounds: int) -> None: ...


def report(benchmark: Bench, steps: int, loop: Callable[[], int]) -> None:
    """Run ``loop`` many times and note the nanoseconds for each of its ``steps``, at best."""
    taken: list[int] = []
    benchmark.pedantic(lambda: taken.append(loop()), rounds=RUNS, warmup_rounds=1)
    benchmark.extra_info["ns_a_step"] = round(min(taken) / steps, 2)


@pytest.mark.parametrize("batch", [1, 32])
def test_mailbox_reserve_push_pop_release(benchmark: Bench, batch: int) -> None:
    box = core_doors.load("mailbox_door").MailboxDoor(64, 64)
    report(benchmark, STEPS, lambda: box.time_push_pop(STEPS // batch, batch))


@pytest.mark.parametrize(
    ("cache", "body_bytes"),
    [(0, 400), (None, 400), (0, 4_000), (0, 500_000)],
    ids=["small-cached", "small-shared", "8KiB", "largest"],
)
def test_message_new_and_free(benchmark: Bench, cache: int | None, body_bytes: int) -> None:
    pool = core_doors.load("pool_door").PoolDoor(65_536, 1_000_000)
    steps = STEPS if body_bytes < 100_000 else STEPS // 20
    report(benchmark, steps, lambda: pool.time_new_free(cache, body_bytes, steps // 16, 16))


def test_small_messages_in_bursts_larger_than_the_cache(benchmark: Bench) -> None:
    pool = core_doors.load("pool_door").PoolDoor(65_536, 1_000_000)
    report(benchmark, STEPS, lambda: pool.time_new_free(0, 400, STEPS // 1_000, 1_000))


def test_ring_push_and_take(benchmark: Bench) -> None:
    ring = core_doors.load("ring_door").RingDoor(1_024)
    report(benchmark, STEPS, lambda: ring.time_push_take(STEPS // 32, 32))


def test_ring_steal(benchmark: Bench) -> None:
    module = core_doors.load("ring_door")
    own, victim = module.RingDoor(1_024), module.RingDoor(1_024)
    report(benchmark, STEPS, lambda: own.time_steal(victim, STEPS // 64))


@pytest.mark.parametrize("agents", [1_000, 100_000])
def test_routing_find_id_at_random(benchmark: Bench, agents: int) -> None:
    table = core_doors.load("routing_door").RoutingDoor(agents)
    table.add_many(1, agents, 0x9E3779B97F4A7C15)
    report(benchmark, STEPS, lambda: table.time_find(1, agents, STEPS, 0x9E3779B97F4A7C15))


@pytest.mark.parametrize("name_bytes", [8, 40, 255])
def test_routing_find_name(benchmark: Bench, name_bytes: int) -> None:
    table = core_doors.load("routing_door").RoutingDoor(1_000)
    table.add_many(1, 999)
    name = b"n" * name_bytes
    table.publish(table.claim(5_000, name))
    report(benchmark, STEPS, lambda: table.time_find_name(name, STEPS))


def test_bucket_take(benchmark: Bench) -> None:
    bucket = core_doors.load("limiter_door").BucketDoor(1_000.0, 100)
    report(benchmark, STEPS, lambda: bucket.time_take(STEPS))


def test_histogram_add(benchmark: Bench) -> None:
    telemetry = core_doors.load("telemetry_door").TelemetryDoor()
    report(benchmark, STEPS, lambda: telemetry.time_observe(STEPS))
