"""The index of capabilities says the same as a plain dict, and finds without looking at everybody."""

import time
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caxton.domain.ids import Capability
from caxton.runtime.directory import FIRST, Directory, Place

WORDS = ("a", "ab", "abc", "b", "ü")
words = st.sampled_from(WORDS)
sets = st.sets(words, max_size=3)
numbers = st.integers(min_value=1, max_value=9)


def _entered(directory: Directory, place: int, *capabilities: str, runs: bool = True) -> None:
    directory.enter(Place(place), map(Capability, capabilities), runs=runs)


class DirectoryModel(RuleBasedStateMachine):
    """Agents come, go, learn, forget, stop and start."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Directory()
        self.can: dict[int, set[str]] = {}
        self.runs: dict[int, bool] = {}

    @rule(place=numbers, capabilities=sets, runs=st.booleans())
    def enter(self, place: int, capabilities: set[str], runs: bool) -> None:
        if place not in self.can:
            _entered(self.directory, place, *sorted(capabilities), runs=runs)
            self.can[place] = set(capabilities)
            self.runs[place] = runs

    @rule(place=numbers)
    def leave(self, place: int) -> None:
        if place in self.can:
            self.directory.leave(Place(place))
            del self.can[place], self.runs[place]

    @rule(place=numbers, capability=words)
    def learn(self, place: int, capability: str) -> None:
        if place in self.can:
            self.directory.add(Place(place), Capability(capability))
            self.can[place].add(capability)

    @rule(place=numbers, capability=words)
    def forget(self, place: int, capability: str) -> None:
        if place in self.can:
            self.directory.remove(Place(place), capability)
            self.can[place].discard(capability)

    @rule(place=numbers, runs=st.booleans())
    def stop_or_start(self, place: int, runs: bool) -> None:
        if place in self.can:
            self.directory.set_running(Place(place), runs)
            self.runs[place] = runs

    @rule(capability=words)
    def take_turns(self, capability: str) -> None:
        able = sorted(place for place, can in self.can.items() if capability in can and self.runs[place])
        chosen: list[int] = []
        for _ in able:
            window = next(self.directory.turns(capability, 64, 1024))
            assert sorted(window) == able
            self.directory.took_turn(capability, window[0])
            chosen.append(window[0])
        assert sorted(chosen) == able

    @invariant()
    def names_agree(self) -> None:
        known = sorted({word for can in self.can.values() for word in can})
        assert list(self.directory.names()) == known
        assert len(self.directory) == len(known)
        assert [word for word in WORDS if word in self.directory] == known
        for prefix in ("a", "ab", "abcd", "c"):
            expected = [word for word in known if word.startswith(prefix)]
            assert list(self.directory.names(prefix)) == expected
            behind = [word for word in expected if word > "ab"]
            assert list(self.directory.names(prefix, after="ab")) == behind

    @invariant()
    def searches_agree(self) -> None:
        for wanted in (["a"], ["a", "b"], ["ab", "a", "ü"], ["nothing"], ["a", "nothing"]):
            able = sorted(place for place, can in self.can.items() if can.issuperset(wanted))
            running = [place for place in able if self.runs[place]]
            assert list(self.directory.holders(wanted)) == able
            assert list(self.directory.holders(wanted, running_only=True)) == running
            behind = list(self.directory.holders(wanted, after=Place(4)))
            assert behind == [place for place in able if place > 4]

    @invariant()
    def counts_agree(self) -> None:
        tally: dict[str, tuple[int, int]] = {}
        self.directory.tally(map(Place, self.can), tally)
        for word in WORDS:
            able = [place for place, can in self.can.items() if word in can]
            expected = (len(able), sum(self.runs[place] for place in able))
            assert self.directory.counts(word) == expected
            assert tally.get(word, (0, 0)) == expected


TestDirectoryModel = DirectoryModel.TestCase
TestDirectoryModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_turn_goes_on_where_the_last_one_ended_and_passes_each_once() -> None:
    directory = Directory()
    for place in range(1, 8):
        _entered(directory, place, "work")
    directory.took_turn("work", Place(5))
    assert list(directory.turns("work", 3, 1024)) == [[6, 7, 1], [2, 3, 4], [5]]
    assert list(directory.turns("work", 3, 5)) == [[6, 7, 1], [2, 3]]
    assert list(directory.turns("work", 64, 1024)) == [[6, 7, 1, 2, 3, 4, 5]]
    # Whose turn it was may have gone.
    directory.leave(Place(5))
    assert next(directory.turns("work", 2, 1024)) == [6, 7]
    assert list(directory.turns("play", 3, 1024)) == []


def test_turns_of_one_capability_do_not_move_those_of_another() -> None:
    directory = Directory()
    for place in (1, 2):
        _entered(directory, place, "work", "play")
    for _ in range(3):
        directory.took_turn("work", next(directory.turns("work", 64, 64))[0])
    assert next(directory.turns("play", 64, 64)) == [1, 2]


def _crowd(agents: int) -> Directory:
    """Return agents with five capabilities each, one of which eight agents share and one all of them."""
    directory = Directory()
    for place in range(1, agents + 1):
        team, rare = f"team-{place % (agents // 8)}", f"own-{place}"
        _entered(directory, place, "all", team, rare, f"own-too-{place}", f"parity-{place % 2}")
    return directory


def _best_s(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(20):
        begun = time.perf_counter()
        for _ in range(50):
            work()
        best = min(best, time.perf_counter() - begun)
    return best


def test_a_look_up_among_ten_thousand_agents_costs_no_more_than_among_few() -> None:
    few, many = _crowd(100), _crowd(10_000)
    assert len(many) == 10_000 // 8 + 2 * 10_000 + 3
    looks: list[Callable[[Directory], object]] = [
        lambda directory: list(directory.holders(["team-7"])),
        lambda directory: list(directory.holders(["all", "team-7", "parity-1"])),
        lambda directory: next(directory.holders(["all"], running_only=True)),
        lambda directory: next(directory.turns("all", 64, 1024)),
        lambda directory: directory.counts("all"),
        lambda directory: next(directory.names("own-too-5")),
        lambda directory: (directory.set_running(Place(50), False), directory.set_running(Place(50), True)),
    ]
    for look in looks:
        # A hundred times as many agents: whoever looked at all of them would take a hundred times as long.
        slower = _best_s(lambda look=look: look(many)) / _best_s(lambda look=look: look(few))
        assert slower < 10, slower


def test_places_begin_behind_the_first() -> None:
    directory = Directory()
    _entered(directory, 1, "work")
    assert list(directory.holders(["work"], after=FIRST)) == [1]
