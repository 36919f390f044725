"""What must not type-check does not, with exactly the error that is meant."""

import re
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent / "typing").glob("*.py"))
IGNORE = "type: " + "ignore"
MARK = re.compile(rf"  # {IGNORE}\[([a-z-]+)\]  must not pass$")
FOUND = re.compile(r"^(?P<page>[^:]+\.py):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


def expected_errors(pages: list[Path]) -> set[tuple[str, int, str]]:
    return {
        (page.name, number, mark.group(1))
        for page in pages
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if (mark := MARK.search(line))
    }


def found_errors(pages: list[Path], scratch: Path) -> set[tuple[str, int, str]]:
    """Check the pages without their marks, so that every error shows."""
    mypy = pytest.importorskip("mypy.api", reason="mypy comes with the extra `dev`")
    bare: list[str] = []
    for page in pages:
        text = "\n".join(MARK.sub("", line) for line in page.read_text().splitlines())
        (scratch / page.name).write_text(f"{text}\n")
        bare.append(str(scratch / page.name))
    options = [
        "--strict",
        "--no-error-summary",
        "--hide-error-context",
        "--cache-dir",
        str(scratch / "cache"),
    ]
    # The checker raises the limit for the whole process; what nests too deeply for later tests would pass.
    limit = sys.getrecursionlimit()
    try:
        out, wrong, _ = mypy.run([*options, "--config-file", "", *bare])
    finally:
        sys.setrecursionlimit(limit)
    assert wrong == ""
    rows = [FOUND.match(line) for line in out.splitlines() if ": note:" not in line]
    assert all(rows), out
    return {(Path(row["page"]).name, int(row["line"]), row["code"]) for row in rows if row is not None}


@pytest.mark.slow
def test_the_examples_give_the_errors_that_they_name_and_no_others(tmp_path: Path) -> None:
    expected = expected_errors(EXAMPLES)
    assert len(expected) > 50
    assert found_errors(EXAMPLES, tmp_path) == expected


def test_every_way_between_two_states_is_an_example() -> None:
    text = (Path(__file__).parent / "typing" / "agent_transitions.py").read_text()
    transitions = ("load", "start", "drain", "stop", "fail", "restart", "revive")
    refused = {
        (state, name)
        for state, page in re.findall(r"def from_(\w+)\((.*?)\n\n\n", text, re.DOTALL)
        for name in re.findall(rf"^    (\w+)\(.*{IGNORE}\[arg-type\]", page, re.MULTILINE)
    }
    allowed = {
        ("unloaded", "load"),
        ("loaded", "start"),
        ("loaded", "fail"),
        ("running", "drain"),
        ("running", "fail"),
        ("running", "restart"),
        ("draining", "stop"),
        ("draining", "fail"),
        ("failed", "revive"),
        ("stopped", "revive"),
    }
    states = ("unloaded", "loaded", "running", "draining", "failed", "stopped")
    assert refused | allowed == {(state, name) for state in states for name in transitions}
    assert not refused & allowed
