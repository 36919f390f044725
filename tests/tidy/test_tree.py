"""The tree in docs/ARCHITECTURE.md is the tree of the project, directory by directory."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.tidy.sources import ROOT, paths

PAGE = ROOT / "docs" / "ARCHITECTURE.md"
PAGE_LINES_MAX = 250
# A line of the tree: indentation (two spaces a level), a name with a slash at its end, what it is for.
ENTRY = re.compile(r"^(?P<indent> *)(?P<name>[\w.]+)/(?P<purpose>  +\S.*)?$")
# Only these are drawn with what lies below them.
OPENED = {"caxton"}


def drawn(page: str) -> dict[str, str]:
    """Read the tree of a page, the first block that is fenced as ``tree``: directory -> what it is for."""
    block = re.search(r"^```tree\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    entries: dict[str, str] = {}
    stack: list[str] = []
    for line in (block[1] if block else "").split("\n"):
        match = ENTRY.match(line)
        if match:
            del stack[len(match["indent"]) // 2 :]
            stack.append(match["name"])
            entries["/".join(stack)] = (match["purpose"] or "").strip()
    return entries


def present(files: Iterable[str]) -> set[str]:
    """Name the directories to draw: all of the first level, and all below those that are opened."""
    found: set[str] = set()
    for path in files:
        for directory in PurePosixPath(path).parents:
            if directory.parts and (len(directory.parts) == 1 or directory.parts[0] in OPENED):
                found.add(directory.as_posix())
    return found


def differences(page: str, files: Iterable[str]) -> list[str]:
    tree, directories = drawn(page), present(files)
    wrong = [f"{name}/ is not drawn: add it with what it is for" for name in sorted(directories - set(tree))]
    wrong += [f"{name}/ is drawn but not there: remove it" for name in sorted(set(tree) - directories)]
    return wrong + [
        f"{name}/ is drawn without what it is for" for name, purpose in tree.items() if not purpose
    ]


def test_the_tree_of_the_architecture_page_is_that_of_the_project() -> None:
    found = "\n".join(differences(PAGE.read_text("utf-8"), paths()))
    assert not found, f"\ndocs/ARCHITECTURE.md:\n{found}"


def test_the_architecture_page_can_be_read_at_one_sitting() -> None:
    count = PAGE.read_text("utf-8").count("\n")
    assert count <= PAGE_LINES_MAX, (
        f"{count} lines, at most {PAGE_LINES_MAX}: move detail to where it is used"
    )


def test_a_tree_that_differs_from_the_files_is_found() -> None:
    files = ["README.md", "caxton/cli/main.py", "caxton/sdk/c/abi.h", "tests/cli/test_main.py"]
    right = (
        "```tree\ncaxton/  the shell\n  cli/  commands\n  sdk/  kit\n    c/  headers\ntests/  tests\n```\n"
    )
    assert differences(right, files) == []
    assert differences(right.replace("  cli/  commands\n", ""), files) != []
    assert differences(right.replace("tests/  ", "docs/  pages\ntests/  "), files) != []
    assert differences(right.replace("cli/  commands", "cli/"), files) != []
    assert differences("no tree at all\n", files) != []
