"""Tasks and auctions from the command line, against a real server."""

from collections.abc import Generator
from pathlib import Path

import pytest

import tests.tasks
from tests.cli.program import fields, rows
from tests.cli.serving import Served, serving
from tests.sdk.built import built, demo_agent

BUYER = Path(tests.tasks.__path__[0]) / "agents" / "auction_bidder.c"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """Serve, with two bidders for tasks and two for auctions."""
    directory = tmp_path_factory.mktemp("modules")
    (directory / "bidder.wasm").write_bytes(demo_agent("bidder"))
    (directory / "buyer.wasm").write_bytes(built(BUYER))
    with serving() as served:
        for name, module, config in (
            ("cheap", "bidder", "price_base=1"),
            ("dear", "bidder", "price_base=50"),
            ("picky", "bidder", "size_min=5000"),
            ("poor", "buyer", "limit=7"),
            ("rich", "buyer", "limit=20"),
        ):
            ran = served.run(
                "agent", "deploy", str(directory / f"{module}.wasm"), "--name", name, "--config", config
            )
            assert ran.code == 0, ran.err
        yield served


TASK = ("--task", '{"size": 1000}', "--award", "lowest:price")


def test_a_task_is_run_and_its_result_shown(served: Served) -> None:
    ran = served.run("task", "run", "--participants", "cheap,dear,picky", *TASK, "--wait")
    assert ran.code == 0, ran.err
    shown = dict(line.split(None, 1) for line in ran.out.splitlines() if line and not line.startswith(" "))
    assert (shown["state"], shown["outcome"], shown["winners"]) == ("completed", "result", "cheap")
    assert shown["result"] == '{"primes":168,"below":1000,"price":6}'
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in ran.out.split("\n\n")[1].splitlines()}
    assert lines["cheap"].startswith("propose")
    assert lines["cheap"].endswith("done")
    assert lines["dear"].endswith("rejected: another proposal was awarded")
    assert lines["picky"].startswith("refuse")


def test_a_task_is_answered_as_json_listed_and_shown(served: Served) -> None:
    done = served.run("task", "run", "--capability", "count-primes", *TASK, "--wait", "-o", "json").document()
    assert done["outcome"] == "result"
    listed = rows(served.run("task", "list", "--limit", "1", "-o", "json").document()["tasks"])
    assert [row["task_id"] for row in listed] == [done["task_id"]]
    assert str(done["task_id"]) in served.run("task", "list").out
    assert served.run("task", "get", str(done["task_id"]), "-o", "json").document() == done


def test_a_task_is_awarded_by_hand(served: Served) -> None:
    words = ("--participants", "cheap,dear", "--task", '{"size": 10}', "--award", "manual")
    begun = served.run("task", "run", *words, "--max-awards", "2", "-o", "json").document()
    task_id = str(begun["task_id"])
    while served.run("task", "get", task_id, "-o", "json").document()["phase"] != "award":
        pass
    assert served.run("task", "award", task_id).code == 2
    wrong = served.run("task", "award", task_id, "nobody", "-o", "json")
    assert (wrong.code, wrong.error()["code"]) == (1, "INVALID_REQUEST")
    awarded = served.run("task", "award", task_id, "dear", "cheap", "-o", "json").document()
    assert [row["name"] for row in rows(awarded["winners"])] == ["dear", "cheap"]
    again = served.run("task", "cancel", task_id, "-o", "json")
    assert (again.code, again.error()["code"]) == (1, "INVALID_STATE")


def test_a_task_is_cancelled(served: Served) -> None:
    words = ("--participants", "cheap", "--task", '{"size": 10}', "--award", "manual")
    begun = served.run("task", "run", *words).out
    task_id = begun.split()[1]
    assert "cancelled" in served.run("task", "cancel", task_id).out


def test_a_task_that_is_not_done_says_so_with_its_exit_code(served: Served) -> None:
    words = ("--participants", "cheap", "--task", '"nonsense"', "--award", "lowest:price")
    ran = served.run("task", "run", *words, "--proposal-timeout", "1s", "--timeout", "5s", "--wait")
    assert ran.code == 1
    assert "not-understood" in ran.out


def test_a_rule_that_is_none_is_wrong_usage(served: Served) -> None:
    ran = served.run("task", "run", "--participants", "cheap", "--task", "1", "--award", "cheapest")
    assert ran.code == 2
    assert "lowest:FIELD" in ran.err


def test_an_auction_is_run_and_shown(served: Served) -> None:
    words = ("--participants", "poor,rich", "--item", '"a vase"', "--start-price", "5", "--step", "1")
    ran = served.run("auction", "run", "english", *words, "--round", "200ms", "--wait", "-o", "json")
    assert ran.code == 0, ran.err
    auction = ran.document()
    assert fields(fields(auction["result"])["winner"])["name"] == "rich"
    told = served.run("auction", "get", str(auction["auction_id"])).out
    assert "sold" in told
    assert "rich" in told
    begun = served.run(
        "auction", "run", "dutch", *words, "--reserve-price", "1", "--round", "1m", "-o", "json"
    ).document()
    # The first call is for the start price, which both can pay: it ends before it could be cancelled.
    done = served.run("auction", "get", str(begun["auction_id"]), "-o", "json").document()
    while done["outcome"] is None:
        done = served.run("auction", "get", str(begun["auction_id"]), "-o", "json").document()
    assert done["outcome"] == "sold"
    late = served.run("auction", "cancel", str(begun["auction_id"]), "-o", "json")
    assert (late.code, late.error()["code"]) == (1, "INVALID_STATE")
