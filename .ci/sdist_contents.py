"""Say what an sdist lacks or has too much of, compared with the files that git tracks."""

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = {".gitignore", ".dockerignore"}


def main(archive: str) -> int:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode != 0:
        print("sdist: not a git checkout, so its contents are not compared")
        return 0
    with tarfile.open(archive) as file:
        packed = {name.partition("/")[2] for name in file.getnames()}
    lacking = sorted(set(listing.stdout.split("\n")) - packed - LEFT_OUT - {""})
    built = sorted(name for name in packed if name.endswith((".so", ".pyc", ".wasm")))
    built += sorted(name for name in packed if name.startswith("_core/") and name.endswith(".c"))
    for name in lacking:
        print(f"sdist: lacks {name}; name it in MANIFEST.in", file=sys.stderr)
    for name in built:
        print(f"sdist: has {name}, which is built; exclude it in MANIFEST.in", file=sys.stderr)
    print(f"sdist: {len(packed)} entries in {Path(archive).name}")
    return 1 if lacking or built else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
