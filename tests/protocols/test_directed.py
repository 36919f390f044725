"""Every judge keeps the rules that the directed traces spell out."""

import re
from dataclasses import replace

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


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_made_without_defaults_waits_for_ever(name: str) -> None:
    (directed,) = [one for one in TRACES if one.title == "silence expires it"]
    opening, passing = (line.event for line in directed.lines)
    judge = JUDGES[name](reply_by_s=None, ttl_s=None)
    happen(judge, opening)
    happen(judge, replace(passing, at_s=1e6))
    assert_stands(judge, "Initiated", "nothing was due")


@pytest.mark.parametrize("name", JUDGES)
def test_the_defaults_of_a_judge_hold_where_a_message_says_nothing(name: str) -> None:
    (directed,) = [one for one in TRACES if one.title == "silence expires it"]
    opening, passing = (line.event for line in directed.lines)
    judge = JUDGES[name](reply_by_s=100, ttl_s=40)
    happen(judge, opening)
    happen(judge, replace(passing, at_s=40))
    assert_stands(judge, "Initiated", "in time")
    happen(judge, replace(passing, at_s=40.25))
    assert_stands(judge, "Expired(ttl)", "the time to live is over before the answer is due")


def test_each_protocol_has_directed_traces() -> None:
    assert len({trace.protocol for trace in TRACES}) == 11
