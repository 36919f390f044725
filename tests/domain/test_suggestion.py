"""Near names for wrong words."""

import pytest

from caxton.domain.suggestion import CANDIDATES_MAX, did_you_mean, near_names


def test_near_names_come_best_first_and_at_most_three() -> None:
    names = ["bidder", "bidder-1", "bidder-2", "bidder-3", "manager"]
    found = near_names("biddr", names)
    assert found[0] == "bidder"
    assert len(found) == 3
    assert "manager" not in found


@pytest.mark.parametrize("word", ["Reply_With", "reply with", "REPLY-WITH"])
def test_letter_case_and_separators_do_not_count(word: str) -> None:
    assert near_names(word, ["reply_with", "receiver"])[0] == "reply_with"


def test_nothing_near_is_nothing() -> None:
    assert near_names("zzz", ["inform"]) == ()
    assert near_names("", ["inform"]) == ()


def test_a_flood_of_candidates_is_cut_off() -> None:
    names = (
        f"agent-{number}" if number < CANDIDATES_MAX else "wanted" for number in range(CANDIDATES_MAX + 5)
    )
    assert near_names("wanted", names) == ()


def test_the_sentence_fits_the_number_of_names() -> None:
    assert did_you_mean([]) == ""
    assert did_you_mean(["a"]) == "did you mean `a`?"
    assert did_you_mean(["a", "b"]) == "did you mean `a` or `b`?"
    assert did_you_mean(["a", "b", "c"]) == "did you mean `a`, `b` or `c`?"
