"""Every module is used: by the program, or by the authors of agents, for whom the kit is made."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from tests.tidy.sources import ROOT, chosen, offences

ENTRY_POINTS = {"caxton.cli.main"}
# What authors of agents import; nothing inside the program has to.
PUBLIC = ("caxton.sdk",)
CIMPORT = re.compile(r"^\s*from\s+(caxton[\w.]*)\s+c?import\b|^\s*c?import\s+(caxton[\w.]*)", re.MULTILINE)


def module_of(path: str) -> str:
    """Name the module of a source file: ``_core`` holds the package ``caxton._core``."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts[0] == "_core":
        parts.insert(0, "caxton")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def mentioned(module: str, path: str, text: str) -> set[str]:
    """Name the modules that a source file imports, or names in a string as a late import does.

    A string that begins with a dot, or such a part of one, names a module of the same package.
    """
    if not path.endswith(".py"):
        return {first or second for first, second in CIMPORT.findall(text)}
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            start = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (start, node.module) if part)
            found |= {source} | {f"{source}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            place = node.value.partition(":")[0]
            found.add(f"{package}{place}" if place.startswith(".") else place)
    return found


def dead_modules(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each module of the program that no other source mentions; keys are paths.

    A test keeps no module of the shell alive. It does keep one of the core alive: the doors by which tests
    reach the core are built with the tests.
    """
    uses = {path: mentioned(module_of(path), path, text) for path, text in sources.items()}
    for path in sources:
        module = module_of(path)
        if module in ENTRY_POINTS or module.startswith((*PUBLIC, "tests")):
            continue
        if path.endswith(("__init__.py", "__main__.py")):
            continue
        if path.endswith(".pxd") and path.removesuffix("pxd") + "pyx" in sources:
            continue
        users = [user for user, names in uses.items() if module in names and module_of(user) != module]
        if not any(path.startswith("_core/") or not user.startswith("tests/") for user in users):
            yield f"{path}:1: nothing imports {module}; wire it in where it is needed, or remove it"


def foreign_imports(path: str, text: str) -> Iterator[str]:
    allowed = {"msgspec", "caxton", *sys.stdlib_module_names}
    for name in sorted(mentioned_by_statement(path, text)):
        if name.partition(".")[0] not in allowed or (
            name.startswith("caxton.") and not name.startswith("caxton.domain")
        ):
            yield f"1: imports {name}; the domain knows msgspec and the standard library: pass the value in"


def mentioned_by_statement(path: str, text: str) -> Iterable[str]:
    statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    module = ast.unparse(ast.Module(list(statements), []))
    return {name for name in mentioned(module_of(path), path, module) if name.partition(".")[0]}


def test_no_module_of_the_program_is_dead() -> None:
    program = chosen(".py", under="caxton/") + chosen(".pyx", ".pxd", under="_core/")
    sources = program + chosen(".py", ".pyx", ".pxd", under="tests/")
    found = "\n".join(dead_modules({path: (ROOT / path).read_text("utf-8") for path in sources}))
    assert not found, f"\n{found}"


def test_the_domain_imports_msgspec_and_the_standard_library_only() -> None:
    found = offences(foreign_imports, chosen(".py", under="caxton/domain/"))
    assert not found, f"\n{found}"


def test_a_module_that_nothing_imports_is_dead() -> None:
    alive = {
        "caxton/cli/main.py": 'LAZY = "caxton.cli.agent:group"\nfrom caxton import config\n',
        "caxton/cli/late.py": "",
        "caxton/config.py": "from .domain.ids import AgentId\n",
        "caxton/cli/agent.py": "import caxton.runtime.bridge\nPLACE = f'{ROOM}.late:command'\n",
        "caxton/runtime/bridge.py": "from caxton._core.core import Core\n",
        "caxton/domain/ids.py": "",
        "_core/core.pyx": "from caxton._core.queue cimport pop\n",
        "_core/queue.pxd": "",
        "_core/queue.pyx": "",
        "_core/race.pyx": "",
        "tests/core/test_race.py": "from caxton._core import race\n",
    }
    tests = {"tests/core/test_tested.py": "import caxton.tested\n"}
    assert list(dead_modules(alive)) == []
    for path, text in (
        ("caxton/lonely.py", "import caxton.lonely\n"),
        ("caxton/tested.py", ""),
        ("_core/lonely.pyx", "from caxton._core.queue cimport pop\n"),
    ):
        assert [line.partition(":")[0] for line in dead_modules({**alive, **tests, path: text})] == [path]


def test_a_domain_module_that_reaches_out_is_found() -> None:
    path = "caxton/domain/ids.py"
    for text in ("import anyio\n", "from caxton.runtime import bridge\n", "from ..config import Settings\n"):
        assert list(foreign_imports(path, text)) != [], text
    for text in (
        "import msgspec\nimport enum\n",
        "from caxton.domain.errors import X\n",
        "from .errors import X\n",
    ):
        assert list(foreign_imports(path, text)) == [], text
