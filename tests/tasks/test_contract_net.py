"""A contract net from the call to the report, on a clock that jumps: every time is exact."""

from collections.abc import Sequence

import anyio
import pytest

from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import parse_capability
from caxton.tasks.act import Act
from caxton.tasks.award import Manual
from caxton.tasks.contract_net import CANCEL_S, SLACK_S
from caxton.tasks.request import Invited, TaskRequest
from tests.tasks.asked import LOWEST, ended, request, winners
from tests.tasks.hall import Answer, Hall, Script, bidder, decliner, decoded, mute, perform, perform_for_real


def test_the_lowest_price_wins_as_soon_as_all_have_answered_and_its_result_is_the_tasks() -> None:
    async def play(hall: Hall) -> None:
        a = hall.add("a", bidder(7, after_s=1))
        b = hall.add("b", bidder(5, after_s=3, work_s=10, result={"primes": 168}))
        c = hall.add("c", decliner(after_s=2))
        task = await ended(hall, request("a", "b", "c"))
        assert (task.state, task.phase, task.outcome) == ("completed", "ended", "result")
        assert hall.now_s == 13.0
        assert winners(task) == ["b"]
        assert decoded(task.result) == decoded(task.winners[0].result) == {"primes": 168}
        assert [(row.name, row.reason_kind, row.reason) for row in task.rejected] == [
            ("a", "not_awarded", "another proposal was awarded")
        ]
        assert [(row.name, row.performative, decoded(row.content)) for row in task.refused] == [
            ("c", "refuse", {"reason": "no"})
        ]
        assert [(row.name, row.status) for row in task.proposals] == [("a", "rejected"), ("b", "accepted")]
        assert hall.told(a) == ["cfp", "reject-proposal"]
        assert hall.told(b) == ["cfp", "accept-proposal"]
        assert hall.told(c) == ["cfp"]
        # An award says what it is for.
        assert next(it.act.content for it in hall.seen if it.performative == "accept-proposal") == (
            b'{"price":5}'
        )

    perform(play)


def test_the_award_waits_for_the_deadline_when_somebody_is_silent_and_a_late_proposal_is_not_heard() -> None:
    async def play(hall: Hall) -> None:
        hall.add("in-time", bidder(9, after_s=30.0, work_s=0))
        hall.add("late", bidder(1, after_s=30.5))
        hall.add("mute", mute)
        task = await ended(hall, request("in-time", "late", "mute"))
        assert hall.now_s == 30.0 + SLACK_S
        assert winners(task) == ["in-time"]
        assert [row.name for row in task.silent] == ["late", "mute"]

    perform(play)


def test_a_proposal_that_the_engine_lets_through_after_the_award_is_turned_down_as_late() -> None:
    async def play(hall: Hall) -> None:
        hall.add("early", bidder(9, after_s=1, work_s=20))
        slow = hall.add("slow", bidder(1, after_s=10))
        task_id = hall.tasks.open(request("early", "slow", rule=Manual()))
        await anyio.sleep(2)
        await hall.tasks.award(task_id, ("early",))
        task = await hall.tasks.wait(task_id, 1000)
        assert [(row.name, row.reason_kind) for row in task.rejected] == [("slow", "late")]
        assert hall.told(slow) == ["cfp", "reject-proposal"]

    perform(play)


def test_a_proposal_after_the_end_is_turned_down_as_well() -> None:
    async def play(hall: Hall) -> None:
        hall.add("early", bidder(9, after_s=1, work_s=1))
        slow = hall.add("slow", bidder(1, after_s=10))
        task_id = hall.tasks.open(request("early", "slow", rule=Manual()))
        await anyio.sleep(2)
        await hall.tasks.award(task_id, ("early",))
        assert (await hall.tasks.wait(task_id, 1000)).outcome == "result"
        assert hall.now_s == 3.0
        await anyio.sleep(20)
        assert hall.told(slow) == ["cfp", "reject-proposal"]

    perform(play)


@pytest.mark.parametrize(
    ("scripts", "outcome"),
    [
        ([decliner(), decliner()], ("completed", "no-proposals")),
        ([mute], ("completed", "no-proposals")),
        ([decliner("not-understood")], ("failed", "not-understood")),
        ([decliner("not-understood"), decliner("failure")], ("completed", "no-proposals")),
        ([bidder("dear")], ("completed", "rejected")),
        ([bidder(1, report="failure")], ("failed", "failure")),
        ([bidder(1, report="not-understood")], ("failed", "failure")),
        ([bidder(1, kind=None)], ("completed", "done")),
        ([bidder(1, kind="done")], ("completed", "done")),
        ([bidder(1, work_s=1000)], ("expired", "report-timeout")),
    ],
)
def test_every_way_to_end_has_its_state_and_word(scripts: list[Script], outcome: tuple[str, str]) -> None:
    async def play(hall: Hall) -> None:
        for number, script in enumerate(scripts):
            hall.add(f"p{number}", script)
        task = await ended(hall, request(*hall.names.values()))
        assert (task.state, task.outcome) == outcome

    perform(play)


@pytest.mark.parametrize(
    ("content", "kind"), [(None, "field_missing"), ({"price": "5"}, "not_numeric"), ([1], "field_missing")]
)
def test_a_proposal_without_a_number_to_compare_is_rejected_with_the_reason(
    content: object, kind: str
) -> None:
    def script(act: Act) -> Sequence[Answer]:
        return [Answer(1, "propose", content)] if act.performative == "cfp" else []

    async def play(hall: Hall) -> None:
        odd = hall.add("odd", script)
        hall.add("good", bidder(100, after_s=1, work_s=1))
        task = await ended(hall, request("odd", "good"))
        assert winners(task) == ["good"]
        assert [(row.name, row.reason_kind) for row in task.rejected] == [("odd", kind)]
        assert hall.told(odd) == ["cfp", "reject-proposal"]

    perform(play)


def test_equal_prices_go_by_their_time() -> None:
    async def play(hall: Hall) -> None:
        hall.add("second", bidder(5, after_s=2))
        hall.add("first", bidder(5, after_s=1))
        hall.add("third", bidder(5.0, after_s=3))
        assert winners(await ended(hall, request("second", "first", "third", awards_max=2))) == [
            "first",
            "second",
        ]

    perform(play)


def test_several_awards_end_with_the_last_report_and_are_partial_when_one_fails() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1, work_s=10))
        hall.add("b", bidder(2, work_s=50, report="failure", result={"reason": "broke"}))
        hall.add("c", bidder(3))
        task = await ended(hall, request("a", "b", "c", awards_max=2))
        assert hall.now_s == 51.0
        assert task.outcome == "partial"
        assert [(row.name, row.state) for row in task.winners] == [("a", "done"), ("b", "failed")]
        assert decoded(task.winners[1].reason) == {"reason": "broke"}
        assert decoded(task.result) == {"price": 1}

    perform(play)


def test_a_winner_that_cannot_be_reached_makes_room_for_the_next() -> None:
    async def play(hall: Hall) -> None:
        best = hall.add("best", bidder(1))
        hall.add("next", bidder(2))
        hall.add("slow", decliner(after_s=5))
        task_id = hall.tasks.open(request("best", "next", "slow"))
        await anyio.sleep(2)
        hall.unreachable.add(best)
        task = await hall.tasks.wait(task_id, 1000)
        assert winners(task) == ["next"]
        assert [(row.name, row.reason_kind) for row in task.rejected] == [("best", "unreachable")]

    perform(play)


def test_a_participant_that_goes_is_not_waited_for() -> None:
    async def play(hall: Hall) -> None:
        quitter = hall.add("quitter", mute)
        worker = hall.add("worker", bidder(1, after_s=1, work_s=100))
        task_id = hall.tasks.open(request("quitter", "worker"))
        await anyio.sleep(2)
        hall.leave(quitter)
        await anyio.sleep(1)
        assert hall.tasks.get(task_id).phase == "reports"
        hall.leave(worker)
        task = await hall.tasks.wait(task_id, 1000)
        assert hall.now_s == 3.0
        assert (task.state, task.outcome) == ("failed", "participant-died")
        assert [row.name for row in task.gone] == ["quitter"]
        assert task.winners[0].state == "gone"

    perform(play)


def test_a_report_that_does_not_come_in_time_expires_the_task_and_calls_the_worker_off() -> None:
    async def play(hall: Hall) -> None:
        worker = hall.add("worker", bidder(1, work_s=1000))
        task = await ended(hall, request("worker", timeout_s=60))
        assert hall.now_s == 60.0
        assert task.winners[0].state == "overdue"
        assert hall.told(worker) == ["cfp", "accept-proposal", "cancel"]

    perform(play)


# --- by hand ---


def test_somebody_chooses_and_the_others_are_rejected() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        hall.add("b", bidder(2))
        c = hall.add("c", bidder(3))
        task_id = hall.tasks.open(request("a", "b", "c", rule=Manual(), awards_max=2))
        await anyio.sleep(100)
        assert hall.tasks.get(task_id).phase == "award"
        task = await hall.tasks.award(task_id, ("b", str(c)))
        assert (task.phase, winners(task)) == ("reports", ["b", "c"])
        assert (await hall.tasks.wait(task_id, 1000)).outcome == "result"

    perform(play)


def test_nobody_may_win() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        task_id = hall.tasks.open(request("a", rule=Manual()))
        await anyio.sleep(2)
        task = await hall.tasks.award(task_id, ())
        assert (task.state, task.outcome) == ("completed", "rejected")
        assert task.rejected[0].reason == "no proposal was awarded"

    perform(play)


def test_a_choice_that_does_not_come_in_time_rejects_all() -> None:
    async def play(hall: Hall) -> None:
        a = hall.add("a", bidder(1))
        task = await ended(hall, request("a", rule=Manual(), timeout_s=90))
        assert hall.now_s == 90.0
        assert (task.state, task.outcome) == ("expired", "award-timeout")
        assert hall.told(a) == ["cfp", "reject-proposal"]

    perform(play)


def test_a_wrong_choice_is_refused_and_changes_nothing() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1))
        hall.add("no", decliner())
        by_hand = hall.tasks.open(request("a", "no", rule=Manual()))
        by_rule = hall.tasks.open(request("a"))
        await anyio.sleep(2)
        for chosen in (("no",), ("nobody",), ("a", "a"), ("a", "no")):
            with pytest.raises(InvalidRequest):
                await hall.tasks.award(by_hand, chosen)
        with pytest.raises(InvalidState):
            await hall.tasks.award(by_rule, ("a",))
        await hall.tasks.award(by_hand, ("a",))
        with pytest.raises(InvalidState):
            await hall.tasks.award(by_hand, ("a",))

    perform(play)


# --- cancelling ---


def test_a_cancelled_task_ends_when_all_have_confirmed() -> None:
    async def play(hall: Hall) -> None:
        a = hall.add("a", bidder(1, after_s=1))
        b = hall.add("b", bidder(1, after_s=10))
        c = hall.add("c", decliner(after_s=1))
        task_id = hall.tasks.open(request("a", "b", "c"))
        await anyio.sleep(2)
        task = await hall.tasks.cancel(task_id)
        assert hall.now_s == 2.1
        assert (task.state, task.outcome, task.unconfirmed) == ("completed", "cancelled", [])
        assert [hall.told(each) for each in (a, b, c)] == [["cfp", "cancel"], ["cfp", "cancel"], ["cfp"]]
        with pytest.raises(InvalidState):
            await hall.tasks.cancel(task_id)

    perform(play)


def test_whoever_does_not_confirm_is_named() -> None:
    async def play(hall: Hall) -> None:
        hall.add("deaf", bidder(1, after_s=1, cancels=None))
        task_id = hall.tasks.open(request("deaf", rule=Manual()))
        await anyio.sleep(2)
        task = await hall.tasks.cancel(task_id)
        assert hall.now_s == 2.0 + CANCEL_S
        assert task.outcome == "cancelled"
        assert [row.name for row in task.unconfirmed] == ["deaf"]

    perform(play)


def test_an_award_that_cannot_be_revoked_goes_on() -> None:
    async def play(hall: Hall) -> None:
        hall.add("stubborn", bidder(1, after_s=1, work_s=50, cancels="failure"))
        task_id = hall.tasks.open(request("stubborn"))
        await anyio.sleep(2)
        task = await hall.tasks.cancel(task_id)
        assert (task.state, task.phase) == ("in_progress", "reports")
        task = await hall.tasks.wait(task_id, 1000)
        assert (hall.now_s, task.outcome) == (51.0, "result")

    perform(play)


def test_a_report_that_crosses_the_cancellation_counts() -> None:
    async def play(hall: Hall) -> None:
        hall.add("quick", bidder(1, after_s=1, work_s=1.05, cancels=None))
        task_id = hall.tasks.open(request("quick"))
        await anyio.sleep(2)
        task = await hall.tasks.cancel(task_id)
        assert (hall.now_s, task.outcome) == (2.05, "result")

    perform(play)


def test_the_end_of_the_server_is_told_from_other_ends() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(1, work_s=1000))
        task_id = hall.tasks.open(request("a"))
        await anyio.sleep(2)
        hall.market.stop()
        task = await hall.tasks.wait(task_id, 10)
        assert hall.now_s == 2.0
        assert (task.state, task.outcome) == ("failed", "server-stopped")

    perform(play)


# --- whom to ask ---


def test_agents_with_a_capability_are_asked_but_for_those_whose_mailbox_is_full() -> None:
    async def play(hall: Hall) -> None:
        hall.add("count-1", bidder(1))
        hall.full.add(hall.add("count-2", bidder(0)))
        hall.add("other", bidder(0))
        asked = TaskRequest(
            task=b"1", invited=Invited(capability=parse_capability("count")), rule=LOWEST, timeout_s=300.0
        )
        task = await ended(hall, asked)
        assert (task.participants_count, winners(task)) == (1, ["count-1"])

    perform(play)


def test_a_thousand_proposals_are_compared() -> None:
    async def play(hall: Hall) -> None:
        names = [f"bidder-{number}" for number in range(1000)]
        for number, name in enumerate(names):
            hall.add(name, bidder(1000 - number, after_s=1 + number / 1000, work_s=1))
        task = await ended(hall, request(*names))
        assert winners(task) == ["bidder-999"]
        assert len(task.rejected) == 999
        assert hall.now_s == 2.999

    perform(play)


def test_the_same_runs_on_the_loop_of_the_server_in_real_time() -> None:
    async def play(hall: Hall) -> None:
        hall.add("a", bidder(2, after_s=0.01, work_s=0.02))
        hall.add("b", bidder(1, after_s=0.02, work_s=0.02))
        hall.add("mute", mute)
        task = await ended(hall, request("a", "b", "mute", proposal_timeout_s=0.1))
        assert (task.outcome, winners(task)) == ("result", ["b"])
        assert hall.now_s >= 0.13

    perform_for_real(play)
