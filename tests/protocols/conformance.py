"""The conformance cases of `cases.json` as events for a judge, and what is expected after each.

A step's message id is made from its number. `reply_by` counts from the opening act, in iterated nets and
auctions from each cfp; it and the other limits of a case stand in the messages, so that no judge's defaults
matter.
"""

from pathlib import Path

import msgspec

from tests.protocols.judge import Said
from tests.protocols.trace import Died, Event, Passed

CASES_PATH = Path(__file__).parent / "cases.json"
CALLS = frozenset(
    ("request", "query-if", "query-ref", "request-when", "cfp", "proxy", "subscribe", "propose")
)


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    reply_by: float | None
    ttl: float
    max_awards: int | None = None


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    initiator: str
    targets: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True):
    kind: str | None = None
    price: float | None = None
    result: str | None = None


class CaseStep(msgspec.Struct, frozen=True, kw_only=True):
    t: float
    sender: str | None = msgspec.field(name="from")
    to: str | tuple[str, ...]
    performative: str
    in_reply_to_step: int | None
    content: Content = Content()
    conversation_id: str = "c1"
    protocol: str | None = None
    reply_by_at: float | None = None
    duplicate_of_step: int | None = None


class AutoReply(msgspec.Struct, frozen=True, kw_only=True):
    performative: str
    to: str


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    accepted: bool
    reason_kind: str | None
    state_after: str | None
    auto_reply: tuple[AutoReply, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    protocol: str
    roles: Roles
    timeouts: Timeouts
    steps: tuple[CaseStep, ...]
    expected: tuple[Expected, ...]
    final_state: str
    outcome: str | None
    other_final: dict[str, tuple[str, str | None]] = {}


def read_cases() -> list[Case]:
    return msgspec.json.decode(CASES_PATH.read_bytes(), type=list[Case])


def event_of(case: Case, number: int) -> Event:
    """Return what happens in a step; steps are numbered from 1."""
    step = case.steps[number - 1]
    receivers = (step.to,) if isinstance(step.to, str) else step.to
    if step.performative == "@tick":
        return Passed(at_s=step.t)
    if step.sender is None:
        assert step.performative == "@agent-died"
        return Died(at_s=step.t, agent=receivers[0])
    reply_by_s = step.reply_by_at
    if reply_by_s is None and case.timeouts.reply_by is not None and step.performative in CALLS:
        reply_by_s = step.t + case.timeouts.reply_by if step.in_reply_to_step is None else None
    about = step.in_reply_to_step
    return Said(
        at_s=step.t,
        sender=step.sender,
        receivers=receivers,
        performative=step.performative,
        conversation_id=step.conversation_id,
        protocol=case.protocol if step.protocol is None else step.protocol,
        message_id=f"m{number if step.duplicate_of_step is None else step.duplicate_of_step}",
        in_reply_to=None if about is None else f"m{about}",
        reply_by_s=reply_by_s,
        ttl_s=case.timeouts.ttl,
        max_awards=case.timeouts.max_awards,
        kind=step.content.kind,
        price=step.content.price,
        result=step.content.result,
        targets=case.roles.targets if step.performative == "proxy" else (),
    )
