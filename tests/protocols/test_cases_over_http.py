"""The conformance cases against a real server, among external agents, in real time."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import running
from tests.protocols.conformance import Case, read_cases
from tests.protocols.http_case import HTTPCase, Slipped

CASES = read_cases()
RUNS_MAX = 20


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running() as server, server.client() as made:
        yield made


def played(client: httpx.Client, case: Case) -> None:
    run = HTTPCase(client, case)
    run.begin()
    try:
        for number, (step, expected) in enumerate(zip(case.steps, case.expected, strict=True), 1):
            outcome = run.play(number)
            if step.sender is not None and not step.performative.startswith("@"):
                said = (outcome.accepted, outcome.reason, outcome.state)
                assert said == (expected.accepted, expected.reason_kind, expected.state_after), (
                    f"step {number}"
                )
            for reply in expected.auto_reply:
                performative, reason = run.automatic(reply.to)
                assert performative == reply.performative, f"step {number}"
                assert reason == (expected.reason_kind or "outbid")
        for name, end in {"c1": (case.final_state, case.outcome), **case.other_final}.items():
            assert run.standing(name) == tuple(end), name
        assert run.unasked() == []
    finally:
        run.end()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.id}-{case.protocol}" for case in CASES])
def test_the_server_decides_each_step_of_a_case_as_the_case_says(client: httpx.Client, case: Case) -> None:
    for _ in range(RUNS_MAX):
        try:
            played(client, case)
        except Slipped:
            # The machine was too busy for this run to mean anything.
            continue
        return
    pytest.fail(f"{RUNS_MAX} runs were all too slow for the deadlines of the case")
