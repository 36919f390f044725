"""The corpus of agent modules that the tests deploy, by name.

``guest(name)`` gives the binary of a module. Sources are the ``.wat`` files beside this page, assembled on
first use and kept in memory, so that parallel test processes share nothing and write nothing. The sources use
four shorthands, expanded here before the assembler sees them:

* ``@import reply send`` declares host functions of ``caxton_v1`` with their right signatures, named
``$reply``...;
* ``@include agent`` pastes ``shared/agent.wat``;
* a text between back-quotes stands for two operands, the pointer and the length of that string literal;
* ``"@zeros N"`` is a string of N zero bytes.

What each module must lead to is in ``tests/guests/cases.py``.
"""

import functools
import re
from pathlib import Path
from typing import Final

from wasmtime import wat2wasm

from tests.guests import derived

HERE: Final = Path(__file__).parent
GROUPS: Final = ("good", "deploy", "run")

LITERALS_AT: Final = 1024
LITERALS_END: Final = 8192

IMPORTS: Final = {
    "reply": "(param i32 i32) (result i32)",
    "send": "(param i32 i32) (result i32)",
    "log": "(param i32 i32 i32)",
    "now_ms": "(result i64)",
    "monotonic_ns": "(result i64)",
    "random": "(param i32 i32) (result i32)",
    "kv_get": "(param i32 i32) (result i32)",
    "kv_set": "(param i32 i32 i32 i32) (result i32)",
    "kv_delete": "(param i32 i32) (result i32)",
    "kv_list": "(param i32 i32) (result i32)",
    "call_tool": "(param i32 i32 i32 i32) (result i64)",
    "set_timer": "(param i64 i64) (result i32)",
    "cancel_timer": "(param i64) (result i32)",
    "config_get": "(param i32 i32) (result i32)",
    "register_capability": "(param i32 i32) (result i32)",
    "fetch": "(param i32 i32 i32) (result i32)",
    "last_error": "(result i32)",
}

_INCLUDE = re.compile(r"^ *@include (\w+)(\)*)$", re.MULTILINE)
_IMPORT = re.compile(r"^ *@import ([\w ]+)$", re.MULTILINE)
_LITERAL = re.compile(r"`([^`]*)`")
_ZEROS = re.compile(r"@zeros (\d+)")


def expand(source: str) -> str:
    """Expand the corpus's shorthands into plain WAT."""
    while _INCLUDE.search(source):
        source = _INCLUDE.sub(lambda m: (HERE / "shared" / f"{m[1]}.wat").read_text("utf-8") + m[2], source)
    source = _IMPORT.sub(
        lambda m: "\n".join(f'  (import "caxton_v1" "{n}" (func ${n} {IMPORTS[n]}))' for n in m[1].split()),
        source,
    )
    source = _ZEROS.sub(lambda m: "\\00" * int(m[1]), source)
    places: dict[str, int] = {}
    end = LITERALS_AT

    def place(match: re.Match[str]) -> str:
        nonlocal end
        text = match[1]
        size = len(text.encode())
        if text not in places:
            places[text] = end
            end += size
        return f"(i32.const {places[text]}) (i32.const {size})"

    source = _LITERAL.sub(place, source)
    if end > LITERALS_END:
        raise ValueError(f"string literals end at {end}, beyond {LITERALS_END}")
    if not places:
        return source
    escaped = "".join("".join(f"\\{byte:02x}" for byte in text.encode()) for text in places)
    closing = source.rstrip().rindex(")")
    return f'{source[:closing]}\n  (data (i32.const {LITERALS_AT}) "{escaped}"))\n'


def assemble(source: str) -> bytes:
    """Assemble WAT with the corpus's shorthands.

    Raises:
        wasmtime.WasmtimeError: if the text is not a module.
    """
    return bytes(wat2wasm(expand(source)))


def source_path(name: str) -> Path | None:
    """Return the path of a guest's source, or None if it is derived in code."""
    for group in GROUPS:
        path = HERE / group / f"{name}.wat"
        if path.exists():
            return path
    return None


@functools.cache
def guest(name: str) -> bytes:
    """Return the binary of a guest.

    Raises:
        KeyError: if there is no guest of that name.
    """
    path = source_path(name)
    if path is not None:
        return assemble(path.read_text("utf-8"))
    probe = derived.PROBES.get(name)
    if probe is not None:
        return assemble(probe.source)
    return derived.MANGLED[name](guest)


def names() -> list[str]:
    """Return every guest's name, sorted."""
    files = {path.stem for group in GROUPS for path in (HERE / group).glob("*.wat")}
    return sorted(files | set(derived.PROBES) | set(derived.MANGLED))
