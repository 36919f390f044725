"""The demonstration counts its primes a second time."""

import pytest

from caxton.demo.cast import BIDDERS, CAST, JOB_SIZE, MANAGER, primes_below


@pytest.mark.parametrize(
    ("limit", "count"), [(0, 0), (2, 0), (3, 1), (10, 4), (100, 25), (10_000, 1229), (50_000, 5133)]
)
def test_primes_are_counted_right(limit: int, count: int) -> None:
    assert primes_below(limit) == count


def test_the_bidders_differ_in_price_and_one_of_them_refuses_the_job() -> None:
    assert len({tuple(bidder.config.items()) for bidder in BIDDERS}) == len(BIDDERS)
    assert [bidder.name for bidder in BIDDERS if int(bidder.config.get("size_max", JOB_SIZE)) < JOB_SIZE] == [
        "picky"
    ]


def test_the_manager_asks_every_bidder() -> None:
    (manager,) = [role for role in CAST if role.name == MANAGER]
    assert manager.config["bidders"].split(",") == [bidder.name for bidder in BIDDERS]
