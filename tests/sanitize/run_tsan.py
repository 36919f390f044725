"""Runs the stress programs of the lock-free core under gcc's ThreadSanitizer.

    python tests/sanitize/run_tsan.py [PROGRAM...]

Builds an instrumented copy of the core's rooms and of the test doors below ``build/tsan/``, leaves the
normal build alone, and runs each program in a process of its own. A sound program must end without a
report, a broken twin must be reported as a data race in the function that is broken.

Exit code: 0 all as it must be; 1 a race, a wrong result, or a broken twin that passed unseen; 2 no
sanitizer here, or the build failed.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests import core_doors  # noqa: E402 - after the path
from tests.sanitize import stress  # noqa: E402 - after the path

# What the protocols' tables are made with.
PURE = ("domain", "protocols")
TREE = ROOT / "build" / "tsan"
CORE = ROOT / "_core"
DOORS = core_doors.SOURCES
CIMPORT = re.compile(
    r"^ *from caxton\._core\.(\w+) c?import|^ *from caxton\._core import (\w+)", re.MULTILINE
)
SUPPRESSIONS = Path(__file__).with_name("tsan.supp")
REPORTED = 66
SECONDS_MAX = 300

# Where ThreadSanitizer must see the data race of each broken twin: a function of the report's stacks.
CULPRITS = {
    "broken_mailbox": r"mailbox_pop|MailboxDoor_\d+consume",
    "broken_run_queues": r"Crew_\d+work",
    "broken_tape": r"words_copy|record_copy|tape_search",
    "broken_verdicts": r"count_broken",
    "broken_routing": r"routing_claim|RoutingDoor_\d+(read|write)",
}


def sanitizer_library() -> Path | None:
    """Return gcc's runtime library, None when this machine has none."""
    if shutil.which("gcc") is None:
        return None
    answer = subprocess.run(
        ["gcc", "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True
    )
    library = Path(answer.stdout.strip())
    return library if library.is_absolute() and library.exists() else None


def rooms(door: str) -> set[str]:
    """Return the rooms of the core that the door ``door`` needs, and those that these need in turn."""
    found: set[str] = set()
    pages = [DOORS / f"{door}.pyx", DOORS / "gate.pxd"]
    while pages:
        named = {first or second for first, second in CIMPORT.findall(pages.pop().read_text("utf-8"))}
        for room in named - found:
            found.add(room)
            pages += [page for page in (CORE / f"{room}.pxd", CORE / f"{room}.pyx") if page.exists()]
    return {room for room in found if (CORE / f"{room}.pyx").exists()}


def build_core(programs: list[str]) -> None:
    """Bring ``build/tsan/caxton`` up to date: declaration pages, instrumented modules, the tables."""
    core = TREE / "caxton" / "_core"
    core.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "caxton" / "__init__.py", core.parent)
    for room in PURE:
        shutil.copytree(ROOT / "caxton" / room, core.parent / room, dirs_exist_ok=True)
    shutil.copy(CORE / "__init__.py", core)
    for stale in [*core.glob("*.pxd"), *core.glob("*.h")]:
        stale.unlink()
    for page in [*CORE.glob("*.pxd"), *CORE.glob("*.h")]:
        shutil.copy(page, core)
    needed = set[str]().union(*(rooms(stress.DOOR_OF[program]) for program in programs))
    for room in sorted(needed):
        core_doors.ensure(f"caxton._core.{room}", CORE / f"{room}.pyx", "thread", core, TREE)


def environment(library: Path, *, broken: bool) -> dict[str, str]:
    """Return the environment of an instrumented program; a broken twin ends at its first report."""
    options = f"exitcode={REPORTED}:halt_on_error={int(broken)}:suppressions={SUPPRESSIONS}"
    return os.environ | {
        "LD_PRELOAD": str(library),
        "PYTHONPATH": f"{TREE}{os.pathsep}{ROOT}",
        "TSAN_OPTIONS": options,
        "CAXTON_SANITIZE": "thread",
        "CAXTON_DOORS": str(TREE / "doors"),
        "CAXTON_EXPECTED": str(TREE / "caxton" / "__init__.py"),
    }


def run(program: str, library: Path) -> subprocess.CompletedProcess[str]:
    """Run one stress program; its reports come in ``stderr``."""
    # The sanitizer's shadow memory wants the plain address layout.
    fixed = ["setarch", platform.machine(), "-R"] if shutil.which("setarch") else []
    # -P: the working directory must not come before the instrumented tree in the module path.
    command = [*fixed, sys.executable, "-P", "-m", "tests.sanitize.stress", program]
    return subprocess.run(
        command,
        env=environment(library, broken=program in stress.BROKEN),
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def judge(program: str, done: subprocess.CompletedProcess[str]) -> str:
    """Return "" when the run ended as it must, else what is wrong."""
    if program in stress.SOUND:
        if done.returncode == REPORTED:
            return "ThreadSanitizer reports a race"
        return "" if done.returncode == 0 else f"ended with {done.returncode}"
    if done.returncode != REPORTED or "WARNING: ThreadSanitizer: data race" not in done.stderr:
        return f"is broken, and ThreadSanitizer did not report it (ended with {done.returncode})"
    culprit = CULPRITS[program]
    return "" if re.search(culprit, done.stderr) else f"was reported, but not in {culprit}"


def say(line: str, stream: TextIO | None = None) -> None:
    """Write a line at once, so that a watcher sees how far the run is."""
    target = stream or sys.stdout
    target.write(f"{line}\n")
    target.flush()


def main(programs: list[str]) -> int:
    """Run ``programs`` (all when empty) and print a line for each."""
    known = [*stress.SOUND, *stress.BROKEN]
    unknown = [name for name in programs if name not in known]
    if unknown:
        say(f"run_tsan: no program {', '.join(unknown)}; there are: {', '.join(known)}", sys.stderr)
        return 2
    library = sanitizer_library()
    if library is None:
        say("run_tsan: gcc has no libtsan.so here", sys.stderr)
        return 2
    try:
        build_core(programs or known)
    except RuntimeError as error:
        say(f"run_tsan: {error}", sys.stderr)
        return 2
    failures = 0
    for program in programs or known:
        start = time.monotonic()
        try:
            done = run(program, library)
            fault = judge(program, done)
            report = done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            fault, report = f"did not end within {SECONDS_MAX} s", ""
        verdict = fault or ("clean" if program in stress.SOUND else "caught, as it must be")
        say(f"{program:20} {time.monotonic() - start:6.1f} s  {verdict}")
        if fault:
            failures += 1
            say(report, sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
