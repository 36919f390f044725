"""The audit from the command line."""

from pathlib import Path

from tests.cli.program import rows
from tests.cli.serving import serving


def test_who_changed_what_is_shown_newest_first(tmp_path: Path) -> None:
    with serving() as served:
        served.deployed(tmp_path, "echo", "one")
        assert served.run("agent", "delete", "one").code == 0
        assert served.run("agent", "delete", "one").code == 1
        ran = served.run("audit")
        assert ran.code == 0
        lines = [line.split()[3:] for line in ran.out.splitlines()[1:]]
        assert lines == [
            ["delete_agent", "one", "404", "AGENT_NOT_FOUND"],
            ["delete_agent", "one", "204", "-"],
            ["create_agent", "one", "201", "-"],
        ]
        words = ("audit", "--operation", "delete_agent", "--limit", "1", "-o", "json")
        (row,) = rows(served.run(*words).document()["entries"])
        assert (row["operation"], row["status"], row["name"]) == ("delete_agent", 404, "root")
