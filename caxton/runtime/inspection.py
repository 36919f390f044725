"""The static judge of an agent module: everything that is wrong with it, found at once, without running it.

Bytes from a deployer enter, a ``ModuleReport`` leaves; its ``problems`` are empty exactly if the module may
be compiled. Every problem says what to do about it. Code is never decoded here: which proposals a module uses
is told by asking the engine's validator, with one proposal off at a time (``runtime.validator``). Faults that
only show when a module runs (a start function that traps, room outside of the memory) are found by the
runtime's trial.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final, assert_never

import msgspec

from caxton.domain.suggestion import did_you_mean, near_names
from caxton.runtime import abi, outer_format
from caxton.runtime.features import (
    ALLOWED,
    IMPLIED_BY,
    PROPOSALS,
    STANDARD_FEATURES,
    Feature,
    Profile,
    forbidden,
    with_dependents,
)
from caxton.runtime.manifest import Manifest, ManifestFault, read_manifest
from caxton.runtime.wasm_sections import ImportEntry, MemoryShape, Outline, read_outline

PROBLEMS_MAX: Final = 100
_NAME_CHARACTERS_MAX: Final = 80

Validate = Callable[[frozenset[Feature], bytes], str | None]
"""Why the engine refuses a module when these features are off; None if it is valid."""


class ModuleLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a module may cost: the size of its binary and of the memory that it asks for at its start."""

    module_bytes_max: int
    memory_bytes_max: int


class ModuleProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a module: a stable code, what was found, and what to do about it."""

    code: str
    message: str
    hint: str


class ModuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was read in a module. ``memory`` is that of the export ``memory``.

    ``active_data_bytes`` is the total that is copied into each new instance. ``optional_exports`` names those
    of the ABI's optional exports that are there with the right type. Names and signatures are as found, not
    judged.
    """

    size_bytes: int
    digest: str
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    memory: MemoryShape | None = None
    active_data_bytes: int = 0
    has_start: bool = False
    manifest: Manifest | None = None
    features_used: frozenset[Feature] = frozenset()
    optional_exports: frozenset[str] = frozenset()
    problems: tuple[ModuleProblem, ...] = ()

    @property
    def accepted(self) -> bool:
        """Tell whether the module may be compiled."""
        return not self.problems


def inspect_module(
    wasm: bytes, *, profile: Profile, limits: ModuleLimits, granted_wasi: bool, validate: Validate
) -> ModuleReport:
    """Judge a module and list every problem found; never raises for anything that the bytes hold.

    A module that is too large, or no WebAssembly binary at all, is not read any further. Else the work is
    bounded by ``limits.module_bytes_max``: one pass over the outline and up to one validation for each
    feature.
    """
    digest = hashlib.sha256(wasm).hexdigest()
    stranger = _judge_size(wasm, limits) or _judge_format(wasm)
    if stranger is not None:
        return ModuleReport(size_bytes=len(wasm), digest=digest, problems=(stranger,))
    outline = read_outline(wasm)
    features, feature_problems = _judge_features(wasm, outline, profile, validate)
    manifest, manifest_problems = _judge_manifest(outline)
    problems = [
        *_judge_exports(outline),
        *_judge_memory(outline, limits),
        *_judge_imports(outline, granted_wasi=granted_wasi),
        *manifest_problems,
        *feature_problems,
    ]
    export = outline.exported(abi.MEMORY)
    return ModuleReport(
        size_bytes=len(wasm),
        digest=digest,
        exports=tuple(entry.name for entry in outline.exports),
        imports=tuple(f"{entry.module}.{entry.name}" for entry in outline.imports),
        memory=_memory_at(outline, export.index) if export is not None and export.kind == "memory" else None,
        active_data_bytes=outline.active_data_bytes,
        has_start=outline.has_start,
        manifest=manifest,
        features_used=features,
        optional_exports=frozenset(
            name for name, expected in abi.OPTIONAL_EXPORTS.items() if _found_type(outline, name) == expected
        ),
        problems=_bounded(problems),
    )


def _bounded(problems: list[ModuleProblem]) -> tuple[ModuleProblem, ...]:
    if len(problems) <= PROBLEMS_MAX:
        return tuple(problems)
    rest = ModuleProblem(
        code="more_problems",
        message=f"there are {len(problems) - PROBLEMS_MAX} further problems",
        hint="mend the ones above first",
    )
    return (*problems[:PROBLEMS_MAX], rest)


def _judge_size(wasm: bytes, limits: ModuleLimits) -> ModuleProblem | None:
    if len(wasm) <= limits.module_bytes_max:
        return None
    return ModuleProblem(
        code="too_large",
        message=f"the module is {len(wasm)} bytes long; this server takes at most {limits.module_bytes_max}",
        hint="strip debug information and names (clang, zig: -s; wasm-strip), compile for size (-Os), "
        "or raise runtime.module_bytes_max",
    )


def _judge_format(wasm: bytes) -> ModuleProblem | None:
    verdict = outer_format.recognise(wasm)
    if verdict is None:
        return None
    code, message, hint = verdict
    return ModuleProblem(code=code, message=message, hint=hint)


def _judge_exports(outline: Outline) -> Iterator[ModuleProblem]:
    names = [entry.name for entry in outline.exports]
    if abi.COMMAND_ENTRY in names:
        yield ModuleProblem(
            code="command_module",
            message="the module exports _start: it is a command, which runs once; an agent stays",
            hint="link it as a reactor (clang: -mexec-model=reactor; zig: -fno-entry; rustc: "
            "--crate-type=cdylib); then handle_message is called for each message",
        )
    if outline.exports_known:
        yield from _judge_absence(names)
    for name, expected in abi.EXPORTS.items():
        entry = outline.exported(name)
        if entry is None:
            continue
        if entry.kind != "function":
            yield ModuleProblem(
                code="wrong_signature",
                message=f"the export {name} is a {entry.kind}; it has to be a function {expected}",
                hint=f"export a function of that name with the type {expected}",
            )
            continue
        found = outline.signature_of(entry.index)
        if found is not None and found != expected:
            yield ModuleProblem(
                code="wrong_signature",
                message=f"the export {name} has the type {found}; expected {expected}",
                hint=f"declare {name} with {_in_words(expected)}",
            )


def _judge_absence(names: list[str]) -> Iterator[ModuleProblem]:
    if abi.MARKER not in names:
        versions = [name for name in names if re.fullmatch(rf"{abi.MARKER_PREFIX}\d{{1,9}}", name)]
        if versions:
            message = f"the module is built for {', '.join(versions)}; this server speaks {abi.MARKER}"
            hint = f"build it with an SDK for version {abi.ABI_VERSION}, or deploy it on a newer server"
        else:
            message = f"the export {abi.MARKER} is missing: it says which version of the ABI the agent speaks"
            hint = f"export an empty function named {abi.MARKER} (C: CAXTON_AGENT from caxton.h does it)"
        yield ModuleProblem(code="no_marker", message=message, hint=hint)
    for name, expected in abi.REQUIRED_EXPORTS.items():
        if name not in names:
            guess = did_you_mean(near_names(name, (other for other in names if other not in abi.EXPORTS)))
            yield ModuleProblem(
                code="missing_export",
                message=f"the export {name} is missing" + (f"; {guess}" if guess else ""),
                hint=f'export a function {name} {expected} (clang: __attribute__((export_name("{name}"))))',
            )


def _judge_memory(outline: Outline, limits: ModuleLimits) -> Iterator[ModuleProblem]:
    entry = outline.exported(abi.MEMORY)
    if outline.memories_imported:
        yield ModuleProblem(
            code="memory_imported",
            message="the module imports its memory; an agent brings its own",
            hint="link without --import-memory, and export the memory as 'memory'",
        )
    elif outline.exports_known and (entry is None or entry.kind != "memory"):
        other = next((e.name for e in outline.exports if e.kind == "memory"), None)
        if entry is not None:
            found = f"the export 'memory' is a {entry.kind}"
        elif other is not None:
            found = f"the memory is exported as '{_shown(other)}'"
        elif outline.memories:
            found = "the module has a memory but does not export it"
        else:
            found = "the module has no memory"
        yield ModuleProblem(
            code="no_memory",
            message=f"{found}; messages are passed through an exported memory named 'memory'",
            hint='export it: (memory (export "memory") 1) in WAT; clang and zig do it unless told not to',
        )
    for memory in outline.memories:
        bytes_min = memory.pages_min * memory.page_bytes
        if bytes_min > limits.memory_bytes_max:
            yield ModuleProblem(
                code="memory_over_limit",
                message=f"the memory starts with {bytes_min} bytes ({memory.pages_min} pages); "
                f"this agent may have {limits.memory_bytes_max}",
                hint="make the stack or static data smaller (clang, zig: -z stack-size=65536) "
                "or raise limits.memory_bytes_max",
            )


def _memory_at(outline: Outline, index: int) -> MemoryShape | None:
    return outline.memories[index] if index < len(outline.memories) else None


def _judge_imports(outline: Outline, *, granted_wasi: bool) -> Iterator[ModuleProblem]:
    seen: set[tuple[str, str]] = set()
    for entry in outline.imports:
        if entry.kind == "memory" or (entry.module, entry.name) in seen:
            continue
        seen.add((entry.module, entry.name))
        if entry.module == abi.IMPORT_MODULE:
            problem = _judge_import_type(entry, abi.IMPORTS.get(entry.name), outline)
        elif entry.module == abi.WASI_MODULE and granted_wasi:
            problem = _judge_import_type(entry, abi.WASI_IMPORTS.get(entry.name), outline)
        elif entry.module == abi.WASI_MODULE:
            problem = ModuleProblem(
                code="forbidden_import",
                message=f"the module imports {_import_name(entry)}, which this agent was not granted",
                hint="build without a C library (zig: -target wasm32-freestanding; rustc: "
                'wasm32-unknown-unknown), or deploy it with "wasi": true, which grants the clock, random '
                "bytes and output to the log, and nothing else",
            )
        else:
            problem = ModuleProblem(
                code="unknown_import",
                message=f"agent needs {_import_name(entry)}, this server has nothing but {abi.IMPORT_MODULE}",
                hint=outer_format.FOREIGN_HOSTS.get(
                    entry.module, f"import host functions from {abi.IMPORT_MODULE} only"
                ),
            )
        if problem is not None:
            yield problem


def _judge_import_type(
    entry: ImportEntry, expected: abi.Signature | None, outline: Outline
) -> ModuleProblem | None:
    if expected is None:
        table = abi.IMPORTS if entry.module == abi.IMPORT_MODULE else abi.WASI_IMPORTS
        guess = did_you_mean(near_names(entry.name, table))
        return ModuleProblem(
            code="unknown_import",
            message=f"agent needs {_import_name(entry)}, this server has {', '.join(table)}",
            hint=guess or "deploy it on a newer server, or build it without that function",
        )
    if entry.kind != "function":
        return ModuleProblem(
            code="import_signature",
            message=f"{_import_name(entry)} is imported as a {entry.kind}; it is a function {expected}",
            hint=f"import it as a function with the type {expected}",
        )
    if entry.signature == expected or (entry.signature is None and not outline.types_known):
        return None
    found = "a type that is no function type" if entry.signature is None else f"the type {entry.signature}"
    return ModuleProblem(
        code="import_signature",
        message=f"{_import_name(entry)} is imported with {found}; expected {expected}",
        hint=f"declare {_shown(entry.name)} with {_in_words(expected)}",
    )


def _judge_manifest(outline: Outline) -> tuple[Manifest | None, list[ModuleProblem]]:
    if not outline.manifests:
        return None, []
    if len(outline.manifests) > 1:
        outcome: Manifest | ManifestFault = ManifestFault(f"there are {len(outline.manifests)} of them")
    else:
        outcome = read_manifest(outline.manifests[0])
    match outcome:
        case Manifest():
            return outcome, []
        case ManifestFault():
            return None, [
                ModuleProblem(
                    code="bad_manifest",
                    message=f"the manifest in the custom section 'caxton' cannot be used: {outcome.message}",
                    hint='write one JSON object such as {"name": "bidder", "version": "1.0.0"}, '
                    "or leave it out",
                )
            ]
        case _ as never:
            assert_never(never)


def _judge_features(
    wasm: bytes, outline: Outline, profile: Profile, validate: Validate
) -> tuple[frozenset[Feature], list[ModuleProblem]]:
    """Find the features used, and the problems that the profile and the engine have with the module."""
    if outline.fault is None and validate(frozenset(Feature), wasm) is None:
        return frozenset(), []
    invalid = validate(frozenset(), wasm)
    # Validation ends at the first fault. Where it ends earlier, or differently, with a feature off, that
    # feature is used before the fault, so that even a broken module gets all of its features named.
    refusals: dict[Feature, str] = {}
    for feature in Feature:
        refusal = validate(with_dependents({feature}), wasm)
        if refusal is not None and refusal != invalid:
            refusals[feature] = refusal
    used = frozenset(refusals)
    problems = [
        _feature_problem(feature, refusals[feature], profile)
        for feature in Feature
        if feature in used and feature not in ALLOWED[profile]
        if not (IMPLIED_BY.get(feature, frozenset()) & used - ALLOWED[profile])
    ]
    if outline.fault is not None:
        problems.insert(
            0,
            ModuleProblem(
                code=outline.fault.code,
                message=f"{outline.fault.message} (at offset {outline.fault.offset:#x})",
                hint=_FAULT_HINTS[outline.fault.code],
            ),
        )
    elif invalid is not None:
        problems.append(_invalid(invalid))
    elif not problems:
        together = validate(forbidden(profile), wasm)
        if together is not None:
            problems.append(_invalid(together))
    return used, problems


_FAULT_HINTS: Final = {
    "truncated": "the file was cut off on its way: compare its size with the original and send it again",
    "malformed": "the file is damaged or comes from a faulty tool: build it again",
    "too_complex": "split the agent, or build it without the parts that it does not use",
}


def _invalid(message: str) -> ModuleProblem:
    return ModuleProblem(
        code="invalid_module",
        message=f"the engine refuses the module: {message}",
        hint="the binary breaks the WebAssembly rules at that place: build it again with a current tool",
    )


def _feature_problem(feature: Feature, refusal: str, profile: Profile) -> ModuleProblem:
    proposal = PROPOSALS[feature]
    remedy = proposal.remedy
    if profile == "strict" and feature in STANDARD_FEATURES:
        remedy = f"{remedy}; or deploy it with the profile 'standard'"
    return ModuleProblem(
        code=f"feature_{feature.value}",
        message=f"the module uses {proposal.title}, which the profile '{profile}' does not allow: {refusal}",
        hint=remedy,
    )


def _found_type(outline: Outline, name: str) -> abi.Signature | None:
    entry = outline.exported(name)
    return outline.signature_of(entry.index) if entry is not None and entry.kind == "function" else None


def _import_name(entry: ImportEntry) -> str:
    return f"{_shown(entry.module)}.{_shown(entry.name)}"


def _shown(name: str) -> str:
    """Return a name from a module as it may stand in a message: short, without control characters."""
    short = name if len(name) <= _NAME_CHARACTERS_MAX else name[:_NAME_CHARACTERS_MAX] + "..."
    return short if short.isprintable() else ascii(short)[1:-1]


def _in_words(signature: abi.Signature) -> str:
    def listed(types: tuple[abi.ValueType, ...], noun: str) -> str:
        return f"{noun} {', '.join(types)}" if types else f"no {noun}"

    return f"{listed(signature.params, 'parameters')} and {listed(signature.results, 'result')}"
