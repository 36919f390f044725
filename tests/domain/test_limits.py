"""Limits: what is asked for, what is granted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.errors import InvalidRequest
from caxton.domain.limits import (
    BOUNDS,
    GIB,
    MIB,
    LimitMaxima,
    LimitsRequest,
    ResourceLimits,
    explain_limits,
    merge_limits,
)

DEFAULTS = ResourceLimits()
MAXIMA = LimitMaxima()


def problem_fields(request: LimitsRequest, maxima: LimitMaxima = MAXIMA) -> list[str]:
    return [problem.field for problem in explain_limits(request, maxima)]


def test_the_defaults_are_the_promised_ones() -> None:
    assert (
        ResourceLimits(
            memory_bytes_max=16 * MIB,
            cpu_ms_max=100,
            fuel_max=None,
            execution_ms_max=1000,
            message_bytes_max=MIB,
            mailbox_max=1000,
            messages_per_s_max=None,
        )
        == DEFAULTS
    )


def test_every_limit_has_bounds_and_its_default_lies_in_them() -> None:
    assert set(BOUNDS) == set(ResourceLimits.__struct_fields__) == set(LimitsRequest.__struct_fields__)
    for field, bound in BOUNDS.items():
        assert bound.least <= bound.greatest
        assert bound.unit
        assert bound.reason
        default = getattr(DEFAULTS, field)
        assert default is None or default in bound


def test_nothing_asked_for_is_the_defaults() -> None:
    assert merge_limits(LimitsRequest(), DEFAULTS, MAXIMA) == DEFAULTS


def test_what_is_asked_for_takes_the_place_of_the_default() -> None:
    merged = merge_limits(LimitsRequest(mailbox_max=7, messages_per_s_max=0.5 + 1), DEFAULTS, MAXIMA)
    assert (merged.mailbox_max, merged.messages_per_s_max) == (7, 1.5)
    assert merged.memory_bytes_max == DEFAULTS.memory_bytes_max


def test_asking_for_exact_fuel_takes_the_place_of_milliseconds_and_back() -> None:
    exact = merge_limits(LimitsRequest(fuel_max=5), DEFAULTS, MAXIMA)
    assert (exact.cpu_ms_max, exact.fuel_max) == (None, 5)
    again = merge_limits(LimitsRequest(cpu_ms_max=20), exact, MAXIMA)
    assert (again.cpu_ms_max, again.fuel_max) == (20, None)


def test_both_ways_to_say_the_work_are_a_contradiction() -> None:
    with pytest.raises(InvalidRequest) as caught:
        merge_limits(LimitsRequest(cpu_ms_max=1, fuel_max=1), DEFAULTS, MAXIMA)
    assert caught.value.problems[0].kind == "contradiction"


def test_all_that_is_wrong_is_told_at_once() -> None:
    request = LimitsRequest(
        memory_bytes_max=1,
        execution_ms_max=0,
        mailbox_max=-1,
        messages_per_s_max=math.nan,
        message_bytes_max=2 * MIB,
    )
    assert problem_fields(request) == [
        "limits.memory_bytes_max",
        "limits.execution_ms_max",
        "limits.mailbox_max",
        "limits.messages_per_s_max",
        "limits.message_bytes_max",
    ]


def test_nobody_gets_more_than_the_server_grants() -> None:
    maxima = LimitMaxima(memory_bytes_max=GIB)
    assert problem_fields(LimitsRequest(memory_bytes_max=GIB), maxima) == []
    assert problem_fields(LimitsRequest(memory_bytes_max=GIB + 1), maxima) == ["limits.memory_bytes_max"]


def test_limits_that_contradict_cannot_be_made() -> None:
    with pytest.raises(InvalidRequest):
        ResourceLimits(cpu_ms_max=None)
    with pytest.raises(InvalidRequest):
        ResourceLimits(fuel_max=1)
    with pytest.raises(InvalidRequest):
        ResourceLimits(mailbox_max=0)


@given(
    st.builds(
        LimitsRequest,
        memory_bytes_max=st.none() | st.integers(-1, 5 * GIB),
        cpu_ms_max=st.none() | st.integers(-1, 70_000),
        fuel_max=st.none() | st.integers(-1, 2**63),
        execution_ms_max=st.none() | st.integers(-1, 400_000),
        message_bytes_max=st.none() | st.integers(0, 40 * MIB),
        mailbox_max=st.none() | st.integers(-1, 2_000_000),
        messages_per_s_max=st.none() | st.floats(),
    )
)
def test_a_request_is_explained_or_merged_and_the_merged_never_exceeds_the_maxima(
    request: LimitsRequest,
) -> None:
    if explain_limits(request, MAXIMA):
        with pytest.raises(InvalidRequest):
            merge_limits(request, DEFAULTS, MAXIMA)
        return
    merged = merge_limits(request, DEFAULTS, MAXIMA)
    for field in BOUNDS:
        granted, most = getattr(merged, field), getattr(MAXIMA, field)
        assert granted is None or granted <= most
