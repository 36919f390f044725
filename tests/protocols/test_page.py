"""The page of the protocols says what the tables say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from caxton.domain.errors.violation_hints import VIOLATION_HINTS
from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.diagram import state_diagram
from caxton.protocols.page import main, protocols_page
from caxton.protocols.row import OUTCOME_WORDS, REASON_WORDS, Outcome, Reason

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols.md"
NO_END = {Outcome.NONE, Outcome.BY_KIND}


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == protocols_page(), (
        "run: python -m caxton.protocols.page docs/protocols.md"
    )


def test_the_program_writes_the_page(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    command = [sys.executable, "-m", "caxton.protocols.page", str(target)]
    subprocess.run(command, check=True, timeout=60, cwd=PAGE.parents[1])
    assert target.read_text(encoding="utf-8") == protocols_page()


def test_a_second_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a", "b"]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_reason_has_a_hint_and_stands_in_the_order_of_the_checks() -> None:
    reasons = {REASON_WORDS[reason] for reason in Reason if reason is not Reason.NONE}
    assert set(VIOLATION_HINTS) == reasons
    checks = protocols_page().partition("## The order of the checks")[2].partition("\n## ")[0]
    assert {reason for reason in reasons if f"`{reason}`" not in checks} == set()


def test_every_outcome_stands_under_one_state() -> None:
    states = protocols_page().partition("| state | outcomes |")[2].partition("\n## ")[0]
    told = re.findall(r"`([a-z_-]+)`", states)
    assert sorted(told) == sorted(word for outcome, word in OUTCOME_WORDS.items() if outcome not in NO_END)


def test_every_protocol_has_its_section_its_number_and_all_its_acts() -> None:
    page = protocols_page()
    for protocol in PROTOCOLS:
        section = page.partition(f"\n## {protocol.title}\n")[2].partition("\n## ")[0]
        assert protocol.document in section
        for word in (
            protocol.name,
            *protocol.aliases,
            *protocol.opening,
            *(row.act for row in protocol.rows),
        ):
            assert f"`{word}`" in section, (protocol.name, word)


def test_every_arrow_of_a_diagram_has_the_form_that_mermaid_reads() -> None:
    for protocol in PROTOCOLS:
        kind, *arrows = state_diagram(protocol)
        assert kind == "stateDiagram-v2"
        for arrow in arrows:
            assert re.fullmatch(
                r" {4}(\[\*\]|[a-z_]+) --> (\[\*\]|[a-z_]+)(: [IPT]?[A-Za-z_,/ -]+)?", arrow
            ), arrow
