"""Agents found by what they can do, from the command line, against a real server."""

from collections.abc import Generator

import pytest

from tests.cli.program import rows
from tests.cli.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with serving() as served:
        directory = tmp_path_factory.mktemp("modules")
        served.deployed(directory, "echo", "one", "--capability", "text.translate")
        served.deployed(
            directory, "echo", "two", "--capability", "text.translate", "--capability", "text.sum/up"
        )
        served.deployed(directory, "silent", "three", "--capability", "listen")
        assert served.run("agent", "drain", "two", "--timeout", "5s").code == 0
        yield served


def test_what_agents_can_do_is_listed_with_how_many_can(served: Served) -> None:
    ran = served.run("capability", "list", "-o", "json")
    assert ran.document() == {
        "capabilities": [
            {"name": "listen", "agents_count": 1, "running_count": 1},
            {"name": "text.sum/up", "agents_count": 1, "running_count": 0},
            {"name": "text.translate", "agents_count": 2, "running_count": 1},
        ]
    }
    shown = [line.split() for line in served.run("capability", "list").out.splitlines()]
    assert shown[0] == ["CAPABILITY", "AGENTS", "RUNNING"]
    assert shown[3] == ["text.translate", "2", "1"]


def test_a_list_is_narrowed_by_prefix_by_what_else_is_wanted_and_by_number(served: Served) -> None:
    def names(*words: str) -> list[object]:
        found = served.run("capability", "list", *words, "-o", "json").document()["capabilities"]
        return [row["name"] for row in rows(found)]

    assert names("--prefix", "text.") == ["text.sum/up", "text.translate"]
    assert names("--has", "text.sum/up") == ["text.sum/up", "text.translate"]
    assert names("--has", "text.sum/up", "--has", "listen") == []
    assert names("--limit", "1") == ["listen"]


def test_the_agents_of_a_capability_are_shown_with_state_and_load(served: Served) -> None:
    shown = served.run("capability", "get", "text.translate").out.splitlines()
    assert shown[0].split() == ["NAME", "ID", "STATE", "LOAD", "MAILBOX", "MAX", "HANDLED"]
    assert [(line.split()[0], line.split()[2], line.split()[3]) for line in shown[1:]] == [
        ("one", "running", "0"),
        ("two", "stopped", "0"),
    ]
    words = ("capability", "get", "text.translate", "-o", "json")
    document = served.run(*words, "--state", "running").document()
    assert (document["name"], document["agents_count"], document["running_count"]) == ("text.translate", 2, 1)
    assert [agent["name"] for agent in rows(document["agents"])] == ["one"]
    both = served.run("capability", "get", "text.translate", "--has", "text.sum/up", "-o", "json").document()
    assert [agent["name"] for agent in rows(both["agents"])] == ["two"]


def test_a_name_with_a_slash_is_found(served: Served) -> None:
    document = served.run("capability", "get", "text.sum/up", "-o", "json").document()
    assert document["name"] == "text.sum/up"


def test_a_capability_of_nobody_is_a_no_with_near_ones(served: Served) -> None:
    ran = served.run("capability", "get", "text.translat")
    assert ran.code == 1
    assert "text.translate" in ran.err
    assert served.run("capability", "get", "..").code == 2


def test_agents_are_listed_by_several_capabilities(served: Served) -> None:
    words = ("agent", "list", "--capability", "text.translate", "--capability", "text.sum/up", "-o", "json")
    assert [agent["name"] for agent in rows(served.run(*words).document()["agents"])] == ["two"]
