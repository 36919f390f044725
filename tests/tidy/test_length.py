"""A reader holds a file and a function in the head at once: neither may grow beyond that."""

import ast
from collections.abc import Iterator

from tests.tidy.sources import chosen, offences

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def long_files(_path: str, text: str) -> Iterator[str]:
    count = text.count("\n") + (not text.endswith("\n"))
    if count > FILE_LINES_MAX:
        yield f"1: {count} lines, at most {FILE_LINES_MAX}; find its second noun and give that its own file"


def long_functions(_path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
        count = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
        if count > FUNCTION_LINES_MAX:
            yield (
                f"{node.lineno}: {node.name} has {count} lines without its docstring, at most "
                f"{FUNCTION_LINES_MAX}; name its steps and make each a function"
            )


def test_no_source_file_is_too_long() -> None:
    found = offences(long_files, chosen(".py", ".pyi", ".pyx", ".pxd", ".c", ".h"))
    assert not found, f"\n{found}"


def test_no_python_function_is_too_long() -> None:
    found = offences(long_functions, chosen(".py"))
    assert not found, f"\n{found}"


def test_a_file_of_501_lines_is_too_long_and_one_of_500_is_not() -> None:
    assert list(long_files("a.py", "\n" * 501)) != []
    assert list(long_files("a.py", "\n" * 500)) == []
    assert list(long_files("a.py", "\n" * 500 + "end")) != []


def test_a_function_of_71_lines_is_too_long_whatever_its_docstring() -> None:
    body = "    x = 1\n"
    docstring = '    """First.\n\n    Last.\n    """\n'
    assert list(long_functions("a.py", "def f():\n" + body * 70)) != []
    assert list(long_functions("a.py", "def f():\n" + body * 69)) == []
    assert list(long_functions("a.py", "def f():\n" + docstring + body * 69)) == []
    assert list(long_functions("a.py", "class C:\n    async def f(self):\n" + ("    " + body) * 70)) != []
