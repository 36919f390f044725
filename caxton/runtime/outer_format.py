"""What a file is when it is no WebAssembly module, told from its first bytes, and what to do with it."""

import re
from typing import Final

from caxton.runtime.wasm_sections import HEADER_BYTES, MAGIC, VERSION_BYTES

# White space and comments, then an opening form. Possessive and atomic throughout: no input makes it
# backtrack.
_TEXT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?+(?:\s|;;[^\n]*+\n|(?>\(;[\s\S]*?;\)))*+\(\s*+(?:module|component|func|memory|;)"
)
_HEAD_BYTES: Final = 4096

_KNOWN: Final = (
    (b"\x7fELF", "a native program for Linux"),
    (b"MZ", "a native program for Windows"),
    (b"\xcf\xfa\xed\xfe", "a native program for macOS"),
    (b"!<arch>", "a library archive (.a)"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"AGFzbQ", "base64 text of a module"),
    (b"0061736d", "hexadecimal text of a module"),
    (b"#!", "a script"),
)

_JAVASCRIPT: Final = "it was built for a JavaScript host: "
FOREIGN_HOSTS: Final = {
    "env": "a symbol stayed undefined at link time: define it or link the library that does; "
    "AssemblyScript: --use abort=",
    "wasi_unstable": "build it for wasm32-freestanding; this WASI snapshot is obsolete",
    "wbg": _JAVASCRIPT + "build a plain cdylib without wasm-bindgen",
    "__wbindgen_placeholder__": _JAVASCRIPT + "build a plain cdylib without wasm-bindgen",
    "gojs": _JAVASCRIPT + "use a toolchain that exports functions without one (TinyGo)",
    "go": _JAVASCRIPT + "use a toolchain that exports functions without one (TinyGo)",
    "a": _JAVASCRIPT + "give Emscripten -sSTANDALONE_WASM and --no-entry",
}


def recognise(wasm: bytes) -> tuple[str, str, str] | None:
    """Return (problem code, message, hint) for bytes that are no module of version 1, or None.

    None says that the header is right, nothing more.
    """
    if not wasm:
        return "empty", "the module is empty", "send the bytes of a .wasm file"
    if wasm.startswith(MAGIC):
        return _judge_version(wasm)
    if MAGIC.startswith(wasm):
        return "truncated", f"the file ends after {len(wasm)} bytes", "send the whole file"
    if _TEXT.match(wasm[:_HEAD_BYTES]):
        return (
            "text_format",
            "this is the text format (WAT), not a binary",
            "assemble it first (wat2wasm agent.wat -o agent.wasm), then deploy the .wasm file",
        )
    for head, what in _KNOWN:
        if wasm.startswith(head):
            return "bad_magic", f"this is {what}, not a WebAssembly binary", _remedy(head)
    return (
        "bad_magic",
        f"this is no WebAssembly binary: it starts with {wasm[:4].hex(' ')} instead of 00 61 73 6d",
        "deploy the .wasm file that the compiler wrote",
    )


def _remedy(head: bytes) -> str:
    if head in (b"\x1f\x8b", b"PK\x03\x04"):
        return "unpack it and deploy the .wasm file"
    if head in (b"AGFzbQ", b"0061736d"):
        return "decode it to bytes first"
    return "compile for a WebAssembly target (wasm32) and deploy the .wasm file that comes out"


def _judge_version(wasm: bytes) -> tuple[str, str, str] | None:
    if len(wasm) < HEADER_BYTES:
        return "truncated", f"the file ends after {len(wasm)} bytes, inside its header", "send the whole file"
    version = wasm[4:8]
    if version == VERSION_BYTES:
        return None
    if version[2:] == b"\1\0":
        return (
            "component",
            "this is a component; agents are core modules",
            "build a core module (wasm32-unknown-unknown, wasm32-freestanding) and do not wrap it",
        )
    return (
        "bad_version",
        f"this is WebAssembly version {int.from_bytes(version, 'little')}; this server runs version 1",
        "build it again with a current compiler",
    )
