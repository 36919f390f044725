"""Say what a wheel lacks or has too much of, compared with the source tree that it was built from."""

import sys
import zipfile
from pathlib import Path


def wanted(source: Path) -> set[str]:
    """Name the files that a wheel of ``source`` must hold, compiled modules as ``name.so``."""
    package = source / "caxton"
    files = {
        path.relative_to(source).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "_core" not in path.relative_to(package).parts and path.suffix != ".pyc"
    }
    core = source / "_core"
    files |= {
        f"caxton/_core/{path.name}"
        for pattern in ("*.py", "*.pxd", "*.pyi", "*.h")
        for path in core.glob(pattern)
    }
    return files | {f"caxton/_core/{path.stem}.so" for path in core.glob("*.pyx")}


def main(archive: str, source: str) -> int:
    with zipfile.ZipFile(archive) as file:
        names = [name for name in file.namelist() if ".dist-info/" not in name]
    held = {f"{name.partition('.')[0]}.so" if name.endswith(".so") else name for name in names}
    lacking = sorted(wanted(Path(source)) - held)
    foreign = sorted(held - wanted(Path(source)))
    for name in lacking:
        print(f"wheel: lacks {name}; name its kind in DATA of setup.py", file=sys.stderr)
    for name in foreign:
        print(f"wheel: has {name}, which is no part of the program", file=sys.stderr)
    print(f"wheel: {len(held)} files in {Path(archive).name}")
    return 1 if lacking or foreign else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
