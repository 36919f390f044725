"""The pins hold every dependency, and this environment is the pinned one."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if line and not line.startswith("#"))


def test_each_declared_dependency_is_pinned() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        document = tomllib.load(file)
    project = document["project"]
    declared: list[str] = [*project["dependencies"], *document["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        declared += extra
    names = {canonical(match[0]) for name in declared if (match := re.match(r"[\w.-]+", name))}
    assert names - set(pins()) - {"caxton"} == set()


def imported_by_the_program() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "caxton").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"caxton"}


def test_what_the_program_imports_is_declared_by_it() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    declared = {
        canonical(match[0])
        for name in [*project["dependencies"], *project["optional-dependencies"]["agents"]]
        if (match := re.match(r"[\w.-]+", name))
    }
    providers = packages_distributions()
    missing = {
        module: providers.get(module, [])
        for module in imported_by_the_program()
        if not declared.intersection(canonical(name) for name in providers.get(module, []))
    }
    assert missing == {}


def test_each_pin_is_one_exact_version_in_order() -> None:
    assert list(pins()) == sorted({canonical(name) for name in pins()})
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins().values())


def test_what_is_installed_here_is_what_is_pinned() -> None:
    installed = {canonical(found.name): found.version for found in distributions()}
    pinned = pins()
    different = {
        name: f"{version} installed, {pinned[name]} pinned"
        for name, version in installed.items()
        if name in pinned and pinned[name] != version
    }
    assert different == {}
