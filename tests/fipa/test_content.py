"""How a content travels: as what it is where a text can say so, and back the same."""

import base64

import msgspec
import pytest

from caxton.fipa.content import ContentFault, LocalContent, TravellingContent, pack_content, unpack_content

BYTES = base64.b64encode(b"\x00\xff\x01").decode()


@pytest.mark.parametrize(
    ("value", "language", "encoding", "travelling"),
    [
        ('"hello"', None, None, ("hello", None, False, None)),
        ('"(do x)"', "fipa-sl", None, ("(do x)", "fipa-sl", False, None)),
        ('"hello"', "json", None, ('"hello"', "json", False, None)),
        ('{"a":1}', "json", None, ('{"a":1}', "json", False, None)),
        ('{"a":1}', "JSON", None, ('{"a":1}', "JSON", False, None)),
        ('{"a":1}', None, None, ('{"a":1}', "json", False, "json")),
        ("[1, 2.50]", "fipa-sl", None, ("[1, 2.50]", "fipa-sl", False, "json")),
        ('""', None, None, ("", None, False, None)),
        ("null", None, None, (None, None, False, None)),
        ("null", "json", "base64", (None, "json", False, None)),
        (f'"{BYTES}"', None, "base64", (BYTES, None, True, None)),
        (f'"{BYTES}"', "json", "base64", (BYTES, "json", True, None)),
        ('"not base64"', None, "base64", ("not base64", None, False, None)),
        ('"ends in \\\\"', None, None, ("ends in \\", None, False, None)),
        (
            '"\u00e9\\\\"',
            None,
            "utf-8",
            (base64.b64encode("\u00e9\\".encode()).decode(), None, True, "text"),
        ),
        (
            '{"a":"\u00e9\\"b"}',
            None,
            None,
            (base64.b64encode('{"a":"\u00e9\\"b"}'.encode()).decode(), "json", True, "json"),
        ),
        (
            '{"a":"\u00e9\\"b"}',
            "json",
            None,
            (base64.b64encode('{"a":"\u00e9\\"b"}'.encode()).decode(), "json", True, "text"),
        ),
    ],
)
def test_a_content_travels_and_comes_back(
    value: str,
    language: str | None,
    encoding: str | None,
    travelling: tuple[str | None, str | None, bool, str | None],
) -> None:
    local = LocalContent(value=msgspec.Raw(value.encode()), language=language, encoding=encoding)
    packed = pack_content(local)
    assert (packed.text, packed.language, packed.in_base64, packed.form) == travelling
    assert packed.encoding == encoding
    back = unpack_content(packed)
    assert bytes(back.value) == bytes(local.value)
    assert (back.language, back.encoding) == (language, encoding)


def unpacked(text: str, **fields: object) -> LocalContent:
    whole = {"text": text, "language": None, "encoding": None, **fields}
    return unpack_content(msgspec.convert(whole, TravellingContent))


def test_bytes_of_jade_become_a_content_that_stands_for_bytes() -> None:
    for encoding in (None, "base64", "BASE64"):
        found = unpacked(BYTES, in_base64=True, encoding=encoding, language="x")
        assert (bytes(found.value), found.encoding, found.language) == (f'"{BYTES}"'.encode(), "base64", "x")


def test_base64_on_several_lines_is_joined() -> None:
    assert bytes(unpacked("AP\r\n8B\n", in_base64=True).value) == b'"AP8B"'


def test_an_empty_content_in_json_is_none() -> None:
    assert bytes(unpacked(" ", language="json").value) == b"null"


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        ("{", {"language": "json"}, "not JSON"),
        ('1,"sender":"x"', {"language": "json"}, "not JSON"),
        ("1 2", {"form": "json"}, "not JSON"),
        ("NaN", {"language": "json"}, "not JSON"),
        ('"\\ud800"', {"language": "json"}, "not JSON"),
        ("[" * 5000 + "]" * 5000, {"language": "json"}, "too deep"),
        ("a", {"in_base64": True}, "not Base64"),
        ("\u00e9\u00e9\u00e9\u00e9", {"in_base64": True}, "not Base64"),
        ("AP8B", {"in_base64": True, "form": "text"}, "not UTF-8"),
        ("AP8B", {"in_base64": True, "encoding": "gzip"}, "one encoding only"),
    ],
)
def test_a_content_that_is_not_what_is_said_is_refused(
    text: str, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(ContentFault) as caught:
        unpacked(text, **fields)
    assert words in caught.value.problem
    assert caught.value.fix
