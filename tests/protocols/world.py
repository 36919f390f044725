"""A world of a few dialogues at once, from which a trace is written.

The trace is decided by the seed and by what the reference judge shows; the other judges get the same events.
Ended conversations are spoken to only soon after their end: how long a judge remembers them is its own
affair. An agent that has died does not speak again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from caxton.domain.performative import PERFORMATIVES
from tests.protocols.dialogue import AUCTIONS, NETS, PAIRS, Dialogue, citation
from tests.protocols.judge import LIVE, Judge, Said
from tests.protocols.trace import Died, Event, Passed, Seen, Step, see

TOGETHER: Final = 3
STEPS_MAX: Final = 40
"""Steps of one dialogue, after which it is left as it stands."""
ACTS: Final = tuple(str(performative) for performative in PERFORMATIVES)


class Shown(NamedTuple):
    """A step and what the reference judge showed after it."""

    step: Step
    seen: Seen


class World:
    """Writes one trace."""

    def __init__(self, seed: str, judge: Judge, protocols: Sequence[str]) -> None:
        self._rng = Random(seed)
        self._judge = judge
        self._protocols = protocols
        self._now = 0.0
        self._started = 0
        self._messages = 0
        self._dead: set[str] = set()
        self._dialogues: list[Dialogue] = []
        self.coverage: Counter[tuple[str, str]] = Counter()

    def write(self, steps: int) -> list[Shown]:
        """Write a trace of so many steps."""
        return [self._step() for _ in range(steps)]

    def _step(self) -> Shown:
        while len(self._dialogues) < TOGETHER:
            self._dialogues.append(self._start())
        dialogue = self._rng.choice(self._dialogues)
        event = self._event(dialogue)
        if isinstance(event, Said):
            looked_at = [event.conversation_id] if event.conversation_id is not None else []
        else:
            looked_at = [one.conversation_id for one in self._dialogues]
        step = Step(event, tuple(looked_at))
        seen = see(self._judge, step)
        self._count(event, seen)
        if isinstance(event, Said) and seen.verdict is not None:
            dialogue.heard(event, seen.verdict)
        self._leave(dialogue)
        return Shown(step, seen)

    def _start(self) -> Dialogue:
        """Begin a dialogue; two in a row are among the same agents."""
        number = self._started
        self._started += 1
        protocol = self._protocols[number % len(self._protocols)]
        names = [f"a{number // 2}.{place}" for place in range(7)]
        self._rng.shuffle(names)
        several = 1 if protocol in PAIRS else self._rng.choice((1, 2, 2, 3, 3, 4))
        targets = tuple(names[5:6]) if protocol == "fipa-recruiting" else ()
        return Dialogue(
            self._rng, f"c{number}", protocol, names[0], tuple(names[1 : 1 + several]), targets, names[6]
        )

    def _leave(self, dialogue: Dialogue) -> None:
        standing = self._judge.conversation(dialogue.conversation_id)
        dialogue.steps_after_end += standing is not None and standing.state not in LIVE
        dialogue.steps += 1
        if dialogue.steps_after_end > self._rng.randint(0, 2) or dialogue.steps > STEPS_MAX:
            self._dialogues.remove(dialogue)

    # --- time and death ------------------------------------------------------------------------------------

    def _event(self, dialogue: Dialogue) -> Event:
        chance = self._rng.random()
        ended = dialogue.steps_after_end > 0
        if dialogue.accepted and not ended and chance < 0.04:
            self._jump(dialogue)
        elif chance < 0.7 or ended:
            self._now += self._rng.choice((0, 0, 0.25, 0.5, 1))
        else:
            self._now += self._rng.choice((1, 2, 3, 5))
        chance = self._rng.random()
        if chance < 0.02:
            return Passed(at_s=self._now)
        if chance < (0.1 if dialogue.at_stake and not ended else 0.04):
            agent = self._rng.choice((dialogue.initiator, *dialogue.participants * 3, *dialogue.targets))
            self._dead.add(agent)
            return Died(at_s=self._now, agent=agent)
        return self._said(dialogue)

    def _jump(self, dialogue: Dialogue) -> None:
        """Go to a moment at which something turns late, and leave alone what ended long before it."""
        ahead = self._rng.choice(dialogue.tempting_times(self._now) or [self._now])
        self._dialogues = [
            one
            for one in self._dialogues
            if one is dialogue or ahead - self._now <= (20 if one.steps_after_end else 100)
        ]
        self._now = ahead

    # --- what is said --------------------------------------------------------------------------------------

    def _said(self, dialogue: Dialogue) -> Event:
        draft = dialogue.draft(self._judge, self._now)
        self._messages += 1
        message_id = f"m{self._messages}"
        said = dialogue.say(draft, self._now, message_id, citation(self._rng, draft.about, dialogue.accepted))
        if said.performative == "propose" and dialogue.protocol in (*NETS, *AUCTIONS) and self._chance(0.15):
            said = replace(said, reply_by_s=self._now + self._rng.choice((0, 2, 10, 40)))
        if self._chance(0.1):
            said = replace(said, protocol=None)
        if self._chance(0.2 if dialogue.accepted else 0.12):
            said = self._spoilt(dialogue, said)
        if said.sender in self._dead:
            return Passed(at_s=self._now)
        return said

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _spoilt(self, dialogue: Dialogue, said: Said) -> Said:
        """Make one thing wrong, or at least unusual."""
        rng = self._rng
        everybody = (dialogue.initiator, *dialogue.participants, *dialogue.targets, dialogue.stranger)
        match rng.randrange(16):
            case 0:
                return replace(said, sender=dialogue.stranger)
            case 1:
                return replace(said, receivers=tuple(rng.sample(everybody, rng.randint(1, 3))))
            case 2 | 3:
                return replace(said, performative=rng.choice(ACTS))
            case 4:
                return replace(said, sender=said.receivers[0], receivers=(said.sender,))
            case 5:
                return replace(said, in_reply_to="m0")
            case 6 | 7 if dialogue.accepted:
                return replace(said, in_reply_to=rng.choice(dialogue.accepted).message_id)
            case 8:
                return replace(said, protocol=rng.choice(("fipa-request", "fipa-contract-net", "fipa-duel")))
            case 9:
                odd = rng.choice((said.conversation_id, None, f"{said.conversation_id}-other"))
                return replace(said, conversation_id=odd, protocol=rng.choice((said.protocol, None)))
            case 10 if dialogue.accepted:
                again = rng.choice(dialogue.accepted)
                if rng.random() < 0.5:
                    return replace(again, at_s=said.at_s)
                return replace(said, message_id=again.message_id)
            case 11:
                return replace(said, performative=rng.choice(("tell", "", "achieve")))
            case 12:
                return replace(said, reply_by_s=said.at_s + rng.choice((-0.25, -30, 0)))
            case 13 if dialogue.accepted:
                opening = dialogue.accepted[0]
                return replace(opening, at_s=said.at_s, message_id=said.message_id, reply_by_s=None)
            case 14:
                price = None if said.price is None else rng.choice((None, said.price + 1, said.price - 1))
                return replace(said, kind=rng.choice((None, "start", "end", "result", "odd")), price=price)
            case _:
                return replace(said, receivers=tuple(rng.sample(dialogue.participants, 1)))

    # --- what has occurred ---------------------------------------------------------------------------------

    def _count(self, event: Event, seen: Seen) -> None:
        if seen.verdict is not None and seen.verdict.reason is not None:
            self.coverage["reason", seen.verdict.reason] += 1
        if seen.verdict is not None:
            for performative, _, reason in seen.verdict.automatic:
                self.coverage["automatic", f"{performative} {reason}"] += 1
        for one in self._dialogues:
            standing = self._judge.conversation(one.conversation_id)
            if standing is not None and standing.state not in LIVE and one.steps_after_end == 0:
                self.coverage[one.protocol, f"{standing.state}({standing.outcome})"] += 1
