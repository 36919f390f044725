"""A limit on everything: jobs under way, finished ones, their bytes, messages that wait."""

from collections.abc import Sequence

import anyio
import pytest

from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import InvalidRequest, NotFound
from caxton.domain.errors.resource import ResourceLimitExceeded, Unavailable
from caxton.tasks.act import Act
from caxton.tasks.award import Manual, Ranked, number_at
from caxton.tasks.content_room import PROPOSAL_BYTES_MAX, SEAT_BYTES, ContentRoom
from caxton.tasks.request import PARTICIPANTS_MAX, Invited, TaskRequest
from caxton.tasks.shelf import FINISHED_S_MAX, ShelfBounds
from tests.tasks.asked import ended, request, winners
from tests.tasks.hall import Answer, Hall, Script, bidder, decoded, mute, perform

# As much as is wanted before a task is taken: places for all that may take part.
ENTRY_BYTES = SEAT_BYTES * PARTICIPANTS_MAX


def talker(size: int, report_size: int = 1) -> Script:
    """Return a participant whose proposal and report have contents of such sizes."""

    def script(act: Act) -> Sequence[Answer]:
        match act.performative:
            case "cfp":
                return [Answer(1, "propose", {"price": 1, "pad": "x" * size})]
            case "accept-proposal":
                return [Answer(1, "inform", "x" * report_size, "result")]
            case _:
                return []

    return script


def test_no_more_tasks_are_taken_than_may_be_under_way() -> None:
    async def play(hall: Hall) -> None:
        hall.add("mute", mute)
        for _ in range(3):
            hall.tasks.open(request("mute"))
        with pytest.raises(ResourceLimitExceeded):
            hall.tasks.open(request("mute"))
        await anyio.sleep(31)
        hall.tasks.open(request("mute"))

    perform(play, bounds=ShelfBounds(live_max=3))


def test_finished_tasks_stay_for_a_while_and_the_oldest_give_way() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        done = [(await ended(hall, request("a"))).task_id for _ in range(5)]
        held = hall.room.bytes_held
        with pytest.raises(NotFound):
            hall.tasks.get(done[1])
        assert [row.task_id for row in hall.tasks.page(None, 10, None)[0]] == done[:1:-1]
        await anyio.sleep(FINISHED_S_MAX + 1)
        assert hall.tasks.page(None, 10, None) == ([], None)
        assert held > hall.room.bytes_held == 0

    perform(play, bounds=ShelfBounds(finished_max=3))


def test_pages_are_bounded_and_go_on() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        done = [(await ended(hall, request("a"))).task_id for _ in range(3)]
        waiting = hall.tasks.open(request("a"))
        page, cursor = hall.tasks.page(None, 3, None)
        assert [row.task_id for row in page] == [waiting, done[2], done[1]]
        assert hall.tasks.page(None, 3, cursor)[0][0].task_id == done[0]
        assert [row.task_id for row in hall.tasks.page("initiated", 3, None)[0]] == [waiting]
        with pytest.raises(CursorUnknown):
            hall.tasks.page(None, 3, "newest")

    perform(play)


def test_a_proposal_that_is_too_large_is_rejected_with_the_reason() -> None:
    async def play(hall: Hall) -> None:
        hall.add("large", talker(PROPOSAL_BYTES_MAX))
        hall.add("small", talker(100))
        task = await ended(hall, request("large", "small"))
        assert [(row.name, row.reason_kind) for row in task.rejected] == [("large", "too_large")]
        assert winners(task) == ["small"]

    perform(play)


def test_a_report_may_be_as_large_as_a_message() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", talker(1, report_size=PROPOSAL_BYTES_MAX * 2))
        task = await ended(hall, request("a"))
        assert decoded(task.result) == "x" * PROPOSAL_BYTES_MAX * 2

    perform(play)


def test_what_does_not_fit_into_the_room_is_let_go_and_finished_tasks_make_room() -> None:
    async def play(hall: Hall) -> None:
        names = [f"p{number}" for number in range(11)]
        for name in names:
            hall.add(name, talker(60_000))
        first = await ended(hall, request(*names[:10]))
        assert hall.room.bytes_held > 600_000
        second = await ended(hall, request(*names))
        with pytest.raises(NotFound):
            hall.tasks.get(first.task_id)
        assert second.outcome == "result"
        assert [row.reason_kind for row in second.rejected].count("too_large") == 1
        assert hall.room.bytes_held <= hall.room.bytes_max

    perform(play, room=ContentRoom(ENTRY_BYTES + 110_000))


def test_what_a_participant_says_beside_the_protocol_takes_no_room() -> None:
    def chatter(act: Act) -> Sequence[Answer]:
        match act.performative:
            case "cfp":
                return [Answer(1, "propose", {"price": 1})]
            case "accept-proposal":
                noise = [Answer(1 + number, "inform", "x" * 50_000, cites="c") for number in range(100)]
                return [*noise, Answer(200, "inform", "done")]
            case _:
                return []

    async def play(hall: Hall) -> None:
        hall.lenient = True
        hall.add("chatter", chatter)
        task = await ended(hall, request("chatter"))
        assert task.outcome == "done"
        assert hall.room.bytes_held < 2 * SEAT_BYTES

    perform(play)


def test_without_room_for_another_task_none_is_taken() -> None:
    async def play(hall: Hall) -> None:
        hall.add("mute", mute)
        with pytest.raises(ResourceLimitExceeded):
            hall.tasks.open(request("mute"))

    perform(play, room=ContentRoom(ENTRY_BYTES - 1))


def test_a_participant_that_floods_its_task_is_not_heard_for_long() -> None:
    def flood(act: Act) -> Sequence[Answer]:
        return [Answer(1, "propose", {"price": number}) for number in range(1000)] if act.content else []

    async def play(hall: Hall) -> None:
        hall.lenient = True
        hall.add("flood", flood)
        hall.add("modest", bidder(-1, after_s=1))
        task = await ended(hall, request("flood", "modest", timeout_s=60))
        assert [row.name for row in task.proposals] == ["flood", "modest"]
        assert winners(task) == ["modest"]

    perform(play)


def test_nothing_is_taken_before_the_market_is_open() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        hall.market.stop()
        with pytest.raises(Unavailable):
            hall.tasks.open(request("a"))

    perform(play)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"timeout_s": 30.0}, {"timeout_s"}),
        ({"timeout_s": float("nan")}, {"timeout_s"}),
        ({"proposal_timeout_s": 0.0, "awards_max": 0}, {"proposal_timeout_s", "max_awards"}),
        ({"rule": Ranked("lowest", "")}, {"award.field"}),
        ({"rule": Ranked("lowest", "a." + "b" * 300)}, {"award.field"}),
    ],
)
def test_a_request_out_of_bounds_is_refused(fields: dict[str, object], wrong: set[str]) -> None:
    values = {"task": b"1", "invited": Invited(agents=("a",)), "rule": Manual(), **fields}
    with pytest.raises(InvalidRequest) as refused:
        TaskRequest(**values)  # pyright: ignore[reportArgumentType] - a table of values
    assert {problem.field for problem in refused.value.problems} == wrong


@pytest.mark.parametrize(
    "agents", [(), ("a", "a"), tuple(f"a{number}" for number in range(PARTICIPANTS_MAX + 1)), None]
)
def test_an_invitation_names_each_agent_once_and_not_too_many(agents: tuple[str, ...] | None) -> None:
    with pytest.raises(InvalidRequest):
        Invited(agents=agents)


@pytest.mark.parametrize(
    ("content", "path", "found"),
    [
        (b'{"price":5}', "price", 5),
        (b'{"offer":{"price":-1.5}}', "offer.price", -1.5),
        (b'{"offer":{"price":1}}', "offer.tax", "field_missing"),
        (b'{"offer":1}', "offer.price", "field_missing"),
        (b"[1]", "price", "field_missing"),
        (b'{"price":true}', "price", "not_numeric"),
        (b'{"price":null}', "price", "not_numeric"),
        (b'{"price":1e999}', "price", "not_numeric"),
        (b'{"price":123456789012345678901234567890}', "price", 123456789012345678901234567890),
    ],
)
def test_a_number_is_found_by_its_path(content: bytes, path: str, found: object) -> None:
    assert number_at(content, path) == found
