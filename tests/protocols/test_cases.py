"""Every judge keeps the conformance cases."""

import pytest

from tests.protocols.conformance import Case, event_of, read_cases
from tests.protocols.judges import JUDGES
from tests.protocols.trace import happen, told

CASES = read_cases()


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("case", CASES, ids=[f"{case.id}-{case.protocol}" for case in CASES])
def test_a_judge_decides_each_step_of_a_case_as_the_case_says(name: str, case: Case) -> None:
    judge = JUDGES[name]()
    assert len(case.steps) == len(case.expected)
    for number, (step, expected) in enumerate(zip(case.steps, case.expected, strict=True), 1):
        event = event_of(case, number)
        verdict = happen(judge, event)
        standing = judge.conversation(step.conversation_id)
        state = None if standing is None else standing.state
        assert state == expected.state_after, told(event)
        if verdict is None:
            assert expected.accepted
            continue
        said = (verdict.accepted, verdict.reason, verdict.state)
        assert said == (expected.accepted, expected.reason_kind, expected.state_after), told(event)
        sent = [(performative, receiver) for performative, receiver, _ in verdict.automatic]
        assert sent == sorted((reply.performative, reply.to) for reply in expected.auto_reply), told(event)
    ends = {"c1": (case.final_state, case.outcome), **case.other_final}
    for conversation_id, end in ends.items():
        standing = judge.conversation(conversation_id)
        assert standing is not None
        assert (standing.state, standing.outcome) == end


def test_the_cases_are_all_of_the_protocols() -> None:
    assert len({case.protocol for case in CASES}) == 11
