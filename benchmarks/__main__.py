"""Measure everything, or the scenarios that are named, and print one table.

    python -m benchmarks [scenario ...] [--effort 1.0] [--json file]

Each scenario runs in a process of its own, one after the other: one core a process, and clean memory. A
scenario that fails is told and does not stop the others; the exit code says so.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec

from benchmarks.figure import Figure, Report, machine_load, methods, table

SCENARIOS: Final = (
    "passing",
    "verdicts",
    "streams",
    "envelope",
    "hop",
    "open_loop",
    "asking",
    "agents",
    "arrival",
    "runaway",
    "bad_guests",
    "posting",
    "contracting",
    "starting",
    "returning",
    "keeping",
    "blocking",
)
PATIENCE_S: Final = 900.0


class _Scenario(Protocol):
    def measure(self, effort: float) -> list[Figure]: ...


def run_here(scenario: str, effort: float) -> Report:
    """Measure one scenario in this process."""
    # A scenario's module is known by its one function.
    module = cast("_Scenario", importlib.import_module(f"benchmarks.{scenario}"))
    before, begun = machine_load(), time.monotonic()
    figures = module.measure(effort)
    return Report(
        scenario=scenario,
        figures=figures,
        load_before=before,
        load_after=machine_load(),
        seconds=time.monotonic() - begun,
    )


def prefer(nice: int) -> None:
    """Ask for this priority, for the whole session where the kernel shares time between sessions first."""
    autogroup = Path("/proc/self/autogroup")
    if autogroup.exists():
        autogroup.write_text(str(nice))
    os.nice(nice)


def run_apart(scenario: str, effort: float, nice: int) -> Report | None:
    """Measure one scenario in a process of its own; None when it failed, which it has told."""
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as directory:
        answer = Path(directory, "report.json")
        command = [
            sys.executable,
            "-m",
            "benchmarks",
            "--here",
            scenario,
            "--effort",
            str(effort),
            "--nice",
            str(nice),
        ]
        try:
            done = subprocess.run(
                [*command, "--json", str(answer)], timeout=PATIENCE_S, check=False, start_new_session=True
            )
        except subprocess.TimeoutExpired:
            print(f"{scenario}: not done within {PATIENCE_S:g} s", file=sys.stderr)
            return None
        if done.returncode != 0 or not answer.exists():
            print(f"{scenario}: failed with {done.returncode}", file=sys.stderr)
            return None
        return msgspec.json.decode(answer.read_bytes(), type=list[Report])[0]


def tell(reports: list[Report]) -> str:
    """Write the table and the methods."""
    figures = [figure for report in reports for figure in report.figures]
    loads = ", ".join(f"{r.scenario} {r.load_before:.1f}-{r.load_after:.1f}" for r in reports)
    return "\n\n".join(
        [
            table(figures),
            f"{os.cpu_count()} processors; load of the machine before and after: {loads}",
            methods(figures),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "scenarios", nargs="*", choices=[*SCENARIOS, []], help="all of them when none is named"
    )
    parser.add_argument("--effort", type=float, default=1.0, help="how long to measure: 0.3 is a quick look")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument(
        "--nice", type=int, default=0, help="priority on a shared machine: -15 needs the right to it"
    )
    parser.add_argument("--here", choices=SCENARIOS, help="measure this one in this process")
    options = parser.parse_args()
    if options.nice and options.here is not None:
        prefer(options.nice)
    if options.here is not None:
        reports = [run_here(options.here, options.effort)]
    else:
        found = [run_apart(name, options.effort, options.nice) for name in options.scenarios or SCENARIOS]
        reports = [report for report in found if report is not None]
        print(tell(reports))
        if len(reports) < len(found):
            print(f"{len(found) - len(reports)} scenarios failed", file=sys.stderr)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(reports)))
    return 0 if options.here is not None or len(reports) == len(options.scenarios or SCENARIOS) else 1


if __name__ == "__main__":
    sys.exit(main())
