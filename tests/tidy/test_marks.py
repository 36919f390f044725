"""The core's three marked comments: who owns a pointer, what an atomic orders, why an unsafe step is safe."""

import re
from collections.abc import Iterator

from tests.tidy.sources import chosen, offences

NEAR_LINES = 6

OWNED = re.compile(r"OWNERSHIP:|\b(?:owned|owns|borrowed|borrows|lent)\b", re.IGNORECASE)
BLOCK = re.compile(
    r"^(?P<indent>\s*)(?:cdef|ctypedef|cdef public|cdef packed)\s.*\b(?:struct|union|class)\b.*:"
)
FOREIGN = re.compile(r"^(?P<indent>\s*)cdef extern\b")
# `Message* next`, `char *name`, `Slot** rows[4]`; a function or a pointer to one has a parenthesis.
POINTER_FIELD = re.compile(
    r"^\s+(?:cdef\s+)?(?:public\s+|readonly\s+)?(?:const\s+)?[\w.]+(?:\s+[\w.]+)*\s*\*[\s*]*[^()]*$"
)

ORDERED_CALL = re.compile(
    r"\b(?:(?:load|store|add|sub|swap|exchange|fetch|or|and)_(?:\w+_)?(?:acquire|release|acq_rel|seq|seq_cst)"
    r"|cas_\w+|compare_exchange\w*|\w*_fence)\s*\("
)
RELEASED_GIL = re.compile(r"^\s*with\s+nogil\b")
POINTER_CAST = re.compile(r"<\s*(?:const\s+)?(?P<target>[\w.]+(?:\s+\w+)*)\s*\*+\s*>(?P<operand>[^,]*)")
# Casts to untyped memory claim nothing about what lies there.
BYTES = {"void", "char", "unsigned char", "signed char", "uint8_t", "int8_t"}
ALLOCATION = re.compile(r"^\s*\w*(?:alloc|Alloc|Malloc|Calloc|mmap)\w*\(")
FUNCTION = re.compile(r"^(?P<indent>\s*)(?:async\s+)?(?:def|cdef|cpdef|ctypedef)\b.*[(]")


def code_of(line: str) -> str:
    return line.partition("#")[0].rstrip()


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def comment_above(lines: list[str], index: int) -> str:
    """Join the comment lines that stand directly above a line."""
    start = index
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return "\n".join(lines[start:index])


def function_head(lines: list[str], index: int) -> str:
    """Join what introduces the function around a line: the comment above it, its signature, its docstring."""
    start = index
    while start >= 0:
        match = FUNCTION.match(lines[start])
        if match and (start == index or len(match["indent"]) < indent_of(lines[index])):
            break
        start -= 1
    else:
        return ""
    end = start + 1
    while end < len(lines) and not code_of(lines[end - 1]).endswith(":"):
        end += 1
    quotes = 0
    while end < len(lines) and (lines[end].strip().startswith(("#", '"""')) or quotes % 2 == 1):
        quotes += lines[end].count('"""')
        end += 1
    return comment_above(lines, start) + "\n".join(lines[start:end])


def is_marked(lines: list[str], index: int, mark: str) -> bool:
    """Tell whether a mark stands on the line, within NEAR_LINES above it, or at the head of its function."""
    near = lines[max(0, index - NEAR_LINES) : index + 1]
    return any(mark in line for line in near) or mark in function_head(lines, index)


def unowned_pointers(_path: str, text: str) -> Iterator[str]:
    lines = text.split("\n")
    block_indent: int | None = None
    foreign_indent: int | None = None
    for index, line in enumerate(lines):
        code = code_of(line)
        if not code:
            continue
        indent = indent_of(line)
        if foreign_indent is not None and indent <= foreign_indent:
            foreign_indent = None
        if block_indent is not None and indent <= block_indent:
            block_indent = None
        if FOREIGN.match(line):
            foreign_indent = indent
        elif BLOCK.match(line) and foreign_indent is None:
            block_indent = indent
        elif (
            block_indent is not None
            and POINTER_FIELD.match(code)
            and not OWNED.search(line.removeprefix(code) + comment_above(lines, index))
        ):
            yield (
                f"{index + 1}: the pointer '{code.strip()}' tells no owner; say `owned`, `borrowed` or "
                "`lent` beside it, or `OWNERSHIP:` with who frees it, when, on which thread"
            )


def unordered_atomics(_path: str, text: str) -> Iterator[str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        call = ORDERED_CALL.search(code_of(line))
        if call and "import" not in line and not is_marked(lines, index, "ORDERING:"):
            yield (
                f"{index + 1}: '{call[0]})' orders memory without a word; say after `ORDERING:` what becomes "
                "visible to whom, and which operation it pairs with"
            )


def unsafe_steps(_path: str, text: str) -> Iterator[str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        code = code_of(line)
        if RELEASED_GIL.match(code) and not is_marked(lines, index, "SAFETY:"):
            yield (
                f"{index + 1}: `with nogil` without a reason; say after `SAFETY:` why no Python object is "
                "touched and what keeps the pointers alive"
            )
        for cast in POINTER_CAST.finditer(code):
            if cast["target"] in BYTES or ALLOCATION.match(cast["operand"]):
                continue
            if not is_marked(lines, index, "SAFETY:"):
                yield (
                    f"{index + 1}: the cast '{cast[0].strip()}' is believed without a reason; say after "
                    "`SAFETY:` how it is known what lies there"
                )


CORE = "_core/"
# The one room that names compiler builtins; it declares the atomics and orders nothing itself.
DECLARES_ATOMICS = "_core/atomics.pxd"


def test_each_pointer_field_of_the_core_tells_its_owner() -> None:
    found = offences(unowned_pointers, chosen(".pxd", ".pyx", under=CORE))
    assert not found, f"\n{found}"


def test_each_ordering_atomic_of_the_core_tells_what_it_orders() -> None:
    found = offences(
        unordered_atomics, [p for p in chosen(".pxd", ".pyx", under=CORE) if p != DECLARES_ATOMICS]
    )
    assert not found, f"\n{found}"


def test_each_unsafe_step_of_the_core_tells_why_it_is_safe() -> None:
    found = offences(unsafe_steps, chosen(".pxd", ".pyx", under=CORE))
    assert not found, f"\n{found}"
