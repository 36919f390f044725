"""The protocols of two.

They are fipa-request (SC00026), fipa-query (SC00027), fipa-request-when (SC00028), fipa-propose (SC00036) and
fipa-subscribe (SC00035).
"""

from caxton.protocols import meta
from caxton.protocols.row import Cites, Outcome, Protocol, Reason, Role, Row, State


def _answer(
    state: State,
    act: str,
    *,
    then: State = State.ENDED,
    outcome: Outcome = Outcome.NONE,
    refuse: Reason = Reason.NONE,
) -> Row:
    return Row(
        state=state,
        role=Role.PARTICIPANT,
        act=act,
        cites=Cites.CALL,
        refuse=refuse,
        next=State.NONE if refuse else then,
        outcome=outcome,
    )


def _commitment(result: Outcome, first_inform: Row) -> tuple[Row, ...]:
    """Refuse, or agree and then report; `first_inform` is what an inform without an agree means."""
    return (
        _answer(State.SENT, "refuse", outcome=Outcome.REFUSED),
        _answer(State.SENT, "agree", then=State.AGREED),
        first_inform,
        _answer(State.SENT, "failure", outcome=Outcome.FAILURE),
        _answer(State.AGREED, "inform", outcome=result),
        _answer(State.AGREED, "failure", outcome=Outcome.FAILURE),
        _answer(State.AGREED, "agree", refuse=Reason.DUPLICATE_RESPONSE),
        _answer(State.AGREED, "refuse", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        *meta.one_to_one(State.SENT, (State.AGREED,)),
    )


REQUEST = Protocol(
    name="fipa-request",
    title="Request",
    document="SC00026",
    opening=("request",),
    first=State.SENT,
    one_to_one=True,
    rows=_commitment(Outcome.BY_KIND, _answer(State.SENT, "inform", outcome=Outcome.BY_KIND)),
)

QUERY = Protocol(
    name="fipa-query",
    title="Query",
    document="SC00027",
    opening=("query-if", "query-ref"),
    first=State.SENT,
    one_to_one=True,
    rows=_commitment(Outcome.ANSWERED, _answer(State.SENT, "inform", outcome=Outcome.ANSWERED)),
)

# There the participant agrees and waits: a result before any agree is out of sequence.
REQUEST_WHEN = Protocol(
    name="fipa-request-when",
    title="Request When",
    document="SC00028",
    opening=("request-when",),
    first=State.SENT,
    one_to_one=True,
    lasting=True,
    rows=_commitment(Outcome.BY_KIND, _answer(State.SENT, "inform", refuse=Reason.UNEXPECTED_PERFORMATIVE)),
)

PROPOSE = Protocol(
    name="fipa-propose",
    title="Propose",
    document="SC00036",
    opening=("propose",),
    first=State.SENT,
    one_to_one=True,
    rows=(
        _answer(State.SENT, "accept-proposal", outcome=Outcome.ACCEPTED),
        _answer(State.SENT, "reject-proposal", outcome=Outcome.REJECTED),
        *meta.one_to_one(State.SENT, ()),
    ),
)

SUBSCRIBE = Protocol(
    name="fipa-subscribe",
    title="Subscribe",
    document="SC00035",
    opening=("subscribe",),
    first=State.SENT,
    one_to_one=True,
    lasting=True,
    rows=(
        _answer(State.SENT, "refuse", outcome=Outcome.REFUSED),
        _answer(State.SENT, "agree", then=State.ACTIVE),
        _answer(State.SENT, "inform", then=State.ACTIVE),
        _answer(State.SENT, "failure", outcome=Outcome.FAILURE),
        _answer(State.ACTIVE, "inform", then=State.ACTIVE),
        _answer(State.ACTIVE, "failure", outcome=Outcome.FAILURE),
        _answer(State.ACTIVE, "agree", refuse=Reason.DUPLICATE_RESPONSE),
        _answer(State.ACTIVE, "refuse", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        *meta.one_to_one(State.SENT, (State.ACTIVE,)),
    ),
)
