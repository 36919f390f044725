"""Random talk in all protocols, judged twice: whatever is said, every judge shows what the model shows.

The traces are the same each time; CAXTON_SEARCH=1 writes others, and more of them. A difference is printed
with its seed and cut down to what it needs.
"""

import os
from collections import Counter
from random import SystemRandom

import pytest

from tests.protocols.dialogue import PROTOCOLS
from tests.protocols.difference import first_difference, report, shrunk
from tests.protocols.judge import Said
from tests.protocols.judges import JUDGES
from tests.protocols.model import Model, fipa_rules
from tests.protocols.nets import ContractNet
from tests.protocols.outcomes import EVERYTHING, OUTCOMES
from tests.protocols.record import Conversation, Refusal, Session
from tests.protocols.world import World

SEARCHES = bool(os.environ.get("CAXTON_SEARCH"))
SEED = f"{SystemRandom().getrandbits(64):x}" if SEARCHES else "steady"
WORLDS = 500 if SEARCHES else 200
STEPS = 500


@pytest.mark.slow
@pytest.mark.timeout(600 if SEARCHES else 120)
@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_shows_what_the_model_shows_whatever_is_said(name: str) -> None:
    make = JUDGES[name]
    met: Counter[tuple[str, str]] = Counter()
    for number in range(WORLDS):
        world = World(f"{SEED}.{number}", Model(), PROTOCOLS)
        trace = world.write(STEPS)
        steps = [shown.step for shown in trace]
        if first_difference(make(), steps, [shown.seen for shown in trace]) is not None:
            pytest.fail(f"seed {SEED}.{number}: {report(Model, make, steps)}")
        met += world.coverage
    assert not EVERYTHING - set(met), f"seed {SEED}: never met"
    assert not {one for one in met if one[0] != "automatic"} - EVERYTHING, f"seed {SEED}: met unannounced"


def test_the_same_seed_writes_the_same_trace() -> None:
    first, second, third = (World(seed, Model(), PROTOCOLS).write(300) for seed in ("a", "a", "b"))
    assert first == second
    assert first != third


def test_the_outcomes_are_those_of_the_protocols() -> None:
    assert set(OUTCOMES) == set(PROTOCOLS) == set(fipa_rules())


class Hasty(ContractNet):
    """A contract net with a planted fault: nothing is in time at the deadline itself."""

    def check_participant(self, conversation: Conversation, session: Session, act: Said) -> Refusal | None:
        if act.performative == "propose" and act.at_s == conversation.deadline:
            return Refusal("late", "reject-proposal")
        return super().check_participant(conversation, session, act)


def hasty() -> Model:
    return Model(rules=fipa_rules() | {"fipa-contract-net": Hasty()})


def test_a_planted_fault_is_found_and_cut_down_to_two_steps() -> None:
    for number in range(WORLDS):
        trace = World(f"fault.{number}", Model(), ("fipa-contract-net",)).write(STEPS)
        steps = [shown.step for shown in trace]
        if first_difference(hasty(), steps, [shown.seen for shown in trace]) is not None:
            break
    else:
        pytest.fail("the fault was not found")
    kept = shrunk(Model, hasty, steps)
    assert len(kept) == 2
    text = report(Model, hasty, steps)
    assert "they differ after step 2 of these:" in text
    assert "reason='late'" in text


def test_judges_that_agree_have_nothing_to_cut_down() -> None:
    steps = [shown.step for shown in World("same", Model(), PROTOCOLS).write(50)]
    with pytest.raises(ValueError, match="agree"):
        shrunk(Model, Model, steps)
