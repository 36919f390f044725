"""What a caller sees of a task: a snapshot that can be written as JSON as it stands."""

from collections.abc import Mapping
from typing import Literal, assert_never

import msgspec

from caxton.domain.ids import AgentId
from caxton.domain.timestamp import format_timestamp
from caxton.tasks.award import Ranked
from caxton.tasks.contract_net import Collecting, Ended, Phase, Sessions, State, phase, winners_of
from caxton.tasks.job import Job
from caxton.tasks.request import TaskRequest
from caxton.tasks.session import (
    Asked,
    Awarded,
    Broken,
    Cancelled,
    Declined,
    Gone,
    Overdue,
    Proposal,
    Rejected,
    Reported,
    Session,
    proposal_of,
)

TaskState = Literal["initiated", "in_progress", "completed", "failed", "expired"]
_NS_PER_S = 1_000_000_000


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A participant."""

    agent_id: str
    name: str


class ProposalRow(Party, frozen=True, kw_only=True):
    """What a participant proposed, and whether that was taken; withdrawn where the participant has gone."""

    message_id: str
    content: msgspec.Raw
    received_at: str
    status: Literal["pending", "accepted", "rejected", "withdrawn", "cancelled"]


class WinnerRow(Party, frozen=True, kw_only=True):
    """An award: `content` is the proposal that was accepted, `result` what the report brought."""

    message_id: str
    content: msgspec.Raw
    state: Literal["working", "done", "failed", "overdue", "cancelled", "gone"]
    result_kind: str | None = None
    result: msgspec.Raw | None = None
    reason: msgspec.Raw | None = None
    reported_at: str | None = None


class RejectedRow(Party, frozen=True, kw_only=True):
    """A proposal that was not taken; `reason_kind` is a stable word, `reason` a sentence."""

    message_id: str
    content: msgspec.Raw
    reason_kind: str
    reason: str


class RefusedRow(Party, frozen=True, kw_only=True):
    """A participant that answered without a proposal; `content` is what it said."""

    performative: str
    content: msgspec.Raw
    received_at: str


class AwardView(msgspec.Struct, frozen=True, kw_only=True):
    """By which rule winners are chosen."""

    rule: Literal["lowest", "highest", "manual"]
    field: str | None = None


class TaskSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One task in a list. `phase` says what it waits for, `outcome` what came out, once it has ended."""

    task_id: str
    conversation_id: str
    state: TaskState
    phase: Phase
    outcome: str | None
    created_at: str
    participants_count: int
    winners_count: int


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """One task. `result` is the content of the report of the best winner that has reported.

    `silent` are participants that have not answered the call, `unconfirmed` those that have not said that
    they heard of a cancellation, `gone` those that left before they did anything.
    """

    task_id: str
    conversation_id: str
    state: TaskState
    phase: Phase
    outcome: str | None
    created_at: str
    proposals_until: str
    until: str
    task: msgspec.Raw
    award: AwardView
    max_awards: int
    participants_count: int
    winners: list[WinnerRow]
    proposals: list[ProposalRow]
    rejected: list[RejectedRow]
    refused: list[RefusedRow]
    silent: list[Party]
    unconfirmed: list[Party]
    gone: list[Party]
    result: msgspec.Raw | None


TaskJob = Job[State, TaskRequest]


def task_state(state: State) -> TaskState:
    """Return the contract's word for the state of the conversation."""
    if isinstance(state, Ended):
        return state.outcome.state
    quiet = isinstance(state, Collecting) and all(isinstance(it, Asked) for it in state.sessions.values())
    return "initiated" if quiet else "in_progress"


def summary(job: TaskJob) -> TaskSummary:
    """Return what a list shows of a task."""
    state = job.desk.state
    return TaskSummary(
        task_id=job.id,
        conversation_id=job.conversation.id,
        state=task_state(state),
        phase=phase(state),
        outcome=state.outcome.word if isinstance(state, Ended) else None,
        created_at=format_timestamp(job.created_ns),
        participants_count=len(state.sessions),
        winners_count=len(winners_of(state)),
    )


def view(job: TaskJob) -> TaskView:
    """Return all of a task."""
    state, asked, names = job.desk.state, job.asked, job.names
    sessions = state.sessions
    winners = [_winner(agent, names, sessions[agent]) for agent in winners_of(state)]
    reported = [winner.result for winner in winners if winner.state == "done"]
    rule = asked.rule
    is_ranked = isinstance(rule, Ranked)
    return TaskView(
        task_id=job.id,
        conversation_id=job.conversation.id,
        state=task_state(state),
        phase=phase(state),
        outcome=state.outcome.word if isinstance(state, Ended) else None,
        created_at=format_timestamp(job.created_ns),
        proposals_until=format_timestamp(job.created_ns + round(asked.proposal_timeout_s * _NS_PER_S)),
        until=format_timestamp(job.created_ns + round(asked.timeout_s * _NS_PER_S)),
        task=msgspec.Raw(asked.task),
        award=AwardView(rule=rule.rule, field=rule.field) if is_ranked else AwardView(rule="manual"),
        max_awards=asked.awards_max,
        participants_count=len(sessions),
        winners=winners,
        proposals=_proposals(sessions, names),
        rejected=[_rejected(a, names, it) for a, it in sessions.items() if isinstance(it, Rejected)],
        refused=[_refused(a, names, it) for a, it in sessions.items() if isinstance(it, Declined)],
        silent=[_party(a, names) for a, it in sessions.items() if isinstance(it, Asked)],
        unconfirmed=[
            _party(a, names) for a, it in sessions.items() if isinstance(it, Cancelled) and not it.confirmed
        ],
        gone=[_party(a, names) for a, it in sessions.items() if isinstance(it, Gone) and it.proposal is None],
        result=reported[0] if reported else None,
    )


def _party(agent: AgentId, names: Mapping[AgentId, str]) -> Party:
    return Party(agent_id=str(agent), name=names[agent])


def _proposals(sessions: Sessions, names: Mapping[AgentId, str]) -> list[ProposalRow]:
    """Return all proposals, the earliest first."""
    made = [(agent, session, proposal_of(session)) for agent, session in sessions.items()]
    rows = [
        (
            proposal.number,
            ProposalRow(
                agent_id=str(agent),
                name=names[agent],
                message_id=proposal.message_id,
                content=msgspec.Raw(proposal.content),
                received_at=proposal.at,
                status=_status(session),
            ),
        )
        for agent, session, proposal in made
        if proposal is not None
    ]
    return [row for _, row in sorted(rows, key=lambda numbered: numbered[0])]


def _status(
    session: Session,
) -> Literal["pending", "accepted", "rejected", "withdrawn", "cancelled"]:
    match session:
        case Asked() | Declined() | Proposal():
            return "pending"
        case Awarded() | Reported() | Broken() | Overdue():
            return "accepted"
        case Rejected():
            return "rejected"
        case Cancelled(awarded=awarded):
            return "accepted" if awarded else "cancelled"
        case Gone(awarded=awarded):
            return "accepted" if awarded else "withdrawn"
        case _:
            assert_never(session)


def _winner(agent: AgentId, names: Mapping[AgentId, str], session: Session) -> WinnerRow:
    proposal = proposal_of(session)
    assert proposal is not None, "who was awarded has proposed"
    state: Literal["working", "done", "failed", "overdue", "cancelled", "gone"] = "working"
    kind = at = None
    result: msgspec.Raw | None = None
    reason: msgspec.Raw | None = None
    match session:
        case Reported():
            state, kind, at = "done", session.kind, session.at
            result = None if session.content is None else msgspec.Raw(session.content)
        case Broken():
            state, reason, at = "failed", msgspec.Raw(session.content), session.at
        case Overdue():
            state = "overdue"
        case Cancelled():
            state = "cancelled"
        case Gone():
            state = "gone"
        case _:
            pass
    return WinnerRow(
        agent_id=str(agent),
        name=names[agent],
        message_id=proposal.message_id,
        content=msgspec.Raw(proposal.content),
        state=state,
        result_kind=kind,
        result=result,
        reason=reason,
        reported_at=at,
    )


def _rejected(agent: AgentId, names: Mapping[AgentId, str], session: Rejected) -> RejectedRow:
    return RejectedRow(
        agent_id=str(agent),
        name=names[agent],
        message_id=session.proposal.message_id,
        content=msgspec.Raw(session.proposal.content),
        reason_kind=session.kind,
        reason=session.reason,
    )


def _refused(agent: AgentId, names: Mapping[AgentId, str], session: Declined) -> RefusedRow:
    return RefusedRow(
        agent_id=str(agent),
        name=names[agent],
        performative=session.performative,
        content=msgspec.Raw(session.content),
        received_at=session.at,
    )
