"""The desk by itself: the order in which things are told, and a decider that fails."""

import logging
from collections.abc import Sequence

import anyio
import pytest

from caxton.domain.ids import AgentId, ConversationId, new_message_id
from caxton.tasks.act import Action, AwardAsked, CancelAsked, Halt, Heard, Occurrence, Tick, Words
from caxton.tasks.desk import WAITING_MAX, Desk, Procedure
from caxton.tasks.voice import Conversation
from tests.tasks.hall import Hall, perform

Story = tuple[str, ...]


def tell(story: Story, occurrence: Occurrence, now_s: float) -> tuple[Story, Sequence[Action]]:
    """Remember what happened; fail at an award."""
    del now_s
    match occurrence:
        case AwardAsked():
            raise RuntimeError("a decider with a fault")
        case CancelAsked():
            return story, ()
        case Halt(word=word):
            return (*story, word), ()
        case _:
            return (*story, type(occurrence).__name__), ()


def desk_of(hall: Hall) -> Desk[Story]:
    procedure = Procedure[Story](
        decide=tell,
        alarm=lambda story: hall.began_s + 5.0 if "Tick" not in story else None,
        is_over=lambda story: story[-1:] in {("server-stopped",), ("internal-error",)},
        kept_bytes=lambda _: 0,
    )
    conversation = Conversation(ConversationId("c"), "p")
    return Desk(procedure, (), conversation, hall, lambda _: None)


def heard(agent: int = 1) -> Heard:
    return Heard(agent=AgentId(agent), performative="inform", message_id=new_message_id(), number=1, at="now")


def test_what_was_heard_is_told_before_wishes_and_those_before_the_alarm() -> None:
    async def play(hall: Hall) -> None:
        desk = desk_of(hall)
        async with anyio.create_task_group() as group:
            await anyio.sleep(5.0)
            desk.put(Tick())
            assert desk.hear(heard())
            desk.put(Halt())
            group.start_soon(desk.run)
        assert desk.state == (Words.__name__, "Tick", "server-stopped")

    perform(play)


def test_more_than_may_wait_is_not_heard() -> None:
    async def play(hall: Hall) -> None:
        desk = desk_of(hall)
        assert [desk.hear(heard()) for _ in range(WAITING_MAX + 1)] == [True] * WAITING_MAX + [False]
        assert desk.hear(heard(agent=2)), "others are heard"

    perform(play)


def test_whoever_asks_learns_whether_it_was_of_use() -> None:
    async def play(hall: Hall) -> None:
        desk = desk_of(hall)
        async with anyio.create_task_group() as group:
            group.start_soon(desk.run)
            assert not await desk.ask(CancelAsked())
            assert await desk.ask(Halt())
            assert not await desk.ask(CancelAsked())

    perform(play)


def test_a_decider_that_fails_ends_its_own_job_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def play(hall: Hall) -> None:
        desk = desk_of(hall)
        async with anyio.create_task_group() as group:
            group.start_soon(desk.run)
            assert not await desk.ask(AwardAsked(()))
        assert desk.state == ("internal-error",)

    with caplog.at_level(logging.ERROR):
        perform(play)
    assert "a task cannot go on" in caplog.text
