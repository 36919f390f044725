"""The WebAssembly proposals that the sandbox knows about, and the profiles that allow them.

A profile is the set of proposals that a module may use. ``strict`` allows none that the engine can tell apart
from the first version of WebAssembly; ``standard`` adds what today's compilers emit by default. Sign
extension and saturating conversions have no switch in the engine and are therefore part of both.
"""

from collections.abc import Iterable
from enum import StrEnum, unique
from typing import Final, Literal

import msgspec

Profile = Literal["strict", "standard"]


@unique
class Feature(StrEnum):
    """A proposal that the engine can switch off. The value names it in problem codes."""

    SIMD = "simd"
    RELAXED_SIMD = "relaxed_simd"
    REFERENCE_TYPES = "reference_types"
    BULK_MEMORY = "bulk_memory"
    MULTI_VALUE = "multi_value"
    THREADS = "threads"
    MEMORY64 = "memory64"
    MULTI_MEMORY = "multi_memory"
    TAIL_CALL = "tail_call"
    EXCEPTIONS = "exceptions"
    FUNCTION_REFERENCES = "function_references"
    GC = "gc"
    HOST_REFERENCES = "host_references"
    STACK_SWITCHING = "stack_switching"
    WIDE_ARITHMETIC = "wide_arithmetic"
    CUSTOM_PAGE_SIZES = "custom_page_sizes"
    COMPACT_IMPORTS = "compact_imports"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """How people and compilers call a feature: its title and what makes a compiler leave it out."""

    title: str
    remedy: str


STANDARD_FEATURES: Final = frozenset({Feature.REFERENCE_TYPES, Feature.BULK_MEMORY, Feature.MULTI_VALUE})
ALLOWED: Final[dict[Profile, frozenset[Feature]]] = {"strict": frozenset(), "standard": STANDARD_FEATURES}

# A feature cannot be switched off while one that builds on it is on: the engine's own rule, broken only at
# the price of the process.
_DEPENDENTS: Final[dict[Feature, frozenset[Feature]]] = {
    Feature.SIMD: frozenset({Feature.RELAXED_SIMD}),
}

# Where one feature implies another, only the more specific one is worth a problem.
IMPLIED_BY: Final[dict[Feature, frozenset[Feature]]] = {
    Feature.HOST_REFERENCES: frozenset({Feature.REFERENCE_TYPES, Feature.GC}),
}


def with_dependents(off: Iterable[Feature]) -> frozenset[Feature]:
    """Return the features to switch off together so that the engine's configuration is consistent."""
    chosen = frozenset(off)
    return chosen.union(*(_DEPENDENTS.get(feature, frozenset()) for feature in chosen))


def forbidden(profile: Profile) -> frozenset[Feature]:
    """Return the features that a profile does not allow."""
    return frozenset(Feature) - ALLOWED[profile]


_MVP: Final = "compile for the first version of WebAssembly (clang, zig: -mcpu=mvp; rustc: -C target-cpu=mvp)"

PROPOSALS: Final[dict[Feature, Proposal]] = {
    Feature.SIMD: Proposal(
        title="SIMD (128-bit vectors)",
        remedy="compile without it (clang: -mno-simd128; rustc: -C target-feature=-simd128) "
        "or with -mcpu=mvp",
    ),
    Feature.RELAXED_SIMD: Proposal(
        title="relaxed SIMD",
        remedy="compile without it (clang: -mno-relaxed-simd; rustc: -C target-feature=-relaxed-simd)",
    ),
    Feature.REFERENCE_TYPES: Proposal(title="reference types", remedy=_MVP),
    Feature.BULK_MEMORY: Proposal(
        title="bulk memory", remedy=f"{_MVP}; AssemblyScript: --disable bulk-memory"
    ),
    Feature.MULTI_VALUE: Proposal(title="multiple results (multi-value)", remedy=_MVP),
    Feature.THREADS: Proposal(
        title="threads (atomics and shared memory)",
        remedy="compile without -pthread and -matomics; an agent handles one message at a time",
    ),
    Feature.MEMORY64: Proposal(title="64-bit memory", remedy="compile for wasm32 instead of wasm64"),
    Feature.MULTI_MEMORY: Proposal(
        title="several memories", remedy="keep everything in the one memory that is exported as 'memory'"
    ),
    Feature.TAIL_CALL: Proposal(
        title="tail calls", remedy="compile without -mtail-call, or turn tail calls into loops"
    ),
    Feature.EXCEPTIONS: Proposal(
        title="exceptions",
        remedy="compile with -fno-exceptions (and without -fwasm-exceptions); rustc: panic = 'abort'",
    ),
    Feature.FUNCTION_REFERENCES: Proposal(
        title="typed function references", remedy="call through a table (call_indirect) instead of call_ref"
    ),
    Feature.GC: Proposal(
        title="garbage collection", remedy="choose a compiler that keeps its objects in linear memory"
    ),
    Feature.HOST_REFERENCES: Proposal(
        title="references to host objects (externref)",
        remedy="use integers as handles; function references in tables are allowed",
    ),
    Feature.STACK_SWITCHING: Proposal(
        title="stack switching", remedy="let the handler return, and go on at the next message or timer"
    ),
    Feature.WIDE_ARITHMETIC: Proposal(title="wide arithmetic", remedy="compile without -mwide-arithmetic"),
    Feature.CUSTOM_PAGE_SIZES: Proposal(
        title="custom page sizes", remedy="leave the memory's page size at 64 KiB"
    ),
    Feature.COMPACT_IMPORTS: Proposal(
        title="the compact import section", remedy="emit one import per entry, as the core standard says"
    ),
}
