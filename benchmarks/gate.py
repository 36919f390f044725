"""Compare ratios with those that are kept, to find what has become slower.

    python -m benchmarks.gate [--update] [--tolerance 0.25] [scenario ...]

Only ratios to the floor or foil of the same run count, never times, so that any machine can be the judge of
another's figures. A busy machine may bend a ratio either way: the middle of three runs is what is kept, and the
best of up to three is what is compared. The exit code is 1 when a ratio is worse than the kept one by more than
the tolerance. `--update` keeps what is measured now.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.__main__ import run_apart
from benchmarks.figure import Better, Figure, in_words

KEPT: Final = Path(__file__).with_name("ratios.json")
SCENARIOS: Final = ("passing", "envelope", "hop", "asking", "agents", "arrival", "posting", "starting")
TOLERANCE: Final = 0.25
ATTEMPTS: Final = 3


class Kept(msgspec.Struct, frozen=True):
    """A ratio that was reached."""

    ratio: float
    better: Better
    beside_name: str


def worse_by(kept: Kept, ratio: float) -> float:
    """Return by which share a ratio is worse than the kept one; negative when it is better."""
    return kept.ratio / ratio - 1 if kept.better == "more" else ratio / kept.ratio - 1


def read() -> dict[str, Kept]:
    """Return what is kept, by the names of figures."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Kept]) if KEPT.exists() else {}


def write(kept: dict[str, Kept]) -> None:
    """Keep ratios, in the order of their names."""
    ordered = {name: kept[name] for name in sorted(kept)}
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(ordered)) + b"\n")


def measured(scenario: str, effort: float, nice: int) -> dict[str, Kept] | None:
    """Measure a scenario's gated figures; None when it failed."""
    report = run_apart(scenario, effort, nice)
    if report is None:
        return None
    return {figure.name: _kept(figure) for figure in report.figures if figure.gated and figure.ratio}


def _kept(figure: Figure) -> Kept:
    return Kept(round(figure.ratio or 0.0, 4), figure.better, figure.beside_name)


def judge(scenario: str, kept: dict[str, Kept], options: argparse.Namespace) -> dict[str, Kept] | None:
    """Measure a scenario until nothing is worse than the tolerance, at most ATTEMPTS times; the best counts."""
    best: dict[str, Kept] = {}
    for _ in range(ATTEMPTS):
        found = measured(scenario, options.effort, options.nice)
        if found is None:
            return None
        for name, now in found.items():
            if name not in best or worse_by(best[name], now.ratio) < 0:
                best[name] = now
        if all(
            name in kept and worse_by(kept[name], now.ratio) <= options.tolerance
            for name, now in best.items()
        ):
            break
    return best


def renew(scenario: str, options: argparse.Namespace) -> dict[str, Kept] | None:
    """Measure a scenario ATTEMPTS times; the middle one counts."""
    attempts: list[dict[str, Kept]] = []
    for _ in range(ATTEMPTS):
        found = measured(scenario, options.effort, options.nice)
        if found is None:
            return None
        attempts.append(found)
    return {
        name: sorted((one[name] for one in attempts), key=lambda kept: kept.ratio)[ATTEMPTS // 2]
        for name in attempts[0]
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument(
        "scenarios", nargs="*", choices=[*SCENARIOS, []], help="all of them when none is named"
    )
    parser.add_argument("--update", action="store_true", help="keep what is measured now")
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="share by which a ratio may be worse"
    )
    parser.add_argument("--effort", type=float, default=0.6)
    parser.add_argument("--nice", type=int, default=0)
    options = parser.parse_args()
    kept = read()
    failed = False
    now: dict[str, Kept] = {}
    for scenario in options.scenarios or SCENARIOS:
        found = renew(scenario, options) if options.update else judge(scenario, kept, options)
        if found is None:
            failed = True
            continue
        now |= found
        for name, figure in found.items():
            was = kept.get(name)
            change = "new" if was is None else f"{-worse_by(was, figure.ratio):+.0%}"
            is_worse = was is not None and worse_by(was, figure.ratio) > options.tolerance
            failed |= is_worse and not options.update
            word = "WORSE" if is_worse else "ok"
            before = "" if was is None else in_words(was.ratio)
            print(f"{word:6}{name:52}{before:>9} -> {in_words(figure.ratio):>9}  {change}", flush=True)
    if options.update:
        write(kept | now)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
