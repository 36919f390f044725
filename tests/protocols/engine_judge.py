"""The core's verdicts as a judge: the very functions that the server runs, on the test's own clock."""

from typing import Final

from caxton.protocols.catalogue import PROTOCOLS
from caxton.protocols.compiled import compile_protocols
from caxton.protocols.row import Kind, Outcome, Protocol, Role, State
from tests.core_doors import load
from tests.protocols.judge import Said, Standing, Verdict

_NS: Final = 1_000_000_000
_SESSIONS: Final = {
    State.CALLED: "CFP",
    State.PROPOSED: "PROP",
    State.AWARDED: "ACC",
    State.SILENT: "NORESP",
    State.NOT_UNDERSTOOD: "NU",
    State.IDLE: "IN",
    State.OUTBID: "REJECTED",
    State.WINNING: "ACC",
}
_OUTCOMES: Final = {outcome: outcome.name.lower().replace("_", "-") for outcome in Outcome} | {
    Outcome.BUDGET_EXCEEDED: "budget_exceeded",
}


class EngineJudge:
    """A conversation table of the core, with its wheel."""

    def __init__(
        self,
        *,
        reply_by_s: float | None = 30,
        ttl_s: float | None = 300,
        protocols: tuple[Protocol, ...] = PROTOCOLS,
    ) -> None:
        self._door = load("verdict_door").VerdictDoor(
            compile_protocols(protocols),
            reply_ns=0 if reply_by_s is None else round(reply_by_s * _NS),
            ttl_ns=0 if ttl_s is None else round(ttl_s * _NS),
            # The rules know no end of memory; that the core forgets in time has tests of its own.
            forgets=False,
        )
        self._start_ns: Final[int] = self._door.now_ns
        self._numbers: Final[dict[str, int]] = {}
        self._names: Final[dict[int, str]] = {}

    def submit(self, act: Said) -> Verdict:
        """See `Judge`."""
        self.tick(act.at_s)
        reason, state, answer, outbid, awards = self._door.submit(
            sender=self._number(act.sender),
            receivers=tuple(map(self._number, act.receivers)),
            performative=act.performative.encode(),
            conversation=_text(act.conversation_id),
            protocol=_text(act.protocol),
            message_id=act.message_id.encode(),
            reply_with=_text(act.reply_with),
            in_reply_to=_text(act.in_reply_to),
            reply_by_ns=self._ns(act.reply_by_s),
            # Limits of conversations without a protocol are not FIPA's: they have tests of their own.
            ttl_ns=0 if act.ttl_s is None or act.protocol is None else round(act.ttl_s * _NS),
            max_awards=act.max_awards or 0,
            messages_max=act.max_messages or 0,
            kind=_kind(act),
            price=act.price,
            targets=tuple(map(self._number, act.targets)),
        )
        automatic = [("reject-proposal", self._names[agent], "outbid") for agent in outbid]
        if answer is not None:
            automatic.append((answer, act.sender, reason))
        return Verdict(
            accepted=reason is None,
            reason=reason,
            state=state,
            automatic=tuple(sorted(automatic)),
            awards=awards,
        )

    def tick(self, at_s: float) -> None:
        """See `Judge`."""
        self._door.turn(self._ns(at_s))

    def died(self, at_s: float, agent: str) -> None:
        """See `Judge`."""
        self.tick(at_s)
        self._door.died(self._number(agent))

    def conversation(self, conversation_id: str) -> Standing | None:
        """See `Judge`."""
        found = self._door.standing(conversation_id.encode())
        if found is None:
            return None
        state, outcome, sessions, messages = found
        return Standing(
            state=state,
            outcome=None if outcome == Outcome.NONE else _OUTCOMES[Outcome(outcome)],
            sessions={
                self._names[agent]: "CANCELLING" if cancelling else _SESSIONS.get(number, State(number).name)
                for agent, number, cancelling, role in sessions
                if role != Role.TARGET
            },
            messages=messages,
        )

    def _ns(self, at_s: float | None) -> int:
        return 0 if at_s is None else self._start_ns + round(at_s * _NS)

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        self._names[number] = name
        return number


def _text(text: str | None) -> bytes:
    return b"" if text is None else text.encode()


def _kind(act: Said) -> int:
    if act.kind is None:
        return Kind.ABSENT
    word = act.kind.upper().replace("-", "_")
    kind = Kind[word] if word in Kind.__members__ and word not in {"ABSENT", "END_UNSOLD"} else Kind.OTHER
    return Kind.END_UNSOLD if kind is Kind.END and act.result == "unsold" else kind
