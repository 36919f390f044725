"""A conversation in the making: who takes part, what has been accepted, and what might be said next.

A dialogue knows the rules only as a talkative agent does: it says mostly what fits the session states that
the judge shows, in weighted choice. The world that it is part of then makes some of it wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.protocols.judge import LIVE, Judge, Said, Standing, Verdict

PAIRS: Final = {
    "fipa-request": ("request",),
    "fipa-query": ("query-if", "query-ref"),
    "fipa-request-when": ("request-when",),
    "fipa-brokering": ("proxy",),
    "fipa-recruiting": ("proxy",),
    "fipa-subscribe": ("subscribe",),
    "fipa-propose": ("propose",),
}
NETS: Final = ("fipa-contract-net", "fipa-iterated-contract-net")
AUCTIONS: Final = ("fipa-auction-english", "fipa-auction-dutch")
PROTOCOLS: Final = (*PAIRS, *NETS, *AUCTIONS)
FAILURES: Final = (None, None, "no-match", "proxy", "brokering", "odd")


@dataclass(slots=True)
class Draft:
    """A message before it is said."""

    sender: str
    receivers: tuple[str, ...]
    performative: str
    about: Said | None = None
    kind: str | None = None
    price: float | None = None
    result: str | None = None
    reply_by_s: float | None = None
    targets: tuple[str, ...] = ()
    ttl_s: float | None = None
    max_awards: int | None = None
    max_messages: int | None = None


Choices = list[tuple[float, Draft]]


@dataclass(slots=True)
class Dialogue:
    """One conversation of a trace."""

    rng: Random
    conversation_id: str
    protocol: str
    initiator: str
    participants: tuple[str, ...]
    targets: tuple[str, ...]
    stranger: str
    accepted: list[Said] = field(default_factory=list[Said])
    was: dict[str, str] = field(default_factory=dict[str, str])
    """The last state of each session before it was CANCELLING."""
    steps: int = 0
    steps_after_end: int = 0

    def heard(self, event: Said, verdict: Verdict) -> None:
        if verdict.accepted and event.conversation_id == self.conversation_id and verdict.state is not None:
            if not self.accepted:
                self.initiator, self.participants = event.sender, event.receivers
            self.accepted.append(event)

    def last(self, *performatives: str, sender: str | None = None, to: str | None = None) -> Said | None:
        """Find the last accepted message of a kind."""
        for message in reversed(self.accepted):
            fits = not performatives or message.performative in performatives
            if fits and sender in (None, message.sender) and (to is None or to in message.receivers):
                return message
        return None

    def tempting_times(self, now: float) -> list[float]:
        """List the next moments at which something may turn late, and just after."""
        last = self.accepted[-1].at_s
        opening = self.accepted[0]
        times = [one.at_s + 30 if one.reply_by_s is None else one.reply_by_s for one in self.accepted]
        times.append(last + (300 if opening.ttl_s is None else opening.ttl_s))
        ahead = sorted({time + more for time in times for more in (0, 0.25) if time + more > now})
        if self.protocol not in NETS and len(self.accepted) > 1 and self.rng.random() < 0.3:
            # No deadline is left that could end it before: the time to live may.
            return ahead[-2:]
        return ahead[:2]

    @property
    def at_stake(self) -> bool:
        """Whether somebody has just been awarded something, so that a death matters."""
        last = self.accepted[-1] if self.accepted else None
        return last is not None and (last.performative == "accept-proposal" or last.kind == "end")

    # --- what might be said --------------------------------------------------------------------------------

    def draft(self, judge: Judge, now: float) -> Draft:
        """Choose what to say next."""
        standing = judge.conversation(self.conversation_id)
        if standing is None:
            return self.opening(now)
        for agent, state in standing.sessions.items():
            if state != "CANCELLING":
                self.was[agent] = state
        if standing.state not in LIVE or not standing.sessions:
            return self.afterwards()
        if self.protocol in PAIRS:
            choices = self.pair(standing)
        elif self.protocol in NETS:
            choices = self.net(standing, now)
        else:
            choices = self.auction(standing)
        return self.rng.choices([draft for _, draft in choices], [weight for weight, _ in choices])[0]

    def opening(self, now: float) -> Draft:
        rng = self.rng
        draft = Draft(self.initiator, self.participants, "inform")
        if self.protocol in PAIRS:
            draft.performative = rng.choice(PAIRS[self.protocol])
        elif self.protocol in NETS:
            draft.performative = "cfp"
            draft.max_awards = rng.choice((None, None, 1, 2))
        else:
            draft.kind = rng.choice(("start", None))
        if self.protocol == "fipa-recruiting" and rng.random() < 0.6:
            draft.targets = self.targets
        if rng.random() < 0.3:
            draft.reply_by_s = now + rng.choice((0, 5, 20, 60, 310))
        if rng.random() < 0.3:
            draft.ttl_s = rng.choice((200, 250, 300))
        if rng.random() < 0.06:
            draft.max_messages = rng.randint(1, 6)
        return draft

    def afterwards(self) -> Draft:
        """Say something to a conversation that has ended."""
        said = self.rng.choice(self.accepted)
        if self.rng.random() < 0.25:
            return Draft(self.initiator, self.participants, self.accepted[0].performative)
        act = self.rng.choice(("propose", "inform", "cancel", "not-understood", "refuse", said.performative))
        return Draft(said.receivers[0], (said.sender,), act, said)

    def to_initiator(
        self, agent: str, performative: str, about: Said | None, kind: str | None = None
    ) -> Draft:
        return Draft(agent, (self.initiator,), performative, about, kind)

    def cancelling(self, agent: str) -> Choices:
        cancel = self.last("cancel", to=agent)
        return [
            (2, self.to_initiator(agent, "inform", cancel)),
            (1.5, self.to_initiator(agent, "failure", cancel)),
            (0.3, self.to_initiator(agent, "not-understood", cancel)),
            (0.5, self.to_initiator(agent, self.rng.choice(("inform", "failure")), None)),
            (0.3, Draft(self.initiator, (agent,), "cancel")),
        ]

    def pair(self, standing: Standing) -> Choices:
        (agent,) = self.participants
        state = standing.sessions[agent]
        choices = self.cancelling(agent) if state == "CANCELLING" else []
        state = self.was[agent] if state == "CANCELLING" else state
        opening = self.accepted[0]
        broker = self.protocol in ("fipa-brokering", "fipa-recruiting")
        result = self.rng.choice((None, "done", "result", "done-proxy"))
        weights = {
            "SENT": {"agree": 4, "refuse": 0.7, "inform": 0.3 if broker else 1.5, "failure": 0.7},
            "AGREED": {"agree": 0.3, "refuse": 0.2, "inform": 0.5 if broker else 2, "failure": 0.9},
            "ACTIVE": {"agree": 0.2, "refuse": 0.1, "inform": 4, "failure": 0.4},
            "PROXIED": {"agree": 0.2, "refuse": 0.1, "inform": 1, "failure": 0.8},
        }[state]
        if self.protocol == "fipa-propose":
            weights = {"accept-proposal": 1, "reject-proposal": 1, "agree": 0.2}
        weights |= {"not-understood": 0.5 if state == "SENT" else 0.1}
        for performative, weight in weights.items():
            kind = self.rng.choice(FAILURES) if performative == "failure" else result
            choices.append((weight, self.to_initiator(agent, performative, opening, kind)))
        if broker and state in ("AGREED", "PROXIED"):
            weight = 4 if state == "AGREED" else 0.3
            choices.append((weight, self.to_initiator(agent, "inform", opening, "done-proxy")))
        for _, draft in choices:
            if self.protocol == "fipa-recruiting" and self.rng.random() < 0.7:
                draft.targets = self.targets
        for target in self.targets:
            act = self.rng.choice(("inform", "inform", "failure", "not-understood", "agree"))
            choices.append((1.2 if state == "PROXIED" else 0.4, self.to_initiator(target, act, opening)))
        choices.append((0.6, Draft(self.initiator, (agent,), "cancel", self.last())))
        said = self.last(sender=agent)
        choices.append((0.25, Draft(self.initiator, (agent,), "not-understood", said)))
        return choices

    def net(self, standing: Standing, now: float) -> Choices:
        rng = self.rng
        choices: Choices = []
        pending = [agent for agent, state in standing.sessions.items() if state == "PROP"]
        for agent, shown in standing.sessions.items():
            if shown == "CANCELLING":
                choices += self.cancelling(agent)
            state = self.was.get(agent, shown) if shown == "CANCELLING" else shown
            call, award = self.last("cfp", to=agent), self.last("accept-proposal", to=agent)
            proposal = self.last("propose", sender=agent)
            if state in ("CFP", "NORESP"):
                weight = 1.0 if state == "CFP" else 0.15
                for act, share in (
                    ("propose", 4),
                    ("refuse", 0.8),
                    ("not-understood", 0.5),
                    ("failure", 0.2),
                ):
                    choices.append((weight * share, self.to_initiator(agent, act, call)))
            elif state == "PROP":
                choices += [
                    (1.5, Draft(self.initiator, (agent,), "accept-proposal", proposal)),
                    (0.8, Draft(self.initiator, (agent,), "reject-proposal", proposal)),
                    (0.25, Draft(self.initiator, (agent,), "not-understood", proposal)),
                    (0.2, self.to_initiator(agent, rng.choice(("propose", "refuse", "failure")), call)),
                ]
            elif state == "ACC":
                kind = rng.choice((None, "done", "result"))
                choices += [
                    (2.5, self.to_initiator(agent, "inform", award, kind)),
                    (1, self.to_initiator(agent, "failure", award)),
                    (0.2, self.to_initiator(agent, "not-understood", award)),
                    (
                        0.1,
                        self.to_initiator(
                            agent, rng.choice(("propose", "refuse")), rng.choice((call, award))
                        ),
                    ),
                ]
            elif state != "DEAD":
                act = rng.choice(("propose", "refuse", "inform", "failure", "not-understood"))
                choices.append((0.15, self.to_initiator(agent, act, rng.choice((call, award)))))
            else:
                act = rng.choice(("accept-proposal", "reject-proposal", "cancel", "not-understood"))
                choices.append((0.2, Draft(self.initiator, (agent,), act, rng.choice((proposal, None)))))
            act = rng.choice(("accept-proposal", "reject-proposal"))
            choices.append((0.1, Draft(self.initiator, (agent,), act, proposal)))
        if len(pending) > 1:
            act = rng.choice(("accept-proposal", "reject-proposal", "not-understood"))
            choices.append((0.6, Draft(self.initiator, tuple(pending), act)))
        again = tuple(rng.sample(pending, rng.randint(1, len(pending)))) if pending else ()
        if again and self.protocol == NETS[1]:
            reply_by_s = rng.choice((None, None, now + 5, now + 40))
            choices.append((1.2, Draft(self.initiator, again, "cfp", self.last(), reply_by_s=reply_by_s)))
        return choices + self.cancels()

    def auction(self, standing: Standing) -> Choices:
        rng = self.rng
        choices: Choices = []
        call = self.last("cfp")
        price = 50.0 if call is None or call.price is None else call.price
        english = self.protocol == AUCTIONS[0]
        acts = ("cfp", "accept-proposal", "inform") if english else ("cfp", "inform")
        turn = self.last(*acts, sender=self.initiator)
        phase = "STARTED" if turn is None or turn is self.accepted[0] else turn.performative
        there = tuple(agent for agent, state in standing.sessions.items() if state in LIVE_BIDDERS)
        for agent, shown in standing.sessions.items():
            if shown == "CANCELLING":
                choices += self.cancelling(agent)
            state = self.was.get(agent, shown) if shown == "CANCELLING" else shown
            bid, called = self.last("propose", sender=agent), self.last("cfp", to=agent)
            if state == "BID":
                choices += [
                    (1.2 if phase == "cfp" else 0.3, Draft(self.initiator, (agent,), "accept-proposal", bid)),
                    (0.5, Draft(self.initiator, (agent,), "reject-proposal", bid)),
                    (0.2, Draft(self.initiator, (agent,), "not-understood", bid)),
                ]
            offer = price + (rng.choice((0, 0, 0, 3, -1)) if english else rng.choice((0, 0, 0, 0, -1, 1)))
            weight = (2 if phase == "cfp" else 0.6) if state == "IN" else 0.15
            if state != "DEAD":
                propose = self.to_initiator(agent, "propose", called)
                propose.price = offer
                choices.append((weight, propose))
                choices.append((weight / 5, self.to_initiator(agent, "not-understood", called)))
            if english:
                weight = 1.5 if phase == "inform" else 0.05
                choices.append((weight, Draft(self.initiator, (agent,), "request", self.last())))
            act = rng.choice(("accept-proposal", "reject-proposal"))
            choices.append((0.1, Draft(self.initiator, (agent,), act, bid)))
        step = rng.choice((1, 5)) * (1 if english else -1)
        ready = {"STARTED": 5, "accept-proposal": 2, "cfp": 0.3 if english else 1}.get(phase, 0.1)
        some = tuple(rng.sample(there, rng.randint(1, len(there)))) if there and rng.random() < 0.3 else there
        if some:
            choices.append((ready, Draft(self.initiator, some, "cfp", price=price + step)))
            ending = 0.05 if phase == "STARTED" else (1.2 if phase == "accept-proposal" else 0.5)
            result = rng.choice((None, "sold", "sold", "unsold"))
            told = there if rng.random() < 0.7 else (rng.choice(self.participants),)
            choices.append((ending, Draft(self.initiator, told, "inform", kind="end", result=result)))
        return choices + self.cancels()

    def cancels(self) -> Choices:
        some = tuple(self.rng.sample(self.participants, self.rng.randint(1, len(self.participants))))
        return [(0.3, Draft(self.initiator, some, "cancel", self.last()))]

    def say(self, draft: Draft, now: float, message_id: str, cited: str | None) -> Said:
        """Make the message of a draft; `cited` is its in_reply_to."""
        return Said(
            at_s=now,
            sender=draft.sender,
            receivers=draft.receivers,
            performative=draft.performative,
            conversation_id=self.conversation_id,
            protocol=self.protocol,
            message_id=message_id,
            reply_with=f"r-{message_id}" if self.rng.random() < 0.4 else None,
            in_reply_to=cited,
            reply_by_s=draft.reply_by_s,
            ttl_s=draft.ttl_s,
            max_awards=draft.max_awards,
            max_messages=draft.max_messages,
            kind=draft.kind,
            price=draft.price,
            result=draft.result,
            targets=draft.targets,
        )


LIVE_BIDDERS: Final = ("IN", "BID", "ACC", "REJECTED", "OUT")


def citation(rng: Random, about: Said | None, accepted: Sequence[Said]) -> str | None:
    """Choose what a message cites: mostly what it is about, by id or by reply_with; at times another."""
    chance = rng.random()
    if chance < 0.08:
        return None
    if chance < 0.13 and accepted:
        about = rng.choice(accepted)
    if about is None:
        return None
    return about.reply_with if about.reply_with is not None and rng.random() < 0.5 else about.message_id
