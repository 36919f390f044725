"""An agent's states and the ways between them."""

import pytest

from caxton.domain.agent import (
    AgentKind,
    AgentSpec,
    Draining,
    ExternalProgram,
    Fault,
    GuestProgram,
    Loaded,
    RestartPolicy,
    Running,
    drain,
    fail,
    load,
    register,
    restart,
    revive,
    start,
    stop,
)
from caxton.domain.errors import FaultKind, InvalidRequest
from caxton.domain.ids import AgentId, digest_of, parse_agent_name
from caxton.domain.quantities import parse_version

SPEC = AgentSpec(name=parse_agent_name("bidder"), version=parse_version("1.0.0"))
PROGRAM = GuestProgram(digest=digest_of(b"module"), module_bytes=6)
FAULT = Fault(kind=FaultKind.TRAP, reason="unreachable")


def running() -> Running:
    return start(load(register(AgentId(7), SPEC, now_ns=1), PROGRAM, now_ns=2), now_ns=3)


def test_an_agent_goes_from_unloaded_to_stopped_and_keeps_who_it_is() -> None:
    unloaded = register(AgentId(7), SPEC, now_ns=1)
    loaded = load(unloaded, PROGRAM, now_ns=2)
    agent = start(loaded, now_ns=3)
    draining = drain(agent, now_ns=4, deadline_ns=9)
    stopped = stop(draining, now_ns=5)
    for state in (unloaded, loaded, agent, draining, stopped):
        assert (state.id, state.spec, state.created_ns) == (7, SPEC, 1)
    assert (loaded.loaded_ns, agent.started_ns, draining.deadline_ns, stopped.stopped_ns) == (2, 3, 9, 5)
    assert stopped.program == PROGRAM


def test_every_transition_raises_the_generation_by_one() -> None:
    agent = running()
    assert agent.generation == 3
    assert restart(agent, now_ns=4).generation == 4
    failed = fail(agent, FAULT, now_ns=4)
    assert failed.generation == 4
    assert revive(failed, now_ns=5).generation == 5


def test_restarts_are_counted_until_the_agent_is_started_anew() -> None:
    agent = restart(restart(running(), now_ns=4), now_ns=5)
    assert agent.restarts_count == 2
    anew = start(revive(fail(agent, FAULT, now_ns=6), now_ns=7), now_ns=8)
    assert anew.restarts_count == 0


def test_an_agent_can_fail_where_it_loads_runs_or_drains() -> None:
    agent = running()
    loaded = load(register(AgentId(7), SPEC, now_ns=1), PROGRAM, now_ns=2)
    states: tuple[Loaded | Running | Draining, ...] = (loaded, agent, drain(agent, now_ns=4, deadline_ns=5))
    for state in states:
        assert fail(state, FAULT, now_ns=6).fault == FAULT


def test_an_agent_cannot_be_changed_in_place() -> None:
    agent = running()
    with pytest.raises(AttributeError):
        agent.restarts_count = 5  # type: ignore[misc]  that it fails is what is tested


@pytest.mark.parametrize("instances", [0, -1, 1001])
def test_the_number_of_instances_is_bounded(instances: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AgentSpec(name=SPEC.name, version=SPEC.version, instances=instances)
    assert caught.value.problems[0].field == "instances"


def test_an_external_agent_has_no_instances_here() -> None:
    with pytest.raises(InvalidRequest):
        AgentSpec(name=SPEC.name, version=SPEC.version, kind=AgentKind.EXTERNAL, instances=2)
    spec = AgentSpec(name=SPEC.name, version=SPEC.version, kind=AgentKind.EXTERNAL)
    agent = load(register(AgentId(8), spec, now_ns=1), ExternalProgram(owner="token-1"), now_ns=2)
    assert isinstance(agent.program, ExternalProgram)


def test_specs_do_not_share_their_maps() -> None:
    one = AgentSpec(name=SPEC.name, version=SPEC.version)
    other = AgentSpec(name=SPEC.name, version=SPEC.version)
    assert one.labels is not other.labels


def test_a_restart_policy_tells_all_that_is_out_of_bounds() -> None:
    with pytest.raises(InvalidRequest) as caught:
        RestartPolicy(intensity=-1, period_s=float("nan"))
    assert [problem.field for problem in caught.value.problems] == ["restart.intensity", "restart.period_s"]
