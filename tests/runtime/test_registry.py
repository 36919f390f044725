"""One holder of agents; a swap starts from the state that the agent is in."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from caxton.domain.agent import AgentKind, AgentSpec, ExternalProgram, drain, load, register, start
from caxton.domain.errors.agent import AgentAlreadyExists, AgentNotFound
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.ids import AgentId, AgentName, Capability, new_agent_id, new_deployment_id
from caxton.domain.quantities import Version
from caxton.runtime.agent_record import AgentRecord
from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.runtime.registry import Query, Registry, StaleState
from caxton.runtime.seam import Slot


def _record(name: str, agent_id: AgentId | None = None, *capabilities: str) -> AgentRecord:
    spec = AgentSpec(
        name=AgentName(name),
        version=Version("1"),
        kind=AgentKind.EXTERNAL,
        capabilities=tuple(map(Capability, capabilities)),
    )
    unloaded = register(agent_id or new_agent_id(), spec, now_ns=1)
    agent = start(load(unloaded, ExternalProgram(owner="me"), now_ns=1), now_ns=1)
    return AgentRecord(agent, new_deployment_id(), capabilities=spec.capabilities)


def _show(registry: Registry, record: AgentRecord) -> None:
    agent = record.agent
    registry.reserve(agent.spec.name, agent.id)
    registry.publish(record)


def _hide(registry: Registry, record: AgentRecord) -> None:
    registry.withdraw(record)
    registry.release(record.agent.spec.name, record.agent.id)


def test_a_swap_from_a_state_that_was_left_is_refused() -> None:
    registry = Registry()
    record = _record("echo")
    _show(registry, record)
    seen = record.agent
    draining = drain(seen, now_ns=2, deadline_ns=3)  # pyright: ignore[reportArgumentType] - it runs, as made above
    registry.swap(record, seen, draining)
    with pytest.raises(StaleState):
        registry.swap(record, seen, draining)
    assert record.agent is draining


def test_a_swap_to_another_agent_is_refused() -> None:
    registry = Registry()
    one, two = _record("one"), _record("two")
    with pytest.raises(StaleState):
        registry.swap(one, one.agent, two.agent)
    with pytest.raises(StaleState):
        registry.swap(one, two.agent, one.agent)


def test_a_slot_finds_its_agent_of_this_generation_only() -> None:
    registry = Registry()
    record = _record("echo")
    registry.attach(record, Slot(3, 7))
    assert registry.by_slot(Slot(3, 7)) is record
    assert registry.by_slot(Slot(3, 8)) is None
    registry.detach(record)
    assert registry.by_slot(Slot(3, 7)) is None


def test_a_name_is_released_by_its_holder_only() -> None:
    registry = Registry()
    registry.reserve(AgentName("echo"), AgentId(1))
    registry.release(AgentName("echo"), AgentId(2))
    with pytest.raises(AgentAlreadyExists) as refusal:
        registry.reserve(AgentName("echo"), AgentId(2))
    assert refusal.value.agent_id == "1"


def test_an_agent_that_leaves_its_state_is_found_for_messages_only_while_it_runs() -> None:
    registry = Registry()
    record = _record("echo", None, "repeat")
    _show(registry, record)
    running = record.agent
    draining = drain(running, now_ns=2, deadline_ns=3)  # pyright: ignore[reportArgumentType] - it runs, as made above
    registry.swap(record, running, draining)
    assert list(registry.capable(["repeat"])) == []
    assert registry.directory.counts("repeat") == (1, 0)
    assert registry.page(Query(capabilities=["repeat"]), 10, None) == ([record], None)
    assert registry.page(Query("running", ["repeat"]), 10, None) == ([], None)


def test_an_agent_has_so_many_capabilities_and_no_more() -> None:
    registry = Registry()
    record = _record("polymath")
    _show(registry, record)
    for number in range(CAPABILITIES_MAX):
        registry.add_capability(record, Capability(f"c{number}"))
    registry.add_capability(record, Capability("c0"))
    with pytest.raises(ResourceLimitExceeded) as refusal:
        registry.add_capability(record, Capability("one more"))
    assert refusal.value.limit == CAPABILITIES_MAX
    assert "one more" not in registry.directory


class RegistryModel(RuleBasedStateMachine):
    """Agents come and go; the registry says the same as a plain list."""

    shown: Bundle[AgentRecord] = Bundle("shown")

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.model: list[AgentRecord] = []

    @rule(
        target=shown,
        name=st.sampled_from(["a", "b", "c", "d", "e"]),
        capabilities=st.sets(st.sampled_from(["x", "y"])),
    )
    def show(self, name: str, capabilities: set[str]) -> AgentRecord:
        record = _record(name, None, *sorted(capabilities))
        if any(other.name == name for other in self.model):
            with pytest.raises(AgentAlreadyExists):
                self.registry.reserve(AgentName(name), record.agent.id)
        else:
            _show(self.registry, record)
            self.model.append(record)
        return record

    @rule(record=consumes(shown))
    def hide(self, record: AgentRecord) -> None:
        _hide(self.registry, record)
        if any(record is other for other in self.model):
            self.model = [other for other in self.model if other is not record]

    @rule(record=shown, capability=st.sampled_from(["x", "y", "z"]))
    def learn(self, record: AgentRecord, capability: str) -> None:
        if any(record is other for other in self.model):
            self.registry.add_capability(record, Capability(capability))

    @rule(record=shown, capability=st.sampled_from(["x", "y", "z"]))
    def forget(self, record: AgentRecord, capability: str) -> None:
        could = capability in record.capabilities
        if any(record is other for other in self.model):
            assert self.registry.remove_capability(record, capability) is could

    @invariant()
    def pages_show_all_in_order(self) -> None:
        names: list[str] = []
        cursor: str | None = None
        while True:
            page, cursor = self.registry.page(Query(), 2, cursor)
            names += [record.name for record in page]
            if cursor is None:
                break
        assert names == [record.name for record in self.model]

    @invariant()
    def finding_agrees(self) -> None:
        assert len(self.registry) == len(self.model)
        for record in self.model:
            assert self.registry.find(record.name) is record
            assert self.registry.find(str(record.agent.id)) is record
        for name in {"a", "b", "c", "d", "e"} - {record.name for record in self.model}:
            with pytest.raises(AgentNotFound):
                self.registry.find(name)
        counts = {
            capability: sum(capability in record.capabilities for record in self.model)
            for capability in ("x", "y", "z")
        }
        directory = self.registry.directory
        assert {name: directory.counts(name) for name in directory.names()} == {
            name: (count, count) for name, count in counts.items() if count
        }
        for capability in counts:
            capable = [record for record in self.model if capability in record.capabilities]
            assert list(self.registry.capable([capability])) == capable
            assert self.registry.page(Query(capabilities=[capability]), 100, None)[0] == capable


TestRegistryModel = RegistryModel.TestCase
TestRegistryModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_the_order_of_pages_is_that_of_deployment() -> None:
    registry = Registry()
    for name in ("c", "a", "b"):
        _show(registry, _record(name))
    page, cursor = registry.page(Query(), 2, None)
    assert [record.name for record in page] == ["c", "a"]
    assert [record.name for record in registry.page(Query(), 2, cursor)[0]] == ["b"]
