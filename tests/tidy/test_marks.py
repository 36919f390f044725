"""The core's three marked comments: who owns a pointer, what an atomic orders, why an unsafe step is safe."""

import functools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tests.tidy.sources import ROOT, chosen, offences

NEAR_LINES = 6

OWNED = re.compile(r"OWNERSHIP:|\b(?:owned|owns|borrowed|borrows|lent)\b", re.IGNORECASE)
# One sentence above the block may speak for all of its pointers.
ALL_OWNED = re.compile(r"\b(?:all|each) pointers?\b[^.]*\b(?:owned|borrowed|lent)\b", re.IGNORECASE)
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


def comment_at(lines: list[str], index: int) -> str:
    """Join the comment on a line with the lines of comment above it."""
    return lines[index].removeprefix(code_of(lines[index])) + comment_above(lines, index)


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
    for block in blocks(lines):
        if ALL_OWNED.search(comment_above(lines, block.start)):
            continue
        for index in block.fields:
            code = code_of(lines[index])
            if POINTER_FIELD.match(code) and not OWNED.search(comment_at(lines, index)):
                yield (
                    f"{index + 1}: the pointer '{code.strip()}' tells no owner; say `owned`, `borrowed` or "
                    "`lent` beside it, or `OWNERSHIP:` with who frees it, when, on which thread"
                )


@dataclass(frozen=True)
class Block:
    """A struct, a union or a class of the core: its first line, and the lines that declare its fields."""

    start: int
    fields: tuple[int, ...]


def blocks(lines: list[str]) -> Iterator[Block]:
    """Find the blocks that are ours; what stands below `cdef extern` is declared elsewhere."""
    foreign_indent: int | None = None
    for index, line in enumerate(lines):
        if not code_of(line):
            continue
        if foreign_indent is not None and indent_of(line) <= foreign_indent:
            foreign_indent = None
        if FOREIGN.match(line):
            foreign_indent = indent_of(line)
        elif BLOCK.match(line) and foreign_indent is None:
            yield Block(index, tuple(fields_of(lines, index)))


def fields_of(lines: list[str], start: int) -> Iterator[int]:
    """Find the lines at the first level of a block: no method's body, no continued line."""
    level: int | None = None
    depth = 0
    for index in range(start + 1, len(lines)):
        code = code_of(lines[index])
        if not code:
            continue
        if depth == 0:
            if indent_of(lines[index]) <= indent_of(lines[start]):
                return
            level = level or indent_of(lines[index])
            if indent_of(lines[index]) == level:
                yield index
        depth += sum(code.count(sign) for sign in "([") - sum(code.count(sign) for sign in ")]")


def ordered_fields(_path: str, text: str) -> Iterator[str]:
    """Name the fields that say at their definition what they order; their uses need not repeat it."""
    lines = text.split("\n")
    for block in blocks(lines):
        for index in block.fields:
            if "ORDERING:" in comment_at(lines, index):
                yield re.findall(r"\w+", code_of(lines[index]).partition("[")[0])[-1]


def unordered_atomics(_path: str, text: str, fields: Collection[str] = ()) -> Iterator[str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        code = code_of(line)
        for call in ORDERED_CALL.finditer(code):
            operand = re.match(r"[^,()]*?(\w+)(?:\[[^\]]*\])?\s*[,)]", code[call.end() :])
            if "import" in line or (operand and operand[1] in fields) or is_marked(lines, index, "ORDERING:"):
                continue
            yield (
                f"{index + 1}: '{call[0]})' orders memory without a word; say after `ORDERING:`, here or at "
                "the field, what becomes visible to whom, and which operation it pairs with"
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
    core = [path for path in chosen(".pxd", ".pyx", under=CORE) if path != DECLARES_ATOMICS]
    fields = {name for path in core for name in ordered_fields(path, (ROOT / path).read_text("utf-8"))}
    found = offences(functools.partial(unordered_atomics, fields=fields), core)
    assert not found, f"\n{found}"


def test_each_unsafe_step_of_the_core_tells_why_it_is_safe() -> None:
    found = offences(unsafe_steps, chosen(".pxd", ".pyx", under=CORE))
    assert not found, f"\n{found}"
