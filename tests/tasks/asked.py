"""The few words in which the tests of this room ask for a task."""

from caxton.tasks.award import AwardRule, Ranked
from caxton.tasks.request import Invited, TaskRequest
from caxton.tasks.task_view import TaskView
from tests.tasks.hall import Hall

LOWEST = Ranked("lowest", "price")


def request(
    *names: str,
    rule: AwardRule = LOWEST,
    awards_max: int = 1,
    proposal_timeout_s: float = 30.0,
    timeout_s: float = 300.0,
) -> TaskRequest:
    return TaskRequest(
        task=b'{"do":"it"}',
        invited=Invited(agents=names),
        rule=rule,
        awards_max=awards_max,
        proposal_timeout_s=proposal_timeout_s,
        timeout_s=timeout_s,
    )


async def ended(hall: Hall, asked: TaskRequest) -> TaskView:
    """Run a task to its end."""
    return await hall.tasks.wait(hall.tasks.open(asked), 100_000)


def winners(task: TaskView) -> list[str]:
    return [winner.name for winner in task.winners]
