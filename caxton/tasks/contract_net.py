"""The manager of a contract net, as a pure function (FIPA SC00029, with several awards).

    Collecting -all answered, or the deadline-> Awarding -> Working -> Ended
    Collecting -the same, award by hand-> Choosing -> Awarding
    Collecting, Choosing, Working -cancel-> Cancelling -> Ended, or Working again: an award that stands

An award is accepted one proposal after the other, so that a winner that cannot be reached makes room for
the next best; the others are rejected after that. Times are of one monotonic clock, in seconds.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, final

import msgspec

from caxton.domain.ids import AgentId, MessageId
from caxton.tasks import act
from caxton.tasks.act import Act, Action, Heard, Occurrence, Say, Taken, Tell
from caxton.tasks.award import AwardRule, Manual, rank
from caxton.tasks.hearing import hear, reject
from caxton.tasks.outcome import Outcome, outcome_of
from caxton.tasks.session import (
    Asked,
    Awarded,
    Open,
    Overdue,
    Proposal,
    Rejected,
    Session,
    call_off,
    content_bytes,
    depart,
)

PROTOCOL: Final = "fipa-contract-net"
SLACK_S: Final = 0.01
"""What was accepted by the deadline may still be on its way to the manager for so long."""

CANCEL_S: Final = 5.0
"""So long participants may take to confirm a cancellation."""

Sessions = Mapping[AgentId, Session]


@final
class Net(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same: the call's reply_with, the rule, how many awards, until when."""

    call: str
    rule: AwardRule
    awards_max: int
    proposals_due_s: float
    due_s: float


@final
class Collecting(msgspec.Struct, frozen=True, tag="collecting"):
    """The call is open."""

    net: Net
    sessions: Sessions


@final
class Choosing(msgspec.Struct, frozen=True, tag="choosing"):
    """The call is over and somebody has to choose among the proposals."""

    net: Net
    sessions: Sessions


@final
class Awarding(msgspec.Struct, frozen=True, tag="awarding"):
    """The first candidate is being told that it won."""

    net: Net
    sessions: Sessions
    winners: tuple[AgentId, ...]
    candidates: tuple[AgentId, ...]


@final
class Working(msgspec.Struct, frozen=True, tag="working"):
    """Awards have been made and reports are due; `cancelled` where some could not be revoked."""

    net: Net
    sessions: Sessions
    winners: tuple[AgentId, ...]
    cancelled: bool = False


@final
class Cancelling(msgspec.Struct, frozen=True, tag="cancelling"):
    """Participants are being `told` to stop; then `pending` are those who have not answered that."""

    net: Net
    sessions: Sessions
    winners: tuple[AgentId, ...]
    told: tuple[AgentId, ...]
    pending: Mapping[AgentId, MessageId]
    until_s: float


@final
class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Over."""

    net: Net
    sessions: Sessions
    winners: tuple[AgentId, ...]
    outcome: Outcome


State = Collecting | Choosing | Awarding | Working | Cancelling | Ended
Step = tuple[State, Sequence[Action]]
Phase = Literal["proposals", "award", "reports", "cancellation", "ended"]


def begin(net: Net, participants: Sequence[AgentId]) -> Collecting:
    """Return the state after the call was sent."""
    return Collecting(net, dict.fromkeys(participants, Asked()))


def alarm(state: State) -> float | None:
    """Return the time at which the state wants a `Tick`."""
    match state:
        case Collecting(net=net):
            return min(net.proposals_due_s + SLACK_S, net.due_s)
        case Choosing(net=net) | Working(net=net):
            return net.due_s
        case Cancelling(until_s=until_s):
            return until_s
        case Awarding() | Ended():
            return None


def phase(state: State) -> Phase:
    """Return the word for what the task waits for."""
    match state:
        case Collecting():
            return "proposals"
        case Choosing() | Awarding():
            return "award"
        case Working():
            return "reports"
        case Cancelling():
            return "cancellation"
        case Ended():
            return "ended"


def winners_of(state: State) -> tuple[AgentId, ...]:
    """Return who was awarded, the best first."""
    return () if isinstance(state, Collecting | Choosing) else state.winners


def kept_bytes(state: State) -> int:
    """Return how many bytes of contents the state holds."""
    return sum(content_bytes(session) for session in state.sessions.values())


def decide(state: State, occurrence: Occurrence, now_s: float) -> Step:
    """Return the state after an occurrence, and what is to be done."""
    match state, occurrence:
        case Ended(), _:
            return state, ()
        case _, act.Halt(word=word):
            return Ended(state.net, state.sessions, winners_of(state), Outcome("failed", word)), ()
        case Awarding(), act.Said(fates=fates):
            return _go_on_awarding(state, fates[0])
        case Cancelling(), act.Said(fates=fates):
            return _await_cancellation(state, fates, now_s)
        case _, act.Words(heard=heard):
            return _hear(state, heard, now_s)
        case _, act.Gone(agent=agent) if agent in state.sessions:
            return _go_on(_with(state, {**state.sessions, agent: depart(state.sessions[agent])}), now_s)
        case _, act.Tick():
            return _wake(state, now_s)
        case Collecting() | Choosing(), act.AwardAsked(winners=winners):
            return _award(state.net, state.sessions, (), winners)
        case Collecting() | Choosing() | Working(), act.CancelAsked():
            return _cancel(state, now_s)
        case _:
            return state, ()


# --- while the call is open ---


def _hear(state: State, messages: Sequence[Heard], now_s: float) -> Step:
    sessions = {**state.sessions}
    answers: list[Act] = []
    pending = {**state.pending} if isinstance(state, Cancelling) else {}
    for heard in messages:
        session = sessions.get(heard.agent)
        if session is None:
            continue
        cancel_id = pending.get(heard.agent)
        if cancel_id is not None and isinstance(session, Open) and heard.confirms(cancel_id):
            del pending[heard.agent]
            if heard.performative == "inform":
                sessions[heard.agent] = call_off(session, confirmed=True)
            continue
        call_open = isinstance(state, Collecting | Cancelling)
        sessions[heard.agent], answer = hear(session, heard, call_open=call_open)
        if answer is not None:
            answers.append(answer)
    if isinstance(state, Cancelling):
        state = msgspec.structs.replace(state, pending=pending)
    new, actions = _go_on(_with(state, sessions), now_s)
    return new, [*_telling(answers), *actions]


def _go_on(state: State, now_s: float) -> Step:
    """Look whether the state has what it waited for."""
    sessions = state.sessions.values()
    match state:
        case Collecting() if not any(isinstance(session, Asked) for session in sessions):
            return _close(state)
        case Choosing() if not any(isinstance(session, Proposal) for session in sessions):
            return _end(state, state.sessions)
        case Working(cancelled=cancelled) if not any(isinstance(session, Awarded) for session in sessions):
            return _end(state, state.sessions, cancelled=cancelled)
        case Cancelling() if not any(isinstance(state.sessions[agent], Open) for agent in state.pending):
            return _settle(state, now_s)
        case _:
            return state, ()


def _wake(state: State, now_s: float) -> Step:
    match state:
        case Collecting(net=net) if now_s < net.due_s:
            return _close(state)
        case Collecting() | Choosing():
            sessions, acts = _reject_open(state.sessions, "no_decision", "no decision was made in time")
            return _end(state, sessions, acts)
        case Working(cancelled=cancelled):
            late = [agent for agent, session in state.sessions.items() if isinstance(session, Awarded)]
            acts = [_revocation(state.net, agent) for agent in late]
            return _end(state, _overdue(state.sessions), acts, cancelled=cancelled)
        case Cancelling():
            return _settle(state, now_s)
        case Awarding() | Ended():
            return state, ()


def _close(state: Collecting) -> Step:
    net = state.net
    proposals = {agent: it for agent, it in state.sessions.items() if isinstance(it, Proposal)}
    if isinstance(net.rule, Manual):
        return (Choosing(net, state.sessions), ()) if proposals else _end(state, state.sessions)
    ranking, unfit = rank(net.rule, proposals.items())
    sessions = {**state.sessions}
    acts: list[Act] = []
    for lacking in unfit:
        agent = lacking.agent
        sessions[agent], told = reject(agent, proposals[agent], lacking.kind, lacking.reason)
        acts.append(told)
    new, actions = _award(net, sessions, (), ranking)
    return new, [*_telling(acts), *actions]


# --- the award ---


def _award(net: Net, sessions: Sessions, winners: tuple[AgentId, ...], candidates: Sequence[AgentId]) -> Step:
    """Accept the next candidate, or be done with awarding."""
    for place, agent in enumerate(candidates):
        proposal = sessions[agent]
        if len(winners) < net.awards_max and isinstance(proposal, Proposal):
            accept = Act(
                performative="accept-proposal",
                receivers=(agent,),
                content=proposal.content,
                in_reply_to=proposal.message_id,
            )
            return Awarding(net, sessions, winners, tuple(candidates[place:])), [Say((accept,))]
    reason = "another proposal was awarded" if winners else "no proposal was awarded"
    rejected, acts = _reject_open(sessions, "not_awarded", reason)
    working = Working(net, rejected, winners)
    if not winners:
        return _end(working, rejected, acts)
    return working, _telling(acts)


def _go_on_awarding(state: Awarding, fate: act.Fate) -> Step:
    agent, *rest = state.candidates
    proposal = state.sessions[agent]
    assert isinstance(proposal, Proposal), "only proposals are accepted"
    if isinstance(fate, Taken):
        awarded = {**state.sessions, agent: Awarded(proposal=proposal, award_id=fate.message_id)}
        return _award(state.net, awarded, (*state.winners, agent), rest)
    missed = Rejected(proposal=proposal, kind="unreachable", reason=fate.reason)
    return _award(state.net, {**state.sessions, agent: missed}, state.winners, rest)


# --- the end before the end ---


def _cancel(state: Collecting | Choosing | Working, now_s: float) -> Step:
    """Tell everybody from whom something is still awaited."""
    is_open = now_s <= state.net.proposals_due_s
    told = tuple(
        agent
        for agent, session in state.sessions.items()
        if isinstance(session, Proposal | Awarded) or (isinstance(session, Asked) and is_open)
    )
    cancelling = Cancelling(state.net, state.sessions, winners_of(state), told, {}, now_s + CANCEL_S)
    if not told:
        return _settle(cancelling, now_s)
    return cancelling, [Say(tuple(_revocation(state.net, agent) for agent in told))]


def _await_cancellation(state: Cancelling, fates: Sequence[act.Fate], now_s: float) -> Step:
    """Note which message each participant will answer; whom none reached is not waited for."""
    pending: dict[AgentId, MessageId] = {}
    sessions = {**state.sessions}
    for agent, fate in zip(state.told, fates, strict=True):
        session = sessions[agent]
        if isinstance(fate, Taken):
            pending[agent] = fate.message_id
        elif isinstance(session, Open):
            sessions[agent] = call_off(session, confirmed=False)
    new = msgspec.structs.replace(state, sessions=sessions, told=(), pending=pending)
    return (new, ()) if pending else _settle(new, now_s)


def _settle(state: Cancelling, now_s: float) -> Step:
    """End, or go on with the awards that could not be revoked."""
    sessions = {**state.sessions}
    for agent in state.pending:
        session = sessions[agent]
        if isinstance(session, Open):
            sessions[agent] = call_off(session, confirmed=False)
    rejected, acts = _reject_open(sessions, "cancelled", "the task was cancelled")
    if now_s < state.net.due_s and any(isinstance(session, Awarded) for session in rejected.values()):
        return Working(state.net, rejected, state.winners, cancelled=True), _telling(acts)
    return _end(state, _overdue(rejected), acts, cancelled=True)


def _revocation(net: Net, agent: AgentId) -> Act:
    return Act(performative="cancel", receivers=(agent,), in_reply_to=net.call)


# --- small steps ---


def _end(state: State, sessions: Sessions, acts: Sequence[Act] = (), *, cancelled: bool = False) -> Step:
    outcome = outcome_of(sessions.values(), cancelled=cancelled)
    return Ended(state.net, sessions, winners_of(state), outcome), _telling(acts)


def _reject_open(sessions: Sessions, kind: str, reason: str) -> tuple[Sessions, list[Act]]:
    changed = {**sessions}
    acts: list[Act] = []
    for agent, session in sessions.items():
        if isinstance(session, Proposal):
            changed[agent], told = reject(agent, session, kind, reason)
            acts.append(told)
    return changed, acts


def _overdue(sessions: Sessions) -> Sessions:
    return {
        agent: Overdue(proposal=it.proposal) if isinstance(it, Awarded) else it
        for agent, it in sessions.items()
    }


def _telling(acts: Sequence[Act]) -> list[Action]:
    return [Tell(tuple(acts))] if acts else []


def _with(state: State, sessions: Sessions) -> State:
    return msgspec.structs.replace(state, sessions=sessions)
