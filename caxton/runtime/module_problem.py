"""Faults of a module as the problems that a caller sees, and what a failed start means."""

from typing import Final

from caxton.domain.errors.agent import InvalidWasm
from caxton.domain.errors.resource import ResourceLimitExceeded
from caxton.domain.problem import Problem, ProblemKind
from caxton.runtime.seam import CoreEvent

_KINDS: Final[dict[str, ProblemKind]] = {
    "empty": ProblemKind.SYNTAX,
    "truncated": ProblemKind.SYNTAX,
    "malformed": ProblemKind.SYNTAX,
    "bad_magic": ProblemKind.SYNTAX,
    "bad_version": ProblemKind.SYNTAX,
    "text_format": ProblemKind.SYNTAX,
    "bad_manifest": ProblemKind.SYNTAX,
    "component": ProblemKind.UNSUPPORTED,
    "unknown_import": ProblemKind.UNSUPPORTED,
    "forbidden_import": ProblemKind.UNSUPPORTED,
    "command_module": ProblemKind.UNSUPPORTED,
    "no_memory": ProblemKind.MISSING,
    "no_marker": ProblemKind.MISSING,
    "missing_export": ProblemKind.MISSING,
    "wrong_signature": ProblemKind.WRONG_TYPE,
    "import_signature": ProblemKind.WRONG_TYPE,
    "memory_over_limit": ProblemKind.OUT_OF_BOUNDS,
    "too_large": ProblemKind.TOO_LARGE,
}
_FEATURE_PREFIX: Final = "feature_"


def module_problem(code: str, problem: str, fix: str) -> Problem:
    """Return a fault of a module; `code` is its stable name."""
    kind = _KINDS.get(code, ProblemKind.INVALID_VALUE)
    if code.startswith(_FEATURE_PREFIX):
        kind = ProblemKind.UNSUPPORTED
    return Problem(field="module", kind=kind, problem=problem, fix=fix, code=code)


def start_refusal(event: CoreEvent) -> InvalidWasm | ResourceLimitExceeded:
    """Return the error for an agent whose first instance did not come up."""
    if event.fault == "resource":
        return ResourceLimitExceeded(f"instances ({event.text})", 0)
    code, what, fix = _start_fault(event)
    return InvalidWasm([module_problem(code, f"{what}: {event.text}", fix)])


def _start_fault(event: CoreEvent) -> tuple[str, str, str]:
    match event.fault:
        case "fuel" | "time":
            return (
                "start_endless",
                "the module does not come to an end when it starts",
                "let its start function, _initialize and caxton_init return, or raise limits.cpu_ms_max",
            )
        case "alloc" if "returned 0" in event.text:
            return (
                "alloc_refused",
                "the agent has no room for a message",
                "let caxton_alloc return the address of at least 1024 free bytes",
            )
        case "alloc":
            return (
                "alloc_out_of_range",
                "caxton_alloc offers room that does not exist",
                "let caxton_alloc return an address inside of the memory, with the asked length after it",
            )
        case "start" if event.text.startswith("caxton_init refused"):
            return (
                "init_refused",
                "the agent refuses to start",
                "read its log; caxton_init returned a negative number",
            )
        case _ if event.text.startswith("caxton_alloc: "):
            return (
                "alloc_trapped",
                "caxton_alloc fails",
                "let caxton_alloc return an address, or 0 when there is no room",
            )
        case _:
            return (
                "start_trapped",
                "the module fails when it starts",
                "run its start function, _initialize and caxton_init in a debugger: one of them traps",
            )
