"""Stress programs of the lock-free core: threads without the GIL, bounded work, a verdict at the end.

Each program raises AssertionError when an item was lost, doubled, damaged or out of order. The test suite
runs them as they are; ``run_tsan.py`` runs them under ThreadSanitizer, which also sees races that did no
harm this time. Programs called ``broken_*`` use a twin that publishes too little: they are the control that
shows that the sanitizer would speak up, and their results are not looked at.

As a program: ``python -m tests.sanitize.stress NAME...``
"""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import caxton
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols
from tests import core_doors

T = TypeVar("T")

# Rounds of each program are a multiple of this: a few seconds in all, about as long under a sanitizer.
ROUNDS = 4_000 if os.environ.get("CAXTON_SANITIZE") else 20_000


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run each call on a thread of its own and return their results in order."""
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def mailbox(
    *, producers: int = 3, capacity: int = 16, count: int = 20 * ROUNDS, broken: bool = False
) -> None:
    """Let producers push into one small mailbox; each one's order is kept and every message comes once."""
    door = core_doors.load("mailbox_door").MailboxDoor(capacity, producers * count)
    parties = producers + 1
    *over, (received, disordered, damaged) = at_once(
        [
            *(lambda n=n: door.produce(n, count, parties, broken) for n in range(producers)),
            lambda: door.consume(producers, count, parties),
        ]
    )
    if broken:
        return
    assert received == producers * count
    assert (disordered, damaged) == (0, 0)
    assert over == [0] * producers
    assert door.depth() == 0
    assert door.is_empty()


def message_pool(*, workers: int = 3, small_count: int = 512, rounds: int = 20 * ROUNDS) -> None:
    """Let threads allocate, swap and free; no message is ever in two hands, and all come back."""
    door = core_doors.load("pool_door").PoolDoor(small_count, 200_000, workers)
    churns = [lambda n=n: door.churn(n, rounds, n * 7919 + 1, workers, n % 2 == 1) for n in range(workers)]
    assert [damaged for damaged, _ in at_once(churns)] == [0] * workers
    assert door.drain(0) == 0
    for cache in range(workers):
        door.flush(cache)
    assert door.live() == 0
    assert sum(door.allocated(c) for c in range(workers)) == sum(door.freed(c) for c in range(workers))


def shared_lists(*, workers: int = 3, small_count: int = 4, rounds: int = 20 * ROUNDS) -> None:
    """Let threads without caches fight over a handful of messages: a top leaves and comes back at once."""
    door = core_doors.load("pool_door").PoolDoor(small_count, 1_000)
    churns = [lambda n=n: door.churn(None, rounds, n * 7919 + 1, workers) for n in range(workers)]
    assert [damaged for damaged, _ in at_once(churns)] == [0] * workers
    assert door.drain(None) == 0
    assert door.live() == 0


def run_queues(*, workers: int = 3, agents: int = 40, broken: bool = False) -> None:
    """Pass agents around by rings, stealing and injector until each has had exactly its turns."""
    turns = 2 * ROUNDS
    crew = core_doors.load("ring_door").Crew(workers, agents, turns)
    results = at_once(
        [lambda number=number: crew.work(number, number * 6007 + 1, broken) for number in range(workers)]
    )
    if broken:
        return
    assert crew.turns_of_all() == [turns] * agents
    assert sum(ran for ran, _ in results) == agents * turns


def injector(*, producers: int = 3) -> None:
    """Let threads inject slots while a worker drains; each one's order is kept and every slot comes once."""
    module = core_doors.load("ring_door")
    count = 20 * ROUNDS
    door = module.InjectorDoor(producers * count)
    ring = module.RingDoor(producers * count)
    parties = producers + 1
    *_, (received, disordered) = at_once(
        [
            *(lambda number=number: door.produce(number, count, parties) for number in range(producers)),
            lambda: door.consume(ring, producers, count, parties),
        ]
    )
    assert received == producers * count
    assert disordered == 0
    assert door.is_empty()


def routing(*, readers: int = 2, agents: int = 12, broken: bool = False) -> None:
    """Let readers look up while the writer puts agents in and out of few slots.

    None finds a wrong one, and none misses the one that stands all the time: it lies at the end of its chain,
    behind agents that come and go.
    """
    door = core_doors.load("routing_door").RoutingDoor(16, readers)
    stayer = 1_000_000
    door.add_many(stayer, 1)
    parties = readers + 1
    seeds = [number * 104_729 + 1 for number in range(readers)]
    *results, _ = at_once(
        [
            *(
                lambda n=n: door.read(n, agents, seeds[n], parties, 0 if broken else stayer, not broken)
                for n in range(readers)
            ),
            lambda: door.write(agents, 10 * ROUNDS, 31, parties, broken),
        ]
    )
    if broken:
        return
    assert [(wrong, missed) for _, wrong, missed in results] == [(0, 0)] * readers
    assert all(found > 0 for found, _, _ in results)


def token_bucket(*, workers: int = 3) -> None:
    """Let threads take tokens while time passes; never more than burst plus what came in since."""
    burst = 10
    door = core_doors.load("limiter_door").BucketDoor(1_000_000.0, burst)
    attempts, step_ns = 20 * ROUNDS, 100
    taken = sum(at_once([lambda: door.hammer(attempts, step_ns, workers)] * workers))
    assert door.now_ns() == workers * attempts * step_ns
    earned = door.now_ns() // door.interval_ns()
    # The clock never stands still for longer than the burst, so nearly all that was earned is taken.
    assert earned * 9 // 10 <= taken <= earned + burst
    # While the clock stands still, the burst is all there is, to the last token.
    still = core_doors.load("limiter_door").BucketDoor(1_000_000.0, attempts)
    assert sum(at_once([lambda: still.hammer(attempts, 0, workers)] * workers)) == attempts


def budget(*, workers: int = 3) -> None:
    """Let threads reserve and release; what is held never exceeds the limit, and all comes back."""
    door = core_doors.load("limiter_door").BudgetDoor(100)
    results = at_once(
        [lambda seed=seed: door.hammer(20 * ROUNDS, 60, seed, workers) for seed in range(1, workers + 1)]
    )
    assert [exceeded for exceeded, _ in results] == [0] * workers
    assert door.used() == 0


def telemetry(*, writers: int = 2) -> None:
    """Let workers count while a scraper sums; sums only rise, and the last one is exact."""
    door = core_doors.load("telemetry_door").TelemetryDoor()
    rounds = 50 * ROUNDS
    parties = writers + 1
    *_, went_back = at_once(
        [
            *(lambda number=number: door.write(number, rounds, parties) for number in range(writers)),
            lambda: door.scrape(writers, parties),
        ]
    )
    assert went_back == 0
    total = door.total(writers)
    assert total["queue_wait"]["count"] == writers * rounds
    assert sum(total["queue_wait"]["buckets"]) == writers * rounds
    assert sum(map(sum, total["processed"])) == writers * rounds


def scheduler(*, workers: int = 2, agents: int = 30) -> None:
    """Run the real workers and ticker while agents come and go; every message is handled once."""
    door = core_doors.load("scheduler_door").SchedulerDoor(workers, agents, 64 * agents, 16)
    parties = workers + 2
    *_, became_quiet = at_once(
        [
            *(lambda n=n: door.work(n, parties) for n in range(workers)),
            lambda: door.tick(parties),
            lambda: door.drive(5 * ROUNDS, 97, parties),
        ]
    )
    assert became_quiet
    assert door.bounced() == door.sent > ROUNDS
    assert door.late_calls > 0
    assert door.removed > 0
    assert door.live() == 0
    assert door.scheduled() == 0


def tape(*, readers: int = 2, broken: bool = False) -> None:
    """Let readers search a tape that is written over all the time; what they find is whole and in order."""
    door = core_doors.load("tape_door").TapeDoor(65_536)
    parties = readers + 1
    *results, _ = at_once(
        [
            *(lambda n=n: door.consume(n + 1, parties) for n in range(readers)),
            lambda: door.produce((50 if broken else 10) * ROUNDS, 77, parties, broken),
        ]
    )
    if broken:
        return
    assert [damaged for _, damaged in results] == [0] * readers
    assert all(read > 0 for read, _ in results)


def verdicts(*, judges: int = 2, conversations: int = 40, broken: bool = False) -> None:
    """Let threads judge in the same conversations while deadlines pass and members die; nothing is left."""
    door = core_doors.load("judging_door").JudgingDoor(compile_protocols(PROTOCOLS), conversations)
    parties = judges + 1
    *results, _ = at_once(
        [
            *(lambda n=n: door.judge(2 * ROUNDS, n * 7919 + 1, parties) for n in range(judges)),
            lambda: door.disturb(judges, parties) if broken else door.watch(judges, parties),
        ]
    )
    if broken:
        return
    assert all(accepted > ROUNDS // 10 and refused > 0 for accepted, refused in results)
    assert door.opened() == door.ended() > conversations
    assert (door.used(), door.rooms(), door.waiting()) == (0, 0, 0)


def broken_tape() -> None:
    """Write over records before saying so."""
    tape(broken=True)


def broken_verdicts() -> None:
    """Charge a conversation without its stripe."""
    verdicts(broken=True)


def broken_mailbox() -> None:
    """Push without publishing the message."""
    mailbox(broken=True)


def broken_run_queues() -> None:
    """Hand agents over without publishing what was done for them."""
    run_queues(broken=True)


def broken_routing() -> None:
    """Use a retired slot again while readers may still hold it."""
    routing(broken=True)


SOUND: dict[str, Callable[[], None]] = {
    program.__name__: program
    for program in (
        mailbox,
        message_pool,
        shared_lists,
        run_queues,
        injector,
        routing,
        token_bucket,
        budget,
        telemetry,
        scheduler,
        tape,
        verdicts,
    )
}
BROKEN: dict[str, Callable[[], None]] = {
    program.__name__: program
    for program in (broken_mailbox, broken_run_queues, broken_routing, broken_tape, broken_verdicts)
}

# The door that each program opens.
DOOR_OF: dict[str, str] = {
    "mailbox": "mailbox_door",
    "message_pool": "pool_door",
    "shared_lists": "pool_door",
    "run_queues": "ring_door",
    "injector": "ring_door",
    "routing": "routing_door",
    "token_bucket": "limiter_door",
    "budget": "limiter_door",
    "telemetry": "telemetry_door",
    "scheduler": "scheduler_door",
    "tape": "tape_door",
    "verdicts": "judging_door",
    "broken_mailbox": "mailbox_door",
    "broken_run_queues": "ring_door",
    "broken_routing": "routing_door",
    "broken_tape": "tape_door",
    "broken_verdicts": "judging_door",
}

if __name__ == "__main__":
    # A run under the sanitizer says nothing when it picks up the normal build instead.
    expected = os.environ.get("CAXTON_EXPECTED", caxton.__file__)
    assert caxton.__file__ == expected, f"{caxton.__file__} would be tested, not {expected}"
    for name in sys.argv[1:]:
        (SOUND | BROKEN)[name]()
