"""What each guest of the corpus must lead to: the expectations that deployment and run-time tests share."""

from dataclasses import dataclass
from typing import Final, Literal

Profile = Literal["strict", "standard"]


@dataclass(frozen=True, kw_only=True)
class DeployCase:
    """A module that must be refused, with exactly these problem codes.

    ``found_by`` tells whether reading the module is enough or a trial instance is needed.
    """

    name: str
    codes: frozenset[str]
    profile: Profile = "strict"
    found_by: Literal["inspection", "trial"] = "inspection"


@dataclass(frozen=True, kw_only=True)
class RunCase:
    """A module that deploys well and misbehaves on a message.

    ``answer`` is the performative that the sender gets; ``kind`` the error's kind when that is a failure.
    ``warm_up`` messages are answered properly before the one that fails.
    """

    name: str
    kind: str | None
    answer: str = "failure"
    warm_up: int = 0


def _refused(name: str, *codes: str, profile: Profile = "strict") -> DeployCase:
    return DeployCase(name=name, codes=frozenset(codes), profile=profile)


def _trial(name: str, code: str) -> DeployCase:
    return DeployCase(name=name, codes=frozenset({code}), found_by="trial")


DEPLOY_CASES: Final = (
    _refused("empty", "empty"),
    _refused("truncated", "truncated"),
    _refused("truncated_header", "truncated"),
    _refused("section_overruns", "truncated"),
    _refused("bad_magic", "bad_magic"),
    _refused("version_2", "bad_version"),
    _refused("too_large", "too_large"),
    _refused("component", "component"),
    _refused("text", "text_format"),
    _refused("no_memory", "no_memory"),
    _refused("memory_not_exported", "no_memory"),
    _refused("memory_imported", "memory_imported"),
    _refused("memory_is_function", "no_memory"),
    _refused("no_handle_message", "missing_export"),
    _refused("no_alloc", "missing_export"),
    _refused("no_marker", "no_marker"),
    _refused("newer_marker", "no_marker"),
    _refused("wrong_handle_message", "wrong_signature"),
    _refused("wrong_alloc", "wrong_signature"),
    _refused("wrong_marker", "wrong_signature"),
    _refused("handler_is_global", "wrong_signature"),
    _refused("wrong_optionals", "wrong_signature"),
    _refused("start_command", "command_module", "missing_export", "no_marker"),
    _refused("command_agent", "command_module"),
    _refused("unknown_import", "unknown_import"),
    _refused("foreign_import", "unknown_import"),
    _refused("forbidden_import", "forbidden_import"),
    _refused("wasi_files", "forbidden_import"),
    _refused("import_signature", "import_signature"),
    _refused("import_global", "import_signature"),
    _refused("simd", "feature_simd"),
    _refused("simd", "feature_simd", profile="standard"),
    _refused("relaxed_simd", "feature_simd", "feature_relaxed_simd"),
    _refused("reference_types", "feature_reference_types"),
    _refused("bulk_memory", "feature_bulk_memory"),
    _refused("multi_value", "feature_multi_value"),
    _refused("threads", "feature_threads"),
    _refused("threads", "feature_threads", profile="standard"),
    _refused("shared_memory", "feature_threads"),
    _refused("memory_over_limit", "memory_over_limit"),
    _refused("memory64", "feature_memory64"),
    _refused("multi_memory", "feature_multi_memory"),
    _refused("tail_call", "feature_tail_call"),
    _refused("exceptions", "feature_exceptions"),
    _refused("gc", "feature_gc", profile="standard"),
    _refused("function_references", "feature_function_references", profile="standard"),
    _refused("ill_typed", "invalid_module"),
    _refused("broken_manifest", "bad_manifest"),
    _refused(
        "many_problems",
        "unknown_import",
        "import_signature",
        "forbidden_import",
        "memory_over_limit",
        "command_module",
        "no_marker",
        "missing_export",
        "wrong_signature",
        "feature_simd",
        "feature_bulk_memory",
    ),
    _trial("start_traps", "start_trapped"),
    _trial("start_loops", "start_endless"),
    _trial("initialize_traps", "start_trapped"),
    _trial("initialize_loops", "start_endless"),
    _trial("init_refuses", "init_refused"),
    _trial("alloc_zero", "alloc_refused"),
    _trial("alloc_out_of_range", "alloc_out_of_range"),
    _trial("alloc_wraps", "alloc_out_of_range"),
    _trial("alloc_traps", "alloc_trapped"),
    _trial("data_out_of_range", "start_trapped"),
)

RUN_CASES: Final = (
    RunCase(name="trap", kind="trap"),
    RunCase(name="divide_by_zero", kind="trap"),
    RunCase(name="stack_overflow", kind="stack"),
    RunCase(name="memory_bomb", kind="memory"),
    RunCase(name="infinite_loop", kind="fuel"),
    RunCase(name="slow_start_then_loop", kind="fuel", warm_up=1),
    RunCase(name="memory_nag", kind="fuel"),
    RunCase(name="send_flood", kind="fuel"),
    RunCase(name="log_flood", kind="fuel"),
    RunCase(name="bare_reply_loops", kind="fuel"),
    RunCase(name="late_alloc_loops", kind="fuel", warm_up=1),
    RunCase(name="reply_out_of_range", kind="trap"),
    RunCase(name="bare_reply_out_of_range", kind="reply"),
    RunCase(name="bare_reply_traps", kind="trap"),
    RunCase(name="trap_after_send", kind="trap"),
    RunCase(name="late_alloc_out_of_range", kind="alloc", warm_up=1),
    RunCase(name="reply_broken_json", kind="reply"),
    RunCase(name="reply_not_utf8", kind="reply"),
    RunCase(name="reply_no_performative", kind="reply"),
    RunCase(name="reply_bad_performative", kind="reply"),
    RunCase(name="reply_empty", kind="reply"),
    RunCase(name="promise_without_reply", kind="reply"),
    RunCase(name="reply_then_zero", kind="reply"),
    RunCase(name="huge_reply", kind="reply"),
    RunCase(name="late_alloc_zero", kind="alloc", warm_up=1),
    RunCase(name="returns_two", kind="agent_error"),
    RunCase(name="returns_malformed", kind="malformed"),
    RunCase(name="returns_failure", kind="agent_error"),
    RunCase(name="returns_busy", kind="busy"),
    RunCase(name="returns_own", kind="agent_error"),
    RunCase(name="error_after_send", kind="agent_error"),
    RunCase(name="returns_not_understood", kind=None, answer="not-understood"),
    RunCase(name="returns_refuse", kind=None, answer="refuse"),
)
