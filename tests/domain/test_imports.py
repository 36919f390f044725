"""The domain is cheap to import and needs nothing but msgspec and the standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import caxton.domain

ROOM = Path(caxton.domain.__file__).parent
MODULES = sorted(path for path in ROOM.rglob("*.py"))
# Slow to load, and needed on refusals only or not at all.
SLOW = {"difflib", "json", "hashlib", "ssl", "asyncio", "dataclasses", "yaml", "tomllib", "random", "logging"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_a_module_imports_msgspec_the_standard_library_and_the_domain_only(path: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    foreign = {
        name
        for name in names
        if name.partition(".")[0] not in sys.stdlib_module_names | {"msgspec"}
        and not name.startswith("caxton.domain")
    }
    assert foreign == set()


def test_importing_the_whole_domain_loads_nothing_slow() -> None:
    names = [".".join(("caxton.domain", *path.relative_to(ROOM).with_suffix("").parts)) for path in MODULES]
    imports = "\n".join(f"import {name.removesuffix('.__init__')}" for name in names)
    first, last = "import sys, msgspec\nbefore = set(sys.modules)", "print(*(set(sys.modules) - before))"
    program = f"{first}\n{imports}\n{last}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOM.parent.parent,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    assert "caxton.domain.acl" in loaded
    assert loaded & SLOW == set()
