"""The core's envelope and the plain Python model of its rules, input by input."""

import itertools
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import core_doors
from tests.core import envelope_model as model

pytestmark = pytest.mark.sanitize
door = core_doors.load("envelope_door")

COMPARE = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def compare(text: bytes, *, client: bool = True) -> bool:
    """Hold the core's verdict and findings against the model's; return whether the text was accepted."""
    found: dict[str, Any] | tuple[str, int, str | None] = door.parse(text, door.CLIENT if client else 0)
    try:
        wanted = model.read(text, client=client)
    except model.Refused:
        assert isinstance(found, tuple), f"accepted, but it must be refused: {text!r}"
        status, offset, _ = found
        assert status != "OK"
        assert 0 <= offset <= len(text)
        return False
    assert isinstance(found, dict), f"refused with {found}, but it must be accepted: {text!r}"
    assert set(found["fields"]) == set(wanted)
    got: dict[str, object] = {
        "id": found["id"],
        "performative": found["performative"],
        "sender": found["sender"],
        "receiver": found["receivers"],
        "reply_to": found["reply_to"],
        "reply_by": found["reply_by_ms"],
        "reply_by_s": found["reply_by_after_ms"],
        "conversation_ttl_s": found["conversation_ttl_ms"],
        "max_awards": found["max_awards"],
        "trace_id": found["trace_id"],
        "span_id": found["span_id"],
        "delivery": found["delivery"],
        "priority": found["priority"],
    }
    for name, value in wanted.items():
        if name in got:
            assert got[name] == value, name
        elif name in model.IDENTIFIERS:
            assert orjson.loads(b'"' + found["fields"][name] + b'"') == value
    if "content" in wanted:
        assert orjson.loads(found["fields"]["content"]) == orjson.loads(text)["content"]
    return True


spaces = st.sampled_from(["", "", "", " ", "\n", "\t\r", "  \n  "])
hexadecimal = st.sampled_from("0123456789abcdefABCDEF")


@st.composite
def quoted(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """Draw JSON text of a string, in which any character may be escaped."""
    out: list[str] = []
    for character in draw(texts):
        how = draw(st.integers(0, 9))
        if how == 0:
            units = character.encode("utf-16-be")
            digits = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
            out.append("".join(f"\\u{d.upper() if draw(st.booleans()) else d}" for d in digits))
        else:
            out.append(json.dumps(character, ensure_ascii=draw(st.booleans()))[1:-1])
    return '"' + "".join(out) + '"'


names = st.text("abcXYZ019._:-", min_size=1, max_size=12)
ids = st.integers(0, 2**64 + 5).map(str)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(
        ["1.7976931348623158e308", "1.7976931348623159e308", "1e309", "-0", "0.1e1", "01", "1.", ".5"]
    ),
)
agents = st.one_of(quoted(names), quoted(ids), ids, quoted(texts))
values = st.recursive(
    st.one_of(st.sampled_from(["null", "true", "false", "[]", "{}"]), numbers, quoted(texts)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(st.tuples(quoted(texts), inner), max_size=4).map(
            lambda items: "{" + ",".join(f"{name} :{value}" for name, value in items) + "}"
        ),
    ),
    max_leaves=8,
)
stamps = st.one_of(
    st.from_regex(
        r"(0000|0004|1900|19[67][0-9]|2000|2026|9999)-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])[Tt]([01][0-9]|2[0-4]):[0-6][0-9]"
        r":[0-6][0-9](\.[0-9]{1,10})?([Zz]|[+-]([01][0-9]|2[0-4]):[0-6][0-9])",
        fullmatch=True,
    ),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
)
performatives = st.one_of(
    st.sampled_from(model.PERFORMATIVES),
    st.sampled_from(
        ["REQUEST", "Accept_Proposal", "query ref", "not-understood", "NOT understood", "inform-", "x", ""]
    ),
)
LIKELY: dict[str, st.SearchStrategy[str]] = {
    "id": quoted(st.uuids().map(str)) | quoted(st.uuids().map(lambda value: str(value).upper())),
    "performative": quoted(performatives),
    "sender": agents,
    "receiver": st.one_of(
        agents,
        st.lists(agents, max_size=4).map(lambda items: "[" + ",".join(items) + "]"),
        quoted(texts).map(lambda text: '{"capability":' + text + "}"),
    ),
    "reply_by": quoted(stamps),
    "reply_to": agents,
    "content": values,
    "delivery": quoted(st.sampled_from([*model.DELIVERIES, "at_most", "EXACTLY_ONCE"])),
    "priority": st.one_of(st.integers(-1, 11).map(str), numbers),
    "trace_id": quoted(st.text(hexadecimal, min_size=32, max_size=32)),
    "span_id": quoted(st.text(hexadecimal, min_size=16, max_size=16)),
    "timestamp": quoted(stamps),
    "max_awards": st.one_of(st.integers(0, 2**33).map(str), numbers),
    "reply_by_s": numbers,
    "conversation_ttl_s": numbers,
    **dict.fromkeys(model.IDENTIFIERS, quoted(texts)),
}


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Draw a message whose every part is mostly right."""
    chosen = draw(st.lists(st.sampled_from(sorted(LIKELY)), max_size=6, unique=draw(st.integers(0, 9)) > 0))
    if draw(st.integers(0, 9)) > 0:
        chosen = ["performative", *(name for name in chosen if name != "performative")]
    members: list[str] = []
    for name in draw(st.permutations(chosen)):
        value = draw(values if draw(st.integers(0, 19)) == 0 else LIKELY[name])
        written = draw(quoted(st.just(name))) if draw(st.integers(0, 5)) == 0 else f'"{name}"'
        gap = draw(spaces)
        members.append(f"{gap}{written}{gap}:{gap}{value}{gap}")
    return (draw(spaces) + "{" + ",".join(members) + "}" + draw(spaces)).encode()


@COMPARE
@given(messages(), st.booleans())
def test_the_core_and_the_model_read_the_same_from_any_message(text: bytes, client: bool) -> None:
    compare(text, client=client)


@COMPARE
@given(messages(), st.data())
def test_the_core_and_the_model_agree_on_damaged_messages(text: bytes, data: st.DataObject) -> None:
    damaged = bytearray(text)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        match data.draw(st.integers(0, 3)):
            case 0:
                damaged[at:at] = data.draw(
                    st.sampled_from([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"0"])
                )
            case 1:
                damaged[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            case 2:
                del damaged[at : at + data.draw(st.integers(1, 8))]
            case _:
                piece = damaged[at : at + data.draw(st.integers(1, 20))]
                damaged[at:at] = piece
    compare(bytes(damaged))


TOKENS = st.sampled_from(
    [
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"0",
        b"1",
        b"-",
        b".",
        b"e",
        b"E",
        b"+",
        b"true",
        b"false",
        b"null",
        b"\\u",
        b"d83d",
        b"\\ude00",
        b"00",
        b"a",
        b"\x1f",
        b"\x7f",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xc0\x80",
        b"\xff",
        b'"performative"',
        b'"content"',
        b'"inform"',
    ]
)


@COMPARE
@given(st.lists(TOKENS, max_size=24).map(b"".join))
@example(b'"\\ud800"')
@example(b'"\\ud83d\\ude00"')
@example(b'"\\ud83d\\u0041"')
@example(b'"\\ude00\\ud83d"')
def test_content_is_accepted_exactly_when_the_library_accepts_it(content: bytes) -> None:
    try:
        orjson.loads(content)
        good = True
    except orjson.JSONDecodeError:
        good = False
    text = b'{"performative":"inform","content":' + content + b"}"
    if good:
        assert door.parse(text)["fields"]["content"] == content.strip(b" \n")
    else:
        # Only together with what stands around it may it still be JSON: 1,"receiver":2 is no value.
        compare(text)


@COMPARE
@given(st.one_of(st.binary(max_size=80), st.lists(TOKENS, max_size=30).map(b"".join)))
def test_the_core_and_the_model_agree_on_noise(text: bytes) -> None:
    compare(text)


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_the_core_and_the_library_agree_on_every_pair_of_bytes_in_a_string(start: int) -> None:
    accepted = 0
    for lead in range(start, 256, 4):
        for second in range(256):
            content = b'"' + bytes([lead, second]) + b'a"'
            text = b'{"performative":"inform","content":' + content + b"}"
            accepted += compare(text)
    assert accepted > 0


def test_the_core_and_the_library_agree_on_the_borders_of_utf_8() -> None:
    accepted = 0
    for sequence in itertools.product(
        (0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5),
        (0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0),
        (0x7F, 0x80, 0xBF, 0xC0),
        (0x22, 0x7F, 0x80, 0xBF, 0xC0),
    ):
        accepted += compare(b'{"performative":"inform","content":"' + bytes(sequence) + b'"}')
    assert accepted > 0


LARGEST = 2**1024 - 2**970


@pytest.mark.parametrize(
    "number",
    [
        str(LARGEST),
        str(LARGEST - 1),
        str(LARGEST) + ".0",
        str(LARGEST + 1),
        str(LARGEST + 10**8),
        str(LARGEST - 10**8),
        str(LARGEST - 1) + ".9999999999999999999999",
        "-" + str(LARGEST),
        "0." + str(LARGEST) + "e309",
        "0.000" + str(LARGEST - 1) + "e312",
        str(LARGEST)[:5] + "." + str(LARGEST)[5:] + "e304",
        str(LARGEST - 1)[:5] + "." + str(LARGEST - 1)[5:] + "e304",
        str(LARGEST) + "0" * 50 + "e-50",
        "1" + "0" * 308,
        "1" + "0" * 309,
        "1" + "0" * 400 + "e-300",
        "0." + "0" * 400 + "1e709",
        "0." + "0" * 400 + "1e710",
        "0e999999999999999999999999",
        "0.0e400",
        "1e-999999999999999999999999",
        "1e999999999999999999999999",
        "1e00000000000000000000000308",
        "17976931348623157e292",
        "179769313486231580e291",
        "1.7976931348623158079e308",
        "1.7976931348623158080e308",
    ],
)
def test_the_core_and_the_library_agree_where_doubles_end(number: str) -> None:
    compare(b'{"performative":"inform","content":[' + number.encode() + b"]}")
