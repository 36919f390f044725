"""Tasks: run a Contract Net among agents, look at it, award by hand, cancel."""

from typing import Final, final

from caxton.api.answer import Answer, struct_answer
from caxton.api.call import BodyRoom, Call
from caxton.api.decoding import decode_body
from caxton.api.ending import Ending
from caxton.api.route import Content, Nothing, Route, answering, hand_made, taking
from caxton.api.task_requests import task_request
from caxton.api.task_schemas import TaskAccepted, TaskAward, TaskCreate, TaskList, TaskQuery, TaskWait
from caxton.security.roles import Permission
from caxton.tasks.task_service import TaskService
from caxton.tasks.task_view import TaskView

_TAG: Final = "tasks"
_OPENING: Final = ("AGENT_NOT_FOUND", "INVALID_STATE", "MAILBOX_FULL", "MESSAGE_TOO_LARGE", "UNAVAILABLE")


@final
class TaskRoutes:
    """The handlers of `/tasks`."""

    def __init__(self, tasks: TaskService, room: BodyRoom, ending: Ending, body_bytes_max: int) -> None:
        self._tasks = tasks
        self._room = room
        self._ending = ending
        self._body_bytes_max = body_bytes_max

    def routes(self) -> list[Route]:
        """Return the routes of this noun."""
        one = "/api/v1/tasks/{task_id}"
        return [
            hand_made(
                "POST",
                "/api/v1/tasks",
                self.run_task,
                query=TaskWait,
                takes=(Content("application/json", TaskCreate),),
                gives={
                    202: (Content("application/json", TaskAccepted),),
                    200: (Content("application/json", TaskView),),
                },
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=_OPENING,
                repeatable_body_bytes_max=self._body_bytes_max,
            ),
            answering(
                "GET",
                "/api/v1/tasks",
                self.list_tasks,
                query=TaskQuery,
                gives=TaskList,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
            ),
            answering(
                "GET",
                one,
                self.get_task,
                query=TaskWait,
                gives=TaskView,
                permission=Permission.MESSAGE_READ,
                tag=_TAG,
                refuses=("NOT_FOUND",),
            ),
            taking(
                "POST",
                f"{one}/award",
                self.award_task,
                self._room,
                query=Nothing,
                takes=TaskAward,
                gives=TaskView,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("NOT_FOUND", "INVALID_STATE"),
            ),
            answering(
                "POST",
                f"{one}/cancel",
                self.cancel_task,
                query=Nothing,
                gives=TaskView,
                permission=Permission.MESSAGE_SEND,
                tag=_TAG,
                refuses=("NOT_FOUND", "INVALID_STATE"),
            ),
        ]

    async def run_task(self, call: Call, query: TaskWait) -> Answer:
        """Run a Contract Net; with `wait_ms`, wait for its end: 200 when it came, else 202."""
        call.require_json()
        with self._room.lease() as lease:
            body = await call.body(self._body_bytes_max, lease)
            task_id = self._tasks.open(task_request(decode_body(body, TaskCreate)))
        if query.wait_ms is not None:
            with self._ending.wakes(call):
                task = await self._tasks.wait(task_id, query.wait_ms / 1000)
            if task.outcome is not None:
                return struct_answer(200, task)
        task = self._tasks.get(task_id)
        return struct_answer(202, TaskAccepted(task_id=task_id, conversation_id=task.conversation_id))

    async def list_tasks(self, _call: Call, query: TaskQuery) -> TaskList:
        """List tasks, the newest first."""
        tasks, cursor = self._tasks.page(query.state, query.limit, query.cursor)
        return TaskList(tasks=tasks, next_cursor=cursor)

    async def get_task(self, call: Call, query: TaskWait) -> TaskView:
        """Show a task; with `wait_ms`, when it has ended or the time is over."""
        task_id = call.parameters[0]
        if query.wait_ms is None:
            return self._tasks.get(task_id)
        with self._ending.wakes(call):
            return await self._tasks.wait(task_id, query.wait_ms / 1000)

    async def award_task(self, call: Call, _query: Nothing, body: TaskAward) -> TaskView:
        """Accept proposals of a task that is awarded by hand, and reject the others."""
        with self._ending.wakes(call):
            return await self._tasks.award(call.parameters[0], tuple(body.winners))

    async def cancel_task(self, call: Call, _query: Nothing) -> TaskView:
        """Cancel a task; answers when its participants have confirmed, at most five seconds later."""
        with self._ending.wakes(call):
            return await self._tasks.cancel(call.parameters[0])
