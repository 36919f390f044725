"""What a conversation engine is asked and what it says: the seam between the rules and whoever keeps them.

Every engine that is compared here is a `Judge`. Times are seconds on one clock that never goes back. A judge
first lets the time of the act pass (deadlines, times to live), then judges the act.

Session states by protocol, as `Standing.sessions` names them while a conversation is live:

* one to one: SENT, AGREED, ACTIVE (subscribe), PROXIED (brokering, recruiting; the broker's);
* contract nets: CFP, PROP, ACC; REFUSED, NORESP, NU, REJECTED, DONE, FAILED;
* auctions: IN (no bid in this round), BID (an open bid), ACC (its bid of this round was accepted), REJECTED
  (its bid of this round was rejected), OUT (did not understand the call); NU;
* everywhere: CANCELLING, CANCELLED, DEAD.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

Automatic: TypeAlias = tuple[str, str, str]
"""A message that the engine sends by itself: performative, receiver, reason."""

LIVE = ("Initiated", "InProgress")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One message as it reaches the engine. The performative may be any text."""

    at_s: float
    sender: str
    receivers: tuple[str, ...]
    performative: str
    conversation_id: str | None
    protocol: str | None
    message_id: str
    reply_with: str | None = None
    in_reply_to: str | None = None
    reply_by_s: float | None = None
    """The latest time for the next message, on the clock of `at_s`."""
    ttl_s: float | None = None
    max_awards: int | None = None
    max_messages: int | None = None
    kind: str | None = None
    price: float | None = None
    result: str | None = None
    targets: tuple[str, ...] = ()

    def lapsed(self, at_s: float) -> bool:
        """Tell whether the time has passed by which this message wants the next."""
        return self.reply_by_s is not None and at_s > self.reply_by_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of a message, and the state of its conversation after it; no state, no conversation."""

    accepted: bool
    reason: str | None
    state: str | None
    automatic: tuple[Automatic, ...] = ()
    awards: bool = False
    """Whether it awards something: the acceptance of a proposal or a bid that was called for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a conversation stands. Sessions and messages mean something while it is live."""

    state: str
    outcome: str | None
    sessions: dict[str, str]
    messages: int


class Judge(Protocol):
    """A conversation engine."""

    def submit(self, act: Said) -> Verdict:
        """Judge a message; a refused one changes nothing."""
        ...

    def tick(self, at_s: float) -> None:
        """Let time pass until `at_s`."""
        ...

    def died(self, at_s: float, agent: str) -> None:
        """Hear that an agent is gone."""
        ...

    def conversation(self, conversation_id: str) -> Standing | None:
        """Tell how a conversation stands, None when there is none."""
        ...


class MakeJudge(Protocol):
    """Makes a judge with its defaults; None stands for no such limit."""

    def __call__(self, *, reply_by_s: float | None = 30, ttl_s: float | None = 300) -> Judge: ...
