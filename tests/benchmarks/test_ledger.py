"""The books of the soak: a request has one answer, and growth is seen through noise."""

import pytest

from benchmarks.ledger import Requests, Sample, growth_bytes_per_min, slope


def answer(message_id: str) -> bytes:
    return b'{"performative":"inform","in_reply_to":"%s"}' % message_id.encode()


def test_books_are_even_when_each_request_has_one_answer() -> None:
    books = Requests()
    books.sent("a", "one")
    books.arrived(answer("a"))
    # An answer may be faster than the note of its request.
    books.arrived(answer("b"))
    books.sent("b", "one")
    assert (books.leftovers(), books.answered) == ("", 2)


@pytest.mark.parametrize(
    ("sent", "arrived", "words"),
    [
        (["a"], [], "1 requests without an answer"),
        (["a"], ["a", "a"], "1 answers to requests that nobody sent, or second ones"),
        ([], ["c"], "1 answers to requests that nobody sent"),
    ],
)
def test_what_does_not_add_up_is_told(sent: list[str], arrived: list[str], words: str) -> None:
    books = Requests()
    for message_id in sent:
        books.sent(message_id, "one")
    for message_id in arrived:
        books.arrived(answer(message_id))
    assert words in books.leftovers()


def test_the_books_know_who_owes_how_many_answers() -> None:
    books = Requests()
    for message_id, receiver in (("a", "one"), ("b", "two"), ("c", "two"), ("d", "two")):
        books.sent(message_id, receiver)
    books.arrived(answer("c"))
    assert books.waited_for() == {"one": 1, "two": 2}


def test_a_message_that_answers_nothing_is_told() -> None:
    books = Requests()
    books.arrived(b'{"performative":"inform"}')
    assert books.leftovers() == "1 messages that answer nothing"


def test_the_slope_is_that_of_the_best_line() -> None:
    assert slope([(x, 3.0 * x + 1 + (-1) ** x) for x in range(1000)]) == pytest.approx(3.0, rel=0.01)
    assert slope([(1.0, 5.0)]) == 0.0


def test_only_the_second_half_of_a_run_tells_its_growth() -> None:
    def sample(at_s: int, resident: float) -> Sample:
        return Sample(float(at_s), int(resident), 0, 0, 0, 0)

    warm = [sample(t, 1e6 * t if t < 50 else 5e7) for t in range(100)]
    leaking = [sample(t, 5e7 + 1e5 * t) for t in range(100)]
    assert growth_bytes_per_min(warm) == pytest.approx(0.0, abs=1.0)
    assert growth_bytes_per_min(leaking) == pytest.approx(6e6, rel=0.01)


def test_what_guests_hold_neither_counts_as_growth_nor_hides_it() -> None:
    def grown(leaked_bytes_per_s: float) -> float:
        samples: list[Sample] = []
        for t in range(200):
            # A guest of ten megabytes comes in the middle; one that grows now is not counted yet.
            held = 10_000_000 if t > 150 else 0
            growing = 16_000_000 if t % 10 == 0 else 0
            resident = 5e7 + leaked_bytes_per_s * t + held + growing
            samples.append(Sample(float(t), int(resident), held, 0, 0, 0))
        return growth_bytes_per_min(samples)

    assert grown(0.0) == pytest.approx(0.0, abs=1.0)
    assert grown(1e5) == pytest.approx(6e6, rel=0.01)
