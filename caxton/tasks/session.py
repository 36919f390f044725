"""Where one participant of a contract net stands, as its manager sees it (FIPA SC00029).

Asked -propose-> Proposal -accept-> Awarded -inform-> Reported
  |                 |                  |
  +-refuse.. Declined +-reject- Rejected +-failure- Broken     and from each: Cancelled, Gone
"""

from typing import final

import msgspec

from caxton.domain.ids import MessageId


@final
class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """It got the call and has not answered."""


@final
class Proposal(msgspec.Struct, frozen=True, kw_only=True, tag="proposal"):
    """It proposed, which binds it; `number` is the place in the order of arrival."""

    message_id: MessageId
    content: bytes
    number: int
    at: str


@final
class Declined(msgspec.Struct, frozen=True, kw_only=True, tag="declined"):
    """It refused, did not understand, or failed before it proposed."""

    performative: str
    content: bytes
    at: str


@final
class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """Its proposal was not taken. `kind` is a stable word for the reason."""

    proposal: Proposal
    kind: str
    reason: str


@final
class Awarded(msgspec.Struct, frozen=True, kw_only=True, tag="awarded"):
    """Its proposal was accepted; its report is due."""

    proposal: Proposal
    award_id: MessageId


@final
class Reported(msgspec.Struct, frozen=True, kw_only=True, tag="reported"):
    """It did the task. `content` is None where there was no room to keep the result."""

    proposal: Proposal
    kind: str
    content: bytes | None
    at: str


@final
class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken"):
    """It did not do the task that it had been given; `content` says why."""

    proposal: Proposal
    performative: str
    content: bytes
    at: str


@final
class Overdue(msgspec.Struct, frozen=True, kw_only=True, tag="overdue"):
    """Its report did not come in time."""

    proposal: Proposal


@final
class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancelled"):
    """It was told that the task is off; `confirmed` tells whether it said that it heard."""

    proposal: Proposal | None
    awarded: bool
    confirmed: bool


@final
class Gone(msgspec.Struct, frozen=True, kw_only=True, tag="gone"):
    """It is not there any more; a proposal of its own counts as withdrawn, an award as failed."""

    proposal: Proposal | None
    awarded: bool


Session = Asked | Proposal | Declined | Rejected | Awarded | Reported | Broken | Overdue | Cancelled | Gone
Open = Asked | Proposal | Awarded


def proposal_of(session: Session) -> Proposal | None:
    """Return the proposal of a participant that made one."""
    match session:
        case Asked() | Declined():
            return None
        case Proposal():
            return session
        case _:
            return session.proposal


def content_bytes(session: Session) -> int:
    """Return how many bytes of contents are kept of a participant."""
    proposal = proposal_of(session)
    own = session.content if isinstance(session, Declined | Reported | Broken) else None
    return (0 if proposal is None else len(proposal.content)) + (0 if own is None else len(own))


def depart(session: Session) -> Session:
    """Return where a participant stands that has gone; what is over stays as it is."""
    if isinstance(session, Open):
        return Gone(proposal=proposal_of(session), awarded=isinstance(session, Awarded))
    return session


def call_off(session: Open, *, confirmed: bool) -> Cancelled:
    """Return where a participant stands that was told to stop."""
    return Cancelled(proposal=proposal_of(session), awarded=isinstance(session, Awarded), confirmed=confirmed)
