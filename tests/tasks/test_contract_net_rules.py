"""Whatever participants do, the manager keeps the rules of the protocol, and the task ends in time."""

from collections.abc import Sequence

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton.domain.errors.agent import InvalidState
from caxton.domain.ids import AgentId
from caxton.tasks.act import Act
from caxton.tasks.award import AwardRule, Manual, Ranked
from caxton.tasks.contract_net import CANCEL_S
from caxton.tasks.task_view import TaskView
from tests.tasks.asked import LOWEST, request
from tests.tasks.hall import Answer, Hall, Script, perform
from tests.tasks.referee import Referee

_TIMES = st.sampled_from([0.0, 0.5, 1.0, 29.5, 30.0, 30.005, 31.0, 90.0])
_PRICES = st.one_of(st.integers(-5, 5), st.none(), st.text(max_size=2), st.just([1]))
_ACTS = st.sampled_from(
    ["propose", "propose", "propose", "refuse", "not-understood", "failure", "inform", "agree", "cfp"]
)
_REPORTS = st.sampled_from(["inform", "inform", "failure", "not-understood", "propose", "refuse"])


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    answers = draw(st.lists(st.tuples(_TIMES, _ACTS, _PRICES), max_size=3))
    reports = draw(st.lists(st.tuples(_TIMES, _REPORTS), max_size=2))
    cancels = draw(st.lists(st.sampled_from(["inform", "failure", "not-understood", "refuse"]), max_size=2))

    def script(act: Act) -> Sequence[Answer]:
        match act.performative:
            case "cfp":
                return [Answer(after, word, {"price": price}) for after, word, price in answers]
            case "accept-proposal":
                return [Answer(after, word, 1, "result") for after, word in reports]
            case "cancel":
                return [Answer(0.25, word) for word in cancels]
            case _:
                return []

    return script


@settings(max_examples=300)
@given(
    crowd=st.lists(scripts(), min_size=1, max_size=5),
    rule=st.sampled_from([LOWEST, Ranked("highest", "price"), Manual()]),
    awards_max=st.integers(1, 3),
    cancel_after_s=st.none() | _TIMES,
    leaves=st.lists(st.tuples(st.integers(0, 4), _TIMES), max_size=2),
)
def test_whatever_happens_the_manager_keeps_the_rules_and_the_task_ends_in_time(
    crowd: list[Script],
    rule: AwardRule,
    awards_max: int,
    cancel_after_s: float | None,
    leaves: list[tuple[int, float]],
) -> None:
    async def play(hall: Hall) -> None:
        agents = [hall.add(f"p{number}", script) for number, script in enumerate(crowd)]
        task_id = hall.tasks.open(
            request(*hall.names.values(), rule=rule, awards_max=awards_max, timeout_s=60)
        )
        async with anyio.create_task_group() as group:
            for place, after_s in leaves:
                if place < len(agents):
                    group.start_soon(hall.leave_after, agents[place], after_s)
            if cancel_after_s is not None:
                group.start_soon(cancel, hall, task_id, cancel_after_s)
            if isinstance(rule, Manual):
                group.start_soon(choose, hall, task_id, awards_max)
            task = await hall.tasks.wait(task_id, 100)
            assert task.phase == "ended"
            assert hall.now_s <= 60.0 + CANCEL_S
            group.cancel_scope.cancel()
        check(hall, hall.tasks.get(task_id), agents)

    perform(play)


async def cancel(hall: Hall, task_id: str, after_s: float) -> None:
    await anyio.sleep(after_s)
    try:
        await hall.tasks.cancel(task_id)
    except InvalidState:
        assert hall.tasks.get(task_id).phase in {"cancellation", "ended"}


async def choose(hall: Hall, task_id: str, awards_max: int) -> None:
    await anyio.sleep(31.25)
    task = hall.tasks.get(task_id)
    if task.phase == "award":
        pending = [row.name for row in task.proposals if row.status == "pending"]
        await hall.tasks.award(task_id, tuple(pending[:awards_max]))


def check(hall: Hall, task: TaskView, agents: list[AgentId]) -> None:
    """Check what must hold at the end; the referee has seen every act."""
    places = [[row.name for row in rows] for rows in (task.refused, task.silent, task.gone)]
    proposed = [row.name for row in task.proposals]
    for name in hall.names.values():
        once = proposed.count(name) + sum(names.count(name) for names in places)
        assert (
            once == 1
            or name in [row.name for row in task.unconfirmed]
            or "cancel" in hall.told(next(agent for agent, known in hall.names.items() if known == name))
        ), f"{name} is told of once"
    assert not [row for row in task.proposals if row.status == "pending"]
    assert len(task.winners) <= task.max_awards
    for agent in agents:
        told = hall.told(agent)
        assert told.count("accept-proposal") + told.count("reject-proposal") <= 1
        if hall.names[agent] in proposed and agent not in hall.unreachable:
            assert {"accept-proposal", "reject-proposal", "cancel"} & set(told), "every proposal is answered"
    (referee,) = hall.referees.values()
    assert isinstance(referee, Referee)
    assert "proposed" not in [
        stage
        for agent, stage in referee.stages.items()
        if agent not in hall.unreachable | set(referee.cancelling)
    ], "no proposal stays open"
