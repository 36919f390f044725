"""Messages in the string form: read again they are the same, and spelled as JADE can read them."""

import msgspec
import pytest
from hypothesis import given

from caxton.domain.performative import Performative
from caxton.fipa.acl_message import ACLMessage, AgentIdentifier, Expression
from caxton.fipa.printer import flat_text, print_message
from tests.fipa.reading import parsed
from tests.fipa.strategies import ACL_MESSAGES, EXPRESSIONS


@given(message=ACL_MESSAGES)
def test_a_message_survives_its_text(message: ACLMessage) -> None:
    text = print_message(message)
    assert parsed(text) == message
    assert print_message(parsed(text)) == text


@given(value=EXPRESSIONS)
def test_a_list_as_one_text_is_read_as_the_list(value: Expression) -> None:
    flat = flat_text(value)
    if isinstance(value, str):
        assert flat == value
    else:
        assert parsed(f"(inform :X-a {flat})").extensions == (("X-a", value),)


def text_of(**fields: object) -> str:
    message = msgspec.structs.replace(ACLMessage(performative=Performative.INFORM), **fields)
    return print_message(message).decode()


def test_ids_and_values_of_extensions_are_always_quoted() -> None:
    text = text_of(
        conversation_id="4bf9", reply_with="r1", in_reply_to="12f", extensions=(("X-a", "b"), ("X-c", ("d",)))
    )
    assert text == (
        '(inform :conversation-id "4bf9" :reply-with "r1" :in-reply-to "12f" :X-a "b" :X-c ("d"))'
    )


def test_the_parameter_for_base64_is_written_as_jade_does() -> None:
    assert text_of(extensions=(("X-JADE-Encoding", "Base64"),)) == "(inform :X-JADE-Encoding Base64)"


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("plain", '"plain"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("c:\\dir", '"c:\\dir"'),
        ("c:\\dir\\", '#7"c:\\dir\\'),
        ('{"a":"\\"b"}', '#11"{"a":"\\"b"}'),
        ("\u00e9\\", '#3"\u00e9\\'),
    ],
)
def test_a_text_that_readers_disagree_on_announces_its_length(content: str, written: str) -> None:
    assert text_of(content=content) == f"(inform :content {written})"


def test_a_name_is_quoted_where_it_is_no_word_only() -> None:
    for name, written in (("a@p", "a@p"), ("7up@p", '"7up@p"'), (":a@p", '":a@p"'), ("a b@p", '"a b@p"')):
        text = text_of(sender=AgentIdentifier(name=name))
        assert text == f"(inform :sender (agent-identifier :name {written}))"
