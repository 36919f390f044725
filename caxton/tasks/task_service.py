"""Tasks: contract nets that the server runs for a caller.

Everything that a caller may ask for is here; what it must not is refused before anything is said.
"""

from typing import Final, final

import anyio

from caxton.clock import Clock
from caxton.domain.errors.agent import InvalidState
from caxton.domain.errors.request import InvalidRequest
from caxton.domain.ids import AgentId, new_conversation_id, new_message_id
from caxton.domain.problem import Problem, ProblemKind
from caxton.tasks import contract_net
from caxton.tasks.act import Act, AwardAsked
from caxton.tasks.award import Manual
from caxton.tasks.content_room import ContentRoom
from caxton.tasks.contract_net import Cancelling, Choosing, Collecting, Ended, Net, State
from caxton.tasks.desk import Procedure
from caxton.tasks.invitation import invite
from caxton.tasks.market import Market
from caxton.tasks.office import Kind, Office
from caxton.tasks.request import TaskRequest
from caxton.tasks.session import Proposal
from caxton.tasks.shelf import ShelfBounds
from caxton.tasks.task_view import TaskJob, TaskState, TaskSummary, TaskView, summary, task_state, view
from caxton.tasks.voice import Conversation

# Beyond the end of the task: a conversation outlives what is said at its end.
_TTL_EXTRA_S: Final = contract_net.CANCEL_S + 25.0
_KIND: Final = Kind[State](
    noun="task",
    procedure=Procedure[State](
        decide=contract_net.decide,
        alarm=contract_net.alarm,
        is_over=lambda state: isinstance(state, Ended),
        kept_bytes=contract_net.kept_bytes,
    ),
    state_word=task_state,
    is_cancelling=lambda state: isinstance(state, Cancelling),
)


@final
class TaskService:
    """Tasks by id. All methods are for the thread of the event loop."""

    def __init__(self, market: Market, room: ContentRoom, clock: Clock, bounds: ShelfBounds) -> None:
        self._market = market
        self._office = Office[State, TaskRequest](_KIND, market, room, clock, bounds)

    def open(self, request: TaskRequest) -> str:
        """Send the call and return the id of the task, which goes on by itself.

        Raises:
            Unavailable, ResourceLimitExceeded: no more tasks are taken now.
            AgentNotFound, InvalidRequest: who is to take part is not there.
            As `Runtime.post`: the call reached nobody.
        """
        self._office.check_open(request.task)
        task_id = new_message_id()
        conversation = Conversation(new_conversation_id(), contract_net.PROTOCOL)
        begun_s = anyio.current_time()
        call = Act(
            performative="cfp",
            receivers=(),
            content=request.task,
            reply_with=task_id,
            reply_by_s=request.proposal_timeout_s,
            conversation_ttl_s=request.timeout_s + _TTL_EXTRA_S,
            max_awards=request.awards_max,
        )
        names = invite(self._market.voice, conversation, request.invited, call)
        net = Net(
            call=task_id,
            rule=request.rule,
            awards_max=request.awards_max,
            proposals_due_s=begun_s + request.proposal_timeout_s,
            due_s=begun_s + request.timeout_s,
        )

        state = contract_net.begin(net, list(names))
        self._office.begin(task_id, conversation, names, state, request, request.task)
        return task_id

    def get(self, task_id: str) -> TaskView:
        """Return a task. Raises: NotFound."""
        return view(self._office.shelf.get(task_id))

    async def wait(self, task_id: str, timeout_s: float) -> TaskView:
        """See `Office.wait`."""
        return view(await self._office.wait(task_id, timeout_s))

    def page(
        self, state: TaskState | None, limit: int, cursor: str | None
    ) -> tuple[list[TaskSummary], str | None]:
        """Return a page of tasks, the newest first, and the cursor of the next. Raises: CursorUnknown."""
        shelf = self._office.shelf
        shelf.drop_old(anyio.current_time())
        found, rest = shelf.page(
            lambda job: state is None or task_state(job.desk.state) == state, limit, cursor
        )
        return [summary(job) for job in found], rest

    async def award(self, task_id: str, winners: tuple[str, ...]) -> TaskView:
        """Accept proposals by hand, the best first; none at all turns every proposal down.

        Possible while the call is open, too: whoever has not answered by then is too late.

        Raises:
            NotFound: there is no such task.
            InvalidState: it is not by hand, or its time for awards is over.
            InvalidRequest: a winner has no open proposal, or there are too many.
        """
        job = self._office.shelf.get(task_id)
        chosen = self._chosen(job, winners)
        if not await job.desk.ask(AwardAsked(chosen)):
            raise self._office.wrong_state(job, "award")
        return view(job)

    async def cancel(self, task_id: str) -> TaskView:
        """See `Office.cancel`. An award that its winner does not let go of stands: the task goes on."""
        return view(await self._office.cancel(task_id))

    def _chosen(self, job: TaskJob, winners: tuple[str, ...]) -> tuple[AgentId, ...]:
        state = job.desk.state
        if not isinstance(job.asked.rule, Manual):
            raise InvalidState(
                "awarded by rule", "award", subject=f"the task {job.id}", allowed=("get", "cancel")
            )
        if not isinstance(state, Collecting | Choosing):
            raise self._office.wrong_state(job, "award")
        if len(winners) > job.asked.awards_max:
            raise _wrong_winner("", f"{len(winners)} winners are more than `max_awards` allows")
        by_word = {name: agent for agent, name in job.names.items()}
        by_word |= {str(agent): agent for agent in job.names}
        chosen: list[AgentId] = []
        for place, word in enumerate(winners):
            agent = by_word.get(word)
            if agent is None or not isinstance(state.sessions[agent], Proposal):
                raise _wrong_winner(f"[{place}]", f"`{word[:255]}` has no open proposal")
            if agent in chosen:
                raise _wrong_winner(f"[{place}]", f"`{word[:255]}` is named twice")
            chosen.append(agent)
        return tuple(chosen)


def _wrong_winner(place: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        [
            Problem(
                field=f"winners{place}",
                kind=ProblemKind.INVALID_VALUE,
                problem=problem,
                fix="name participants whose proposals are pending, see GET /api/v1/tasks/{id}",
            )
        ]
    )
