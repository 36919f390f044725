"""The files of the project, as the tidy rules see them.

In a checkout these are the files that git tracks or would track; in an unpacked sdist every file. A rule is a
function from a path and a text to the lines that break it, so that each can be fed a bad sample as well.
"""

import functools
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = {"build", "dist", "__pycache__", ".git", ".venv", ".hypothesis", ".ruff_cache", ".pytest_cache"}

Rule = Callable[[str, str], Iterable[str]]


@functools.cache
def tracked() -> tuple[str, ...] | None:
    """List what git tracks, or give None outside of a checkout."""
    return _git("ls-files", "--cached")


@functools.cache
def paths() -> tuple[str, ...]:
    """List the project's files, relative to its root, in order."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard")
    if listed is None:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        listed = tuple(path.as_posix() for path in found if not _is_built(path))
    return tuple(sorted(path for path in listed if (ROOT / path).is_file()))


def chosen(*suffixes: str, under: str = "") -> list[str]:
    """List the project's files that end in one of the suffixes and lie in the directory ``under``."""
    return [path for path in paths() if path.endswith(suffixes) and path.startswith(under)]


def offences(rule: Rule, chosen_paths: Iterable[str]) -> str:
    """Apply a rule to the text of each file; the result is empty when none breaks it."""
    return "\n".join(
        f"{path}:{line}" for path in chosen_paths for line in rule(path, (ROOT / path).read_text("utf-8"))
    )


def _git(*arguments: str) -> tuple[str, ...] | None:
    if not (ROOT / ".git").exists():
        return None
    output = subprocess.run(["git", *arguments, "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(output.stdout.rstrip("\0").split("\0"))


def _is_built(path: Path) -> bool:
    return any(part in BUILT or part.endswith(".egg-info") for part in path.parts) or path.suffix in {
        ".so",
        ".pyc",
    }
