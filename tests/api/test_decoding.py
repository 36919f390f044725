"""Bodies and queries, read or explained."""

import json
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.api.decoding import EXPLAINED_VALUES_MAX, VALUES_MAX, decode_body, decode_query, depth_of
from caxton.domain.errors import InvalidRequest
from caxton.domain.problem import Problem, ProblemKind

Document = None | str | list["Document"] | dict[str, "Document"]


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 1
    unit: str = "m"


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    inner: Inner = Inner()
    other: Inner | None = None
    words: list[str] = []
    count: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InvalidRequest([Problem(field="low", kind=ProblemKind.CONTRADICTION, problem="p", fix="f")])


class Holder(msgspec.Struct, forbid_unknown_fields=True):
    strict: Strict
    name: str


def problems(body: bytes, kind: type[msgspec.Struct] = Outer) -> dict[str, ProblemKind]:
    with pytest.raises(InvalidRequest) as refused:
        decode_body(body, kind)
    return {found.field: found.kind for found in refused.value.problems}


def test_a_good_body_is_read() -> None:
    assert decode_body(b'{"name":"a","inner":{"size":2},"count":3}', Outer) == Outer("a", Inner(2), count=3)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ProblemKind.MISSING),
        (b"  ", ProblemKind.MISSING),
        (b"{", ProblemKind.SYNTAX),
        (b"{}{}", ProblemKind.SYNTAX),
        (b'{"name":NaN}', ProblemKind.SYNTAX),
        (b'{"name":"\xff"}', ProblemKind.SYNTAX),
        (b'{"name":"\\ud800"}', ProblemKind.SYNTAX),
        (b"[]", ProblemKind.WRONG_TYPE),
        (b"null", ProblemKind.WRONG_TYPE),
        (b"3", ProblemKind.WRONG_TYPE),
        (b'{"words":' + b"[" * 70 + b"]" * 70 + b"}", ProblemKind.TOO_DEEP),
        (b"[" * 100_000, ProblemKind.TOO_DEEP),
    ],
)
def test_a_body_that_is_no_object_of_json_is_told_so_as_a_whole(body: bytes, kind: ProblemKind) -> None:
    assert problems(body) == {"": kind}


def test_every_problem_is_found_wherever_it_stands() -> None:
    body = {
        "names": 1,
        "inner": {"size": "large", "units": "m"},
        "other": {"unit": 3},
        "words": ["a", 7],
        "count": 11,
    }
    assert problems(json.dumps(body).encode()) == {
        "names": ProblemKind.UNKNOWN_FIELD,
        "name": ProblemKind.MISSING,
        "inner.size": ProblemKind.WRONG_TYPE,
        "inner.units": ProblemKind.UNKNOWN_FIELD,
        "other.unit": ProblemKind.WRONG_TYPE,
        "words[1]": ProblemKind.WRONG_TYPE,
        "count": ProblemKind.OUT_OF_BOUNDS,
    }


def test_a_refusal_of_a_type_itself_is_told_beside_the_others() -> None:
    assert problems(b'{"strict":{"low":2,"high":1},"naming":"a"}', Holder) == {
        "low": ProblemKind.CONTRADICTION,
        "naming": ProblemKind.UNKNOWN_FIELD,
        "name": ProblemKind.MISSING,
    }
    assert problems(b'{"low":2,"high":1}', Strict) == {"low": ProblemKind.CONTRADICTION}


def test_an_unknown_field_is_answered_with_near_ones() -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_body(b'{"name":"a","conut":1}', Outer)
    assert refused.value.problems[0].fix == "did you mean `count`?"


def test_a_body_of_very_many_values_is_refused_before_it_is_read() -> None:
    assert problems(b'{"words":[' + b'"",' * (VALUES_MAX + 1) + b'""]}') == {"": ProblemKind.TOO_LARGE}


def test_a_large_bad_body_is_told_its_first_problem_only() -> None:
    many = ",".join('""' for _ in range(EXPLAINED_VALUES_MAX))
    found = problems(f'{{"name":"","naming":1,"words":[{many}]}}'.encode())
    assert len(found) == 1


def test_a_query_is_read_as_its_fields_want_it() -> None:
    class Query(msgspec.Struct, forbid_unknown_fields=True):
        limit: int = 10
        force: bool = False
        name: str | None = None
        has: Annotated[list[str], msgspec.Meta(max_length=2)] = []

    assert decode_query(b"", Query) == Query()
    assert decode_query(b"has=a", Query) == Query(has=["a"])
    assert decode_query(b"has=a&limit=5&has=b%2Cc", Query) == Query(5, has=["a", "b,c"])
    assert decode_query(b"limit=5&force=true&name=a%20b", Query) == Query(5, True, "a b")
    for query, field in [
        (b"limit=five", "limit"),
        (b"limit=", "limit"),
        (b"force=perhaps", "force"),
        (b"limit=1&limit=2", "limit"),
        (b"limits=1", "limits"),
        (b"has=a&has=b&has=c", "has"),
        (b"limit", "query"),
        (b"name=%ff", "query"),
        (b"\xff=1", "query"),
        (b"&".join(b"a%d=1" % number for number in range(50)), "query"),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            decode_query(query, Query)
        assert refused.value.problems[0].field == field, query


@given(
    st.recursive(
        st.none() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_depth_is_counted_as_a_parser_counts_it(document: Document) -> None:
    assert depth_of(json.dumps(document).encode()) == depth(document)


def depth(document: Document) -> int:
    if isinstance(document, list):
        return 1 + max((depth(one) for one in document), default=0)
    if isinstance(document, dict):
        return 1 + max((depth(one) for one in document.values()), default=0)
    return 0


@given(st.binary(max_size=200))
def test_any_bytes_lead_to_a_value_or_to_a_refusal_that_says_why(body: bytes) -> None:
    assert outcome(body)


def outcome(body: bytes) -> Outer | tuple[Problem, ...]:
    try:
        return decode_body(body, Outer)
    except InvalidRequest as error:
        return error.problems
