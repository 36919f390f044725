"""Feature profiles: what our check lets through the engine takes, what it aborts on our check refuses.

The engine ends the process on an inconsistent configuration, so each one is shown to it in a child of a
process that has no threads.
"""

import ast
import importlib
import itertools
import os
import subprocess
import sys
from collections.abc import Set
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.live_core import running
from tests.guests.corpus import guest

engine = importlib.import_module("caxton._core.engine")
FEATURES: Final[tuple[str, ...]] = engine.FEATURES
PROFILES: Final[tuple[tuple[str, frozenset[str]], ...]] = engine.PROFILES
REQUIRES: Final[dict[str, tuple[str, ...]]] = engine.REQUIRES
ROOT = Path(__file__).resolve().parent.parent.parent
SETS = st.frozensets(st.sampled_from(FEATURES))


def check_features(enabled: Set[str]) -> tuple[str, ...]:
    return engine.check_features(enabled)


# Reads sets of features, prints whether an engine of each came to be.
JUDGE = """
import ast, os, sys
from wasmtime import _bindings as c
from caxton._core.engine import FEATURES

def taken(enabled):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        config = c.wasm_config_new()
        for name in FEATURES:
            getattr(c, f"wasmtime_config_{name}_set")(config, name in enabled)
        c.wasmtime_config_signals_based_traps_set(config, False)
        os._exit(0 if c.wasm_engine_new_with_config(config) else 3)
    return os.waitpid(child, 0)[1] == 0

print([taken(enabled) for enabled in ast.literal_eval(sys.stdin.read())])
"""


def _taken(sets: list[frozenset[str]]) -> list[bool]:
    """Tell for each set of features whether the engine takes it or aborts."""
    done = subprocess.run(
        [sys.executable, "-c", JUDGE],
        input=repr([sorted(one) for one in sets]),
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    answers: list[bool] = ast.literal_eval(done.stdout)
    return answers


def _with_needs(name: str) -> frozenset[str]:
    return frozenset({name}).union(*(_with_needs(other) for other in REQUIRES.get(name, ())))


ALL = frozenset(FEATURES)
# Each alone, each pair, everything but one, each with what it needs: the places where rules differ.
LOOKED_AT: Final[list[frozenset[str]]] = [
    frozenset[str](),
    ALL,
    *(frozenset(pair) for count in (1, 2) for pair in itertools.combinations(FEATURES, count)),
    *(ALL - {name} for name in FEATURES),
    *map(_with_needs, FEATURES),
]


def test_the_engine_aborts_on_nothing_that_our_check_lets_through() -> None:
    verdicts = dict(zip(LOOKED_AT, _taken(LOOKED_AT), strict=True))
    assert [sorted(one) for one, taken in verdicts.items() if not taken and not check_features(one)] == []
    # The run means something: some of them do abort.
    aborting = [one for one, taken in verdicts.items() if not taken]
    assert frozenset({"wasm_relaxed_simd"}) in aborting
    assert frozenset({"wasm_component_model_async"}) in aborting
    assert len(aborting) < len(LOOKED_AT) / 2


def test_every_rule_names_switches_of_this_engine() -> None:
    for name, others in REQUIRES.items():
        assert {name, *others} <= set(FEATURES)
        assert check_features(_with_needs(name)) == ()


@pytest.mark.parametrize("rule", [(name, other) for name, others in REQUIRES.items() for other in others])
def test_each_broken_rule_is_named(rule: tuple[str, str]) -> None:
    name, other = rule
    assert f"{name} needs {other}" in check_features(_with_needs(name) - {other})


@given(SETS)
def test_a_set_is_consistent_exactly_when_it_holds_what_each_of_its_members_needs(
    enabled: frozenset[str],
) -> None:
    assert (check_features(enabled) == ()) == all(_with_needs(name) <= enabled for name in enabled)


def test_an_unknown_feature_is_named() -> None:
    assert check_features({"wasm_telepathy"}) == ("unknown feature wasm_telepathy",)


def test_every_profile_is_consistent_and_every_engine_of_it_runs_a_guest() -> None:
    for _, enabled in PROFILES:
        assert check_features(enabled) == ()
    with running() as live:
        for number, (profile, copy_on_write) in enumerate(
            itertools.product(range(len(PROFILES)), (False, True))
        ):
            code = live.core.compile(guest("echo"), profile=profile, copy_on_write=copy_on_write)
            live.codes[f"echo {number}", copy_on_write] = code
            agent = live.up(f"echo {number}", copy_on_write=copy_on_write)
            assert live.ask(agent).performative == "inform"
