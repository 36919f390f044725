"""Say what a package lacks or has too much of.

Usage: ``contents.py sdist ARCHIVE`` compares with the files that git tracks,
``contents.py wheel ARCHIVE SOURCE`` with the source tree that the wheel was built from.
"""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Of use in a checkout only.
LEFT_OUT = {".gitignore", ".dockerignore"}


def sdist_faults(packed: Iterable[str], tracked: Iterable[str]) -> list[str]:
    held = set(packed)
    faults = [f"lacks {name}; name it in MANIFEST.in" for name in sorted(set(tracked) - held - LEFT_OUT)]
    built = {name for name in held if name.startswith("_core/") and name.endswith(".c")}
    built |= {name for name in held if name.endswith((".so", ".pyc", ".wasm"))}
    return faults + [f"has {name}, which is built; exclude it in MANIFEST.in" for name in sorted(built)]


def wheel_faults(packed: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Compare by module: ``_core/queue.pyx`` is packed as ``caxton/_core/queue.<platform>.so``."""
    wanted: set[str] = set()
    for name in sources:
        if name.startswith("_core/") and name.endswith(".pyx"):
            wanted.add(f"caxton/{name.removesuffix('.pyx')}.so")
        elif name.startswith("_core/") and name.endswith((".py", ".pxd", ".pyi", ".h")):
            wanted.add(f"caxton/{name}")
        elif name.startswith("caxton/"):
            wanted.add(name)
    program = [name for name in packed if ".dist-info/" not in name]
    held = {f"{name.partition('.')[0]}.so" if name.endswith(".so") else name for name in program}
    faults = [f"lacks {name}; name its kind in DATA of setup.py" for name in sorted(wanted - held)]
    return faults + [f"has {name}, which is no part of the program" for name in sorted(held - wanted)]


def tracked_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listing.stdout.rstrip("\0").split("\0")


def source_files(source: Path) -> list[str]:
    found = (path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    return [name for name in found if not name.startswith("caxton/_core/") and not name.endswith(".pyc")]


def main(kind: str, archive: str, source: str = "") -> int:
    if kind == "sdist":
        with tarfile.open(archive) as file:
            packed = [name.partition("/")[2] for name in file.getnames()]
        faults = sdist_faults(packed, tracked_files())
    else:
        with zipfile.ZipFile(archive) as file:
            packed = file.namelist()
        faults = wheel_faults(packed, source_files(Path(source)))
    for fault in faults:
        print(f"{kind}: {fault}", file=sys.stderr)
    print(f"{kind}: {len(packed)} entries in {Path(archive).name}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
