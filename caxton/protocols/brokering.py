"""fipa-brokering (SC00033) and fipa-recruiting (SC00034).

The broker's nested conversations with the agents it finds are conversations of their own. In recruiting
those agents answer the initiator directly: their sessions are targets, named by the proxy, the agree or the
done-proxy message. The phase is the broker's progress, seen from the targets: STARTED nothing agreed, OPEN
agreed, CLOSED proxied.
"""

from caxton.protocols import meta
from caxton.protocols.row import ANY_PHASE, Cites, Kind, Outcome, Phase, Protocol, Reason, Role, Row, State

_RESULTS = tuple(kind for kind in Kind if kind is not Kind.DONE_PROXY)
_FAULTS = {Kind.NO_MATCH: Outcome.NO_MATCH, Kind.PROXY: Outcome.PROXY, Kind.BROKERING: Outcome.BROKERING}
_BEFORE_THE_NESTED = (Kind.NO_MATCH, Kind.PROXY)


def _broker(
    state: State,
    act: str,
    *,
    kinds: tuple[Kind, ...] = (),
    then: State = State.ENDED,
    phase: Phase | None = None,
    outcome: Outcome = Outcome.NONE,
    refuse: Reason = Reason.NONE,
) -> Row:
    return Row(
        state=state,
        role=Role.PARTICIPANT,
        act=act,
        kinds=kinds,
        cites=Cites.CALL,
        refuse=refuse,
        next=State.NONE if refuse else then,
        next_phase=phase,
        outcome=outcome,
    )


def _failures(state: State, told_apart: tuple[Kind, ...]) -> tuple[Row, ...]:
    """Return the lines of a broker's failure: some say by their content what went wrong."""
    others = tuple(kind for kind in Kind if kind not in told_apart)
    return (
        *(_broker(state, "failure", kinds=(kind,), outcome=_FAULTS[kind]) for kind in told_apart),
        _broker(state, "failure", kinds=others, outcome=Outcome.FAILURE),
    )


def _until_proxied(agreed: Phase | None = None, proxied: Phase | None = None) -> tuple[Row, ...]:
    """Return what both protocols have in common, with the phases that targets look at."""
    return (
        _broker(State.SENT, "refuse", outcome=Outcome.REFUSED),
        _broker(State.SENT, "agree", then=State.AGREED, phase=agreed),
        *_failures(State.SENT, _BEFORE_THE_NESTED),
        _broker(State.SENT, "inform", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        _broker(State.AGREED, "inform", kinds=(Kind.DONE_PROXY,), then=State.PROXIED, phase=proxied),
        _broker(State.AGREED, "inform", kinds=_RESULTS, refuse=Reason.UNEXPECTED_PERFORMATIVE),
        *_failures(State.AGREED, _BEFORE_THE_NESTED),
        _broker(State.AGREED, "agree", refuse=Reason.DUPLICATE_RESPONSE),
        _broker(State.AGREED, "refuse", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        _broker(State.PROXIED, "inform", kinds=(Kind.DONE_PROXY,), refuse=Reason.DUPLICATE_RESPONSE),
        _broker(State.PROXIED, "agree", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        _broker(State.PROXIED, "refuse", refuse=Reason.UNEXPECTED_PERFORMATIVE),
        *meta.one_to_one(State.SENT, (State.AGREED,)),
        _broker(State.PROXIED, meta.NOT_UNDERSTOOD, refuse=Reason.UNEXPECTED_PERFORMATIVE),
    )


BROKERING = Protocol(
    name="fipa-brokering",
    title="Brokering",
    document="SC00033",
    opening=("proxy",),
    first=State.SENT,
    one_to_one=True,
    rows=(
        *_until_proxied(),
        *_failures(State.PROXIED, (Kind.BROKERING,)),
        _broker(State.PROXIED, "inform", kinds=_RESULTS, outcome=Outcome.RESULT),
    ),
)


def _target(act: str, phases: tuple[Phase, ...], then: State, outcome: Outcome = Outcome.NONE) -> Row:
    return Row(
        state=State.TARGET,
        role=Role.TARGET,
        act=act,
        phases=phases,
        cites=Cites.CALL,
        next=then,
        outcome=outcome,
    )


def _not_from_a_target(act: str, phases: tuple[Phase, ...]) -> Row:
    return Row(
        state=State.TARGET,
        role=Role.TARGET,
        act=act,
        phases=phases,
        cites=Cites.CALL,
        refuse=Reason.UNEXPECTED_PERFORMATIVE,
    )


RECRUITING = Protocol(
    name="fipa-recruiting",
    title="Recruiting",
    document="SC00034",
    opening=("proxy",),
    first=State.SENT,
    one_to_one=True,
    recruits=True,
    rows=(
        *_until_proxied(Phase.OPEN, Phase.CLOSED),
        *_failures(State.PROXIED, tuple(_FAULTS)),
        _broker(State.PROXIED, "inform", kinds=_RESULTS, refuse=Reason.UNEXPECTED_PERFORMATIVE),
        _not_from_a_target("inform", (Phase.STARTED,)),
        _not_from_a_target("failure", (Phase.STARTED,)),
        _not_from_a_target(meta.NOT_UNDERSTOOD, ANY_PHASE),
        # An answer may overtake the broker's report.
        _target("inform", (Phase.OPEN,), State.TARGET),
        _target("failure", (Phase.OPEN,), State.TARGET),
        _target("inform", (Phase.CLOSED,), State.ENDED, Outcome.RESULT),
        _target("failure", (Phase.CLOSED,), State.ENDED, Outcome.FAILURE),
    ),
)
