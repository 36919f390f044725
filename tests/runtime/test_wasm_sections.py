"""The outline of a module is read within bounds, whatever its lengths claim."""

import tracemalloc

import pytest

from caxton.runtime.wasm_sections import (
    HEADER_BYTES,
    IMPORTS_MAX,
    MAGIC,
    VERSION_BYTES,
    Outline,
    read_outline,
)
from tests.guests import corpus

HEADER = MAGIC + VERSION_BYTES


def leb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def section(number: int, body: bytes) -> bytes:
    return bytes((number,)) + leb(len(body)) + body


def fault_code(outline: Outline) -> str:
    assert outline.fault is not None
    return outline.fault.code


def test_the_outline_of_a_plain_agent_is_complete() -> None:
    outline = read_outline(corpus.guest("timer"))
    assert outline.fault is None
    assert [entry.name for entry in outline.imports] == ["reply", "send", "set_timer", "config_get", "fetch"]
    handler = outline.exported("handle_message")
    assert handler is not None
    assert str(outline.signature_of(handler.index)) == "(i32, i32) -> (i32)"


@pytest.mark.parametrize("size", range(HEADER_BYTES, len(corpus.guest("timer")), 7))
def test_a_module_cut_anywhere_is_either_cut_between_sections_or_truncated(size: int) -> None:
    outline = read_outline(corpus.guest("timer")[:size])
    assert outline.fault is None or outline.fault.code == "truncated"


def test_a_count_beyond_the_bytes_that_are_left_is_malformed_and_costs_no_memory() -> None:
    wasm = HEADER + section(2, leb(0xFFFFFFFF) + b"\1a\1b\0\0")
    tracemalloc.start()
    try:
        outline = read_outline(wasm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fault_code(outline) == "malformed"
    assert peak < 100_000


def test_more_imports_than_the_limit_are_too_complex() -> None:
    one = b"\1a\1b\0\0"
    count = IMPORTS_MAX + 1
    assert fault_code(read_outline(HEADER + section(2, leb(count) + one * count))) == "too_complex"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(section(1, b"\1\x60\1\x01\0"), id="unknown value type"),
        pytest.param(section(2, b"\1\1a\1b\x09\0"), id="unknown import kind"),
        pytest.param(section(7, b"\1\1a\x09\0"), id="unknown export kind"),
        pytest.param(section(7, b"\1\2\xff\xfe\0\0"), id="name that is not UTF-8"),
        pytest.param(section(5, b"\1\x10\1"), id="unknown limits"),
        pytest.param(section(5, b"\1\x08\1\x20"), id="huge page"),
        pytest.param(section(1, b"\xff\xff\xff\xff\xff\xff\x01"), id="number that is too long"),
        pytest.param(section(1, b"\xff\xff\xff\xff\x7f"), id="number of more than 32 bits"),
        pytest.param(section(0, b"\x7fshort"), id="name longer than its section"),
        pytest.param(
            section(11, b"\1\0\x41\x80\x80\x80\x80\x80\x80\0\x0b\0"), id="constant that is too long"
        ),
        pytest.param(section(11, b"\1\0\x41\0\x0b\x7fdata"), id="segment longer than its section"),
    ],
)
def test_nonsense_inside_a_section_is_malformed(body: bytes) -> None:
    assert fault_code(read_outline(HEADER + body)) == "malformed"


def test_a_section_head_without_its_length_is_truncated() -> None:
    assert fault_code(read_outline(HEADER + b"\1")) == "truncated"
    assert fault_code(read_outline(HEADER + b"\1\x80")) == "truncated"


def test_the_absence_of_exports_means_nothing_when_reading_ended_before_them() -> None:
    assert not read_outline(HEADER + section(1, b"\1\x60\1\x01\0")).exports_known
    assert read_outline(HEADER).exports_known


def test_data_at_an_offset_that_is_not_understood_counts_in_full() -> None:
    # A vector constant as an offset: invalid, but the total must not come out too small.
    body = b"\1\0\xfd\x0c" + bytes(16) + b"\x0b\x08" + b"12345678"
    assert read_outline(HEADER + section(11, body)).active_data_bytes >= 8


def test_types_behind_one_of_the_gc_proposal_stay_unknown() -> None:
    outline = read_outline(corpus.guest("gc"))
    assert outline.fault is None
    assert not outline.types_known
