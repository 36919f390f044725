"""Every judge keeps the rules that the directed traces spell out."""

import re

import pytest

from tests.protocols.directed import CONVERSATION, Directed, read_directed
from tests.protocols.judge import Judge
from tests.protocols.judges import JUDGES
from tests.protocols.trace import happen

TRACES = read_directed()


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("directed", TRACES, ids=[f"{trace.protocol}: {trace.title}" for trace in TRACES])
def test_a_judge_keeps_the_rules_of_a_directed_trace(name: str, directed: Directed) -> None:
    judge = JUDGES[name]()
    for line in directed.lines:
        verdict = happen(judge, line.event)
        if verdict is not None:
            assert (verdict.reason or "ok") == line.verdict, line.text
            assert verdict.accepted == (line.verdict == "ok"), line.text
            assert verdict.automatic == line.automatic, line.text
        for state in line.states:
            assert_stands(judge, state, line.text)


def assert_stands(judge: Judge, state: str, text: str) -> None:
    """Hold a state as a directed trace writes it against the judge's."""
    standing = judge.conversation(CONVERSATION)
    assert standing is not None, text
    agent, _, session = state.partition(":")
    if session:
        assert standing.sessions[agent] == session, text
    elif "(" in state:
        assert re.split(r"[()]", state)[:2] == [standing.state, standing.outcome], text
    else:
        assert (standing.state, standing.outcome) == (state, None), text


def test_each_protocol_has_directed_traces() -> None:
    assert len({trace.protocol for trace in TRACES}) == 11
