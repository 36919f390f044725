"""The one door for operations on an agent whose state is known only at run time."""

import itertools

import msgspec
import pytest

from caxton.domain.agent import (
    Agent,
    AgentSpec,
    Fault,
    GuestProgram,
    Running,
    drain,
    fail,
    load,
    register,
    start,
    stop,
)
from caxton.domain.errors import FaultKind, InvalidState
from caxton.domain.ids import AgentId, digest_of, parse_agent_name
from caxton.domain.operation import (
    ALLOWED,
    Drain,
    Fail,
    Load,
    Operation,
    Restart,
    Revive,
    Start,
    Stop,
    operation_name,
    state_name,
    transition,
)
from caxton.domain.quantities import parse_version

PROGRAM = GuestProgram(digest=digest_of(b"module"), module_bytes=6)
FAULT = Fault(kind=FaultKind.TRAP, reason="unreachable")
UNLOADED = register(
    AgentId(7), AgentSpec(name=parse_agent_name("bidder"), version=parse_version("1")), now_ns=1
)
LOADED = load(UNLOADED, PROGRAM, now_ns=2)
RUNNING = start(LOADED, now_ns=3)
DRAINING = drain(RUNNING, now_ns=4, deadline_ns=9)

AGENTS: dict[str, Agent] = {
    state_name(agent): agent
    for agent in (
        UNLOADED,
        LOADED,
        RUNNING,
        DRAINING,
        fail(RUNNING, FAULT, now_ns=4),
        stop(DRAINING, now_ns=5),
    )
}
OPERATIONS: dict[str, Operation] = {
    operation_name(operation): operation
    for operation in (
        Load(program=PROGRAM, now_ns=10),
        Start(now_ns=10),
        Drain(now_ns=10, deadline_ns=20),
        Stop(now_ns=10),
        Fail(fault=FAULT, now_ns=10),
        Restart(now_ns=10),
        Revive(now_ns=10),
    )
}
LEADS_TO = {
    ("unloaded", "load"): "loaded",
    ("loaded", "start"): "running",
    ("loaded", "fail"): "failed",
    ("running", "drain"): "draining",
    ("running", "restart"): "running",
    ("running", "fail"): "failed",
    ("draining", "stop"): "stopped",
    ("draining", "fail"): "failed",
    ("failed", "start"): "running",
    ("failed", "restart"): "running",
    ("failed", "revive"): "loaded",
    ("stopped", "start"): "running",
    ("stopped", "revive"): "loaded",
}


@pytest.mark.parametrize(("state", "operation"), list(itertools.product(AGENTS, OPERATIONS)))
def test_each_operation_in_each_state_leads_on_or_is_refused(state: str, operation: str) -> None:
    agent = AGENTS[state]
    target = LEADS_TO.get((state, operation))
    if target is not None:
        after = transition(agent, OPERATIONS[operation])
        assert state_name(after) == target
        assert after.generation > agent.generation
        return
    with pytest.raises(InvalidState) as caught:
        transition(agent, OPERATIONS[operation])
    assert (caught.value.state, caught.value.operation) == (state, operation)
    assert set(caught.value.allowed) == {name for at, name in LEADS_TO if at == state}
    assert "bidder" in caught.value.message


def test_every_state_is_covered_and_reachable() -> None:
    assert set(AGENTS) == set(ALLOWED)
    assert {"unloaded", *LEADS_TO.values()} == set(AGENTS)
    assert {(state, name) for state, names in ALLOWED.items() for name in names} == set(LEADS_TO)


def test_a_stopped_agent_starts_without_the_count_of_its_former_restarts() -> None:
    agent = transition(AGENTS["stopped"], Start(now_ns=10))
    assert isinstance(agent, Running)
    assert agent.restarts_count == 0


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=list(OPERATIONS))
def test_an_operation_survives_being_written_down(operation: Operation) -> None:
    text = msgspec.json.encode(operation)
    assert msgspec.json.decode(text, type=Operation) == operation


@pytest.mark.parametrize("agent", list(AGENTS.values()), ids=list(AGENTS))
def test_an_agent_survives_being_written_down_under_the_name_of_its_state(agent: Agent) -> None:
    text = msgspec.json.encode(agent)
    assert msgspec.json.decode(text, type=Agent) == agent
    assert msgspec.json.decode(text, type=dict[str, object])["type"] == state_name(agent)
