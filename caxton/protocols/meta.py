"""What holds in every protocol: not-understood, said once for all.

Cancel needs no lines: any initiator may say it to a live session, and the answer to it is told from other
answers by the message that it cites (FIPA SC00029 and its kin, section on the cancel meta-protocol); the
core keeps that.
"""

from caxton.protocols.row import Cites, Outcome, Reason, Role, Row, State

NOT_UNDERSTOOD = "not-understood"


def one_to_one(first: State, committed: tuple[State, ...]) -> tuple[Row, ...]:
    """Lines of a 1:1 protocol: the participant as its first answer, the initiator about an answer to it."""
    said_first = Row(
        state=first,
        role=Role.PARTICIPANT,
        act=NOT_UNDERSTOOD,
        cites=Cites.CALL,
        next=State.ENDED,
        outcome=Outcome.NOT_UNDERSTOOD,
    )
    too_late = tuple(
        Row(
            state=state,
            role=Role.PARTICIPANT,
            act=NOT_UNDERSTOOD,
            cites=Cites.CALL,
            refuse=Reason.UNEXPECTED_PERFORMATIVE,
        )
        for state in committed
    )
    about_answers = tuple(
        Row(
            state=state,
            role=Role.INITIATOR,
            act=NOT_UNDERSTOOD,
            cites=Cites.LAST,
            next=State.ENDED,
            outcome=Outcome.NOT_UNDERSTOOD,
        )
        for state in committed
    )
    return (said_first, *too_late, *about_answers)


def contract_net() -> tuple[Row, ...]:
    """Lines of the contract nets: only that participant is out."""
    return (
        Row(
            state=State.CALLED,
            role=Role.PARTICIPANT,
            act=NOT_UNDERSTOOD,
            cites=Cites.CALL,
            next=State.NOT_UNDERSTOOD,
        ),
        Row(
            state=State.PROPOSED,
            role=Role.PARTICIPANT,
            act=NOT_UNDERSTOOD,
            cites=Cites.CALL,
            refuse=Reason.UNEXPECTED_PERFORMATIVE,
        ),
        Row(
            state=State.AWARDED,
            role=Role.PARTICIPANT,
            act=NOT_UNDERSTOOD,
            cites=Cites.AWARD,
            next=State.FAILED,
        ),
        Row(
            state=State.PROPOSED,
            role=Role.INITIATOR,
            act=NOT_UNDERSTOOD,
            cites=Cites.LAST,
            next=State.NOT_UNDERSTOOD,
        ),
    )


def auction() -> tuple[Row, ...]:
    """Lines of the auctions: a bidder is out of this round, one that was not understood itself for good.

    That a bidder speaks about the open call that it got is the core's check, whatever it says.
    """
    return (
        Row(
            state=State.IDLE,
            role=Role.PARTICIPANT,
            act=NOT_UNDERSTOOD,
            next=State.OUT,
        ),
        Row(
            state=State.BID,
            role=Role.INITIATOR,
            act=NOT_UNDERSTOOD,
            cites=Cites.LAST,
            next=State.NOT_UNDERSTOOD,
        ),
    )
