"""How a contract net ended, told from where its participants stand at the end."""

from collections.abc import Collection
from typing import Literal

import msgspec

from caxton.tasks.session import (
    Broken,
    Cancelled,
    Declined,
    Gone,
    Overdue,
    Rejected,
    Reported,
    Session,
)

EndState = Literal["completed", "failed", "expired"]


class Outcome(msgspec.Struct, frozen=True):
    """The last state and the word for what came out."""

    state: EndState
    word: str


def outcome_of(sessions: Collection[Session], *, cancelled: bool) -> Outcome:
    """Return the outcome; `cancelled` tells that somebody wanted the task to end.

    A task of which a part was done is completed; the rest follows the order of the conversation's own end:
    awards that failed, a cancellation, proposals that nobody took, nobody who proposed.
    """
    broken = any(isinstance(session, Broken) for session in sessions)
    died = any(isinstance(session, Gone) and session.awarded for session in sessions)
    overdue = any(isinstance(session, Overdue) for session in sessions)
    reports = [session for session in sessions if isinstance(session, Reported)]
    if reports:
        revoked = any(isinstance(session, Cancelled) and session.awarded for session in sessions)
        if broken or died or overdue or revoked:
            return Outcome("completed", "partial")
        return Outcome("completed", "result" if any(each.kind == "result" for each in reports) else "done")
    if broken or died:
        return Outcome("failed", "failure" if broken else "participant-died")
    if cancelled:
        return Outcome("completed", "cancelled")
    if overdue:
        return Outcome("expired", "report-timeout")
    return _without_award(sessions)


def _without_award(sessions: Collection[Session]) -> Outcome:
    rejections = [session for session in sessions if isinstance(session, Rejected)]
    if any(rejection.kind == "no_decision" for rejection in rejections):
        return Outcome("expired", "award-timeout")
    if rejections:
        return Outcome("completed", "rejected")
    puzzled = [isinstance(each, Declined) and each.performative == "not-understood" for each in sessions]
    return Outcome("failed", "not-understood") if all(puzzled) else Outcome("completed", "no-proposals")
