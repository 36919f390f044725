"""A trace: what happens to a judge, step by step, and what can be seen of the judge after each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tests.protocols.judge import LIVE, Judge, Said, Standing, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """Nothing happens until `at_s`."""

    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Died:
    """An agent is gone."""

    at_s: float
    agent: str


Event: TypeAlias = Said | Passed | Died


class Step(NamedTuple):
    """An event, and the conversations to look at after it."""

    event: Event
    conversations: tuple[str, ...]


class Seen(NamedTuple):
    """What a judge shows after a step: its verdict on a message, and how the conversations stand."""

    verdict: Verdict | None
    standings: tuple[Standing | None, ...]


def happen(judge: Judge, event: Event) -> Verdict | None:
    """Let an event happen to a judge; a message has a verdict."""
    match event:
        case Said():
            return judge.submit(event)
        case Passed(at_s=at_s):
            judge.tick(at_s)
        case Died(at_s=at_s, agent=agent):
            judge.died(at_s, agent)
    return None


def see(judge: Judge, step: Step) -> Seen:
    """Let a step happen and look. Of an ended conversation only its state and outcome mean something."""
    verdict = happen(judge, step.event)
    return Seen(verdict, tuple(_meaning(judge.conversation(one)) for one in step.conversations))


def _meaning(standing: Standing | None) -> Standing | None:
    if standing is None or standing.state in LIVE:
        return standing
    return Standing(state=standing.state, outcome=standing.outcome, sessions={}, messages=0)


def told(event: Event) -> str:
    """Write an event in a line."""
    if isinstance(event, Passed):
        return f"t={event.at_s:g} time passes"
    if isinstance(event, Died):
        return f"t={event.at_s:g} {event.agent} dies"
    names = ("protocol", "reply_with", "reply_by_s", "ttl_s", "max_awards", "max_messages", "kind", "price")
    values = {name: getattr(event, name) for name in (*names, "result", "targets")}
    extra = "".join(f" {name}={value}" for name, value in values.items() if value not in (None, ()))
    about = "" if event.in_reply_to is None else f" re {event.in_reply_to}"
    return (
        f"t={event.at_s:g} [{event.conversation_id}] {event.message_id}: {event.sender} -> "
        f"{','.join(event.receivers)} {event.performative}{about}{extra}"
    )


def told_all(steps: Sequence[Step]) -> str:
    """Write a trace, a line for each step."""
    return "\n".join(told(step.event) for step in steps)
