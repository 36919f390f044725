"""A bounded reader of a WebAssembly module's outline: what it imports, exports and carries, never its code.

Bytes of unknown origin enter, an ``Outline`` leaves; nothing is raised whatever the bytes are. No length or
count is believed before it was compared with the bytes that are left and with a limit of our own. Reading
ends at the first fault; what was read up to there stands, and ``Outline.fault`` says where and why. The
outline is not a validation: the engine's validator has the last word on every module.
"""

from collections.abc import Callable
from typing import Final, Literal, NoReturn

import msgspec

from caxton.runtime.abi import MANIFEST_SECTION, Signature, ValueType

MAGIC: Final = b"\0asm"
VERSION_BYTES: Final = b"\1\0\0\0"
HEADER_BYTES: Final = 8

TYPES_MAX: Final = 100_000
FUNCTIONS_MAX: Final = 200_000
IMPORTS_MAX: Final = 10_000
EXPORTS_MAX: Final = 10_000
SEGMENTS_MAX: Final = 100_000
PARAMETERS_MAX: Final = 1_000
NAME_BYTES_MAX: Final = 100_000

ExternKind = Literal["function", "table", "memory", "global", "tag"]
FaultCode = Literal["truncated", "malformed", "too_complex"]

_KINDS: Final[tuple[ExternKind, ...]] = ("function", "table", "memory", "global", "tag")
_NUMBER_TYPES: Final[dict[int, ValueType]] = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
}
_TYPED_REFERENCES: Final = (0x63, 0x64)  # (ref null ht), (ref ht): a heap type follows
_SHORT_REFERENCES: Final = range(0x68, 0x75)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why reading ended early, and at which byte of the module."""

    code: FaultCode
    message: str
    offset: int


class MemoryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A memory's declared size in pages. ``pages_max`` None: it may grow as far as the limits allow."""

    pages_min: int
    pages_max: int | None
    page_bytes: int = 65536
    shared: bool = False
    is_64: bool = False


class ImportEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One import. ``signature`` is set for functions whose type could be read."""

    module: str
    name: str
    kind: ExternKind
    signature: Signature | None = None


class ExportEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One export; ``index`` counts imports first, as the standard does."""

    name: str
    kind: ExternKind
    index: int


class Outline(msgspec.Struct, kw_only=True):
    """What the sections of one module say.

    ``types[i]`` is None where the type is no plain function type. ``types_known`` tells whether the type
    section was read to its end: beyond it signatures are unknown, not wrong.
    """

    types: list[Signature | None] = []
    types_known: bool = True
    function_types: list[int] = []
    imports: list[ImportEntry] = []
    exports: list[ExportEntry] = []
    memories: list[MemoryShape] = []
    memories_imported: int = 0
    active_data_bytes: int = 0
    has_start: bool = False
    manifests: list[bytes] = []
    sections_read: set[int] = set()
    fault: Fault | None = None

    def signature_of(self, function_index: int) -> Signature | None:
        """Return a function's type, or None where it is unknown or out of range."""
        if not 0 <= function_index < len(self.function_types):
            return None
        return self.type_at(self.function_types[function_index])

    def type_at(self, type_index: int) -> Signature | None:
        """Return a type by index, or None where it is unknown or out of range."""
        return self.types[type_index] if 0 <= type_index < len(self.types) else None

    def exported(self, name: str) -> ExportEntry | None:
        """Return the export of a name."""
        return next((export for export in self.exports if export.name == name), None)

    @property
    def exports_known(self) -> bool:
        """Tell whether the absence of an export means anything."""
        return self.fault is None or _EXPORT in self.sections_read


class _Stop(Exception):
    """Ends reading; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _Cursor:
    """A place in the module's bytes that never moves past ``end``."""

    __slots__ = ("at", "data", "end", "what")

    def __init__(self, data: bytes, at: int, end: int, what: str) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.what = what

    def stop(self, code: FaultCode, message: str) -> NoReturn:
        raise _Stop(Fault(code=code, message=message, offset=self.at))

    def byte(self) -> int:
        if self.at >= self.end:
            self.stop("malformed", f"{self.what} ends in the middle of an entry")
        value = self.data[self.at]
        self.at += 1
        return value

    def unsigned(self, bits: int = 32) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if value >> bits:
                    self.stop("malformed", f"{self.what} holds a number of more than {bits} bits")
                return value
            if shift >= bits:
                self.stop("malformed", f"{self.what} holds a number that is too long")

    def skip_signed(self, bits: int) -> None:
        for _ in range((bits + 6) // 7):
            if self.byte() < 0x80:
                return
        self.stop("malformed", f"{self.what} holds a number that is too long")

    def skip(self, size: int) -> None:
        if size > self.end - self.at:
            self.stop("malformed", f"{self.what} claims {size} bytes where {self.end - self.at} are left")
        self.at += size

    def count(self, limit: int, noun: str) -> int:
        value = self.unsigned()
        if value > self.end - self.at:
            self.stop("malformed", f"{self.what} claims {value} {noun} in {self.end - self.at} bytes")
        if value > limit:
            self.stop("too_complex", f"{self.what} has {value} {noun}; at most {limit} are accepted")
        return value

    def name(self) -> str:
        size = self.unsigned()
        if size > NAME_BYTES_MAX:
            self.stop(
                "too_complex",
                f"{self.what} holds a name of {size} bytes; at most {NAME_BYTES_MAX} are accepted",
            )
        start = self.at
        self.skip(size)
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError:
            self.stop("malformed", f"{self.what} holds a name that is not UTF-8")

    def value_type(self) -> ValueType:
        byte = self.byte()
        number = _NUMBER_TYPES.get(byte)
        if number is not None:
            return number
        if byte in _TYPED_REFERENCES:
            self.skip_signed(33)
        elif byte not in _SHORT_REFERENCES:
            self.stop("malformed", f"{self.what} holds the unknown value type 0x{byte:02x}")
        return "reference"

    def limits(self) -> MemoryShape:
        flags = self.byte()
        if flags > 0x0F:
            self.stop("malformed", f"{self.what} holds the unknown limits 0x{flags:02x}")
        bits = 64 if flags & 4 else 32
        pages_min = self.unsigned(bits)
        pages_max = self.unsigned(bits) if flags & 1 else None
        page_bits = self.unsigned() if flags & 8 else 16
        if page_bits > 16:
            self.stop("malformed", f"{self.what} wants pages of 2^{page_bits} bytes")
        return MemoryShape(
            pages_min=pages_min,
            pages_max=pages_max,
            page_bytes=1 << page_bits,
            shared=bool(flags & 2),
            is_64=bool(flags & 4),
        )


def read_outline(wasm: bytes) -> Outline:
    """Read the outline of a module whose header was checked; never raises.

    Work and memory are bounded by the module's size and by the limits at the head of this page.
    """
    outline = Outline()
    cursor = _Cursor(wasm, HEADER_BYTES, len(wasm), "the module")
    try:
        while cursor.at < cursor.end:
            _read_section(wasm, cursor, outline)
    except _Stop as stop:
        outline.fault = stop.fault
    return outline


def _read_section(wasm: bytes, cursor: _Cursor, outline: Outline) -> None:
    start = cursor.at
    section = cursor.byte()
    try:
        size = cursor.unsigned()
    except _Stop as stop:
        if cursor.at < cursor.end:
            raise
        raise _Stop(
            Fault(code="truncated", message="the module ends inside a section's head", offset=start)
        ) from stop
    if size > cursor.end - cursor.at:
        what = _SECTION_NAMES.get(section, f"section {section}")
        cursor.stop(
            "truncated",
            f"the {what} section claims {size} bytes where {cursor.end - cursor.at} are left in the module",
        )
    body = _Cursor(wasm, cursor.at, cursor.at + size, f"the {_SECTION_NAMES.get(section, 'unknown')} section")
    cursor.at += size
    reader = _READERS.get(section)
    if reader is not None:
        reader(body, outline)
    outline.sections_read.add(section)


def _read_custom(body: _Cursor, outline: Outline) -> None:
    if body.name() == MANIFEST_SECTION:
        outline.manifests.append(body.data[body.at : body.end])


def _read_types(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(TYPES_MAX, "types")):
        if body.byte() != 0x60:
            # A struct, array or recursion group of the GC proposal: the types from here on stay unknown,
            # which is no fault, since every profile refuses the proposal by name.
            outline.types_known = False
            return
        params = _read_value_types(body, "parameters")
        outline.types.append(Signature(params, _read_value_types(body, "results")))


def _read_value_types(body: _Cursor, noun: str) -> tuple[ValueType, ...]:
    return tuple([body.value_type() for _ in range(body.count(PARAMETERS_MAX, noun))])


def _read_imports(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(IMPORTS_MAX, "imports")):
        module, name, kind = body.name(), body.name(), body.byte()
        signature = None
        if kind == 0:
            index = body.unsigned()
            outline.function_types.append(index)
            signature = outline.type_at(index)
        elif kind == 1:
            body.value_type()
            body.limits()
        elif kind == 2:
            outline.memories.append(body.limits())
            outline.memories_imported += 1
        elif kind == 3:
            body.value_type()
            body.byte()
        elif kind == 4:
            body.byte()
            body.unsigned()
        else:
            body.stop("malformed", f"{body.what} holds the unknown kind {kind}")
        outline.imports.append(ImportEntry(module=module, name=name, kind=_KINDS[kind], signature=signature))


def _read_functions(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(FUNCTIONS_MAX, "functions")):
        outline.function_types.append(body.unsigned())


def _read_memories(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(IMPORTS_MAX, "memories")):
        outline.memories.append(body.limits())


def _read_exports(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(EXPORTS_MAX, "exports")):
        name, kind = body.name(), body.byte()
        if kind >= len(_KINDS):
            body.stop("malformed", f"{body.what} holds the unknown kind {kind}")
        outline.exports.append(ExportEntry(name=name, kind=_KINDS[kind], index=body.unsigned()))


def _read_start(_body: _Cursor, outline: Outline) -> None:
    outline.has_start = True


def _read_data(body: _Cursor, outline: Outline) -> None:
    for _ in range(body.count(SEGMENTS_MAX, "data segments")):
        flags = body.unsigned()
        if flags == 2:
            body.unsigned()
        if flags != 1 and not _skip_constant(body):
            # An offset that is computed in a way unknown here: all that is left may be active data.
            outline.active_data_bytes += body.end - body.at
            return
        size = body.unsigned()
        body.skip(size)
        if flags != 1:
            outline.active_data_bytes += size


def _skip_constant(body: _Cursor) -> bool:
    """Skip a constant expression; False at an instruction that no 32- or 64-bit offset needs."""
    while True:
        opcode = body.byte()
        if opcode == 0x0B:
            return True
        if opcode == 0x41:
            body.skip_signed(32)
        elif opcode == 0x42:
            body.skip_signed(64)
        elif opcode == 0x23:
            body.unsigned()
        elif opcode not in _EXTENDED_CONSTANT:
            return False


_EXTENDED_CONSTANT: Final = frozenset({0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E})
_EXPORT: Final = 7
_SECTION_NAMES: Final = {
    0: "custom",
    1: "type",
    2: "import",
    3: "function",
    4: "table",
    5: "memory",
    6: "global",
    _EXPORT: "export",
    8: "start",
    9: "element",
    10: "code",
    11: "data",
    12: "data count",
    13: "tag",
}
_READERS: Final[dict[int, Callable[[_Cursor, Outline], None]]] = {
    0: _read_custom,
    1: _read_types,
    2: _read_imports,
    3: _read_functions,
    5: _read_memories,
    _EXPORT: _read_exports,
    8: _read_start,
    11: _read_data,
}
