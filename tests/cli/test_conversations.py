"""Conversations from the command line, against a real server."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.program import fields, rows
from tests.cli.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with serving() as served:
        directory: Path = tmp_path_factory.mktemp("modules")
        for name in ("quiet", "mute"):
            served.deployed(directory, "silent", name)
        yield served


def begun(served: Served, conversation: str) -> None:
    opening = ("-p", "request", "--protocol", "fipa-request", "--conversation", conversation)
    ran = served.run("send", "quiet", "-c", "1", *opening)
    assert ran.code == 0, ran.err


def test_a_conversation_is_opened_listed_shown_and_cancelled(served: Served) -> None:
    opened = served.run(
        "conversation", "open", "--participants", "quiet,mute", "--protocol", "fipa-contract-net",
        "--conversation", "market", "--max-messages", "50", "--fuel", "1000000", "--ttl", "1m",
    )  # fmt: skip
    assert opened.code == 0, opened.err
    assert "its first message is to come" in opened.out
    listed = served.run("conversation", "list", "--agent", "mute", "--state", "Initiated")
    assert [line.split()[:3] for line in listed.out.splitlines()[1:]] == [
        ["market", "fipa-contract-net", "Initiated"]
    ]
    document = served.run("conversation", "show", "market", "-o", "json").document()
    assert (document["max_messages"], document["fuel_budget"]) == (50, 1_000_000)
    assert [part["name"] for part in rows(document["participants"])] == ["quiet", "mute"]
    cancelled = served.run("conversation", "cancel", "market", "-o", "json").document()
    assert (cancelled["state"], cancelled["outcome"]) == ("Completed", "cancelled")
    again = served.run("conversation", "cancel", "market", "-o", "json")
    assert (again.code, again.error()["code"]) == (1, "PROTOCOL_VIOLATION")
    assert fields(again.error()["details"])["reason_kind"] == "conversation_closed"


def test_one_that_goes_on_is_shown_with_its_participants_and_deadlines(served: Served) -> None:
    begun(served, "errand")
    shown = served.run("conversation", "show", "errand")
    assert shown.code == 0, shown.err
    told = dict(line.split(maxsplit=1) for line in shown.out.split("\n\n")[0].splitlines())
    assert (told["protocol"], told["state"], told["messages"]) == ("fipa-request", "Initiated", "1")
    assert told["expires"] > told["opened"]
    assert ["quiet", "sent"] in [line.split()[::3] for line in shown.out.splitlines()]


def test_cancelling_one_that_goes_on_asks_its_participants(served: Served) -> None:
    begun(served, "asked")
    ran = served.run("conversation", "cancel", "asked")
    assert ran.code == 0, ran.err
    assert any("quiet" in line and "cancelling" in line for line in ran.out.splitlines())


def test_an_unknown_conversation_is_a_no(served: Served) -> None:
    ran = served.run("conversation", "show", "nothing")
    assert ran.code == 1
    assert "CONVERSATION_NOT_FOUND" in ran.err
    assert "caxton conversation list" in ran.err


def test_a_filter_that_means_nothing_is_a_no_that_offers_the_near_one(served: Served) -> None:
    ran = served.run("conversation", "list", "--protocol", "fipa-reqest")
    assert ran.code == 1
    assert "`fipa-request`" in ran.err
