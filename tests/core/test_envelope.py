"""What envelope_parse accepts and refuses, and where it says the fault lies."""

import pytest

from tests import core_doors

pytestmark = pytest.mark.sanitize
door = core_doors.load("envelope_door")

RICH = (
    b' {"id": "6F9619FF-8b86-d011-b42d-00c04fc964ff", "performative": "request", "sender": "manager-1",\n'
    b'  "receiver": ["bidder.one", 42, "18446744073709551615", "x:y_z"], "reply_to": 7,\n'
    b'  "conversation_id": "caf\xc3\xa9 \\u00e9", "protocol": "fipa-request", "reply_with": "r\\"1",\n'
    b'  "in_reply_to": "q/1", "reply_by": "2026-11-23T10:15:00.25+01:00",\n'
    b'  "content": {"a": [1, -2.5e+3, "\\ud83d\\ude00", {"b": null}], "c": "\xe2\x82\xac"},\n'
    b'  "content_kind": "done", "language": "json", "encoding": "utf-8", "ontology": "trade",\n'
    b'  "delivery": "exactly_once", "priority": 9, "trace_id": "0AF7651916cd43dd8448eb211c80319c",\n'
    b'  "span_id": "b7ad6b7169203331", "timestamp": "2026-11-23T09:15:00Z",\n'
    b'  "conversation_ttl_s": 2.0005, "max_awards": 3 }\r\n\t'
)


def request(members: str) -> bytes:
    """Return a message with a performative and these members."""
    return f'{{"performative":"request",{members}}}'.encode()


def test_every_field_is_found_with_its_meaning() -> None:
    found = door.parse(RICH)
    assert found["id"] == 0x6F9619FF8B86D011B42D00C04FC964FF
    assert found["performative"] == door.words().index("request")
    assert found["sender"] == "manager-1"
    assert found["receivers"] == ["bidder.one", 42, 2**64 - 1, "x:y_z"]
    assert found["receiver_count"] == 4
    assert found["reply_by_ms"] == 1795425300250
    assert found["reply_to"] == 7
    assert found["delivery"] == 2
    assert found["priority"] == 9
    assert found["trace_id"] == 0x0AF7651916CD43DD8448EB211C80319C
    assert found["span_id"] == 0xB7AD6B7169203331
    assert found["conversation_ttl_ms"] == 2001
    assert found["max_awards"] == 3
    fields = found["fields"]
    assert fields["conversation_id"] == b"caf\xc3\xa9 \\u00e9"
    assert fields["reply_with"] == b'r\\"1'
    assert fields["content"].startswith(b'{"a": [1, -2.5e+3')
    assert fields["content"].endswith(b'"\xe2\x82\xac"}')
    assert (fields["language"], fields["encoding"], fields["ontology"]) == (b"json", b"utf-8", b"trade")
    assert (fields["protocol"], fields["in_reply_to"], fields["content_kind"]) == (
        b"fipa-request",
        b"q/1",
        b"done",
    )


def test_a_message_cut_off_anywhere_is_refused_at_or_before_the_cut() -> None:
    whole = RICH.rstrip()
    for length in range(len(whole)):
        status, offset, _ = door.parse(whole[:length])
        assert status in ("NOT_JSON", "NOT_UTF8"), whole[:length]
        assert offset <= length


def test_only_the_performative_is_required() -> None:
    assert door.parse(b'{"performative":"inform"}')["receivers"] == []
    assert door.parse(b"{}") == ("MISSING_PERFORMATIVE", 0, None)
    assert door.parse(b' {"content":1}') == ("MISSING_PERFORMATIVE", 1, None)
    assert door.parse(b'{"performative":null}') == ("MISSING_PERFORMATIVE", 0, None)


@pytest.mark.parametrize(
    ("text", "status", "offset"),
    [
        (b"", "NOT_JSON", 0),
        (b"  ", "NOT_JSON", 2),
        (b"\xef\xbb\xbf{}", "NOT_JSON", 0),
        (b"{", "NOT_JSON", 1),
        (b"{]", "NOT_JSON", 1),
        (b"{,}", "NOT_JSON", 1),
        (b"{} x", "NOT_JSON", 3),
        (b"{}{}", "NOT_JSON", 2),
        (b"{}\0", "NOT_JSON", 2),
        (b"{}\x0b", "NOT_JSON", 2),
        (b'{"performative":"inform",}', "NOT_JSON", 25),
        (b'{"performative" "inform"}', "NOT_JSON", 16),
        (b'{"performative":"inform" "content":1}', "NOT_JSON", 25),
        (b"{performative:1}", "NOT_JSON", 1),
        (b'{"performative":"in\nform"}', "NOT_JSON", 19),
        (b'{"performative":"in\\xform"}', "NOT_JSON", 19),
        (b'{"content":"\\u12"}', "NOT_JSON", 12),
        (b'{"content":"\\u12g4"}', "NOT_JSON", 12),
        (b'{"content":"\\ud800"}', "NOT_JSON", 12),
        (b'{"content":"\\ud800\\ud800"}', "NOT_JSON", 12),
        (b'{"content":"\\ud800\\ue000"}', "NOT_JSON", 12),
        (b'{"content":"\\ud800xudc00"}', "NOT_JSON", 12),
        (b'{"content":"\\udc00"}', "NOT_JSON", 12),
        (b'{"content":01}', "NOT_JSON", 12),
        (b'{"content":1.}', "NOT_JSON", 13),
        (b'{"content":.5}', "NOT_JSON", 11),
        (b'{"content":-}', "NOT_JSON", 12),
        (b'{"content":+1}', "NOT_JSON", 11),
        (b'{"content":1e}', "NOT_JSON", 13),
        (b'{"content":1e309}', "NOT_JSON", 11),
        (b'{"content":NaN}', "NOT_JSON", 11),
        (b'{"content":nul}', "NOT_JSON", 11),
        (b'{"content":[1,]}', "NOT_JSON", 14),
        (b'{"content":[1 2]}', "NOT_JSON", 14),
        (b'{"content":[1}}', "NOT_JSON", 13),
        (b'{"content":{"a"}}', "NOT_JSON", 15),
        (b'{"content":{"a":1]}', "NOT_JSON", 17),
        (b'{"content":{1:2}}', "NOT_JSON", 12),
        (b'{"content":}', "NOT_JSON", 11),
        (b'{"content":"a\xff"}', "NOT_UTF8", 13),
        (b'{"content":"\xc0\x80"}', "NOT_UTF8", 12),
        (b'{"content":"\xed\xa0\x80"}', "NOT_UTF8", 12),
        (b'{"content":"\xf4\x90\x80\x80"}', "NOT_UTF8", 12),
        (b'{"content":"\xe2\x82"}', "NOT_UTF8", 12),
        (b'{"\xff":1}', "NOT_UTF8", 2),
        (b"[]", "NOT_OBJECT", 0),
        (b' "a" ', "NOT_OBJECT", 1),
        (b"12", "NOT_OBJECT", 0),
        (b"null", "NOT_OBJECT", 0),
        (b"[1", "NOT_JSON", 2),
        (b"[] 1", "NOT_JSON", 3),
    ],
)
def test_what_is_no_json_object_is_refused_where_it_goes_wrong(text: bytes, status: str, offset: int) -> None:
    assert door.parse(text)[:2] == (status, offset)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (b'{"performative":"inform","receivers":1}', 25),
        (b'{"performative":"inform","":1}', 25),
        (b'{"Performative":"inform"}', 1),
        (b'{"performative ":"inform"}', 1),
        (b'{"performativ\\u0065s":"inform"}', 1),
        (b'{"id\\"":1}', 1),
        (b'{"id\\u0000":1}', 1),
        (b'{"a-name-that-is-longer-than-any-name-of-a-field-can-be":1}', 1),
    ],
)
def test_a_field_that_messages_do_not_have_is_refused_at_its_name(text: bytes, offset: int) -> None:
    assert door.parse(text) == ("UNKNOWN_FIELD", offset, None)


def test_a_name_may_be_written_with_escapes() -> None:
    assert door.parse(b'{"\\u0070erformative":"inform","\\u0063ontent":1}')["fields"]["content"] == b"1"


@pytest.mark.parametrize("second", [b'"content":2', b'"c\\u006fntent":2', b'"content":null'])
def test_a_field_given_twice_is_refused_at_the_second_name(second: bytes) -> None:
    text = b'{"content":1,"performative":"inform",' + second + b"}"
    assert door.parse(text) == ("DUPLICATE_FIELD", 37, "content")


@pytest.mark.parametrize("name", ["reply_by_s", "conversation_ttl_s", "max_awards"])
def test_client_fields_are_unknown_in_a_guests_message(name: str) -> None:
    text = request(f'"{name}":5')
    assert isinstance(door.parse(text), dict)
    assert door.parse(text, 0) == ("UNKNOWN_FIELD", 26, None)


@pytest.mark.parametrize("depth", [1, 2, 62, 63])
def test_sixty_four_levels_are_accepted_the_message_itself_being_the_first(depth: int) -> None:
    arrays = b"[" * depth + b"]" * depth
    assert door.parse(b'{"performative":"inform","content":' + arrays + b"}")["fields"]["content"] == arrays
    objects = b'{"a":' * depth + b"1" + b"}" * depth
    assert door.parse(b'{"performative":"inform","content":' + objects + b"}")["fields"]["content"] == objects
    mixed = b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2)
    assert door.parse(b'{"performative":"inform","content":' + mixed + b"}")["fields"]["content"] == mixed


def test_the_sixty_fifth_level_is_refused_at_its_bracket() -> None:
    text = b'{"performative":"inform","content":' + b"[" * 64 + b"]" * 64 + b"}"
    assert door.parse(text) == ("TOO_DEEP", 35 + 63, "content")
    assert door.parse(b"[" * 65 + b"]" * 65)[0] == "TOO_DEEP"
    assert door.parse(b"[" * 1_000_000)[0] == "TOO_DEEP"


def test_many_containers_side_by_side_are_not_deep() -> None:
    content = b"[" + b"[[]]," * 1000 + b"{}]"
    assert door.parse(b'{"performative":"inform","content":' + content + b"}")["fields"]["content"] == content


IDENTIFIERS = [
    "conversation_id",
    "protocol",
    "reply_with",
    "in_reply_to",
    "content_kind",
    "language",
    "encoding",
    "ontology",
]


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_identifier_is_1_to_255_bytes_without_control_characters(name: str) -> None:
    def verdict(value: str) -> object:
        found = door.parse(request(f'"{name}":{value}'))
        if isinstance(found, dict):
            return "OK" if name in found["fields"] else "ABSENT"
        assert found[1:] == (29 + len(name), name)
        return found[0]

    assert verdict('"x"') == "OK"
    assert verdict('"' + "x" * 255 + '"') == "OK"
    assert verdict('"' + "\\u0078" * 255 + '"') == "OK"
    assert verdict('"' + "é" * 127 + 'x"') == "OK"
    assert verdict("null") == "ABSENT"
    assert verdict('""') == "BAD_VALUE"
    assert verdict('"' + "x" * 256 + '"') == "FIELD_TOO_LONG"
    assert verdict('"' + "é" * 128 + '"') == "FIELD_TOO_LONG"
    assert verdict('"' + "\\u00e9" * 128 + '"') == "FIELD_TOO_LONG"
    assert verdict('"' + "\\ud83d\\ude00" * 64 + '"') == "FIELD_TOO_LONG"
    for escape in ["\\n", "\\t", "\\r", "\\b", "\\f", "\\u0000", "\\u001f", "\\u007F", "\x7f"]:
        assert verdict(f'"a{escape}"') == "BAD_VALUE"
    for other in ["1", "true", "false", "[]", "{}"]:
        assert verdict(other) == "WRONG_TYPE"


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ('"1"', [1]),
        ('"18446744073709551615"', [2**64 - 1]),
        ("18446744073709551615", [2**64 - 1]),
        ("1", [1]),
        ('"\\u0031\\u0032"', [12]),
        ('"a"', ["a"]),
        ('"1a"', ["1a"]),
        ('"-1"', ["-1"]),
        ('"A.b_c:d-9"', ["A.b_c:d-9"]),
        ('"' + "n" * 255 + '"', ["n" * 255]),
        ('"' + "\\u006e" * 255 + '"', ["n" * 255]),
        ('[ "a" , 5 ,"7"]', ["a", 5, 7]),
        ('["a","a"]', ["a", "a"]),
        ('{ "capability" : "sum of\\u0020things" }', [{"capability": "sum of things"}]),
        ('{"c\\u0061pability":"é"}', [{"capability": "é"}]),
        ("null", []),
    ],
)
def test_a_receiver_is_an_id_a_name_a_list_or_a_capability(value: str, meaning: list[object]) -> None:
    assert door.parse(request(f'"receiver":{value}'))["receivers"] == meaning


@pytest.mark.parametrize(
    ("value", "status", "at"),
    [
        ('""', "BAD_VALUE", 0),
        ('"0"', "BAD_VALUE", 0),
        ("0", "BAD_VALUE", 0),
        ('"007"', "BAD_VALUE", 0),
        ('"18446744073709551616"', "BAD_VALUE", 0),
        ("18446744073709551616", "BAD_VALUE", 0),
        ("99999999999999999999999", "BAD_VALUE", 0),
        ("-1", "BAD_VALUE", 0),
        ("1.0", "BAD_VALUE", 0),
        ("1e1", "BAD_VALUE", 0),
        ('"a b"', "BAD_VALUE", 0),
        ('"é"', "BAD_VALUE", 0),
        ('"a\\u0000"', "BAD_VALUE", 0),
        ('"a/b"', "BAD_VALUE", 0),
        ('"' + "n" * 256 + '"', "FIELD_TOO_LONG", 0),
        ("true", "WRONG_TYPE", 0),
        ("[]", "BAD_VALUE", 0),
        ("[ ]", "BAD_VALUE", 0),
        ('["a",""]', "BAD_VALUE", 5),
        ('["a",null]', "WRONG_TYPE", 5),
        ('["a",["b"]]', "WRONG_TYPE", 5),
        ('["a",]', "WRONG_TYPE", 5),
        ('["a" "b"]', "NOT_JSON", 5),
        ("{}", "BAD_VALUE", 0),
        ('{"name":"x"}', "UNKNOWN_FIELD", 1),
        ('{"capability":"x","y":1}', "UNKNOWN_FIELD", 17),
        ('{"capability":""}', "BAD_VALUE", 14),
        ('{"capability":"\\n"}', "BAD_VALUE", 14),
        ('{"capability":5}', "WRONG_TYPE", 14),
        ('{"capability":"x"]', "NOT_JSON", 17),
    ],
)
def test_what_names_no_agent_is_refused_where_it_stands(value: str, status: str, at: int) -> None:
    assert door.parse(request(f'"receiver":{value}')) == (status, 37 + at, "receiver")


def test_a_list_holds_at_most_a_thousand_receivers() -> None:
    many = ",".join(["12"] * 1000)
    found = door.parse(request(f'"receiver":[{many}]'))
    assert found["receivers"] == [12] * 1000
    assert door.parse(request(f'"receiver":[{many},12]')) == ("TOO_MANY_RECEIVERS", 38 + 3000, "receiver")


@pytest.mark.parametrize("name", ["sender", "reply_to"])
def test_sender_and_reply_to_are_one_agent(name: str) -> None:
    assert door.parse(request(f'"{name}":"a-1"'))[name] == "a-1"
    assert door.parse(request(f'"{name}":"77"'))[name] == 77
    assert door.parse(request(f'"{name}":77'))[name] == 77
    assert door.parse(request(f'"{name}":null'))[name] is None
    for value in ('["a"]', '{"capability":"x"}', "true"):
        assert door.parse(request(f'"{name}":{value}')) == ("WRONG_TYPE", 29 + len(name), name)


@pytest.mark.parametrize(
    ("member", "status"),
    [
        ('"id":"6f9619ff-8b86-d011-b42d-00c04fc964f"', "BAD_VALUE"),
        ('"id":"6f9619ff8b86d011b42d00c04fc964ff"', "BAD_VALUE"),
        ('"id":"{6f9619ff-8b86-d011-b42d-00c04fc964ff}"', "BAD_VALUE"),
        ('"id":"6f9619ff-8b86-d011-b42d-00c04fc964fg"', "BAD_VALUE"),
        ('"id":"00000000-0000-0000-0000-000000000000"', "BAD_VALUE"),
        ('"id":5', "WRONG_TYPE"),
        ('"trace_id":"00000000000000000000000000000000"', "BAD_VALUE"),
        ('"trace_id":"0af7651916cd43dd8448eb211c80319"', "BAD_VALUE"),
        ('"span_id":"0000000000000000"', "BAD_VALUE"),
        ('"span_id":"b7ad6b7169203331a"', "BAD_VALUE"),
        ('"delivery":"once"', "BAD_VALUE"),
        ('"delivery":""', "BAD_VALUE"),
        ('"delivery":2', "WRONG_TYPE"),
        ('"priority":10', "BAD_VALUE"),
        ('"priority":-1', "BAD_VALUE"),
        ('"priority":1.0', "BAD_VALUE"),
        ('"priority":"5"', "WRONG_TYPE"),
        ('"priority":99999999999999999999999', "BAD_VALUE"),
        ('"reply_by":"tomorrow"', "BAD_VALUE"),
        ('"reply_by":""', "BAD_VALUE"),
        ('"reply_by":1795425300', "WRONG_TYPE"),
        ('"timestamp":"2026-11-23"', "BAD_VALUE"),
        ('"timestamp":"' + "2" * 300 + '"', "BAD_VALUE"),
        ('"timestamp":"' + "\\u0032" * 300 + '"', "FIELD_TOO_LONG"),
        ('"reply_by_s":0', "BAD_VALUE"),
        ('"reply_by_s":-1', "BAD_VALUE"),
        ('"reply_by_s":1e30', "BAD_VALUE"),
        ('"reply_by_s":"5"', "WRONG_TYPE"),
        ('"conversation_ttl_s":0.0', "BAD_VALUE"),
        ('"max_awards":0', "BAD_VALUE"),
        ('"max_awards":4294967296', "BAD_VALUE"),
        ('"max_awards":1.5', "BAD_VALUE"),
        ('"max_awards":true', "WRONG_TYPE"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused(member: str, status: str) -> None:
    name = member.split('"')[1]
    assert door.parse(request(member)) == (status, 29 + len(name), name)


def test_two_deadlines_are_refused() -> None:
    text = request('"reply_by":"2026-11-23T09:15:00Z","reply_by_s":5')
    assert door.parse(text) == ("BAD_VALUE", text.index(b":5") + 1, "reply_by_s")
    assert isinstance(door.parse(request('"reply_by":null,"reply_by_s":5')), dict)


@pytest.mark.parametrize("number", range(22))
def test_a_performative_is_known_in_any_spelling_of_its_word(number: int) -> None:
    word: str = door.words()[number]
    for spelling in (word, word.upper(), word.title(), word.replace("-", "_"), word.replace("-", " ")):
        assert door.parse(f'{{"performative":"{spelling}"}}'.encode())["performative"] == number
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in word)
    assert door.parse(f'{{"performative":"{escaped}"}}'.encode())["performative"] == number


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "x",
        "informs",
        "infor",
        "inform ",
        "-inform",
        "acceptproposal",
        "queryif",
        "ınform",
        "request-",
        "A" * 300,
    ],
)
def test_any_other_word_is_no_performative(word: str) -> None:
    assert door.parse(f'{{"performative":"{word}"}}'.encode()) == ("UNKNOWN_PERFORMATIVE", 16, "performative")


def test_words_stand_in_alphabetical_order() -> None:
    words = door.words()
    assert len(set(words)) == 22
    assert words == sorted(words)


def test_every_status_has_words_of_its_own() -> None:
    sentences = [door.status_text(number) for number in range(14)]
    assert len(set(sentences)) == 14
