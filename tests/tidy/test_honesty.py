"""Nothing pretends: each check can fail, each wait has its event, and what is tested is the real thing."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.sources import chosen, offences

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
# An ignore needs a phrase after its code, as in `noqa: S603  the command is a constant`.
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore|no-cython-lint)(?P<rest>[^#]*)")
IGNORE_REASON = re.compile(r"^(?:\s*:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[\w, -]+\])(?:\s+-)?\s+\S+\s+\S+")
MOCKS = {"mock", "unittest.mock", "pytest_mock"}
SLEEPS = {"time.sleep", "asyncio.sleep"}


def unfinished_work(_path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), 1):
        for match in UNFINISHED.finditer(line):
            yield f"{number}: '{match[1]}' is unfinished work; finish it, or open an issue for it"


def silent_ignores(_path: str, text: str) -> Iterator[str]:
    explained = False
    for number, line in enumerate(text.split("\n"), 1):
        ignores = list(IGNORE.finditer(line))
        # A comment speaks for the lines below it, up to the first that ignores nothing.
        explained = line.lstrip().startswith("# ") or (explained and bool(ignores))
        for match in ignores:
            if not explained and not IGNORE_REASON.match(match["rest"]):
                yield (
                    f"{number}: '{match[0].strip()}' gives no reason; name its code and add a phrase, on "
                    "the line or in a comment above it"
                )


def bare_refusals(_path: str, text: str) -> Iterator[str]:
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        named = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
        if not isinstance(node, ast.Raise) or "NotImplementedError" not in (
            name_of(named),
            name_of(node.exc),
        ):
            continue
        # A library may ask for this very error; a comment beside it says which.
        if "#" not in lines[node.lineno - 1]:
            yield f"{node.lineno}: NotImplementedError is a stub; build it, or refuse by the taxonomy"


def name_of(node: ast.AST | None) -> str:
    """Give the dotted name of an expression, or the empty string."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Map each name that imports bind to what it stands for."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bound.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            bound.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return bound


def full_name(node: ast.AST, bound: dict[str, str]) -> str:
    head, dot, rest = name_of(node).partition(".")
    return bound.get(head, head) + dot + rest


def sleeps_and_mocks(_path: str, text: str) -> Iterator[str]:
    tree = ast.parse(text)
    bound = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            modules |= {f"{getattr(node, 'module', '')}.{alias.name}" for alias in node.names}
            if modules & MOCKS:
                yield f"{node.lineno}: a mock proves the mock; use the real thing or an in-memory twin"
        if not isinstance(node, ast.Call):
            continue
        called = full_name(node.func, bound)
        yields = called == "asyncio.sleep" and [ast.unparse(argument) for argument in node.args] == ["0"]
        if called in SLEEPS and not yields:
            yield (
                f"{node.lineno}: {called} guesses when something is done; wait on an event or a condition "
                "with a deadline, or use the virtual clock"
            )
        if called == "monkeypatch.setattr" and not is_standard_stream(node.args):
            yield f"{node.lineno}: monkeypatch.setattr is a mock; pass the part in through its Protocol"


def is_standard_stream(arguments: list[ast.expr]) -> bool:
    """Tell whether `sys.stdin` or the like is exchanged: another real stream is no mock."""
    words = [ast.unparse(argument).strip("'\"") for argument in arguments[:2]]
    return ".".join(words) in {"sys.stdin", "sys.stdout", "sys.stderr"}


def checks_that_cannot_fail(_path: str, text: str) -> Iterator[str]:
    advice = "can never fail; assert what would differ if the program were wrong"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert) and is_always_true(node.test):
            yield f"{node.lineno}: 'assert {ast.unparse(node.test)}' {advice}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                marked = name_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
                if marked in {"pytest.mark.skip", "pytest.mark.xfail"}:
                    yield f"{node.lineno}: {marked} hides {node.name}; mend what it shows, or remove the test"


def is_always_true(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple):
        return bool(test.elts)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(is_always_true(value) for value in test.values)
    return False


def test_nothing_is_left_unfinished() -> None:
    found = offences(
        unfinished_work, chosen(".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".md", ".toml", "Makefile")
    )
    assert not found, f"\n{found}"


def test_each_ignored_lint_gives_its_reason() -> None:
    found = offences(silent_ignores, chosen(".py", ".pyi", ".pyx", ".pxd"))
    assert not found, f"\n{found}"


def test_no_program_text_is_a_stub() -> None:
    found = offences(bare_refusals, chosen(".py", under="caxton/"))
    assert not found, f"\n{found}"


def test_no_test_sleeps_or_mocks() -> None:
    found = offences(sleeps_and_mocks, chosen(".py", under="tests/"))
    assert not found, f"\n{found}"


def test_no_check_is_unable_to_fail() -> None:
    found = offences(checks_that_cannot_fail, chosen(".py", under="tests/"))
    assert not found, f"\n{found}"
