"""What goes in and out of tasks and auctions, field by field; see `schemas`."""

from typing import Annotated, Literal

import msgspec

from caxton.api.schemas import Cursor, Input, Names, Output, WaitMs
from caxton.tasks.request import PARTICIPANTS_MAX, PROPOSAL_TIMEOUT_S_MAX, ROUND_S_MAX, TIMEOUT_S_MAX
from caxton.tasks.task_view import TaskState, TaskSummary

LIST_MAX = 1000

Participants = Annotated[
    Names | None, msgspec.Meta(description="Agents by id or name; or give a `capability` instead.")
]
CapabilityName = Annotated[
    str | None, msgspec.Meta(description="All running agents with this capability take part.")
]


class AwardRuleIn(Input, frozen=True, kw_only=True):
    """The lowest or highest number in a field of the proposals' content wins; equals go by their time."""

    rule: Literal["lowest", "highest"]
    field: Annotated[str, msgspec.Meta(description="A name, or a path of names such as `offer.price`.")]


class TaskCreate(Input, frozen=True, kw_only=True):
    """A Contract Net to run. `task` is any JSON value and becomes the content of the call for proposals."""

    task: msgspec.Raw
    participants: Participants = None
    capability: CapabilityName = None
    proposal_timeout_s: Annotated[
        float,
        msgspec.Meta(gt=0, le=PROPOSAL_TIMEOUT_S_MAX, description="How long proposals may come."),
    ] = 30.0
    timeout_s: Annotated[
        float,
        msgspec.Meta(gt=0, le=TIMEOUT_S_MAX, description="For everything, the work included."),
    ] = 300.0
    award: Annotated[
        AwardRuleIn | Literal["manual"],
        msgspec.Meta(description="A rule, or `manual`: then `POST /tasks/{id}/award` chooses."),
    ]
    max_awards: Annotated[int, msgspec.Meta(ge=1, le=PARTICIPANTS_MAX)] = 1


class TaskWait(Input, frozen=True, kw_only=True):
    """How long to wait for the end."""

    wait_ms: WaitMs | None = None


class TaskAccepted(Output, frozen=True, kw_only=True):
    """The call for proposals is in the mailboxes of all participants."""

    task_id: str
    conversation_id: str


class TaskQuery(Input, frozen=True, kw_only=True):
    """Which tasks to list."""

    state: TaskState | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIST_MAX)] = 100
    cursor: Cursor | None = None


class TaskList(Output, frozen=True, kw_only=True):
    """One page of tasks; `next_cursor` is null on the last."""

    tasks: list[TaskSummary]
    next_cursor: str | None


class TaskAward(Input, frozen=True, kw_only=True):
    """Who wins, by id or name, the best first; an empty list rejects every proposal."""

    winners: Names


class AuctionCreate(Input, frozen=True, kw_only=True):
    """An auction to run. `item` is any JSON value that says what is sold."""

    kind: Annotated[
        Literal["english", "dutch"], msgspec.Meta(description="The price rises, or it falls to the reserve.")
    ]
    item: msgspec.Raw
    participants: Participants = None
    capability: CapabilityName = None
    start_price: int | float
    step: int | float
    reserve_price: Annotated[
        int | float | None,
        msgspec.Meta(description="Below it nothing is sold; nobody is told. A Dutch auction needs it."),
    ] = None
    round_s: Annotated[
        float, msgspec.Meta(gt=0, le=ROUND_S_MAX, description="How long a call waits for the first bid.")
    ] = 10.0


class AuctionAccepted(Output, frozen=True, kw_only=True):
    """The start of the auction is in the mailboxes of all participants."""

    auction_id: str
    conversation_id: str
