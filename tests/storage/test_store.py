"""Acknowledged means committed; a batch is whole or not there; nothing waits without bound."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.domain.errors.taxonomy import InternalError
from caxton.storage.database import connect
from caxton.storage.metrics import StoreCollector
from caxton.storage.statement import Change
from caxton.storage.store import Store
from caxton.storage.writer import GROUP_ROWS_MAX, WAITING_BYTES_MAX, WAITING_ROWS_MAX
from tests.storage.shelf import PUT, REFUSED, gone, open_store, row, shelf, thing, things

pytestmark = pytest.mark.anyio

MANY = Change(PUT, [row(str(number), number, b"x") for number in range(GROUP_ROWS_MAX)])


def _until_refused(
    store: Store, change: Change, taken: "list[asyncio.Future[None]]", taken_max: int
) -> ResourceLimitExceeded:
    """Hand the same change in until it is refused, which is after `taken_max` times at the latest."""
    while len(taken) <= taken_max:
        try:
            taken.append(store.append([change]))
        except ResourceLimitExceeded as refusal:
            return refusal
    raise AssertionError("there is a bound")


async def test_what_is_acknowledged_is_there_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    async with shelf(path) as store:
        await store.append([thing("a", 1, b"\x00\xff"), thing("b", None)])
        with closing(connect(str(path))) as other:
            assert things(other) == {"a": (1, b"\x00\xff"), "b": (None, b"")}
        assert await store.read(things) == {"a": (1, b"\x00\xff"), "b": (None, b"")}
    assert not path.with_name("caxton.db-wal").exists(), "an orderly end folds the log into the file"


async def test_changes_take_effect_in_their_order(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db") as store:
        futures = [
            store.append([thing("a", 1)], urgent=False),
            store.append([gone("a"), thing("a", 2), thing("b", 1)], urgent=False),
            store.append([thing("b", 2), gone("a"), thing("c", 3)], urgent=False),
            store.append([gone("c"), thing("a", 4)], urgent=False),
        ]
        await asyncio.gather(*futures)
        assert await store.read(things) == {"a": (4, b""), "b": (2, b"")}
        assert store.totals()["commits"] == 1, "they shared one"
        samples = [sample for family in StoreCollector(store).collect() for sample in family.samples]
        shown = {sample.name: sample.value for sample in samples}
        assert shown["caxton_store_commit_duration_seconds_count"] == 1
        assert shown["caxton_store_batch_rows_sum"] == 9
        assert shown["caxton_store_rows_waiting"] == 0


async def test_a_change_that_cannot_be_made_spoils_no_other(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db") as store:
        good = store.append([thing("a", 1)], urgent=False)
        bad = store.append([thing("b", 1), Change(REFUSED, [("x",)])], urgent=False)
        last = store.append([thing("c", 1)], urgent=False)
        await asyncio.gather(good, last)
        with pytest.raises(InternalError):
            await bad
        assert sorted(await store.read(things)) == ["a", "c"], "nor half of itself"


async def test_urgent_changes_do_not_wait_for_others_and_others_wait_for_the_window(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db", group_commit_ms=1000) as store:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        patient = store.append([thing("a", 1)], urgent=False)
        await store.append([thing("b", 1)])
        assert patient.done(), "it shares the commit of the one that is in a hurry"
        assert loop.time() - begun < 0.9
        begun = loop.time()
        await store.append([thing("c", 1)], urgent=False)
        assert loop.time() - begun > 0.9


async def test_what_waits_is_bounded_and_the_caller_told_to_come_back(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db", group_commit_ms=1000) as store:
        # A statement that holds the writer up: nothing else is committed meanwhile.
        blocker = connect(str(tmp_path / "caxton.db"))
        blocker.execute("BEGIN IMMEDIATE")
        waiting: list[asyncio.Future[None]] = []
        # So many may wait, and one commit more be under way.
        refusal = _until_refused(store, MANY, waiting, WAITING_ROWS_MAX // GROUP_ROWS_MAX + 1)
        assert refusal.http_status == 429
        assert refusal.retry_after_s
        blocker.execute("COMMIT")
        blocker.close()
        await asyncio.gather(*waiting)
        await store.append([MANY])


async def test_bytes_are_bounded_too_and_one_large_batch_is_taken(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db") as store:
        large = thing("large", 1, bytes(WAITING_BYTES_MAX))
        waiting: list[asyncio.Future[None]] = []
        _until_refused(store, large, waiting, 2)
        await asyncio.gather(*waiting)
        assert len((await store.read(things))["large"][1]) == WAITING_BYTES_MAX


async def test_whoever_gives_up_waiting_has_not_undone_the_change(tmp_path: Path) -> None:
    async with shelf(tmp_path / "caxton.db") as store:
        future = store.append([thing("a", 1)])
        future.cancel()
        await store.append([thing("b", 1)])
        assert sorted(await store.read(things)) == ["a", "b"]


async def test_an_orderly_end_commits_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    store = open_store(path, group_commit_ms=1000)
    store.start()
    waiting = store.append([thing("a", 1)], urgent=False)
    assert await asyncio.to_thread(store.close, 10.0)
    await waiting
    with pytest.raises(Unavailable):
        store.append([thing("b", 1)])
    again = open_store(path)
    assert again.load(lambda connection, _: sorted(things(connection))) == ["a"]
    assert again.close(10.0)
    assert again.close(10.0)


async def test_a_store_that_was_not_started_takes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "caxton.db", durability="memory", group_commit_ms=5)
    with pytest.raises(Unavailable):
        store.append([thing("a", 1)])
    assert store.close(10.0)
