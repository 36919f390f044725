"""Every fault of an agent module is found at once, named, and comes with what to do about it."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton.runtime import abi
from caxton.runtime.features import Feature, Profile, forbidden
from caxton.runtime.inspection import PROBLEMS_MAX, ModuleLimits, ModuleReport, inspect_module
from caxton.runtime.validator import Validator
from tests.guests import corpus
from tests.guests.cases import DEPLOY_CASES, DeployCase

LIMITS = ModuleLimits(module_bytes_max=1 << 20, memory_bytes_max=16 << 20)
VALIDATOR = Validator()
REFUSED = {case.name for case in DEPLOY_CASES}
ACCEPTED = sorted(set(corpus.names()) - REFUSED)


def inspect(
    wasm: bytes, profile: Profile = "strict", limits: ModuleLimits = LIMITS, *, wasi: bool = False
) -> ModuleReport:
    return inspect_module(wasm, profile=profile, limits=limits, granted_wasi=wasi, validate=VALIDATOR)


def codes(report: ModuleReport) -> set[str]:
    return {problem.code for problem in report.problems}


def hint(report: ModuleReport, code: str) -> str:
    return next(problem.hint for problem in report.problems if problem.code == code)


def message(report: ModuleReport, code: str) -> str:
    return next(problem.message for problem in report.problems if problem.code == code)


@pytest.mark.parametrize("case", DEPLOY_CASES, ids=lambda case: f"{case.name}-{case.profile}")
def test_each_bad_module_is_refused_for_exactly_its_faults(case: DeployCase) -> None:
    report = inspect(corpus.guest(case.name), case.profile)
    assert codes(report) == (case.codes if case.found_by == "inspection" else set())
    assert all(problem.message and problem.hint for problem in report.problems)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_module_has_no_problem(name: str) -> None:
    assert inspect(corpus.guest(name)).problems == ()


@pytest.mark.parametrize("name", ["reference_types", "bulk_memory", "multi_value"])
def test_the_standard_profile_allows_what_compilers_emit_by_default(name: str) -> None:
    strict, standard = inspect(corpus.guest(name)), inspect(corpus.guest(name), "standard")
    assert "or deploy it with the profile 'standard'" in hint(strict, f"feature_{name}")
    assert Feature(name) in standard.features_used
    assert codes(standard) <= {"feature_host_references"}


def test_references_to_host_objects_are_refused_even_where_reference_types_are_allowed() -> None:
    assert codes(inspect(corpus.guest("reference_types"), "standard")) == {"feature_host_references"}


def test_a_table_of_functions_with_a_long_index_is_fine_under_the_standard_profile() -> None:
    plain = corpus.assemble("""(module
      @include agent
      (table 2 funcref) (type $t (func (result i32)))
      (func (export "handle_message") (param i32 i32) (result i32)
        (call_indirect (type $t) (i32.const 0))))""")
    call = re.search(rb"\x41\0\x11.\0", plain, re.DOTALL)
    assert call is not None
    # The table's index is spelled with one byte of padding, as linkers do; the sizes around it grow by one.
    at = call.start()
    spelled_long = bytearray(plain[: call.end() - 1] + b"\x80\0" + plain[call.end() :])
    spelled_long[at - 2] += 1
    code_section = plain.index(b"\x0a", plain.index(b"handle_message"))
    spelled_long[code_section + 1] += 1
    assert codes(inspect(bytes(spelled_long))) == {"feature_reference_types"}
    assert inspect(bytes(spelled_long), "standard").problems == ()


def test_a_feature_problem_names_the_proposal_the_place_and_the_compiler_flag() -> None:
    report = inspect(corpus.guest("simd"))
    assert "SIMD" in message(report, "feature_simd")
    assert "offset 0x" in message(report, "feature_simd")
    assert "-mcpu=mvp" in hint(report, "feature_simd")


def test_a_wrong_signature_shows_what_was_found_and_what_is_expected() -> None:
    text = message(inspect(corpus.guest("wrong_handle_message")), "wrong_signature")
    assert "(i64, i64) -> ()" in text
    assert "(i32, i32) -> (i32)" in text


def test_each_wrong_optional_export_is_a_problem_of_its_own() -> None:
    problems = inspect(corpus.guest("wrong_optionals")).problems
    assert len(problems) == len(abi.OPTIONAL_EXPORTS)
    assert all(
        any(f"export {name} " in problem.message for problem in problems) for name in abi.OPTIONAL_EXPORTS
    )


def test_an_unknown_import_is_named_with_what_the_server_has() -> None:
    text = message(inspect(corpus.guest("unknown_import")), "unknown_import")
    assert text.startswith("agent needs caxton_v1.teleport, this server has ")
    assert all(name in text for name in abi.IMPORTS)


def test_a_misspelt_import_gets_the_near_name() -> None:
    wasm = corpus.assemble("""(module
      (import "caxton_v1" "set_timr" (func (param i64 i64) (result i32)))
      @include agent
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))""")
    assert hint(inspect(wasm), "unknown_import").startswith("did you mean `set_timer`")


def test_a_misspelt_export_gets_the_near_name() -> None:
    wasm = corpus.assemble("""(module
      @include agent
      (func (export "handleMessage") (param i32 i32) (result i32) (i32.const 0)))""")
    assert "`handleMessage`" in message(inspect(wasm), "missing_export")


def test_granted_wasi_is_accepted_and_its_types_are_checked() -> None:
    assert "wasi" in hint(inspect(corpus.guest("forbidden_import")), "forbidden_import")
    assert inspect(corpus.guest("forbidden_import"), wasi=True).problems == ()
    wrong = corpus.assemble("""(module
      (import "wasi_snapshot_preview1" "fd_write" (func (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_wriet" (func (param i32) (result i32)))
      @include agent
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))""")
    assert codes(inspect(wrong, wasi=True)) == {"import_signature", "unknown_import"}


def test_the_marker_of_another_version_is_named() -> None:
    assert "caxton_abi_v2" in message(inspect(corpus.guest("newer_marker")), "no_marker")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"AGFzbQEAAAA=", "decode"),
        (b"\x1f\x8b\x08\0\0\0", "unpack"),
        (b"\x7fELF\2\1\1\0", "wasm32"),
        (b"  ;; an agent\n(; block (; ;) (module)", "assemble"),
        (b"\xef\xbb\xbf(module)", "assemble"),
    ],
)
def test_a_file_of_another_kind_is_recognised_and_the_hint_says_what_to_do(data: bytes, word: str) -> None:
    (problem,) = inspect(data).problems
    assert word in problem.hint


def test_recognising_text_takes_no_time_to_speak_of_whatever_it_looks_like() -> None:
    # A pattern that backtracks over comments would not end within the test's time.
    assert codes(inspect(b"(;;)" * 200_000 + b"x")) == {"bad_magic"}


def test_the_report_tells_what_the_module_is() -> None:
    report = inspect(corpus.guest("snapshot"))
    assert report.optional_exports == {"_initialize", "caxton_snapshot", "caxton_restore"}
    assert report.imports == ("caxton_v1.reply",)
    assert report.memory is not None
    assert (report.memory.pages_min, report.memory.pages_max) == (1, None)
    assert report.size_bytes == len(corpus.guest("snapshot"))
    assert len(report.digest) == 64
    assert report.features_used == frozenset()
    assert not report.has_start
    assert inspect(corpus.guest("start_traps")).has_start


def test_the_total_of_active_data_is_exact() -> None:
    assert inspect(corpus.guest("big_data")).active_data_bytes > 12288
    wasm = corpus.assemble("""(module
      @include agent
      (data (i32.const 0) "12345")
      (data (offset (i32.add (i32.const 4) (i32.const 8))) "678") (data "passive")
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))""")
    assert inspect(wasm, "standard").active_data_bytes == 8


def test_the_manifest_is_read() -> None:
    manifest = inspect(corpus.guest("with_manifest")).manifest
    assert manifest is not None
    assert (manifest.name, manifest.version, manifest.capabilities) == ("quiet", "1.2.0", ("listen",))


def test_a_broken_module_still_gets_the_features_named_that_it_uses_before_the_fault() -> None:
    wasm = corpus.assemble("""(module
      @include agent
      (func (export "simd") (result i32) (i32x4.extract_lane 0 (i32x4.splat (i32.const 1))))
      (func (export "handle_message") (param i32 i32) (result i32)))""")
    assert codes(inspect(wasm)) == {"feature_simd", "invalid_module"}


def test_the_number_of_problems_is_bounded() -> None:
    imports = "".join(f'(import "caxton_v1" "f{n}" (func))' for n in range(300))
    report = inspect(corpus.assemble(f"(module {imports})"))
    assert len(report.problems) == PROBLEMS_MAX + 1
    assert report.problems[-1].code == "more_problems"


def test_control_characters_of_a_name_do_not_reach_the_message() -> None:
    wasm = corpus.assemble(f'(module (import "caxton_v1" "\\1b[31m{"x" * 500}" (func)))')
    text = message(inspect(wasm), "unknown_import")
    assert text.isprintable()
    assert len(text) < 500


def test_a_module_at_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    wasm = corpus.guest("echo")
    at = ModuleLimits(module_bytes_max=len(wasm), memory_bytes_max=65536)
    below = ModuleLimits(module_bytes_max=len(wasm) - 1, memory_bytes_max=65535)
    assert inspect(wasm, limits=at).problems == ()
    assert codes(inspect(wasm, limits=below)) == {"too_large"}
    tight = ModuleLimits(module_bytes_max=len(wasm), memory_bytes_max=65535)
    assert codes(inspect(wasm, limits=tight)) == {"memory_over_limit"}


BASES = [
    corpus.guest(name)
    for name in ("echo", "timer", "big_data", "with_manifest", "simd", "gc", "many_problems")
]
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(min_size=0, max_size=5))


@st.composite
def mutated_modules(draw: st.DrawFn) -> bytes:
    """Draw a module with up to 12 edits: bytes replaced, inserted, removed, or the rest cut off."""
    data = bytearray(draw(st.sampled_from(BASES)))
    for place, action, fresh in draw(st.lists(EDIT, max_size=12)):
        at = int(place * len(data))
        if action == 0:
            data[at : at + len(fresh)] = fresh
        elif action == 1:
            data[at:at] = fresh
        elif action == 2:
            del data[at : at + len(fresh)]
        elif fresh == b"":
            del data[at:]
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(wasm=mutated_modules(), profile=st.sampled_from(["strict", "standard"]))
def test_a_mutated_module_gives_a_report_and_is_accepted_only_if_the_engine_accepts_it(
    wasm: bytes, profile: Profile
) -> None:
    report = inspect(wasm, profile)
    if report.accepted:
        assert VALIDATOR(forbidden(profile), wasm) is None
        assert set(abi.REQUIRED_EXPORTS) <= set(report.exports)
        assert report.memory is not None
    assert all(problem.code and problem.message and problem.hint for problem in report.problems)


@settings(max_examples=300, deadline=None)
@given(tail=st.binary(max_size=300))
def test_any_bytes_behind_a_header_give_a_report(tail: bytes) -> None:
    assert not inspect(b"\0asm\1\0\0\0" + tail).accepted
