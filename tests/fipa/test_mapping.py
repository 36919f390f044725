"""Messages of this server as strings, and strings as messages of this server."""

from datetime import timedelta, timezone

import msgspec
import pytest
from hypothesis import given

from caxton.domain.acl import Message, decode_message
from caxton.domain.errors import InvalidMessageFormat
from caxton.domain.ids import AgentId, AgentName
from caxton.fipa.exporting import export_message
from caxton.fipa.importing import import_message
from tests.domain.test_acl import COMPLETE
from tests.fipa.reading import NOW_NS, PLATFORM, import_body, import_refused, imported, parsed
from tests.fipa.strategies import MESSAGES

RECEIVER = ":receiver (set (agent-identifier :name bidder@caxton))"
WHOLE = {field: value for field, value in COMPLETE.items() if field not in {"language", "encoding"}} | {
    "sender": "7",
    "receiver": ["8", "bidder"],
    "content": {"task": "dig"},
}
WHOLE_TEXT = (
    "(cfp :sender (agent-identifier :name manager@caxton)"
    ' :receiver (set (agent-identifier :name "8@caxton") (agent-identifier :name bidder@caxton))'
    " :reply-to (set (agent-identifier :name manager@caxton))"
    ' :content "{\\"task\\":\\"dig\\"}" :protocol fipa-contract-net :language "json" :ontology "o"'
    ' :conversation-id "c1" :reply-with "r1" :in-reply-to "r0"'
    " :reply-by 20260301T120030000Z"
    ' :X-caxton-id "de30fdc5-874b-4c76-8f12-aed3514a2af1" :X-caxton-timestamp "2026-03-01T12:00:00.123Z"'
    f' :X-caxton-trace-id "{"a" * 32}" :X-caxton-span-id "{"b" * 16}" :X-caxton-content-kind "start"'
    ' :X-caxton-delivery "at_least_once" :X-caxton-priority "5" :X-caxton-content "json")'
)


def nameless(_: AgentId) -> AgentName | None:
    return None


def exported(message: Message) -> bytes:
    return export_message(message, PLATFORM, nameless)


def comparable(message: Message) -> tuple[Message, object]:
    """Return a message whose content is a value: a string may be spelled in several ways."""
    content = msgspec.json.decode(message.content)
    return msgspec.structs.replace(message, content=msgspec.Raw(b"null")), content


@given(message=MESSAGES)
def test_a_message_survives_the_string_form(message: Message) -> None:
    text = exported(message)
    back = decode_message(import_body(text))
    assert comparable(back) == comparable(message)
    assert exported(back) == text


def test_a_message_is_written_with_names_and_quoted_ids() -> None:
    message = decode_message(msgspec.json.encode(WHOLE))
    names = {AgentId(7): AgentName("manager")}
    assert export_message(message, PLATFORM, names.get).decode() == WHOLE_TEXT
    assert imported(WHOLE_TEXT) == WHOLE | {"sender": "manager"}


def test_a_json_content_keeps_its_spelling() -> None:
    content = b'{"b" : 1.50,"a":[ 1e3,12345678901234567890 ]}'
    body = msgspec.json.encode({**WHOLE, "content": msgspec.Raw(content)})
    assert bytes(decode_message(import_body(exported(decode_message(body)))).content) == content


def test_a_reply_by_is_exact_to_the_millisecond() -> None:
    body = msgspec.json.encode({**WHOLE, "reply_by": "2026-03-01T12:00:30.123999Z"})
    assert imported(exported(decode_message(body)))["reply_by"] == "2026-03-01T12:00:30.123Z"


def test_names_of_this_platform_lose_it_in_any_letter_case() -> None:
    text = (
        "(inform :sender (agent-identifier :name a) :receiver (set (agent-identifier :name b@CAXTON)"
        ' (agent-identifier :name "12@caxton" :addresses (sequence http://h/acc))))'
    )
    document = imported(text)
    assert document["sender"] == "a"
    assert document["receiver"] == ["b", "12"]


def test_a_single_receiver_stands_alone() -> None:
    assert imported(f"(inform {RECEIVER})") == {
        "performative": "inform",
        "receiver": "bidder",
        "content": None,
    }


def test_times_become_absolute() -> None:
    for written, meant in (
        ("+00000000T000030000", "2026-11-23T09:00:30.000Z"),
        ("20261123T091500000", "2026-11-23T09:15:00.000Z"),
    ):
        assert imported(f"(cfp {RECEIVER} :reply-by {written})")["reply_by"] == meant


def test_ids_may_be_words_numbers_and_lists() -> None:
    document = imported(f"(inform {RECEIVER} :conversation-id (a b 3) :reply-with 12 :in-reply-to r-1)")
    assert document["conversation_id"] == "(a b 3)"
    assert (document["reply_with"], document["in_reply_to"]) == ("12", "r-1")


def test_what_only_a_client_says_can_be_said() -> None:
    text = "(cfp :X-caxton-capability digging :X-Caxton-Conversation-TTL-s 1.5 :X-caxton-max-awards 2)"
    assert imported(text) == {
        "performative": "cfp",
        "receiver": {"capability": "digging"},
        "conversation_ttl_s": 1.5,
        "max_awards": 2,
        "content": None,
    }


def test_parameters_of_others_are_let_go_of() -> None:
    assert "X-foo" not in imported(f"(inform {RECEIVER} :X-foo bar)")


@pytest.mark.parametrize(
    ("text", "parameter", "words"),
    [
        ("(inform)", "", "does not say who gets it"),
        ("(inform :receiver (set))", ":receiver", "does not say who gets it"),
        ("(inform :receiver (set (agent-identifier :name b@other)))", ":receiver", "another platform"),
        (f"(inform {RECEIVER} :sender (agent-identifier :name b@other))", ":sender", "another platform"),
        (f"(inform {RECEIVER} :X-caxton-capability dig)", ":receiver", "by name and by capability"),
        ('(inform :X-caxton-capability "")', ":x-caxton-capability", "is empty"),
        (
            f"(inform {RECEIVER} :reply-to (set (agent-identifier :name a) (agent-identifier :name b)))",
            ":reply-to",
            "room for one",
        ),
        (
            f"(inform {RECEIVER} :reply-to (set (agent-identifier :name a@o)))",
            ":reply-to",
            "another platform",
        ),
        (f"(inform {RECEIVER} :X-caxton-id 3)", ":x-caxton-id", "not a UUID"),
        (f"(inform {RECEIVER} :X-caxton-trace-id abc)", ":x-caxton-trace-id", "32 hexadecimal digits"),
        (f"(inform {RECEIVER} :X-caxton-priority 10)", ":x-caxton-priority", "out of bounds"),
        (f"(inform {RECEIVER} :X-caxton-priority high)", ":x-caxton-priority", "expected a whole number"),
        (f"(inform {RECEIVER} :X-caxton-delivery never)", ":x-caxton-delivery", "no way of delivery"),
        (f"(inform {RECEIVER} :X-caxton-pririty 1)", ":x-caxton-pririty", "no parameter of Caxton"),
        (f"(inform {RECEIVER} :x-caxton-\u00c9 1)", ":x-caxton-\u00c9", "no parameter of Caxton"),
        (f'(inform {RECEIVER} :X-caxton-protocol "a b" :protocol c)', ":x-caxton-protocol", "in two ways"),
        (f'(inform {RECEIVER} :X-caxton-protocol "")', ":x-caxton-protocol", "is empty"),
        (f"(inform {RECEIVER} :protocol {'p' * 256})", ":protocol", "256 bytes long"),
        (f"(inform {RECEIVER} :X-caxton-content xml)", ":x-caxton-content", "no form of a content"),
        (f"(inform {RECEIVER} :X-JADE-Encoding Base32)", ":x-jade-encoding", "Base64 or as it is"),
        (f'(inform {RECEIVER} :conversation-id "")', ":conversation-id", "is empty"),
        (f"(inform {RECEIVER} :conversation-id {'c' * 256})", ":conversation-id", "256 bytes long"),
        (f'(inform {RECEIVER} :language json :content "{{")', ":content", "not JSON"),
        (
            f'(inform {RECEIVER} :encoding gzip :content "AAAA" :X-JADE-Encoding Base64)',
            ":encoding",
            "one encoding only",
        ),
        ('(inform :receiver (set (agent-identifier :name "a b@caxton")))', ":receiver", "the character ' '"),
    ],
)
def test_what_a_message_here_cannot_say_is_refused_at_its_place(
    text: str, parameter: str, words: str
) -> None:
    error = import_refused(text)
    assert error.problems[0].field == parameter
    assert words in error.message
    assert error.hint
    assert error.offset_bytes == parsed_place(text, parameter)


def test_a_time_before_the_calendar_is_refused() -> None:
    east = timezone(timedelta(hours=2))
    text = f"(cfp {RECEIVER} :reply-by 00010101T000000000)".encode()
    with pytest.raises(InvalidMessageFormat) as caught:
        import_message(text, PLATFORM, NOW_NS, message_bytes_max=1000, zone=east)
    assert caught.value.problems[0].field == ":reply-by"
    assert imported(text)["reply_by"] == "0001-01-01T00:00:00.000Z"


def parsed_place(text: str, parameter: str) -> int:
    if not parameter:
        return 1
    assert parsed(text)
    name = text.lower().index(parameter.lower() + " ")
    return len(text[:name].encode()) + len(parameter.encode()) + 1
