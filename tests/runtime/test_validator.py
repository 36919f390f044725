"""The engine's verdict is asked with any proposal switched off, and no combination ends the process."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from caxton.runtime.features import PROPOSALS, Feature, forbidden, with_dependents
from caxton.runtime.validator import Validator
from tests.guests import corpus

ROOT = Path(__file__).parents[2]

EVERY_COMBINATION = """
from itertools import combinations
from caxton.runtime.features import Feature
from caxton.runtime.validator import Validator

entangled = [Feature.SIMD, Feature.RELAXED_SIMD, Feature.REFERENCE_TYPES, Feature.FUNCTION_REFERENCES,
             Feature.GC, Feature.HOST_REFERENCES, Feature.EXCEPTIONS, Feature.STACK_SWITCHING,
             Feature.THREADS]
rest = frozenset(Feature) - frozenset(entangled)
sets = {frozenset(choice) | others
        for size in range(len(entangled) + 1) for choice in combinations(entangled, size)
        for others in (frozenset(), rest)}
few = {frozenset(choice) for size in range(4) for choice in combinations(Feature, size)}
sets |= few | {frozenset(Feature) - choice for choice in few}
validator = Validator()
for off in sets:
    assert validator(off, b"\\0asm\\1\\0\\0\\0") is None, off
print(len(sets))
"""

SIGNALS = """
import signal
import wasmtime
from caxton.runtime.features import Feature
from caxton.runtime.validator import Validator

def caught():
    with open("/proc/self/status") as status:
        mask = int(next(line for line in status if line.startswith("SigCgt")).split()[1], 16)
    faults = (signal.SIGSEGV, signal.SIGILL, signal.SIGFPE, signal.SIGBUS)
    return [fault.name for fault in faults if mask >> fault - 1 & 1]

assert Validator()(frozenset(Feature), b"\\0asm\\1\\0\\0\\0") is None
print("validator:", caught())
engine = wasmtime.Engine()
print("default engine:", "SIGSEGV" in caught())
engine.close()
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_no_combination_of_features_ends_the_process() -> None:
    assert int(run(EVERY_COMBINATION)) > 1500


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs a Linux /proc to see signal handlers"
)
def test_the_validator_installs_no_signal_handler() -> None:
    # The last line shows that the comparison can fail: a default engine does install some.
    assert run(SIGNALS) == "validator: []\ndefault engine: True\n"


def test_every_feature_has_a_title_and_a_remedy() -> None:
    assert set(PROPOSALS) == set(Feature)


def test_simd_takes_relaxed_simd_with_it() -> None:
    assert with_dependents({Feature.SIMD}) == {Feature.SIMD, Feature.RELAXED_SIMD}


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("simd", Feature.SIMD),
        ("relaxed_simd", Feature.RELAXED_SIMD),
        ("reference_types", Feature.REFERENCE_TYPES),
        ("reference_types", Feature.HOST_REFERENCES),
        ("bulk_memory", Feature.BULK_MEMORY),
        ("multi_value", Feature.MULTI_VALUE),
        ("threads", Feature.THREADS),
        ("memory64", Feature.MEMORY64),
        ("multi_memory", Feature.MULTI_MEMORY),
        ("tail_call", Feature.TAIL_CALL),
        ("exceptions", Feature.EXCEPTIONS),
        ("gc", Feature.GC),
        ("function_references", Feature.FUNCTION_REFERENCES),
    ],
)
def test_each_feature_is_told_by_switching_it_off(name: str, feature: Feature) -> None:
    validator = Validator()
    assert validator(frozenset(), corpus.guest(name)) is None
    assert "offset" in (validator(frozenset({feature}), corpus.guest(name)) or "")


def test_a_plain_agent_is_valid_with_every_feature_off() -> None:
    assert Validator()(frozenset(Feature), corpus.guest("echo")) is None


def test_text_is_never_assembled() -> None:
    assert Validator()(frozenset(), b"(module)") is not None


def test_one_validator_serves_many_threads() -> None:
    validator = Validator()
    asked = [feature for _ in range(8) for feature in Feature]

    def refuses(feature: Feature) -> bool:
        return validator(frozenset({feature}), corpus.guest("simd")) is not None

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(refuses, asked))
    assert {feature for feature, refused in zip(asked, verdicts, strict=True) if refused} == {Feature.SIMD}
    assert validator(forbidden("standard"), corpus.guest("bulk_memory")) is None
