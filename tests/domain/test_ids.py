"""Identities: what is taken, what is refused and why."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.domain import ids
from caxton.domain.errors import ParseError, ParseKind

NAME_ALPHABET = "ABCXYZabcxyz0123456789._:-"


def refusal(parse: object, text: str) -> ParseError:
    assert callable(parse)
    with pytest.raises(ParseError) as caught:
        parse(text)
    return caught.value


@given(st.integers(1, 2**64 - 1))
def test_an_agent_id_survives_the_way_through_text(number: int) -> None:
    agent_id = ids.parse_agent_id(str(number))
    assert agent_id == number
    assert ids.format_agent_id(agent_id) == str(number)


@pytest.mark.parametrize("text", ["0", "00", "0" * 20])
def test_an_agent_id_of_zero_is_refused_as_zero(text: str) -> None:
    assert refusal(ids.parse_agent_id, text).kind is ParseKind.ZERO_ID


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "+1", " 1", "1 ", "1.0", "1e3", "1_0", "01", str(2**64), "9" * 400, "\u0661", "\u00b2"],
)
def test_what_is_no_plain_decimal_number_of_64_bits_is_no_agent_id(text: str) -> None:
    assert refusal(ids.parse_agent_id, text).kind is ParseKind.INVALID_FORMAT


def test_new_agent_ids_are_all_different_and_never_zero() -> None:
    made = {ids.new_agent_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(1 <= agent_id <= ids.AGENT_ID_MAX for agent_id in made)


@given(
    st.text(NAME_ALPHABET, min_size=1, max_size=255).filter(
        lambda t: not t.isdigit() and t not in {".", ".."}
    )
)
def test_a_name_of_the_allowed_characters_is_taken_as_it_is(text: str) -> None:
    assert ids.parse_agent_name(text) == text
    assert ids.parse_agent_ref(text) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ParseKind.EMPTY),
        ("a" * 256, ParseKind.TOO_LONG),
        ("a b", ParseKind.INVALID_CHARACTER),
        ("a/b", ParseKind.INVALID_CHARACTER),
        ("a\n", ParseKind.INVALID_CHARACTER),
        ("\u00e4", ParseKind.INVALID_CHARACTER),
        ("123", ParseKind.DIGITS_ONLY),
        (".", ParseKind.INVALID_FORMAT),
        ("..", ParseKind.INVALID_FORMAT),
    ],
)
def test_a_bad_name_is_refused_with_the_reason(text: str, kind: ParseKind) -> None:
    assert refusal(ids.parse_agent_name, text).kind is kind


def test_a_refusal_names_the_character_that_is_wrong() -> None:
    assert "' '" in refusal(ids.parse_agent_name, "two words").message


def test_a_reference_of_digits_is_an_id_and_any_other_a_name() -> None:
    assert ids.parse_agent_ref("42") == 42
    assert ids.parse_agent_ref("42a") == "42a"
    assert refusal(ids.parse_agent_ref, "0").kind is ParseKind.ZERO_ID
    assert refusal(ids.parse_agent_ref, "no way").kind is ParseKind.INVALID_CHARACTER


@given(st.uuids().filter(lambda u: u.int != 0))
def test_a_uuid_is_taken_in_any_letter_case_and_kept_in_lower_case(value: uuid.UUID) -> None:
    assert ids.parse_message_id(str(value).upper()) == str(value)
    assert ids.parse_deployment_id(str(value)) == str(value)


@pytest.mark.parametrize("text", ["", "x", "0" * 32, "{" + "a" * 36 + "}", "urn:uuid:" + "a" * 36, "g" * 36])
def test_another_form_is_no_uuid(text: str) -> None:
    assert refusal(ids.parse_message_id, text).kind is ParseKind.INVALID_UUID


def test_the_uuid_of_zeros_stands_for_nobody_and_is_refused() -> None:
    assert refusal(ids.parse_message_id, str(uuid.UUID(int=0))).kind is ParseKind.ZERO_ID


def test_what_the_new_functions_make_is_what_the_parse_functions_take() -> None:
    for _ in range(100):
        assert ids.parse_message_id(made := ids.new_message_id()) == made
        assert ids.parse_deployment_id(deployment := ids.new_deployment_id()) == deployment
        assert ids.parse_conversation_id(conversation := ids.new_conversation_id()) == conversation
        assert ids.parse_trace_id(trace := ids.new_trace_id()) == trace
        assert ids.parse_span_id(span := ids.new_span_id()) == span


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_a_conversation_id_is_any_text_of_1_to_255_bytes_without_control_characters(text: str) -> None:
    allowed = 1 <= len(text.encode()) <= 255 and not any(ord(c) < 32 or ord(c) == 127 for c in text)
    if allowed:
        assert ids.parse_conversation_id(text) == text
    else:
        refusal(ids.parse_conversation_id, text)


def test_the_length_of_a_text_counts_in_bytes() -> None:
    assert ids.parse_conversation_id("\u00e4" * 127) == "\u00e4" * 127
    assert refusal(ids.parse_conversation_id, "\u00e4" * 128).kind is ParseKind.TOO_LONG


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    assert refusal(ids.parse_capability, "a\ud800").kind is ParseKind.INVALID_CHARACTER


@pytest.mark.parametrize("text", ["", "a" * 31, "a" * 33, "g" * 32, " " + "a" * 31])
def test_a_trace_id_is_32_hex_digits(text: str) -> None:
    assert refusal(ids.parse_trace_id, text).kind is ParseKind.INVALID_FORMAT


def test_trace_and_span_ids_of_zeros_are_refused() -> None:
    assert refusal(ids.parse_trace_id, "0" * 32).kind is ParseKind.ZERO_ID
    assert refusal(ids.parse_span_id, "0" * 16).kind is ParseKind.ZERO_ID


def test_a_digest_is_taken_with_and_without_its_prefix() -> None:
    digest = ids.digest_of(b"module")
    assert ids.parse_digest(f"sha256:{digest.upper()}") == digest
    assert ids.parse_digest(digest) == digest
    assert refusal(ids.parse_digest, digest[:-1]).kind is ParseKind.INVALID_FORMAT


@given(st.text(max_size=300))
def test_every_parser_answers_any_text_with_a_value_or_a_parse_error(text: str) -> None:
    parsers = (
        ids.parse_agent_ref,
        ids.parse_message_id,
        ids.parse_conversation_id,
        ids.parse_trace_id,
        ids.parse_span_id,
        ids.parse_digest,
    )
    refused: list[ParseError] = []
    for parse in parsers:
        try:
            parse(text)
        except ParseError as error:
            refused.append(error)
    assert all(error.message and error.hint and error.details()["kind"] == error.kind for error in refused)
