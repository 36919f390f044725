"""The 22 acts of FIPA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain.errors import ParseError, ParseKind
from caxton.domain.performative import PERFORMATIVES, Performative, parse_performative

WORDS = [
    "accept-proposal",
    "agree",
    "cancel",
    "cfp",
    "confirm",
    "disconfirm",
    "failure",
    "inform",
    "inform-if",
    "inform-ref",
    "not-understood",
    "propagate",
    "propose",
    "proxy",
    "query-if",
    "query-ref",
    "refuse",
    "reject-proposal",
    "request",
    "request-when",
    "request-whenever",
    "subscribe",
]


def test_the_acts_are_numbered_in_the_order_of_their_words() -> None:
    assert [str(performative) for performative in PERFORMATIVES] == WORDS == sorted(WORDS)
    assert [performative.number for performative in PERFORMATIVES] == list(range(22))


@given(st.sampled_from(WORDS), st.data())
def test_any_letter_case_and_separator_is_understood(word: str, data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from("-_ "))
    written = "".join(c.upper() if data.draw(st.booleans()) else c for c in word).replace("-", separator)
    assert parse_performative(written) == word


def test_query_alone_is_none_of_them_and_both_are_offered() -> None:
    with pytest.raises(ParseError) as caught:
        parse_performative("Query")
    assert caught.value.suggestions == ("query-if", "query-ref")
    assert "query-if" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"), [("infrom", "inform"), ("RequestWhen", "request-when"), ("tell", None)]
)
def test_a_near_word_is_offered(text: str, meant: str | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse_performative(text)
    assert caught.value.kind is ParseKind.UNKNOWN
    if meant is None:
        assert "accept-proposal" in caught.value.hint
    else:
        assert meant in caught.value.suggestions


@pytest.mark.parametrize("text", ["", "  ", "inform ", " inform", "inform--if", "x" * 100_000, "\u0130nform"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_performative(text)


def test_an_act_is_its_word() -> None:
    assert f"{Performative.CFP}" == "cfp"
