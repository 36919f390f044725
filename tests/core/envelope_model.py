"""The rules of the envelope a second time, in plain Python over library parsers, to compare with the core.

``orjson`` decides what is JSON. What the envelope refuses beyond that is listed in ``refusal``; the
intended differences are: names given twice, names that messages do not have, more than 64 levels, and
values that a field cannot have.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import TypeAlias

import orjson

PERFORMATIVES = [
    *("accept-proposal", "agree", "cancel", "cfp", "confirm", "disconfirm", "failure", "inform", "inform-if"),
    *("inform-ref", "not-understood", "propagate", "propose", "proxy", "query-if", "query-ref", "refuse"),
    *("reject-proposal", "request", "request-when", "request-whenever", "subscribe"),
]
IDENTIFIERS = (
    "conversation_id",
    "protocol",
    "reply_with",
    "in_reply_to",
    "content_kind",
    "language",
    "encoding",
    "ontology",
)
DELIVERIES = ("at_most_once", "at_least_once", "exactly_once")
CLIENT_FIELDS = ("reply_by_s", "conversation_ttl_s", "max_awards")
FIELDS = (
    "id",
    "performative",
    "sender",
    "receiver",
    "reply_by",
    "reply_to",
    "content",
    "delivery",
    "priority",
    "trace_id",
    "span_id",
    "timestamp",
    *IDENTIFIERS,
    *CLIENT_FIELDS,
)
U64_MAX = 2**64 - 1
CENTURY_S = 3_155_760_000
TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
CYCLE = timedelta(days=146_097)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_0000_MS = -62_167_219_200_000
YEAR_9999_END_MS = 253_402_300_799_999
MS = timedelta(milliseconds=1)

Address: TypeAlias = int | str | dict[str, str]
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | Members | None"


class Refused(Exception):
    """The text is no acceptable message."""


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class Members(list[tuple[str, Value]]):
    """A JSON object with its members as they were written."""


def timestamp_ms(text: str) -> int | None:
    """Return the Unix milliseconds of an RFC 3339 text, None when it is none in years 0000 to 9999."""
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    ms = int((found[7] or "").ljust(3, "0")[:3])
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    if int(found[9] or 0) > 23 or int(found[10] or 0) > 59 or second > 60:
        return None
    # datetime has the years 1 to 9999, and the calendar repeats every 400 years.
    shift = 1 if year < 400 else 0
    try:
        local = datetime(year + 400 * shift, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    start = (local - EPOCH - shift * CYCLE) // MS
    start += (1 if found[8] == "-" else -1) * (offset // MS)
    if second == 60 and start % 86_400_000 != 86_340_000:
        return None
    total = start + second * 1000 + ms
    return total if YEAR_0000_MS <= total <= YEAR_9999_END_MS else None


def seconds_ms(text: str) -> int | None:
    """Return a number of seconds in ms, rounded up; None unless above 0 and at most a century."""
    value = Decimal(text)
    if not 0 < value <= CENTURY_S:
        return None
    if value < Decimal("0.001"):
        return 1
    with localcontext() as context:
        context.prec = len(text) + 10
        return int((value * 1000).to_integral_value(ROUND_CEILING))


def depth(value: Value) -> int:
    """Return how deep a value is nested: 0 for a scalar."""
    deepest = 0
    level = [value]
    while True:
        inner: list[Value] = []
        containers = 0
        for item in level:
            if isinstance(item, dict):
                containers += 1
                inner += item.values()
            elif isinstance(item, list) and not isinstance(item, Members):
                containers += 1
                inner += item
        if containers == 0:
            return deepest
        deepest += 1
        level = inner


def need(condition: object) -> None:
    if not condition:
        raise Refused


def identifier(value: Value) -> str:
    need(isinstance(value, str) and not isinstance(value, Number))
    assert isinstance(value, str)
    need(1 <= len(value.encode()) <= 255 and not re.search(r"[\x00-\x1f\x7f]", value))
    return value


def address(value: Value) -> int | str:
    need(isinstance(value, str))
    assert isinstance(value, str)
    if re.fullmatch(r"[0-9]+", value):
        need(re.fullmatch(r"[1-9][0-9]{0,19}", value) and int(value) <= U64_MAX)
        return int(value)
    need(not isinstance(value, Number) and re.fullmatch(r"[A-Za-z0-9._:-]{1,255}", value))
    return value


def receivers(value: Value) -> list[Address]:
    if isinstance(value, Members):
        need([name for name, _ in value] == ["capability"])
        return [{"capability": identifier(value[0][1])}]
    if isinstance(value, list):
        need(1 <= len(value) <= 1000)
        return [address(item) for item in value]
    return [address(value)]


def digits(value: Value, count: int) -> int:
    need(isinstance(value, str) and not isinstance(value, Number))
    assert isinstance(value, str)
    need(re.fullmatch(f"[0-9A-Fa-f]{{{count}}}", value) and int(value, 16) != 0)
    return int(value, 16)


def uuid(value: Value) -> int:
    need(isinstance(value, str))
    assert isinstance(value, str)
    need(re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value))
    return digits(value.replace("-", ""), 32)


def known(value: int | None) -> int:
    if value is None:
        raise Refused
    return value


def text_of(value: Value) -> str:
    need(isinstance(value, str) and not isinstance(value, Number))
    assert isinstance(value, str)
    return value


def number_of(value: Value) -> str:
    need(isinstance(value, Number))
    assert isinstance(value, Number)
    return value


def whole(value: Value, least: int, most: int) -> int:
    text = number_of(value)
    need(re.fullmatch(r"[0-9]{1,20}", text) and least <= int(text) <= most)
    return int(text)


def member(name: str, value: Value) -> object:
    """Return the meaning of one member, None when it is absent."""
    if name == "content":
        return value
    if value is None:
        return None
    if name in IDENTIFIERS:
        return identifier(value)
    match name:
        case "id":
            return uuid(value)
        case "performative":
            word = re.sub("[_ ]", "-", text_of(value)).translate(
                {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
            )
            need(word in PERFORMATIVES)
            return PERFORMATIVES.index(word)
        case "sender" | "reply_to":
            return address(value)
        case "receiver":
            return receivers(value)
        case "reply_by" | "timestamp":
            return known(timestamp_ms(text_of(value)))
        case "delivery":
            need(text_of(value) in DELIVERIES)
            return DELIVERIES.index(text_of(value))
        case "trace_id":
            return digits(value, 32)
        case "span_id":
            return digits(value, 16)
        case "priority":
            return whole(value, 0, 9)
        case "max_awards":
            return whole(value, 1, 2**32 - 1)
        case _:
            return known(seconds_ms(number_of(value)))


def read(text: bytes, *, client: bool = True) -> dict[str, object]:
    """Return the meaning of each field of a message that is present.

    Raises:
        Refused: the message must not be accepted.
    """
    try:
        parsed: Value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused from error
    need(isinstance(parsed, dict) and depth(parsed) <= 64)
    members: Members = json.loads(text, object_pairs_hook=Members, parse_int=Number, parse_float=Number)
    names = [name for name, _ in members]
    need(len(set(names)) == len(names))
    need(all(name in FIELDS and (client or name not in CLIENT_FIELDS) for name in names))
    result = {name: member(name, value) for name, value in members}
    present = {name: value for name, value in result.items() if value is not None or name == "content"}
    need("performative" in present)
    need(not ("reply_by" in present and "reply_by_s" in present))
    return present
