"""What the receiver of a message gets: the host's fields, then the sender's, then the content untouched."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import core_doors
from tests.core.envelope_model import timestamp_ms

pytestmark = pytest.mark.sanitize
door = core_doors.load("envelope_door")

BOUNDED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ORDER = [
    "id",
    "performative",
    "sender",
    "receiver",
    "conversation_id",
    "protocol",
    "reply_with",
    "in_reply_to",
    "reply_by",
    "timestamp",
    "trace_id",
    "span_id",
    "reply_to",
    "content_kind",
    "language",
    "encoding",
    "ontology",
    "delivery",
    "priority",
    "content",
]
NOW_MS = 1_795_425_300_250
ID = 0x6F9619FF8B86D011B42D00C04FC964FF
ID_TEXT = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def test_a_bare_message_gets_what_the_host_knows_and_a_null_content() -> None:
    text, performative, pieces = door.splice(
        b'{"performative":"INFORM"}', door.Host(id=ID, sender=2**64 - 1, receiver=1, timestamp_ms=NOW_MS)
    )
    assert (
        text
        == (
            f'{{"id":"{ID_TEXT}","performative":"inform","sender":"18446744073709551615","receiver":"1",'
            f'"conversation_id":"{ID_TEXT}","timestamp":"2026-11-23T09:15:00.250Z","content":null}}'
        ).encode()
    )
    assert performative == door.words().index("inform")
    assert pieces == {
        "conversation_id": ID_TEXT.encode(),
        "protocol": b"",
        "reply_with": b"",
        "in_reply_to": b"",
        "content": b"null",
    }


def test_every_field_is_written_once_in_the_promised_order() -> None:
    message = {
        "content": {"x": [1, 2]},
        "priority": 0,
        "delivery": "at_least_once",
        "ontology": "o",
        "encoding": "e",
        "language": "l",
        "content_kind": "k",
        "reply_to": "boss",
        "reply_by": "2026-11-23T10:15:00+01:00",
        "in_reply_to": "i",
        "reply_with": "w",
        "protocol": "p",
        "conversation_id": "c",
        "receiver": "ignored",
        "sender": "ignored",
        "performative": "cfp",
        "id": "00000000-0000-0000-0000-000000000009",
        "timestamp": "1999-01-01T00:00:00Z",
        "trace_id": "f" * 32,
        "span_id": "f" * 16,
        "max_awards": 2,
        "conversation_ttl_s": 9,
    }
    host = door.Host(
        id=ID,
        sender=3,
        receiver=4,
        trace=0xAB,
        span=0xCD,
        timestamp_ms=NOW_MS,
        conversation=b"other",
        protocol=b"other",
        in_reply_to=b"other",
    )
    text, _, pieces = door.splice(orjson.dumps(message), host)
    delivered = orjson.loads(text)
    assert list(delivered) == ORDER
    assert delivered == {
        "id": ID_TEXT,
        "performative": "cfp",
        "sender": "3",
        "receiver": "4",
        "conversation_id": "c",
        "protocol": "p",
        "reply_with": "w",
        "in_reply_to": "i",
        "reply_by": "2026-11-23T09:15:00.000Z",
        "timestamp": "2026-11-23T09:15:00.250Z",
        "trace_id": "ab".rjust(32, "0"),
        "span_id": "cd".rjust(16, "0"),
        "reply_to": "boss",
        "content_kind": "k",
        "language": "l",
        "encoding": "e",
        "ontology": "o",
        "delivery": "at_least_once",
        "priority": 0,
        "content": {"x": [1, 2]},
    }
    assert pieces == {
        "conversation_id": b"c",
        "protocol": b"p",
        "reply_with": b"w",
        "in_reply_to": b"i",
        "content": b'{"x":[1,2]}',
    }


def test_the_hosts_defaults_stand_where_the_sender_gave_nothing() -> None:
    host = door.Host(
        id=ID, timestamp_ms=NOW_MS, conversation=b'con\\"v', protocol=b"fipa-request", in_reply_to=b"\xc3\xa9"
    )
    text, _, pieces = door.splice(b'{"performative":"agree","protocol":null,"content":[]}', host)
    delivered = orjson.loads(text)
    assert (delivered["conversation_id"], delivered["protocol"], delivered["in_reply_to"]) == (
        'con"v',
        "fipa-request",
        "é",
    )
    assert pieces == {
        "conversation_id": b'con\\"v',
        "protocol": b"fipa-request",
        "reply_with": b"",
        "in_reply_to": b"\xc3\xa9",
        "content": b"[]",
    }


def test_a_relative_deadline_counts_from_the_hosts_time() -> None:
    host = door.Host(timestamp_ms=NOW_MS)
    text, _, _ = door.splice(b'{"performative":"cfp","reply_by_s":0.7501}', host)
    assert orjson.loads(text)["reply_by"] == "2026-11-23T09:15:01.001Z"


@pytest.mark.parametrize("delivery", ["at_most_once", "at_least_once", "exactly_once"])
def test_a_delivery_that_was_asked_for_is_passed_on(delivery: str) -> None:
    text, _, _ = door.splice(f'{{"performative":"cfp","delivery":"{delivery}"}}'.encode(), door.Host())
    assert orjson.loads(text)["delivery"] == delivery


def test_reply_to_as_a_number_is_delivered_as_an_id() -> None:
    text, _, _ = door.splice(b'{"performative":"cfp","reply_to":12}', door.Host())
    assert orjson.loads(text)["reply_to"] == "12"


def test_what_the_host_has_not_is_left_out() -> None:
    text, _, _ = door.splice(
        b'{"performative":"cfp","receiver":"x","trace_id":null}', door.Host(sender=0, receiver=0)
    )
    assert list(orjson.loads(text)) == ["id", "performative", "conversation_id", "timestamp", "content"]


def test_a_capability_is_kept_while_no_receiver_is_known() -> None:
    message = b'{"receiver":{"capability":"a\\u0062 \\"c\\""},"performative":"cfp","conversation_id":"v"}'
    text, _, pieces = door.splice(message, door.Host(receiver=0))
    delivered = orjson.loads(text)
    assert list(delivered) == [
        "id",
        "performative",
        "sender",
        "receiver",
        "conversation_id",
        "timestamp",
        "content",
    ]
    assert delivered["receiver"] == {"capability": 'ab "c"'}
    assert pieces["conversation_id"] == b"v"
    text, _, _ = door.splice(message, door.Host(receiver=5))
    assert orjson.loads(text)["receiver"] == "5"


def test_escapes_are_written_in_their_one_canonical_form() -> None:
    message = b'{"performative":"cfp","reply_with":"\\u0061\\/\\"\\\\\\u00e9\\ud83d\\ude00\\u20ac"}'
    text, _, pieces = door.splice(message, door.Host())
    assert pieces["reply_with"] == 'a/\\"\\\\é😀€'.encode()
    assert orjson.loads(text)["reply_with"] == 'a/"\\é😀€'


identifiers = st.text(
    st.characters(codec="utf-8", exclude_characters=[chr(c) for c in [*range(32), 127]]),
    min_size=1,
    max_size=60,
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=60),
)
contents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


@BOUNDED
@given(
    st.dictionaries(st.sampled_from(ORDER[4:8] + ORDER[13:17]), identifiers),
    contents,
    st.booleans(),
    st.sampled_from([None, (",", ":"), (" , ", "\t:\n")]),
    st.integers(1, 2**64 - 1),
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(-62_167_219_200_000, 253_402_300_799_999),
    st.integers(1, 2**128 - 1),
)
def test_any_message_arrives_with_the_same_fields_and_its_content_byte_for_byte(
    fields: dict[str, str],
    content: object,
    ascii_only: bool,
    separators: tuple[str, str] | None,
    agent: int,
    trace: int,
    span: int,
    now_ms: int,
    identity: int,
) -> None:
    sent = json.dumps(content, ensure_ascii=ascii_only, separators=separators)
    head = json.dumps({"performative": "propose", **fields}, ensure_ascii=ascii_only, separators=separators)
    message = f'{head[:-1]}, "content" : {sent} }}'.encode()
    host = door.Host(id=identity, sender=agent, receiver=agent, trace=trace, span=span, timestamp_ms=now_ms)
    text, _, pieces = door.splice(message, host)
    delivered = orjson.loads(text)
    assert list(delivered) == [name for name in ORDER if name in delivered]
    assert pieces["content"] == sent.encode()
    assert text.endswith(b',"content":' + sent.encode() + b"}")
    assert delivered["content"] == orjson.loads(sent)
    for name, value in fields.items():
        assert delivered[name] == value
        if name in pieces:
            assert orjson.loads(b'"' + pieces[name] + b'"') == value
    assert int(delivered["id"].replace("-", ""), 16) == identity
    assert delivered["sender"] == delivered["receiver"] == str(agent)
    assert timestamp_ms(delivered["timestamp"]) == now_ms
    assert int(delivered.get("trace_id", "0"), 16) == trace
    assert int(delivered.get("span_id", "0"), 16) == span


def test_a_full_message_fits_its_bound() -> None:
    longest = "\\u0022" + "é" * 100 + '\\"' + "x" * 53
    members = ",".join(f'"{name}":"{longest}"' for name in ORDER[4:8] + ORDER[13:17])
    message = (
        f'{{"performative":"request-whenever","receiver":{{"capability":"{longest}"}},"delivery":"at_least_once",'
        f'"priority":5,"reply_to":"{"n" * 255}","reply_by_s":1,{members},"content":"{"c" * 100_000}"}}'
    ).encode()
    for receiver in (0, 2**64 - 1):
        host = door.Host(
            id=ID,
            sender=2**64 - 1,
            receiver=receiver,
            trace=2**128 - 1,
            span=2**64 - 1,
            timestamp_ms=NOW_MS,
            conversation=b"x" * 510,
            protocol=b"x" * 510,
            in_reply_to=b"x" * 510,
        )
        # The door puts canaries behind the bound.
        text, _, pieces = door.splice(message, host)
        assert len(pieces["content"]) == 100_002
        assert orjson.loads(text)["ontology"] == '"' + "é" * 100 + '"' + "x" * 53


@pytest.mark.parametrize("capability", ["", "x" * 255])
def test_the_bound_leaves_no_room_unused_when_the_host_writes_all_it_can(capability: str) -> None:
    receiver = f'"receiver":{{"capability":"{capability}"}},' if capability else ""
    message = f'{{"performative":"request-whenever",{receiver}"reply_by_s":1,"priority":1}}'.encode()
    host = door.Host(
        id=ID,
        sender=2**64 - 1,
        receiver=0 if capability else 2**64 - 1,
        trace=2**128 - 1,
        span=2**64 - 1,
        timestamp_ms=NOW_MS,
        protocol=b"p",
        in_reply_to=b"i",
    )
    # The door puts canaries behind the bound; here they stand close.
    text, _, _ = door.splice(message, host)
    assert door.bound(message, host) - 48 <= len(text) <= door.bound(message, host)


def test_the_host_answers_for_an_agent_with_an_error() -> None:
    host = door.Host(
        id=ID,
        sender=3,
        receiver=4,
        trace=1,
        span=2,
        timestamp_ms=NOW_MS,
        conversation=b"c",
        protocol=b"p",
        in_reply_to=b"i",
    )
    failure = door.words().index("failure")
    text, performative, pieces = door.error(failure, host, b"trap", b'it said "no"\nand \xff\xc3\xa9')
    assert performative == failure
    delivered = orjson.loads(text)
    assert list(delivered) == [name for name in ORDER if name in delivered]
    assert delivered == {
        "id": ID_TEXT,
        "performative": "failure",
        "sender": "3",
        "receiver": "4",
        "conversation_id": "c",
        "protocol": "p",
        "in_reply_to": "i",
        "timestamp": "2026-11-23T09:15:00.250Z",
        "trace_id": "1".rjust(32, "0"),
        "span_id": "2".rjust(16, "0"),
        "content": {"error": {"kind": "trap", "message": 'it said "no"\nand \ufffdé'}},
    }
    assert orjson.loads(pieces["content"]) == delivered["content"]
    assert (pieces["conversation_id"], pieces["protocol"], pieces["in_reply_to"]) == (b"c", b"p", b"i")


@BOUNDED
@given(st.binary(max_size=600) | st.text(max_size=300).map(str.encode))
def test_any_detail_of_an_error_is_delivered_in_its_first_512_bytes(detail: bytes) -> None:
    text, _, _ = door.error(0, door.Host(), b"k", detail)
    message = orjson.loads(text)["content"]["error"]["message"]
    kept = message.encode()
    if b"\xef\xbf\xbd" not in kept:
        assert detail.startswith(kept)
        assert len(kept) > 508 or len(kept) == len(detail)
        assert len(kept) <= 512
    if len(detail) <= 512:
        try:
            assert message == detail.decode()
        except UnicodeDecodeError:
            assert "\ufffd" in message


def test_an_error_cuts_between_characters() -> None:
    for before in range(5):
        text, _, _ = door.error(0, door.Host(), b"k", b"a" * (508 + before) + "😀".encode() * 3)
        message = orjson.loads(text)["content"]["error"]["message"]
        assert message == "a" * (508 + before) + "😀" * (1 if before == 0 else 0)


@pytest.mark.parametrize("year", [1970, 2024, 2026, 2100, 9999])
def test_times_are_those_of_the_calendar(year: int) -> None:
    for month, day in ((1, 1), (2, 28), (3, 1), (12, 31)):
        moment = datetime(year, month, day, 23, 59, 59, 999_000, tzinfo=UTC)
        host = door.Host(timestamp_ms=int(moment.timestamp() * 1000))
        text, _, _ = door.splice(b'{"performative":"cfp"}', host)
        assert orjson.loads(text)["timestamp"] == moment.strftime("%Y-%m-%dT%H:%M:%S.999Z")
