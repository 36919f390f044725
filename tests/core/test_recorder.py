"""The tapes of the flight recorder: what they keep, what they give up, and what a reader may see."""

from typing import Any

import pytest

from tests import core_doors
from tests.sanitize import stress

pytestmark = pytest.mark.sanitize

HEAD_BYTES = 80
ALL = 2**64 - 1
UNJUDGED = 2
CUT = 8


def tape(size: int = 65_536) -> Any:  # noqa: ANN401 - a door has no types
    return core_doors.load("tape_door").TapeDoor(size)


def test_records_come_back_whole_and_in_order_for_the_conversation_that_is_asked_for() -> None:
    it = tape()
    for sequence in range(1, 50):
        it.write(1, sequence, b"x" * sequence, [sequence, sequence + 1])
        it.write(2, sequence, b"of another")
    rows, seen, complete_to, overwritten = it.search(1)
    assert rows == [(n, [n, n + 1], 0, b"x" * n) for n in range(1, 50)]
    assert (seen, complete_to, overwritten) == (49, ALL, False)


def test_another_use_of_the_same_id_is_another_conversation() -> None:
    it = tape()
    it.write(1, 1, b"old", generation=1)
    it.write(1, 1, b"new", generation=2)
    assert [row[3] for row in it.search(1, generation=2)[0]] == [b"new"]


@pytest.mark.parametrize("text_bytes", [0, 1, 7, 8, 9, 1000])
def test_the_newest_stay_when_the_tape_is_full_many_times_over(text_bytes: int) -> None:
    it = tape()
    length = HEAD_BYTES + (text_bytes + 7) // 8 * 8
    count = 10 * it.size() // length
    for sequence in range(1, count + 1):
        it.write(1, sequence, b"t" * text_bytes)
        assert it.kept() <= it.size()
    rows, seen, _, overwritten = it.search(1)
    assert overwritten
    assert [row[0] for row in rows] == list(range(count - len(rows) + 1, count + 1))
    assert seen == len(rows)
    # A record that did not fit at the end, and the oldest that it cost, are all that is missing.
    assert len(rows) >= it.size() // length - 2


def test_a_text_that_is_longer_than_a_quarter_leaves_its_head_alone() -> None:
    it = tape()
    it.write(1, 1, b"x" * 16_384, [5])
    it.write(1, 2, b"x" * 1_000_000, [6, 7])
    it.write(1, 3, b"short")
    assert it.search(1)[0] == [(1, [5], CUT, b""), (2, [6, 7], CUT, b""), (3, [], 0, b"short")]


def test_the_most_receivers_fit_into_the_smallest_tape() -> None:
    it = tape(1)
    receivers = list(range(1000))
    it.write(1, 1, b"to all", receivers)
    assert it.search(1)[0] == [(1, receivers, 0, b"to all")]


def test_a_page_ends_with_the_answers_to_its_last_message_and_tells_how_far_it_goes() -> None:
    it = tape()
    for sequence in range(1, 6):
        it.write(1, sequence, b"said")
        it.write(1, sequence, b"answered", flags=UNJUDGED)
    rows, seen, complete_to, _ = it.search(1, count_max=3)
    assert [row[0] for row in rows] == [1, 1, 2, 2]
    assert (seen, complete_to) == (5, 2)
    rows, _, complete_to, _ = it.search(1, after=2, count_max=100)
    assert [row[0] for row in rows] == [3, 3, 4, 4, 5, 5]
    assert complete_to == ALL


def test_a_page_is_bounded_in_bytes_and_holds_at_least_one_message() -> None:
    it = tape()
    for sequence in range(1, 4):
        it.write(1, sequence, b"x" * 1000)
    rows, _, complete_to, _ = it.search(1, bytes_max=10)
    assert [row[0] for row in rows] == [1]
    assert complete_to == 1


def test_a_tape_of_no_size_keeps_nothing_and_says_so() -> None:
    it = tape(0)
    it.write(1, 1, b"lost")
    assert it.search(1) == ([], 0, ALL, True)


def test_readers_never_see_a_torn_record_while_the_writer_comes_round() -> None:
    stress.tape()
